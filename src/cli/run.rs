use super::board::Board;
use super::decision_log::{self, DecisionLog};
use super::exit::{Exit, Failure};
use super::leading::Leading;
use super::repository::Located;
use super::terminal::Terminal;
use super::{
    Global, applying, changed, connect, listen, prometheus, repository, starting, traces, weights,
};
use crate::backend::sim::{SimulatedLoad, Simulator};
use crate::controller::{Controller, Gauge, Settings, Tally, Turn};
use crate::decide::scaling::DecisionRecord;
use crate::forecast::{CalendarInputs, Trained};
use crate::pipeline::{self, Session};
use crate::port::Measure;
use crate::render::event::{self, EventView};
use crate::render::{tally, turn as render};
use crate::signal::declared;
use crate::spec::Environment;
use crate::units::Span;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How long a turn waits for what a place answers, whatever the interval.
const SHORTEST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Watch the load, look ahead, and move capacity between on-prem and the burst pools
///
/// Decides again and again, and does what it decided. Of several that run for one
/// environment one leads; the others wait to take over. It ends with SIGTERM or
/// Ctrl-C, after the turn that is under way.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Decide once, do that, and end
    #[arg(long)]
    once: bool,
    /// Decide and tell, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print every decision as a line of JSON
    #[arg(long)]
    json: bool,
    /// Between two turns, instead of signals.interval
    #[arg(long, value_name = "SPAN")]
    interval: Option<Span>,
    /// End after so long
    #[arg(long, value_name = "SPAN")]
    r#for: Option<Span>,
    /// Divide every time by this, for a replay that runs faster than life; a
    /// simulated world passes so much faster
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    time_scale: u32,
    /// How to tell what happens: as text, or each thing as a line of JSON
    #[arg(long, value_enum, value_name = "FORM", default_value = "text", conflicts_with = "json")]
    log: Log,
    #[command(flatten)]
    listen: listen::Listen,
    #[command(flatten)]
    traces: traces::Export,
    #[command(flatten)]
    access: prometheus::Access,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Log {
    Text,
    Json,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    applying::block_on(async {
        let resolved = located.resolve(terminal)?;
        let (session, world) = connect::connected(&located, resolved, global, terminal).await?;
        let mut running = Running::begin(args, &located, (session, world), terminal)?;
        let told = running.board.told();
        let turns = running.turns(args, (&located, global), terminal);
        let exit = listen::beside(&args.listen, told, terminal, turns).await;
        running.end().await;
        exit
    })
}

/// A controller with all that stands around it.
struct Running {
    controller: Controller,
    log: DecisionLog,
    leading: Leading,
    world: Option<Arc<Simulator>>,
    interval: Span,
    board: Board,
    traces: traces::Traces,
}

/// Who measures the load: a simulated world's own, or Prometheus.
fn servers(
    access: &prometheus::Access,
    environment: &Environment,
    world: Option<&Arc<Simulator>>,
) -> Result<Vec<Arc<dyn Measure>>, Failure> {
    match (world, &environment.signals) {
        (_, None) => Ok(Vec::new()),
        (Some(world), Some(_)) => {
            let load = SimulatedLoad::new(Arc::clone(world), declared(environment));
            Ok(vec![Arc::new(load)])
        }
        (None, Some(signals)) => prometheus::servers(signals, access),
    }
}

fn calendar(session: &Session) -> Result<CalendarInputs, Failure> {
    let resolved = &session.resolved;
    CalendarInputs::of(&resolved.environment, &resolved.holidays)
        .map_err(|error| Failure::new(Exit::Invalid, error.to_string()))
}

/// The forecaster that the environment names the weights of.
fn trained(session: &Session) -> Result<Option<Trained>, Failure> {
    weights::trained(&session.resolved)
        .map_err(|error| Failure::new(Exit::Invalid, error.to_string()))
}

/// Between two turns.
fn interval(args: &Args, environment: &Environment) -> Result<Span, Failure> {
    let signals = environment.signals.as_ref();
    let declared = signals.map_or(Span::from_secs(15), |signals| signals.interval);
    let interval = args.interval.unwrap_or(declared);
    if interval.duration() < SHORTEST_INTERVAL {
        let message = format!("--interval {interval} leaves the places no time");
        return Err(Failure::usage(message).help("turns are at least 100ms apart"));
    }
    Ok(interval)
}

/// How long a turn waits for what a place answers.
fn patience(args: &Args, interval: Span) -> Duration {
    (interval.duration() / args.time_scale / 2).clamp(SHORTEST_WAIT, LONGEST_WAIT)
}

/// What is spent must be counted over restarts, where the budget says so. A dry run
/// spends nothing, and a simulated world keeps what it is told.
fn can_count(
    args: &Args,
    session: &Session,
    world: Option<&Arc<Simulator>>,
) -> Result<(), Failure> {
    if args.dry_run || world.is_some() {
        return Ok(());
    }
    starting::can_count(&session.resolved.environment, &session.backends)
}

/// Where an environment stands, and who leads it is told.
fn place(environment: &Environment) -> impl PartialEq + use<> {
    let onprem = environment.onprem.as_ref();
    let onprem = onprem.map(|o| (o.provider, o.context.clone(), o.cluster_uid.clone()));
    let aws = environment.aws.as_ref();
    let aws = aws.map(|aws| (aws.provider, aws.account.clone(), aws.lock.clone()));
    (environment.service.namespace.clone(), onprem, aws)
}

impl Running {
    fn begin(
        args: &Args,
        located: &Located,
        (session, world): (Session, Option<Arc<Simulator>>),
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        can_count(args, &session, world.as_ref())?;
        let servers = servers(&args.access, &session.resolved.environment, world.as_ref())?;
        let calendar = calendar(&session)?;
        let environment = &session.resolved.environment;
        let interval = interval(args, environment)?;
        // A world passes faster by itself; else every window is shorter.
        let time_scale = if world.is_some() { 1 } else { args.time_scale };
        let clock = pipeline::clock(&session.backends);
        // Who decides once waits for the forecast: there is no turn in which it would come.
        let aside = world.is_none() && !args.once;
        let gauge = Gauge::new(servers, calendar, Arc::clone(&clock), aside, time_scale)
            .trained(trained(&session)?);
        // A dry run keeps nobody from leading: the lease would be a write too.
        let (leading, fence) = match args.dry_run {
            true => (Leading::Alone, None),
            false => Leading::begin(&session, world.is_some()),
        };
        let unfenced = fence.is_none() && !args.dry_run;
        for message in starting::warnings(&session.limits, unfenced) {
            terminal.note(&event::text(&EventView::Warning { message }, &terminal.err));
        }
        let name = decision_log::name_of(environment.environment.name.as_str(), args.dry_run);
        let root = located.files.root();
        let log = DecisionLog::new(root, &name);
        let log = log.map_err(|error| Failure::file(root, "takes no decision log", &error))?;
        let patience = world.is_none().then(|| patience(args, interval));
        let settings = Settings { dry_run: args.dry_run, time_scale, patience };
        let controller = Controller::new(session, gauge, fence, settings);
        let board = Board::new(interval);
        let traces = traces::Traces::begin(&args.traces)?;
        Ok(Self { controller, log, leading, world, interval, board, traces })
    }

    async fn turns(
        &mut self,
        args: &Args,
        (located, global): (&Located, &Global),
        terminal: &Terminal,
    ) -> Result<Exit, Failure> {
        let ends = |kind| {
            signal(kind).map_err(|error| Failure::new(Exit::Failed, format!("no signals: {error}")))
        };
        let (mut terminated, mut interrupted) =
            (ends(SignalKind::terminate())?, ends(SignalKind::interrupt())?);
        let clock = pipeline::clock(&self.controller.session.backends);
        let began = clock.now();
        let mut before: Option<Turn> = None;
        let look = |controller: &Controller| {
            changed::Files::of(located, controller.session.resolved.weights.as_ref())
        };
        let mut files = look(&self.controller);
        let mut sums = Tally::default();
        loop {
            let now = look(&self.controller);
            if now != files {
                files = now;
                self.reload(args, (located, global), terminal).await;
            }
            let standing = self.leading.standing().await;
            let started = Instant::now();
            let turn = self.controller.turn(&standing).await;
            self.tell(args, terminal, &turn, before.as_ref());
            sums.note(&turn);
            let name = &self.controller.session.resolved.environment.environment.name;
            self.traces.tell(name.as_str(), &standing, &turn);
            self.board.post(&self.controller, &turn, &standing, started.elapsed());
            before = Some(turn);
            let passed = clock.now().duration_since(began).as_millis();
            let over = args.r#for.is_some_and(|most| passed >= i128::from(most.millis()));
            let asked = match args.once || over {
                true => false,
                false => tokio::select! {
                    () = self.pause(args, &*clock, started.elapsed()) => continue,
                    _ = terminated.recv() => true,
                    _ = interrupted.recv() => true,
                },
            };
            // Who only looked on wants to know what came of it, however it ends.
            if (over || asked && args.dry_run) && !args.json {
                terminal.print(&format!("\n{}", tally::text(&sums, args.dry_run, &terminal.out)));
            }
            return self.ended(args, before.as_ref());
        }
    }

    /// How it ends by itself: one that was to decide and do once, and was not let to,
    /// has done nothing.
    fn ended(&self, args: &Args, last: Option<&Turn>) -> Result<Exit, Failure> {
        match last.and_then(|turn| turn.withheld.as_ref()) {
            Some(why) if args.once && !args.dry_run => {
                Err(Failure::new(Exit::Locked, format!("nothing was written: {why}")))
            }
            _ => Ok(Exit::Done),
        }
    }

    /// Goes on with the environment as its files are now; where they are wrong, as
    /// they were.
    async fn reload(
        &mut self,
        args: &Args,
        (located, global): (&Located, &Global),
        terminal: &Terminal,
    ) {
        match self.read_again(args, (located, global), terminal).await {
            Ok(false) => {}
            Ok(true) => terminal.note(&format!("{} has changed, and counts now\n", located.path)),
            Err(failure) => {
                terminal.complain(&failure);
                terminal.note(&format!(
                    "{} cannot be used as it is now: what it said before still counts\n",
                    located.path
                ));
            }
        }
    }

    /// Whether it has changed.
    async fn read_again(
        &mut self,
        args: &Args,
        (located, global): (&Located, &Global),
        terminal: &Terminal,
    ) -> Result<bool, Failure> {
        let resolved = located.resolve(terminal)?;
        let known = &self.controller.session.resolved;
        if resolved.digest == known.digest && resolved.holidays == known.holidays {
            return Ok(false);
        }
        if resolved.environment.environment.name != known.environment.environment.name {
            let message = "the environment has another name now: end this controller, and run that";
            return Err(Failure::new(Exit::Invalid, message));
        }
        if place(&resolved.environment) != place(&known.environment) {
            let message = "the environment stands elsewhere now (its namespace, its cluster, its \
                           account or where its lock lies), and another may lead it there";
            return Err(Failure::new(Exit::Invalid, message)
                .help("end this controller and every other one of it, and run them anew"));
        }
        let interval = interval(args, &resolved.environment)?;
        let (session, world) = connect::connected(located, resolved, global, terminal).await?;
        can_count(args, &session, world.as_ref())?;
        let servers = servers(&args.access, &session.resolved.environment, world.as_ref())?;
        let (calendar, trained) = (calendar(&session)?, trained(&session)?);
        self.world = world;
        self.interval = interval;
        self.board.expect(interval);
        let patience = self.world.is_none().then(|| patience(args, interval));
        self.controller.reload(session, servers, calendar, trained, patience);
        Ok(true)
    }

    /// Until the next turn: turns begin an interval apart, however long they take.
    async fn pause(&self, args: &Args, clock: &dyn crate::clock::Clock, took: Duration) {
        let wall = self.interval.duration() / args.time_scale;
        match &self.world {
            // One that takes longer than that leaves the places some time.
            None => clock.sleep(wall.saturating_sub(took).max(wall / 10)).await,
            Some(_) => {
                tokio::time::sleep(wall).await;
                clock.sleep(self.interval.duration()).await;
            }
        }
    }

    fn tell(&mut self, args: &Args, terminal: &Terminal, turn: &Turn, before: Option<&Turn>) {
        let name = &self.controller.session.resolved.environment.environment.name;
        let record = DecisionRecord::of(name, &turn.scaling).with_forecasters(&turn.load.standings);
        if args.json {
            let line = record.to_line().unwrap_or_default();
            terminal.print(&format!("{line}\n"));
        } else if args.log == Log::Json {
            for entry in render::entries(turn, before) {
                terminal.print(&render::json_line(name.as_str(), &entry));
            }
        } else {
            for line in render::lines(turn, before) {
                terminal.print(&format!("{line}\n"));
            }
        }
        if let Err(error) = self.log.add(&record) {
            terminal.note(&format!("the decision was not recorded: {error}\n"));
        }
    }

    async fn end(self) {
        self.leading.resign().await;
        // Last: nobody leads meanwhile.
        self.traces.end().await;
    }
}
