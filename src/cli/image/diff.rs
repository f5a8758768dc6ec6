use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::recipe::manifest;
use node_image::build::{Listed, diff};
use node_image::card::Driver;
use std::path::PathBuf;

/// How many files are shown unless all are asked for.
const FILES: usize = 20;

/// Show what differs between two images: packages, kernel, driver, files, size
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder that `image build` wrote, or its manifest.json
    before: PathBuf,
    /// The other
    after: PathBuf,
    /// Show every file
    #[arg(long)]
    files: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let (before, after) = (manifest(&args.before)?, manifest(&args.after)?);
    let found = diff(&before, &after);
    if args.json {
        terminal.print(&super::super::schema::pretty(&found));
        return Ok(Exit::Done);
    }
    if found.is_empty() && before.disk == after.disk {
        terminal.print("the images are the same\n");
        return Ok(Exit::Done);
    }
    if let Some((before, after)) = &found.kernel {
        terminal.print(&format!("kernel    {before} -> {after}\n"));
    }
    if let Some((before, after)) = &found.driver {
        terminal.print(&format!("driver    {} -> {}\n", driver(before), driver(after)));
    }
    let (small, large) = found.bytes;
    let (small, large) = (small as f64 / 1e6, large as f64 / 1e6);
    let more = large - small;
    terminal.print(&format!("disk      {small:.1} MB -> {large:.1} MB ({more:+.1})\n"));
    section("packages", &found.packages, usize::MAX, terminal);
    section("programs", &found.programs, usize::MAX, terminal);
    let most = if args.files { usize::MAX } else { FILES };
    section("files", &found.files, most, terminal);
    Ok(Exit::Done)
}

fn section(title: &str, listed: &[Listed], most: usize, terminal: &Terminal) {
    if listed.is_empty() {
        return;
    }
    terminal.print(&format!("{title} ({})\n", listed.len()));
    for one in listed.iter().take(most) {
        let short = |text: &str| text.get(..12).filter(|_| text.len() == 64).map(str::to_owned);
        let said = |text: &Option<String>| {
            text.as_ref().map(|text| short(text).unwrap_or_else(|| text.clone()))
        };
        let line = match (said(&one.before), said(&one.after)) {
            (None, Some(after)) => format!("  + {} {after}\n", one.name),
            (Some(before), None) => format!("  - {} {before}\n", one.name),
            (before, after) => format!(
                "  ~ {} {} -> {}\n",
                one.name,
                before.unwrap_or_default(),
                after.unwrap_or_default()
            ),
        };
        terminal.print(&line);
    }
    if listed.len() > most {
        terminal.print(&format!("  and {} more: --files shows them\n", listed.len() - most));
    }
}

fn driver(driver: &Option<Driver>) -> String {
    driver.as_ref().map_or("none".to_owned(), |d| format!("{} ({})", d.version, d.flavour))
}
