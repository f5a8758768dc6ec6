use super::Global;
use super::exit::{Exit, Failure};
use super::hand;
use super::terminal::Terminal;

/// Take back what was held or set by hand
///
/// For an environment, what was said of the whole of it: what was said of single
/// pools stays, and is shown.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An environment, or one pool of it: `prod`, `prod/h100`
    #[arg(value_name = "ENV[/POOL]")]
    target: String,
    /// Print what is said then as JSON (see `floodway schema hands`)
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let target = hand::target(&args.target)?;
    hand::lay(
        &target,
        args.json,
        (global, terminal),
        |hand, hands| Ok(hands.resume(hand.pool.as_ref())),
        |hand, change| {
            let place = hand.place();
            let left = match change.hands.is_empty() {
                true => "",
                false => " What is listed here still counts.",
            };
            if change.told.is_empty() {
                return format!("Nothing was held or set in {place}.{left}");
            }
            format!("{place} is moved by the controller again.{left}")
        },
    )
}
