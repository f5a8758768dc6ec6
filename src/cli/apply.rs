use super::applying::{Apply, agreed, block_on, show_plan};
use super::exit::{Exit, Failure};
use super::options::{Events, Planning};
use super::phase_watch::PhaseWatch;
use super::repository::{self, Located};
use super::stream::Stream;
use super::terminal::Terminal;
use super::{Global, connect, plan_file, prometheus};
use crate::pipeline::{self, Session};
use crate::plan::Plan;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Make it so: apply an environment, or exactly a saved plan
///
/// Of an environment the plan is shown and you are asked. A saved plan is
/// applied without a question, if the world and the environment are still what
/// it was computed from; else nothing is written and the exit code is 10.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, a path, or a plan saved by `plan --out`
    #[arg(value_name = "ENV|PLANFILE")]
    what: String,
    #[command(flatten)]
    planning: Planning,
    #[command(flatten)]
    events: Events,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    access: prometheus::Access,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let path = Path::new(&args.what);
    Stream::of(args.events.json_into.as_deref(), |stream| {
        if is_saved_plan(path) {
            saved(args, path, global, terminal, stream)
        } else {
            environment(args, global, terminal, stream)
        }
    })
}

fn environment(
    args: &Args,
    global: &Global,
    terminal: &Terminal,
    stream: &Stream,
) -> Result<Exit, Failure> {
    let located = repository::locate(&args.what)?;
    if !args.yes && !terminal.interactive {
        return Err(Failure::usage("there is no terminal to ask on, so nothing was applied")
            .help("pass --yes, or save a plan with `plan --out` and apply that"));
    }
    block_on(async {
        let session = connect::session(&located, global, terminal).await?;
        stream.started("apply", &session);
        let again = format!("floodway apply {}", args.what);
        let watch = PhaseWatch::new(&session, &args.access);
        let apply = Apply { session: &session, located: &located, terminal, stream, watch, again };
        let options = args.planning.options(&session.resolved.environment)?;
        let plan = pipeline::make_plan(&session, &options).await?;
        stream.plan(&plan);
        show_plan(&plan, terminal, false);
        if !plan.has_work() && plan.refusals.is_empty() {
            return Ok(Exit::Done);
        }
        if plan.refusals.is_empty() && !plan.is_empty() && !args.yes && !agreed(terminal, APPLY)? {
            terminal.print("Nothing was applied.\n");
            return Ok(Exit::Failed);
        }
        apply.run(&plan).await
    })
}

fn saved(
    args: &Args,
    path: &Path,
    global: &Global,
    terminal: &Terminal,
    stream: &Stream,
) -> Result<Exit, Failure> {
    let confirmed = args.planning.for_saved()?;
    let mut plan = plan_file::read(path)?;
    if let Some(name) = confirmed {
        plan.confirm(name);
    }
    let located = find(&plan)?;
    block_on(async {
        let session = connect::session(&located, global, terminal).await?;
        of_same_environment(&plan, &session)?;
        stream.started("apply", &session);
        stream.plan(&plan);
        if !plan.has_work() && plan.refusals.is_empty() {
            // That nothing is left to do must still be true.
            pipeline::compare(&session, &plan).await?;
            terminal.print("The plan has no changes.\n");
            return Ok(Exit::Done);
        }
        let again = format!("floodway apply {}", plan.mark.file);
        let watch = PhaseWatch::new(&session, &args.access);
        let apply = Apply { session: &session, located: &located, terminal, stream, watch, again };
        apply.run(&plan).await
    })
}

/// What is asked.
const APPLY: &str = "Apply these changes?";

/// The plan's own environment file, in the repository around here.
fn find(plan: &Plan) -> Result<Located, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::file(Path::new("."), "cannot be read", &error))?;
    let file = here.ancestors().map(|folder| folder.join(&plan.mark.file)).find(|f| f.exists());
    let Some(file) = file else {
        return Err(Failure::new(
            Exit::Stale,
            format!("{} of the plan is not here", plan.mark.file),
        )
        .help("apply the plan in the repository that it was made in"));
    };
    repository::locate(&file.to_string_lossy())
}

fn of_same_environment(plan: &Plan, session: &Session) -> Result<(), Failure> {
    if plan.mark == session.mark {
        return Ok(());
    }
    let (planned, here) = (&plan.mark, &session.mark);
    Err(Failure::new(
        Exit::Refused,
        format!(
            "the plan is of environment {} ({} of {}), and here is {} ({} of {})",
            planned.environment,
            planned.file,
            planned.repository,
            here.environment,
            here.file,
            here.repository
        ),
    ))
}

fn is_saved_plan(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = File::open(path).map(|file| file.take(13).read_to_end(&mut beginning));
    let toml = path.extension().is_some_and(|extension| extension == "toml");
    let environment = toml || repository::locate(&path.to_string_lossy()).is_ok();
    // A damaged plan must be called one, not be looked for as an environment.
    read.is_ok() && path.is_file() && (!environment || beginning == b"floodway-plan")
}
