use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Global, applying, connect, prometheus, repository};
use crate::clock::{Clock as _, SystemClock};
use crate::pipeline;
use crate::render::signals::{self as render, SignalsView};
use crate::signal::{Measured, Policy, declared, readings_of};
use crate::spec::Environment;

/// Show every signal with its value, its age and what to believe of it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Print it as JSON (see `floodway schema signals`)
    #[arg(long)]
    json: bool,
    /// Also show where each was asked for: the query, and the server
    #[arg(long)]
    source: bool,
    #[command(flatten)]
    access: prometheus::Access,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let environment = located.resolve(terminal)?.environment;
    let view = applying::block_on(async {
        let mut measured = ask(&environment, &args.access).await?;
        let unseen = match look(&located, global, terminal).await {
            Ok(seen) => {
                measured.extend(readings_of(&environment, &seen).into_iter().map(Measured::plain));
                None
            }
            // What Prometheus says is shown all the same.
            Err(failure) => Some(failure),
        };
        if let Some(failure) = &unseen {
            terminal.complain(failure);
        }
        let now = SystemClock.now();
        Ok(SignalsView::new(&environment, &measured, unseen.is_some(), now))
    })?;
    if args.json {
        terminal.print(&super::schema::pretty(&view));
    } else {
        terminal.print(&render::text(&view, &terminal.out, args.source));
    }
    Ok(if view.complete { Exit::Done } else { Exit::Failed })
}

/// What the declared queries answer.
async fn ask(
    environment: &Environment,
    access: &prometheus::Access,
) -> Result<Vec<Measured>, Failure> {
    let Some(signals) = &environment.signals else { return Ok(Vec::new()) };
    let queries = declared(environment);
    if queries.is_empty() {
        return Ok(Vec::new());
    }
    let servers = prometheus::servers(signals, access)?;
    let policy = Policy::new(signals.max_age);
    Ok(pipeline::measure(&servers, &queries, policy, &|| SystemClock.now()).await)
}

/// What the cluster and the account hold.
async fn look(
    located: &repository::Located,
    global: &Global,
    terminal: &Terminal,
) -> Result<crate::observe::Inventory, Failure> {
    let session = connect::session(located, global, terminal).await?;
    Ok(pipeline::look(&session, []).await?.inventory)
}
