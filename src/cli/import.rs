use super::applying::{Apply, agreed, block_on, show_plan};
use super::exit::{Exit, Failure};
use super::options::{Events, thing};
use super::stream::Stream;
use super::terminal::Terminal;
use super::{Global, connect, repository};
use crate::observe::ResourceId;
use crate::pipeline;
use crate::render::plan::json;
use crate::spec::Environment;
use std::collections::BTreeSet;

/// Make existing things part of an environment, where they stand
///
/// Shows first what that would change, and asks. What carries somebody else's
/// marks, what the environment would not have, and what would have to be
/// replaced is refused. Nothing else of the environment is touched.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// `Deployment/NAME`; of a group, `AutoScalingGroup/REGION/NAME`, where the
    /// environment has several regions
    #[arg(value_name = "KIND/NAME", required = true)]
    things: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Only show what it would change
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Print that as JSON (see `floodway schema plan`)
    #[arg(long, requires = "dry_run")]
    json: bool,
    #[command(flatten)]
    events: Events,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    Stream::of(args.events.json_into.as_deref(), |stream| import(args, global, terminal, stream))
}

fn import(
    args: &Args,
    global: &Global,
    terminal: &Terminal,
    stream: &Stream,
) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    if !args.yes && !args.dry_run && !terminal.interactive {
        return Err(Failure::usage("there is no terminal to ask on, so nothing was imported")
            .help("look with --dry-run, then pass --yes"));
    }
    block_on(async {
        let session = connect::session(&located, global, terminal).await?;
        stream.started("import", &session);
        let things = named(&args.things, &session.resolved.environment)?;
        let import = pipeline::import_plan(&session, &things).await?;
        // Beside JSON, what is for people does not stand in its way.
        let tell =
            |text: String| if args.json { terminal.note(&text) } else { terminal.print(&text) };
        for id in &import.already {
            tell(format!("{id} is {}'s already.\n", session.mark.environment));
        }
        let Some(plan) = import.plan else {
            tell("Nothing to import.\n".to_owned());
            return Ok(Exit::Done);
        };
        stream.plan(&plan);
        if args.json {
            terminal.print(&super::schema::pretty(&json(&plan)));
        } else {
            show_plan(&plan, terminal, false);
        }
        if args.dry_run {
            return Ok(if plan.refusals.is_empty() { Exit::Done } else { Exit::Refused });
        }
        if plan.refusals.is_empty() && !args.yes && !agreed(terminal, "Import this?")? {
            terminal.print("Nothing was imported.\n");
            return Ok(Exit::Failed);
        }
        let again = format!("floodway import {} {}", args.env, args.things.join(" "));
        let watch = None;
        let apply = Apply { session: &session, located: &located, terminal, stream, watch, again };
        apply.run(&plan).await
    })
}

fn named(things: &[String], environment: &Environment) -> Result<BTreeSet<ResourceId>, Failure> {
    things.iter().map(|text| thing(text, environment)).collect()
}
