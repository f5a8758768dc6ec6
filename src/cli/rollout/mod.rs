mod check;
mod measuring;
mod offline;
mod own_templates;
mod passing;
mod pause;
mod promote;
mod record;
mod records;
mod render;
mod resume;
mod rollback;
mod sandbox;
mod status;

use super::Global;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;

/// Bring an environment from phase to phase
///
/// `render` shows the whole way, `status` how the live phase stands by its criteria,
/// `check` the same for a pipeline. `promote` and `rollback` write the next phase, or
/// the one before, into the environment's file; `record` keeps what is measured before
/// and after. `pause` and `resume` stop what goes out in waves and let it go on.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Render(render::Args),
    Status(status::Args),
    Check(check::Args),
    Promote(promote::Args),
    Rollback(rollback::Args),
    Record(record::Args),
    Pause(pause::Args),
    Resume(resume::Args),
    #[command(name = sandbox::COMMAND, hide = true)]
    RenderTemplates(sandbox::Args),
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.command {
        Command::Render(args) => render::run(args, terminal),
        Command::Status(args) => status::run(args, global, terminal),
        Command::Check(args) => check::run(args, terminal),
        Command::Promote(args) => promote::run(args, terminal),
        Command::Rollback(args) => rollback::run(args, terminal),
        Command::Record(args) => record::run(args, global, terminal),
        Command::Pause(args) => pause::run(args, global, terminal),
        Command::Resume(args) => resume::run(args, global, terminal),
        Command::RenderTemplates(args) => sandbox::run(args, terminal),
    }
}
