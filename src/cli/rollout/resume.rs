use crate::cli::exit::{Exit, Failure};
use crate::cli::hand;
use crate::cli::terminal::Terminal;
use crate::cli::{Global, applying};
use crate::observe::Lifted;

/// Let an environment's rollout go on that is paused, or whose phase was given up
///
/// It begins nothing by itself: apply again. A phase that was given up goes on only
/// with a reason, which `status` shows for a week; its abort criteria are looked at
/// after each wave as before.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Why a phase goes on though it was given up
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Print what is said then as JSON (see `floodway schema hands`)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let target = hand::of_environment(&args.env)?;
    let reason = args.reason.as_deref().map(hand::reason).transpose()?;
    hand::lay(
        &target,
        args.json,
        (global, terminal),
        |hand, hands| {
            let aborted = hands.aborted.as_ref().filter(|aborted| aborted.stands());
            if let (Some(aborted), None) = (aborted, &reason) {
                let place = hand.place();
                let message = format!(
                    "phase {} of {place} was given up: {} was {}, which is {}",
                    aborted.phase, aborted.criterion, aborted.value, aborted.target
                );
                return Err(Failure::usage(message).help(
                    "say with --reason why it goes on all the same; or go back to the phase \
                     before with `floodway rollout rollback`",
                ));
            }
            let (by, at) = (applying::who(), hand.now);
            Ok(hands.go_on(reason.map(|reason| Lifted { reason, by, at })))
        },
        |hand, change| {
            let place = hand.place();
            let gone_on = &change.told;
            match (&gone_on.pause, &gone_on.aborted) {
                (None, None) => format!("Nothing kept the rollout of {place} from going on."),
                (_, Some(aborted)) => {
                    let phase = &aborted.phase;
                    format!("Phase {phase} of {place} may go on: plan and apply again.")
                }
                (Some(_), None) => {
                    format!("The rollout of {place} may go on: plan and apply again.")
                }
            }
        },
    )
}
