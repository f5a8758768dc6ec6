use super::measuring::Measuring;
use super::passing;
use crate::cli::exit::{Exit, Failure};
use crate::cli::repository;
use crate::cli::terminal::Terminal;
use crate::cli::{applying, hand};
use crate::rollout::rollback;
use crate::spec::model::Passage;

/// Write the phase before the live one into an environment's file
///
/// From the first phase it leads to the file without any. Nothing runs differently until
/// it is applied.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Why, for whoever reads the history
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// The time that the history names, in RFC 3339; without it, now
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let resolved = located.resolve(terminal)?;
    let now = Measuring::time(args.at.as_deref())?;
    let reason = hand::reason(&args.reason)?;
    let passing = rollback(&resolved.environment).map_err(|cannot| passing::cannot(&cannot))?;
    let passage = Passage {
        at: now.to_string(),
        from: passing.from,
        to: passing.to,
        by: applying::who(),
        reason: Some(reason),
        overridden: Vec::new(),
    };
    passing::write(&located, &resolved, &passage, args.dry_run, terminal)
}
