use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Global, applying, connect, prometheus, repository};
use crate::clock::{Clock as _, SystemClock, Timestamp};
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
        let measured = ask(&environment, &args.access).await?;
        let seen = match look(&environment, &located, global, terminal).await {
            Ok(seen) => Some(seen),
            Err(failure) => {
                // What Prometheus says is shown all the same.
                terminal.complain(&failure);
                None
            }
        };
        let places = seen.as_ref().map(|(readings, now)| (readings.as_slice(), *now));
        Ok(SignalsView::new(&environment, &measured, places, SystemClock.now()))
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

/// What the cluster and the account tell, and what time it is there.
async fn look(
    environment: &Environment,
    located: &repository::Located,
    global: &Global,
    terminal: &Terminal,
) -> Result<(Vec<Measured>, Timestamp), Failure> {
    let session = connect::session(located, global, terminal).await?;
    let seen = pipeline::look_closely(&session).await?;
    let readings = readings_of(environment, &seen).into_iter().map(Measured::plain).collect();
    Ok((readings, pipeline::clock(&session.backends).now()))
}
