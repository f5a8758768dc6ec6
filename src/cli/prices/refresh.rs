use super::super::exit::{Exit, Failure};
use super::super::repository::{self, counted};
use super::super::terminal::Terminal;
use crate::backend::files::Files;
use crate::backend::offers::{self, Offers};
use crate::diag::Diagnostics;
use crate::spec::{
    self, Catalog, LoadError, Loader as _, MAX_FILE, PRICE_TABLE, PriceRow, is_region, read_prices,
    write_prices,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Write environments/prices.csv from AWS's published price list
///
/// Takes the on-demand prices of Linux on shared hardware out of the bulk offer
/// file of a region, for the types that Floodway knows, that environments here
/// use, or that the table has already. Other rows of the table stay. The file
/// has several hundred megabytes, needs no account, and is read as a stream:
///
///   curl -fO https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonEC2/current/REGION/index.csv
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The offer file of EC2, as CSV
    #[arg(long, value_name = "FILE")]
    offers: PathBuf,
    /// Its region
    #[arg(long, value_name = "REGION")]
    region: String,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    if !is_region(&args.region) {
        return Err(Failure::usage(format!("{:?} is not an AWS region", args.region))
            .help("write it like us-east-1"));
    }
    let path = repository::environments_folder()?.join(PRICE_TABLE);
    let table = existing(&path, terminal)?;
    let mut wanted: BTreeSet<String> = Catalog::shipped().names().map(str::to_owned).collect();
    wanted.extend(table.iter().map(|row| row.instance_type.clone()));
    wanted.extend(used(terminal)?);
    let offers = offered(args, &wanted)?;
    let merged = Merged::new(table, &offers, &args.region);
    let text = write_prices(&merged.rows);
    if text.len() > MAX_FILE {
        return Err(Failure::new(Exit::Failed, format!("{} would be too large", path.display())));
    }
    write(&path, &text)?;
    terminal.print(&merged.report(&path, &args.region, &offers));
    Ok(Exit::Done)
}

/// The table as it is; one that cannot be read is not overwritten.
fn existing(path: &Path, terminal: &Terminal) -> Result<Vec<PriceRow>, Failure> {
    let cannot =
        |error: &(dyn std::error::Error + 'static)| Failure::file(path, "cannot be read", error);
    let (files, name) = Files::around(path).map_err(|error| cannot(&error))?;
    let bytes = match files.load(&name) {
        Ok(loaded) => loaded.bytes,
        Err(LoadError::NotFound) => return Ok(Vec::new()),
        Err(error) => return Err(cannot(&error)),
    };
    let text = String::from_utf8_lossy(&bytes);
    let (file, mut found): (Arc<str>, _) = (name.as_str().into(), Diagnostics::default());
    found.sources.insert(Arc::clone(&file), text.as_ref().into());
    let rows = read_prices(&file, &text, &mut found);
    if found.has_errors() {
        terminal.diagnose(&found);
        let message = format!("{name} has {}, and is left as it is", counted(&found));
        return Err(Failure::new(Exit::Invalid, message).help("mend it, or remove it"));
    }
    Ok(rows)
}

/// The types that the environments here use.
fn used(terminal: &Terminal) -> Result<BTreeSet<String>, Failure> {
    let mut types = BTreeSet::new();
    for name in repository::all()? {
        let located = repository::locate(&name)?;
        match spec::resolve(&located.path, &located.files).0 {
            Some(resolved) => {
                let pools = resolved.environment.aws.into_iter().flat_map(|aws| aws.pools);
                types.extend(pools.flat_map(|(_, pool)| pool.instance_types));
            }
            None => terminal.note(&format!(
                "warning: {} has errors, so the types that it alone uses are not looked for\n",
                located.path
            )),
        }
    }
    Ok(types)
}

fn offered(args: &Args, wanted: &BTreeSet<String>) -> Result<Offers, Failure> {
    let (file, region) = (&args.offers, &args.region);
    let cannot =
        |error: &(dyn std::error::Error + 'static)| Failure::file(file, "cannot be used", error);
    let opened = File::open(file).map_err(|error| cannot(&error))?;
    let offers = offers::read(opened, region, |name| wanted.contains(name));
    offers.map_err(|error| {
        cannot(&error).help(format!(
            "download it with: curl -fO https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/\
             AmazonEC2/current/{region}/index.csv"
        ))
    })
}

/// The table with what is offered.
struct Merged {
    rows: Vec<PriceRow>,
    new: usize,
    /// `g6e.12xlarge: $10.49/h → $9.99/h`
    changed: Vec<String>,
    /// Types of the region that are not offered.
    left: Vec<String>,
}

impl Merged {
    fn new(table: Vec<PriceRow>, offers: &Offers, region: &str) -> Self {
        let key = |row: &PriceRow| (row.instance_type.clone(), row.region.clone());
        let before: BTreeMap<_, _> = table.into_iter().map(|row| (key(&row), row)).collect();
        let mut after = before.clone();
        let (mut new, mut changed) = (0, Vec::new());
        for row in &offers.prices {
            match after.insert(key(row), row.clone()) {
                None => new += 1,
                Some(old) if old.usd_per_hour == row.usd_per_hour => {}
                Some(old) => changed.push(format!(
                    "{}: {} before, {} now",
                    row.instance_type, old.usd_per_hour, row.usd_per_hour
                )),
            }
        }
        let offered: BTreeSet<_> = offers.prices.iter().map(key).collect();
        let left = before.keys().filter(|key| key.1 == region && !offered.contains(*key));
        let left = left.map(|(instance_type, _)| instance_type.clone()).collect();
        Self { rows: after.into_values().collect(), new, changed, left }
    }

    fn report(&self, path: &Path, region: &str, offers: &Offers) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        let path = path.strip_prefix(here).unwrap_or(path);
        let count = offers.prices.len();
        let mut text = format!(
            "Wrote {}: {count} price{} of {region}, published {}; {} new, {} changed.\n",
            path.display(),
            if count == 1 { "" } else { "s" },
            offers.published,
            self.new,
            self.changed.len()
        );
        for change in &self.changed {
            text.push_str(&format!("  {change}\n"));
        }
        if !self.left.is_empty() {
            let list = self.left.join(", ");
            text.push_str(&format!("Not offered, and left with their old date: {list}.\n"));
        }
        text
    }
}

/// So that the file is whole, or as it was.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let beside = path.with_extension(format!("csv.{}.new", std::process::id()));
    let save = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    save().map_err(|error: std::io::Error| {
        let _ = fs::remove_file(&beside);
        Failure::file(path, "cannot be written", &error)
    })
}
