use super::measuring::{Measuring, phase_named};
use super::passing::{self, refused};
use crate::cli::exit::{Exit, Failure};
use crate::cli::repository;
use crate::cli::terminal::Terminal;
use crate::cli::{applying, hand};
use crate::rollout::{Against, promotion};
use crate::spec::model::Passage;

/// Write the next phase into an environment's file
///
/// Refused while an exit criterion of the live phase is not met, of which too little is
/// known, or an abort criterion is; --override passes all the same, and its reason stays
/// in the file's history. Nothing runs differently until it is applied.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// The phase; without it, the next one
    #[arg(long, value_name = "PHASE")]
    to: Option<String>,
    /// Pass though something stands against it
    #[arg(long = "override", requires = "reason")]
    anyway: bool,
    /// Why, for whoever reads the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    measuring: Measuring,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let resolved = located.resolve(terminal)?;
    let environment = &resolved.environment;
    let now = args.measuring.now()?;
    let reason = args.reason.as_deref().map(hand::reason).transpose()?;
    let to = args.to.as_deref().map(|to| phase_named(environment, to)).transpose()?;
    let live = environment.environment.phase.as_ref();
    // What cannot be is said before anybody is asked.
    promotion(environment, to.as_ref(), &[]).map_err(|cannot| passing::cannot(&cannot))?;
    let findings = applying::block_on(args.measuring.findings(environment, live, now))?;
    let passing = promotion(environment, to.as_ref(), &findings);
    let passing = passing.map_err(|cannot| passing::cannot(&cannot))?;
    if !passing.against.is_empty() && !args.anyway {
        return Err(refused(environment, &passing, &findings));
    }
    let passage = Passage {
        at: now.to_string(),
        from: passing.from,
        to: passing.to,
        by: applying::who(),
        reason,
        overridden: passing.against.iter().map(Against::short).collect(),
    };
    passing::write(&located, &resolved, &passage, args.dry_run, terminal)
}
