mod asked;
mod file;
mod measured;
mod plot;
mod score;
mod train;

use super::exit::{Exit, Failure};
use super::terminal::Terminal;

/// Train, score and plot forecasts of the load
///
/// What is forecast is a CSV file of times and values, or the demand of an
/// environment's stage as Prometheus has it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Train(train::Args),
    Score(score::Args),
    Plot(plot::Args),
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.command {
        Command::Train(args) => train::run(args, terminal),
        Command::Score(args) => score::run(args, terminal),
        Command::Plot(args) => plot::run(args, terminal),
    }
}
