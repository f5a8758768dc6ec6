use crate::cli::exit::{Exit, Failure};
use crate::cli::hand;
use crate::cli::terminal::Terminal;
use crate::cli::{Global, applying};
use crate::observe::Pause;

/// Let nothing more of an environment's rollout go out
///
/// Applies are refused before their first write, and one that goes out in waves stops
/// after the wave that it is at. The pause stands on the live environment, until
/// `floodway rollout resume`. What runs goes on; `floodway run` scales as before.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Why, for whoever meets it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print what is said then as JSON (see `floodway schema hands`)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let target = hand::of_environment(&args.env)?;
    let reason = hand::reason(&args.reason)?;
    hand::lay(
        &target,
        args.json,
        (global, terminal),
        |hand, hands| {
            hand.has_a_rollout()?;
            let by = applying::who();
            hands.pause = Some(Pause { reason, by, since: hand.now });
            Ok(())
        },
        |hand, _| {
            let place = hand.place();
            format!(
                "The rollout of {place} is paused until `floodway rollout resume {place}`: an \
                 apply that is under way stops after its wave."
            )
        },
    )
}
