use super::exit::{Exit, Failure};
use super::hand::{self, Until};
use super::terminal::Terminal;
use super::{Global, applying};
use crate::observe::HandHold;

/// Keep the controller from moving an environment's numbers, or one pool's
///
/// A hold stands on the live environment: every controller sees it before its next
/// write. It changes no number by itself.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An environment, or one pool of it: `prod`, `prod/h100`
    #[arg(value_name = "ENV[/POOL]")]
    target: String,
    #[command(flatten)]
    until: Until,
    /// Hold scale-in alone
    #[arg(long, conflicts_with = "scale_out")]
    scale_in: bool,
    /// Hold scale-out alone
    #[arg(long)]
    scale_out: bool,
    /// Why, for whoever meets it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print what is said then as JSON (see `floodway schema hands`)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let target = hand::target(&args.target)?;
    let reason = hand::reason(&args.reason)?;
    hand::lay(
        &target,
        args.json,
        (global, terminal),
        |hand, hands| {
            if let Some(pool) = &hand.pool {
                hand.moved(pool)?;
            }
            let until = args.until.time(hand.now)?;
            hands.hold(HandHold {
                pool: hand.pool.clone(),
                scale_in: !args.scale_out,
                scale_out: !args.scale_in,
                until,
                reason,
                by: applying::who(),
                since: hand.now,
            });
            Ok(until)
        },
        |hand, change| {
            let what = match (args.scale_in, args.scale_out) {
                (true, _) => "scaled in",
                (_, true) => "scaled out",
                _ => "scaled",
            };
            format!("{} is not {what} {}.", hand.place(), hand::lasts(change.told))
        },
    )
}
