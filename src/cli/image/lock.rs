use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::recipe::{cache, diagnosed, failed, find};
use super::stages::Stages;
use node_image::build::{Host, Lock};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Ask the archives which packages a recipe means now, and write them down by digest
///
/// The lock stands beside the recipe: commit it. A build takes these packages and
/// no others, on any day.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under images/ or node-image/images/, or a path
    recipe: String,
    /// Where results of stages are kept; without it, floodway/images in $XDG_CACHE_HOME or ~/.cache
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let found = find(&args.recipe, terminal)?;
    Host::check_apt().map_err(failed)?;
    // One that cannot be read any more is what is to be made anew.
    let old = found.old_lock().ok().flatten();
    let cache = cache(args.cache.as_deref())?;
    let stages = Stages::new(terminal);
    let tell = |progress| stages.tell("", &progress);
    let lock = node_image::build::lock(&found.read, &found.beside(), &cache, &tell);
    drop(stages);
    let lock = lock.map_err(|error| diagnosed(error, terminal))?;
    let file = found.lock_file();
    let text = lock.to_text().map_err(failed)?;
    fs::write(&file, text).map_err(|error| Failure::file(&file, "cannot be written", &error))?;
    for line in changes(old.as_ref(), &lock) {
        terminal.print(&line);
    }
    terminal.print(&format!("{}: {} packages\n", file.display(), lock.packages.len()));
    Ok(Exit::Done)
}

/// What is other than in the lock before.
fn changes(old: Option<&Lock>, new: &Lock) -> Vec<String> {
    let Some(old) = old else { return Vec::new() };
    let versions = |lock: &Lock| -> BTreeMap<String, String> {
        lock.packages.iter().map(|p| (p.name.clone(), p.version.clone())).collect()
    };
    let (old, new) = (versions(old), versions(new));
    let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
    let gone = gone.map(|(name, version)| format!("  - {name} {version}\n"));
    let other = new.iter().filter_map(|(name, version)| match old.get(name) {
        Some(before) if before == version => None,
        Some(before) => Some(format!("  ~ {name} {before} -> {version}\n")),
        None => Some(format!("  + {name} {version}\n")),
    });
    gone.chain(other).collect()
}
