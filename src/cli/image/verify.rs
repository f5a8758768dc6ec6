use super::super::exit::{Exit, Failure};
use super::super::terminal::Terminal;
use super::recipe::{Building, diagnosed};
use super::stages::Stages;
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
    let (found, host, options) = args.building.prepare(false, terminal)?;
    let lock = found.lock()?;
    let stages = Stages::new(terminal);
    let tell = |number: usize, progress| stages.tell(&format!("build {number}  "), &progress);
    let verified = verify(&found.read, &lock, &host, &options, &tell);
    drop(stages);
    let (built, unlike) = verified.map_err(|error| diagnosed(error, terminal))?;
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
