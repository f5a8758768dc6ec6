mod reload;
mod under_way;

use super::board::Board;
use super::changed::ReadFiles;
use super::decision_log::{self, DecisionLog};
use super::ending::Ends;
use super::exit::{Exit, Failure};
use super::leading::Leading;
use super::logging::{Log, Logging};
use super::repository::Located;
use super::terminal::Terminal;
use super::{Global, applying, connect, listen, prometheus, repository, starting, traces, weights};
use crate::backend::sim::{SimulatedLoad, Simulator};
use crate::controller::lead::Standing;
use crate::controller::{Controller, Gauge, Settings, Tally, Turn};
use crate::decide::scaling::DecisionRecord;
use crate::forecast::{CalendarInputs, Trained};
use crate::id::Name;
use crate::observe::Hands;
use crate::pipeline::{self, Session};
use crate::port::Measure;
use crate::render::scaling;
use crate::signal::declared;
use crate::spec::Environment;
use crate::units::Span;
use reload::Untaken;
use std::sync::Arc;
use std::time::{Duration, Instant};
use under_way::UnderWay;

/// How long a turn waits for what a place answers, whatever the interval.
const SHORTEST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
/// The first turn is over by then after a signal, or hangs and is left.
const A_MOMENT: Duration = Duration::from_secs(1);
/// How long a later turn is waited for: what an installed one is given to end is 30 s.
const LAST_TURN: Duration = Duration::from_secs(10);

/// Watch the load, look ahead, and move capacity between on-prem and the burst pools
///
/// Decides again and again, and does what it decided. Of several that run for one
/// environment one leads; the others wait to take over. It ends with SIGTERM or
/// Ctrl-C, after the turn that is under way; at once, where it has not come to its first
/// one.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// Decide once, do that, and end; a leader that is dead is taken over from first
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
    #[command(flatten)]
    logging: Logging,
    #[command(flatten)]
    listen: listen::Listen,
    #[command(flatten)]
    traces: traces::Export,
    #[command(flatten)]
    access: prometheus::Access,
}

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    applying::block_on(async {
        let mut ends = Ends::listen()?;
        let (resolved, files) = located.resolve_noting(terminal);
        let connecting = connect::connected_aside(&located, resolved?, global, terminal);
        let Some(connected) = ends.before(Duration::ZERO, connecting).await else {
            return undecided(args);
        };
        let log = Log::begin(&args.logging, terminal)?;
        let mut running = Running::begin(args, (&located, files), connected?, log)?;
        let told = running.board.told(running.leading.told());
        let turns = running.turns(args, (&located, global), &mut ends, terminal);
        let exit = listen::beside(&args.listen, told, log, turns).await;
        running.end().await;
        exit
    })
}

/// How it ends when a signal has come before its first turn was over: one that was to
/// decide once has not.
fn undecided(args: &Args) -> Result<Exit, Failure> {
    match args.once {
        true => Err(Failure::new(Exit::Failed, "it was ended before it had decided")),
        false => Ok(Exit::Done),
    }
}

/// A controller with all that stands around it.
struct Running {
    controller: Controller,
    /// What the environment was read from.
    files: ReadFiles,
    /// As it is in them, where that could not be taken over yet.
    untaken: Option<Untaken>,
    /// What connects that.
    connecting: UnderWay<connect::Connected>,
    log: Log,
    decisions: DecisionLog,
    /// Why the last decision was not recorded.
    unrecorded: Option<String>,
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

/// A turn as the decision log has it.
fn record(
    name: &Name,
    dry_run: bool,
    standing: &Standing,
    turn: &Turn,
    said: &Hands,
) -> DecisionRecord {
    let (state, leader) = match standing {
        _ if dry_run => ("dry_run", None),
        Standing::Follows { leader } => (standing.state(), Some(leader.as_str())),
        _ => (standing.state(), None),
    };
    let writes = turn.done.iter().map(|done| {
        let came = done.outcome.clone();
        let came = came.map(|came| came.map_err(|error| error.in_a_line()));
        (done.pool.clone(), scaling::words(done, &turn.scaling), came)
    });
    DecisionRecord::of(name, &turn.scaling)
        .with_forecasters(&turn.load.standings)
        .with_standing(state, leader, turn.withheld.as_deref())
        .with_done(writes)
        .with_said(said)
}

impl Running {
    fn begin(
        args: &Args,
        (located, files): (&Located, ReadFiles),
        (session, world): (Session, Option<Arc<Simulator>>),
        log: Log,
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
            false => Leading::begin(&session, world.is_some(), args.once, (interval, log)),
        };
        let unfenced = fence.is_none() && !args.dry_run;
        starting::warnings(&session.limits, unfenced).into_iter().for_each(|text| log.warn(text));
        let name = decision_log::name_of(environment.environment.name.as_str(), args.dry_run);
        let decisions = DecisionLog::new(located.files.root(), &name);
        let patience = world.is_none().then(|| patience(args, interval));
        let settings = Settings { dry_run: args.dry_run, time_scale, patience };
        let controller = Controller::new(session, gauge, fence, settings);
        let board = Board::new(interval);
        let traces = traces::Traces::begin(&args.traces)?;
        Ok(Self {
            controller,
            files,
            untaken: None,
            connecting: UnderWay::default(),
            log,
            decisions,
            unrecorded: None,
            leading,
            world,
            interval,
            board,
            traces,
        })
    }

    async fn turns(
        &mut self,
        args: &Args,
        (located, global): (&Located, &Global),
        ends: &mut Ends,
        terminal: &Terminal,
    ) -> Result<Exit, Failure> {
        let clock = pipeline::clock(&self.controller.session.backends);
        let began = clock.now();
        let mut before: Option<Turn> = None;
        let mut sums = Tally::default();
        loop {
            if self.is_to_reload() {
                let reading = self.reload(args, (located, global), terminal);
                // Where it hangs, the signal is heard again below.
                let _ = ends.before(Duration::ZERO, reading).await;
            }
            let deciding = self.decide();
            // What has begun to write is let finish; before the first, nothing has.
            let moment = before.as_ref().map_or(A_MOMENT, |_| LAST_TURN);
            let decided = ends.before(moment, deciding).await;
            let Some((standing, turn, started)) = decided else { return undecided(args) };
            self.leading.turn_ended();
            self.tell(args, terminal, (&standing, &turn), before.as_ref());
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
                    // What is due is not left to wait for who leads from now on.
                    () = self.leading.begins(&standing) => continue,
                    () = ends.asked() => true,
                },
            };
            // Who only looked on wants to know what came of it, however it ends.
            if (over || asked && args.dry_run) && !args.json {
                self.log.sums(&sums, args.dry_run);
            }
            return self.ended(args, before.as_ref());
        }
    }

    /// How it stands, what its turn came to, and when that began.
    async fn decide(&mut self) -> (Standing, Turn, Instant) {
        let standing = self.leading.standing().await;
        let started = Instant::now();
        let turn = self.controller.turn(&standing).await;
        (standing, turn, started)
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

    fn tell(
        &mut self,
        args: &Args,
        terminal: &Terminal,
        (standing, turn): (&Standing, &Turn),
        before: Option<&Turn>,
    ) {
        let name = &self.controller.session.resolved.environment.environment.name;
        let said = self.controller.said_by_hand();
        let record = record(name, args.dry_run, standing, turn, said);
        if args.json {
            let line = record.to_line().unwrap_or_default();
            terminal.print(&format!("{line}\n"));
        } else {
            self.log.turn(name.as_str(), turn, before);
        }
        let unrecorded = match self.decisions.add(&record) {
            Ok(lost) => {
                lost.into_iter().for_each(|what| self.log.warn(what));
                None
            }
            Err(error) => Some(format!("the decision was not recorded: {error}")),
        };
        // Each is tried anew, and what does not change is told once.
        match (&unrecorded, &self.unrecorded) {
            (Some(why), before) if before.as_ref() != Some(why) => self.log.warn(why.clone()),
            (None, Some(_)) => self.log.note("decisions are recorded again"),
            _ => {}
        }
        self.unrecorded = unrecorded;
    }

    async fn end(self) {
        self.leading.resign().await;
        // Last: nobody leads meanwhile.
        self.traces.end().await;
    }
}
