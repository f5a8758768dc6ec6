use super::exit::{Exit, Failure};
use super::repository;
use super::terminal::Terminal;

/// Print an environment as resolved: all layers, all defaults
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// With the file and line that each value came from
    #[arg(long)]
    origins: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let resolved = repository::locate(&args.env)?.resolve(terminal)?;
    let text = if args.origins { resolved.to_toml_with_origins() } else { resolved.to_toml() };
    terminal.print(&text);
    Ok(Exit::Done)
}
