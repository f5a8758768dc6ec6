use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::recipe::{Building, failed, line};
use node_image::build::verify;

/// Build an image twice, and compare the disks bit by bit
///
/// In two empty folders, the second time later and with everything that has no order
/// taken from its end. What differs is named by partition and file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    building: Building,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let (found, host, options) = args.building.prepare(terminal)?;
    let lock = found.lock()?;
    std::fs::create_dir_all(&options.cache)
        .map_err(|error| Failure::file(&options.cache, "cannot be made", &error))?;
    let within = tempfile::Builder::new().prefix("verify-").tempdir_in(&options.cache);
    let within = within.map_err(|e| Failure::file(&options.cache, "cannot be written", &e))?;
    let tell = |number: usize, progress| {
        if let Some(line) = line(&progress) {
            terminal.note(&format!("  build {number}{line}"));
        }
    };
    let verified = verify(&found.read, &lock, &host, &options, within.path(), &tell);
    let (built, unlike) = verified.map_err(failed)?;
    if unlike.is_empty() {
        terminal.print(&format!("the same twice: {}\n", built.manifest.disk.sha256));
        return Ok(Exit::Done);
    }
    for one in &unlike {
        let place = match &one.file {
            Some(file) => format!("{}: {file}", one.partition),
            None => one.partition.clone(),
        };
        terminal.print(&format!("{place}\n  first   {}\n  second  {}\n", one.first, one.second));
    }
    Err(Failure::new(Exit::Failed, "two builds of one recipe are not the same"))
}
