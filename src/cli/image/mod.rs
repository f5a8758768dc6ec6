#[cfg(feature = "aws")]
mod around;
#[cfg(feature = "image")]
mod boot;
#[cfg(feature = "image")]
mod booting;
#[cfg(feature = "image")]
mod build;
#[cfg(feature = "image")]
mod diff;
#[cfg(feature = "aws")]
mod list;
#[cfg(feature = "image")]
mod lock;
#[cfg(feature = "image")]
mod machine;
#[cfg(feature = "aws")]
mod moved;
#[cfg(feature = "aws")]
mod places;
#[cfg(feature = "aws")]
mod promote;
#[cfg(feature = "aws")]
mod prune;
#[cfg(feature = "aws")]
mod publish;
#[cfg(feature = "image")]
mod recipe;
#[cfg(feature = "aws")]
mod rollback;
#[cfg(feature = "image")]
mod stages;
#[cfg(feature = "aws")]
mod starts;
mod tested;
#[cfg(feature = "image")]
mod verify;
#[cfg(feature = "aws")]
mod watching;

use super::exit::{Exit, Failure};
use super::terminal::Terminal;

/// Build, test and publish the image that burst nodes start from
///
/// `build` makes a disk from a recipe, `boot` proves that it starts, `publish` brings it
/// into AWS, and a channel says which build is meant: `publish` puts one into
/// `candidate`, `promote` brings it to `stable`, `rollback` takes it back, and `plan`
/// shows what that changes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    #[cfg(feature = "image")]
    Lock(lock::Args),
    #[cfg(feature = "image")]
    Build(build::Args),
    #[cfg(feature = "image")]
    Verify(verify::Args),
    #[cfg(feature = "image")]
    Boot(boot::Args),
    #[cfg(feature = "image")]
    Diff(diff::Args),
    #[cfg(feature = "aws")]
    Publish(publish::Args),
    #[cfg(feature = "aws")]
    Promote(promote::Args),
    #[cfg(feature = "aws")]
    Rollback(rollback::Args),
    #[cfg(feature = "aws")]
    List(list::Args),
    #[cfg(feature = "aws")]
    Prune(prune::Args),
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.command {
        #[cfg(feature = "image")]
        Command::Lock(args) => lock::run(args, terminal),
        #[cfg(feature = "image")]
        Command::Build(args) => build::run(args, terminal),
        #[cfg(feature = "image")]
        Command::Verify(args) => verify::run(args, terminal),
        #[cfg(feature = "image")]
        Command::Boot(args) => boot::run(args, terminal),
        #[cfg(feature = "image")]
        Command::Diff(args) => diff::run(args, terminal),
        #[cfg(feature = "aws")]
        Command::Publish(args) => publish::run(args, terminal),
        #[cfg(feature = "aws")]
        Command::Promote(args) => promote::run(args, terminal),
        #[cfg(feature = "aws")]
        Command::Rollback(args) => rollback::run(args, terminal),
        #[cfg(feature = "aws")]
        Command::List(args) => list::run(args, terminal),
        #[cfg(feature = "aws")]
        Command::Prune(args) => prune::run(args, terminal),
    }
}
