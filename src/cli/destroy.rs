use super::applying::{Apply, block_on, show_plan};
use super::exit::{Exit, Failure};
use super::options::Events;
use super::stream::Stream;
use super::terminal::Terminal;
use super::{Global, connect, repository};
use crate::pipeline;
use crate::plan::PlanOptions;

/// Take everything of an environment away, drained first
///
/// Asks for the environment's name. Without a terminal, --confirm gives it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// The environment's name, instead of being asked for it
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// End instances at once, with their groups, instead of draining them; in a
    /// protected environment this asks how many, and without a terminal the number
    /// is given here
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true)]
    force_instances: Option<Option<u32>>,
    /// The service's namespace too, if nothing foreign is left in it
    #[arg(long)]
    namespace: bool,
    #[command(flatten)]
    events: Events,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    Stream::of(args.events.json_into.as_deref(), |stream| destroy(args, global, terminal, stream))
}

fn destroy(
    args: &Args,
    global: &Global,
    terminal: &Terminal,
    stream: &Stream,
) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    if args.confirm.is_none() && !terminal.interactive {
        return Err(Failure::usage("there is no terminal to ask on, so nothing was destroyed")
            .help("pass the environment's name with --confirm NAME"));
    }
    block_on(async {
        let session = connect::session(&located, global, terminal).await?;
        stream.started("destroy", &session);
        let again = format!("floodway destroy {}", args.env);
        let watch = None;
        let apply = Apply { session: &session, located: &located, terminal, stream, watch, again };
        let options = PlanOptions {
            confirm: args.confirm.clone(),
            force_instances: args.force_instances.is_some(),
            ..PlanOptions::default()
        };
        let mut plan = pipeline::destroy_plan(&session, &options, args.namespace).await?;
        stream.plan(&plan);
        show_plan(&plan, terminal, false);
        if plan.is_empty() && plan.refusals.is_empty() {
            return Ok(Exit::Done);
        }
        let name = &session.mark.environment;
        let given = match &args.confirm {
            Some(given) => given.clone(),
            None => terminal
                .ask(&format!("To destroy all of this, type the environment's name ({name}): "))
                .map_err(|error| Failure::new(Exit::Failed, format!("no answer: {error}")))?,
        };
        if given != *name {
            return Err(Failure::new(
                Exit::Refused,
                format!("`{given}` is not the environment's name, so nothing was destroyed"),
            ));
        }
        let protected = session.resolved.environment.environment.protected;
        if protected && plan.ends_at_once() > 0 {
            confirm_instances(args, terminal, plan.ends_at_once())?;
        }
        plan.confirm(&given);
        apply.run(&plan).await
    })
}

/// Asks a second time, for what cannot be taken back.
fn confirm_instances(args: &Args, terminal: &Terminal, ends: u32) -> Result<(), Failure> {
    let given = match args.force_instances.flatten() {
        Some(given) => given.to_string(),
        None if !terminal.interactive => {
            return Err(Failure::usage(
                "there is no terminal to ask how many instances end at once, so nothing was destroyed",
            )
            .help(format!("read the plan; if that is meant, pass --force-instances={ends}")));
        }
        None => terminal
            .ask("These instances end without finishing their work. Type how many end at once: ")
            .map_err(|error| Failure::new(Exit::Failed, format!("no answer: {error}")))?,
    };
    if given == ends.to_string() {
        return Ok(());
    }
    let would = if ends == 1 { "1 instance".to_owned() } else { format!("{ends} instances") };
    Err(Failure::new(
        Exit::Refused,
        format!("{would} would end at once, not `{given}`, so nothing was destroyed"),
    ))
}
