mod refresh;

use super::exit::{Exit, Failure};
use super::repository;
use super::terminal::Terminal;
use crate::render::prices::{self as render, PricesView};

/// Show what the capacity of an environment costs, as of when, and who says so
///
/// What `[aws.prices]` says wins, then prices.csv beside the environment, then
/// the list prices of us-east-1 that ship with Floodway. What none of them has
/// is unknown. Touches no place: spot prices are in plans.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// A name under environments/, or a path
    #[arg(required = true)]
    env: Option<String>,
    /// Print it as JSON (see `floodway schema prices`)
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Refresh(refresh::Args),
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let env = match (&args.command, &args.env) {
        (Some(Command::Refresh(args)), _) => return refresh::run(args, terminal),
        (None, Some(env)) => env,
        (None, None) => return Err(Failure::usage("whose prices? name an environment")),
    };
    let located = repository::locate(env)?;
    let resolved = located.resolve(terminal)?;
    let view = PricesView::new(&located.mark(&resolved), &resolved);
    if args.json {
        terminal.print(&super::schema::pretty(&view));
    } else {
        terminal.print(&render::text(&view, &terminal.out));
    }
    Ok(Exit::Done)
}
