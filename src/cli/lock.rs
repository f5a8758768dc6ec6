use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Global, applying, connect, repository};
use crate::pipeline::{self, Holding};
use crate::render::lock::{self as render, LocksView};

/// Look at the lock that keeps two applies apart, or take it away from its holder
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
        let session = connect::session(&located, global, terminal).await?;
        Ok(view(&args.env, pipeline::held_locks(&session).await?.as_deref()))
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
        let session = connect::session(&located, global, terminal).await?;
        let holdings = pipeline::held_locks(&session).await?;
        terminal.print(&render::text(&view(&args.env, holdings.as_deref()), &terminal.out));
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
            let held = &holding.held;
            terminal.print(&render::broken_text(&held.holder, broken, &terminal.out));
        }
        Ok(Exit::Done)
    })
}

fn view(env: &str, holdings: Option<&[Holding]>) -> LocksView {
    let held: Option<Vec<_>> =
        holdings.map(|all| all.iter().map(|holding| holding.held.clone()).collect());
    LocksView::new(env, held.as_deref())
}
