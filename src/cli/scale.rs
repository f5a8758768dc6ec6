use super::exit::{Exit, Failure};
use super::hand::{self, Until};
use super::terminal::Terminal;
use super::{Global, applying};
use crate::observe::Override;

/// Set a pool's number by hand, for a time
///
/// The controller makes it so and moves the pool again afterwards; a cost cap and
/// the pool's bounds stay where they are.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// The pool
    pool: String,
    /// How many units: replicas on-prem, instances of a burst pool
    #[arg(value_name = "N")]
    units: u32,
    #[command(flatten)]
    until: Until,
    /// Why, for whoever meets it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print what is said then as JSON (see `floodway schema hands`)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    if !args.until.is_said() {
        return Err(Failure::usage("a number that is set by hand needs an end")
            .help("pass --for 2h, or --until TIME"));
    }
    let target = hand::of_pool(&args.env, &args.pool)?;
    let reason = hand::reason(&args.reason)?;
    hand::lay(
        &target,
        args.json,
        (global, terminal),
        |hand, hands| {
            let pool = hand.pool.clone().ok_or_else(|| Failure::usage("no pool is named"))?;
            let bounds = hand.moved(&pool)?;
            if !(bounds.min..=bounds.max).contains(&args.units) {
                let message = format!(
                    "{} is not within the {} to {} of pool {pool}",
                    args.units, bounds.min, bounds.max
                );
                return Err(Failure::usage(message).help("change its bounds in the file"));
            }
            let until = args.until.time(hand.now)?;
            let (by, since) = (applying::who(), hand.now);
            hands.set(Override { pool, units: args.units, until, reason, by, since });
            Ok(until)
        },
        |hand, change| {
            format!("{} is set to {} {}.", hand.place(), args.units, hand::lasts(change.told))
        },
    )
}
