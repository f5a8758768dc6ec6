use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use clap::CommandFactory;
use clap_mangen::Man;
use std::path::PathBuf;

/// Print the manual page, or write all of them into a folder
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write floodway.1 and one page per command here
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let command = super::Cli::command();
    if let Some(folder) = &args.into {
        clap_mangen::generate_to(command, folder)
            .map_err(|error| Failure::file(folder, "cannot be written", &error))?;
        return Ok(Exit::Done);
    }
    let mut text = Vec::new();
    Man::new(command)
        .render(&mut text)
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    terminal.print(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}
