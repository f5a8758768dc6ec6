use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{decision_log, repository};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::decide::scaling::in_force;
use crate::render::scaling;

/// Explain a decision of the controller: what it saw, what it wanted, and what held it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// The decision that was in force then, and not the last one
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Print it as JSON, as the log has it
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let environment = located.resolve(terminal)?.environment.environment.name;
    let records = decision_log::read(located.files.root(), environment.as_str())?;
    let Some(last) = records.last() else {
        return Err(Failure::new(Exit::Failed, "no decision is on record here").help(format!(
            "the controller records them where it runs: `floodway run {}`",
            args.env
        )));
    };
    // A simulated world has a clock of its own.
    let at = args.at.unwrap_or_else(|| SystemClock.now().max(last.scaling.at));
    let Some(record) = in_force(&records, at) else {
        let first = records.first().map_or(at, |first| first.scaling.at);
        let message = format!("the log begins at {first}: what was decided before is not known");
        return Err(Failure::new(Exit::Failed, message));
    };
    if args.json {
        terminal.print(&super::schema::pretty(record));
    } else {
        terminal.print(&scaling::text(record, &terminal.out));
    }
    Ok(Exit::Done)
}
