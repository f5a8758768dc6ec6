use super::exit::{Exit, Failure};
use super::options::{Events, Planning};
use super::stream::Stream;
use super::terminal::Terminal;
use super::{Global, applying, connect, output, plan_file, repository};
use crate::pipeline;
use crate::plan::Plan;
use crate::render::plan as render;
use std::path::{Path, PathBuf};

/// Show what apply would change, and why
///
/// Reads the places and changes nothing. Where the server lets us, every change
/// has passed its own dry run before it is shown.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    #[command(flatten)]
    planning: Planning,
    #[command(flatten)]
    events: Events,
    /// Exit with 2 if there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// Save the plan, for `floodway apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the plan as JSON (see `floodway schema plan`)
    #[arg(long)]
    json: bool,
    /// Show new things whole
    #[arg(long, short)]
    verbose: bool,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    if let Some(out) = &args.out {
        output::must_not_be_read(out, "--out")?;
        if args.events.json_into.as_ref() == Some(out) {
            return Err(Failure::usage("`--out` and `--json-into` name the same file"));
        }
    }
    Stream::of(args.events.json_into.as_deref(), |stream| plan(args, global, terminal, stream))
}

fn plan(
    args: &Args,
    global: &Global,
    terminal: &Terminal,
    stream: &Stream,
) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let plan = applying::block_on(async {
        let session = connect::session(&located, global, terminal).await?;
        stream.started("plan", &session);
        let options = args.planning.options(&session.resolved.environment)?;
        Ok(pipeline::make_plan(&session, &options).await?)
    })?;
    stream.plan(&plan);
    if let Some(path) = &args.out {
        plan_file::write(path, &plan)?;
    }
    if args.json {
        terminal.print(&super::schema::pretty(&render::json(&plan)));
    } else {
        applying::show_plan(&plan, terminal, args.verbose);
        if let Some(path) = &args.out {
            terminal.print(&saved(&plan, path));
        }
    }
    Ok(if !plan.refusals.is_empty() {
        Exit::Refused
    } else if args.detailed_exitcode && !plan.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// What can be done with the saved plan.
fn saved(plan: &Plan, path: &Path) -> String {
    let (file, name) = (path.display(), &plan.mark.environment);
    let mut confirmed = plan.clone();
    confirmed.confirm(name);
    if plan.refusals.is_empty() {
        format!("Saved. Apply exactly this with: floodway apply {file}\n")
    } else if confirmed.refusals.is_empty() {
        format!("Saved. If that is meant: floodway apply {file} --confirm {name}\n")
    } else {
        format!("Saved to be looked at with: floodway show {file}\nIt cannot be applied.\n")
    }
}
