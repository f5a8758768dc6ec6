use super::exit::{Exit, Failure};
use super::repository::Located;
use super::terminal::Terminal;
use super::{Global, applying, connect, leading, repository};
use crate::pipeline::{self, Holding, Session};
use crate::port::Backends;
use crate::render::lock::{self as render, LocksView};
use std::sync::Arc;

/// Look at the lock that keeps two applies apart, or at the lease of the controller that
/// leads, or take it away from its holder
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Show(Show),
    Break(Break),
}

/// Show who applies, since when, and whether they still live
#[derive(Debug, clap::Args)]
struct Show {
    /// A name under environments/, or a path
    env: String,
    /// Show which controller leads instead
    #[arg(long)]
    lead: bool,
    /// Print it as JSON (see `floodway schema lock`)
    #[arg(long)]
    json: bool,
}

/// Take the lock away from who holds it
///
/// An apply that still runs notices at its next heartbeat and stops before its
/// next write. A lock that is taken anew meanwhile is not touched.
#[derive(Debug, clap::Args)]
struct Break {
    /// A name under environments/, or a path
    env: String,
    /// Take the lease away from the controller that leads instead
    #[arg(long)]
    lead: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.what {
        What::Show(args) => show(args, global, terminal),
        What::Break(args) => break_it(args, global, terminal),
    }
}

fn show(args: &Show, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let view = applying::block_on(async {
        let session = session(&located, args.lead, global, terminal).await?;
        let holdings = pipeline::held_locks(&session).await?;
        Ok(view(&args.env, args.lead, holdings.as_deref()))
    })?;
    if args.json {
        terminal.print(&super::schema::pretty(&view));
    } else {
        terminal.print(&render::text(&view, &terminal.out));
    }
    Ok(Exit::Done)
}

fn break_it(args: &Break, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    if !args.yes && !terminal.interactive {
        return Err(Failure::usage("there is no terminal to ask on, so no lock was broken")
            .help("look with `floodway lock show`, then pass --yes"));
    }
    applying::block_on(async {
        let session = session(&located, args.lead, global, terminal).await?;
        let holdings = pipeline::held_locks(&session).await?;
        let view = view(&args.env, args.lead, holdings.as_deref());
        terminal.print(&render::text(&view, &terminal.out));
        let holdings = holdings.unwrap_or_default();
        if holdings.is_empty() {
            return Ok(Exit::Done);
        }
        if !args.yes && !applying::agreed(terminal, "Take it away?")? {
            terminal.print("Nothing was broken.\n");
            return Ok(Exit::Failed);
        }
        for holding in &holdings {
            let broken = pipeline::break_lock(&session, holding).await?;
            let holder = &holding.held.holder;
            terminal.print(&match broken && args.lead {
                true => format!(
                    "Broken: it was {holder}'s. If that controller still runs, it notices at its \
                     next heartbeat, and then whoever looks first leads.\n"
                ),
                false => render::broken_text(holder, broken, &terminal.out),
            });
        }
        Ok(Exit::Done)
    })
}

async fn session(
    located: &Located,
    lead: bool,
    global: &Global,
    terminal: &Terminal,
) -> Result<Session, Failure> {
    let session = connect::session(located, global, terminal).await?;
    Ok(if lead { of_controllers(session) } else { session })
}

/// The session with the lease of its controllers in the place of the locks of applies.
fn of_controllers(mut session: Session) -> Session {
    let lease = leading::place(&session).map(|(_, lease)| Arc::clone(lease));
    let Backends { kubernetes, aws } = &mut session.backends;
    for backend in [kubernetes, aws].into_iter().flatten() {
        let leads = backend.leadership.clone();
        backend.lock = leads.filter(|own| lease.as_ref().is_some_and(|l| Arc::ptr_eq(l, own)));
    }
    session
}

fn view(env: &str, lead: bool, holdings: Option<&[Holding]>) -> LocksView {
    let held: Option<Vec<_>> =
        holdings.map(|all| all.iter().map(|holding| holding.held.clone()).collect());
    let view = LocksView::new(env, held.as_deref());
    match lead {
        true => LocksView { summary: who_leads(env, &view), ..view },
        false => view,
    }
}

fn who_leads(env: &str, view: &LocksView) -> String {
    match view.held.first() {
        None if view.lockable => format!("No controller leads {env}."),
        None => format!("No place that {env} is connected to tells who leads it."),
        Some(lease) if lease.expired => format!(
            "The lease of {env} has run out: {} is taken for dead, and the next controller takes \
             it over.",
            lease.holder
        ),
        Some(lease) => format!("{} leads {env}.", lease.holder),
    }
}
