use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Global, applying, connect, prometheus, repository};
use crate::backend::sim::{SimulatedLoad, Simulator};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::pipeline::{self, Session};
use crate::port::Measure;
use crate::render::signals::{self as render, SignalsView};
use crate::signal::{Measured, Policy, declared, readings_of};
use crate::spec::Environment;
use std::sync::Arc;

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
    let resolved = located.resolve(terminal)?;
    let environment = resolved.environment.clone();
    let view = applying::block_on(async {
        let connected = connect::connected(&located, resolved, global, terminal).await;
        let world = connected.as_ref().ok().and_then(|(_, world)| world.as_ref());
        let source = source(&environment, &args.access, world)?;
        let measured = ask(&environment, &source).await;
        let seen = async { look(&environment, connected?.0).await }.await;
        // What is measured is shown all the same.
        let seen = seen.map_err(|failure| terminal.complain(&failure)).ok();
        let places = seen.as_ref().map(|(readings, now)| (readings.as_slice(), *now));
        Ok(SignalsView::new(&environment, &measured, places, source.clock.now()))
    })?;
    if args.json {
        terminal.print(&super::schema::pretty(&view));
    } else {
        terminal.print(&render::text(&view, &terminal.out, args.source));
    }
    Ok(if view.complete { Exit::Done } else { Exit::Failed })
}

/// Who measures, and what time it is there.
struct Source {
    servers: Vec<Arc<dyn Measure>>,
    clock: Arc<dyn Clock>,
}

/// A simulated world that has a load measures it; all else is Prometheus' matter.
fn source(
    environment: &Environment,
    access: &prometheus::Access,
    world: Option<&Arc<Simulator>>,
) -> Result<Source, Failure> {
    let queries = declared(environment);
    if let Some(world) = world
        && world.has_a_load()?
    {
        let load = SimulatedLoad::new(Arc::clone(world), queries);
        return Ok(Source { servers: vec![Arc::new(load)], clock: Arc::clone(world) as _ });
    }
    let servers = match &environment.signals {
        Some(signals) if !queries.is_empty() => prometheus::servers(signals, access)?,
        _ => Vec::new(),
    };
    Ok(Source { servers, clock: Arc::new(SystemClock) })
}

/// What the declared queries answer.
async fn ask(environment: &Environment, source: &Source) -> Vec<Measured> {
    let Some(signals) = &environment.signals else { return Vec::new() };
    let policy = Policy::new(signals.max_age).within(signals.timeout);
    let now = || source.clock.now();
    pipeline::measure(&source.servers, &declared(environment), policy, &now).await
}

/// What the cluster and the account tell, and what time it is there.
async fn look(
    environment: &Environment,
    session: Session,
) -> Result<(Vec<Measured>, Timestamp), Failure> {
    let seen = pipeline::look_closely(&session).await?;
    let readings = readings_of(environment, &seen).into_iter().map(Measured::plain).collect();
    Ok((readings, pipeline::clock(&session.backends).now()))
}
