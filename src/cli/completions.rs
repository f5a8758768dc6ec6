use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print a shell's completions
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "floodway", &mut text);
    terminal.print(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}
