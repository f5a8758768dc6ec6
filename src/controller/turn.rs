//! One turn of the controller: look, measure, decide, do.

use super::drains::{Drains, Went};
use super::gauge::{Gauge, Load};
use super::launches::Launches;
use super::lead::{Fence, Standing};
use super::left::{LeftOver, left_over};
use super::notes::{self, Notes, Noting};
use super::seen::{Beside, seen};
use super::spend::Spend;
use super::tell;
use super::writes::{Shrink, Write, writes};
use crate::clock::{Clock, Timestamp};
use crate::decide::scaling::{
    Delays, Memory, Mode, Scaling, ScalingInput, Seen, Spent, StageDemand, Tuning, scale,
};
use crate::decide::{PlanningInput, Supply};
use crate::forecast::CalendarInputs;
use crate::id::Name;
use crate::observe::{Gap, HandHold, Hands, Health, Inventory, Ownership, Side, Wait};
use crate::pipeline::{self, Session};
use crate::plan::{PortError, Step};
use crate::port::{Backend, Drain, FailureKind, Leaving, Measure};
use crate::spec::Environment;
use crate::units::Span;
use futures::future::{join, join_all};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How often what changes rarely is asked for: images, subnets, prices, quotas.
const FACTS: Duration = Duration::from_secs(600);

/// How a controller runs.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// It decides and tells, and writes nothing.
    pub dry_run: bool,
    /// By what every time is divided, for a replay that runs faster than life.
    pub time_scale: u32,
}

/// A controller of one environment. What it remembers costs time if it is lost,
/// and nothing else.
pub struct Controller {
    /// The environment, and its places.
    pub session: Session,
    settings: Settings,
    tuning: Tuning,
    gauge: Gauge,
    fence: Option<Fence>,
    clock: Arc<dyn Clock>,
    world: World,
    memory: Memory,
    hands: Hands,
    noting: Noting,
    /// How long launches take.
    pub launches: Launches,
    /// What burst has cost.
    pub spend: Spend,
    /// Units on their way out.
    pub drains: Drains,
}

/// What was seen last of each side.
#[derive(Default)]
struct World {
    sides: BTreeMap<Side, Inventory>,
    at: BTreeMap<Side, Timestamp>,
    /// When what changes rarely was asked for last.
    facts_at: Option<Timestamp>,
    seen: Seen,
}

/// What one turn came to.
#[derive(Debug, Clone)]
pub struct Turn {
    /// What was decided.
    pub scaling: Scaling,
    /// What was measured and expected.
    pub load: Load,
    /// What burst has cost so far.
    pub spent: Spent,
    /// What is paid for and serves nothing.
    pub left: Vec<LeftOver>,
    /// The sides that could not be seen, and why.
    pub unseen: BTreeMap<Side, String>,
    /// What was written, or would have been.
    pub done: Vec<Done>,
    /// Why nothing was written; none: what was decided was done.
    pub withheld: Option<String>,
}

/// A write, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// The pool it is about.
    pub pool: Name,
    /// What.
    pub step: Step,
    /// None: it was only shown.
    pub outcome: Option<Result<(), PortError>>,
}

impl Controller {
    /// One that has seen nothing yet. Without a `fence` nobody else leads.
    pub fn new(session: Session, gauge: Gauge, fence: Option<Fence>, settings: Settings) -> Self {
        let clock = pipeline::clock(&session.backends);
        Self {
            tuning: Tuning::default().faster(settings.time_scale),
            session,
            settings,
            gauge,
            fence,
            clock,
            world: World::default(),
            memory: Memory::default(),
            hands: Hands::default(),
            noting: Noting::default(),
            launches: Launches::default(),
            spend: Spend::default(),
            drains: Drains::default(),
        }
    }

    /// Goes on with the environment as it is now, and with what was learned.
    pub fn reload(
        &mut self,
        session: Session,
        servers: Vec<Arc<dyn Measure>>,
        calendar: CalendarInputs,
    ) {
        self.gauge.reconnect(servers, calendar);
        self.clock = pipeline::clock(&session.backends);
        self.session = session;
    }

    /// Looks, measures, decides, and does what `standing` allows.
    pub async fn turn(&mut self, standing: &Standing) -> Turn {
        let now = self.clock.now();
        self.go_on_leading(standing).await;
        let asked = self.world.asks(now);
        let sides = [Side::Kubernetes, Side::Aws];
        let looks = join_all(sides.map(|side| look(&self.session, side, asked)));
        let (looks, said) = join(looks, pipeline::hands(&self.session)).await;
        let hands = self.hands(said);
        // The load last: what it asks for is then done at once.
        let environment = &self.session.resolved.environment;
        let load = self.gauge.read(environment, now).await;
        let mut unseen = BTreeMap::new();
        for (side, look) in looks.into_iter().flatten() {
            match look {
                Ok(inventory) => self.world.note(side, inventory, (now, asked)),
                Err(error) => {
                    unseen.insert(side, error);
                }
            }
        }
        let inventory = self.world.whole(now);
        if !unseen.contains_key(&Side::Aws) {
            self.drains.settle(&inventory);
            if *standing == Standing::Leads {
                self.drains.adopt(environment, &inventory);
            }
        }
        let draining = self.drains.names();
        let visible = self.world.sides.keys().copied().filter(|side| !unseen.contains_key(side));
        self.world.seen = seen(
            environment,
            &inventory,
            Beside {
                before: &self.world.seen,
                seen_at: &self.world.at,
                visible: &visible.collect::<BTreeSet<_>>(),
                draining: &draining,
            },
        );
        self.launches.note(&self.world.seen, now);
        let scaling = self.decide(&inventory, &load, &hands, standing);
        self.memory = scaling.memory.clone();
        self.spend.note(now, scaling.cost_now.usd_per_hour);
        let (done, withheld) = self.act(&inventory, &scaling, standing, now).await;
        let blinds = |gap: &&Gap| gap.hides_members || gap.side == Side::Kubernetes;
        for gap in inventory.gaps.iter().filter(blinds) {
            unseen.entry(gap.side).or_insert_with(|| format!("{}: {}", gap.what, gap.why));
        }
        if withheld.is_none() {
            tell::events(&self.session, &inventory, &scaling).await;
        }
        self.note(now).await;
        let left = left_over(&self.session.resolved.environment, &inventory);
        Turn { scaling, load, spent: self.spend.so_far(), left, unseen, done, withheld }
    }

    /// Whoever begins to lead goes on with what the one before has learned.
    async fn go_on_leading(&mut self, standing: &Standing) {
        let leads = *standing == Standing::Leads;
        if leads
            && !self.noting.led
            && let Some(Notes { spend, launches, memory }) = notes::read(&self.session).await
        {
            (self.spend, self.launches, self.memory) = (spend, launches, memory);
        }
        self.noting.led = leads;
    }

    /// Notes what was learned, now and then.
    async fn note(&mut self, now: Timestamp) {
        if self.noting.led && !self.settings.dry_run && self.noting.is_due(now) {
            let memory = self.memory.clone();
            let notes = Notes { spend: self.spend, launches: self.launches.clone(), memory };
            notes::write(&self.session, notes).await;
            self.noting.done(now);
        }
    }

    fn decide(
        &self,
        inventory: &Inventory,
        load: &Load,
        hands: &Hands,
        standing: &Standing,
    ) -> Scaling {
        let now = inventory.taken_at;
        let (resolved, catalog) = (&self.session.resolved, &self.session.catalog);
        let environment = &*faster(&resolved.environment, self.settings.time_scale);
        let supply = Supply::from_inventory(environment, inventory);
        let planning =
            PlanningInput { environment, origins: &resolved.origins, catalog, supply: &supply };
        let delays = self.delays();
        let cut_off = matches!(standing, Standing::CutOff { .. });
        let demand: &BTreeMap<Name, StageDemand> = &load.demand;
        scale(&ScalingInput {
            planning,
            now,
            seen: &self.world.seen,
            market: &inventory.market,
            demand,
            delays: &delays,
            worth: &load.worth,
            floors: &load.floors,
            hands,
            spent: self.spend.so_far(),
            mode: if cut_off { Mode::KubernetesUnreachable } else { Mode::Normal },
            tuning: &self.tuning,
            memory: &self.memory,
        })
    }

    /// What operators say. What cannot be read is believed to be as it was; what is
    /// not to be understood may mean anything, so everything is held.
    fn hands(&mut self, said: Result<Option<Hands>, pipeline::Error>) -> Hands {
        match said {
            Ok(said) => self.hands = said.unwrap_or_default(),
            Err(pipeline::Error::Place(error)) if is_away(error.kind) => {}
            Err(error) => {
                let reason = format!("what operators say cannot be read: {error}");
                let all = HandHold { scale_in: true, scale_out: true, reason, ..<_>::default() };
                return Hands { holds: vec![all], ..Hands::default() };
            }
        }
        self.hands.clone()
    }

    fn delays(&self) -> BTreeMap<Name, Delays> {
        let environment = &self.session.resolved.environment;
        let startup = |stage: &Name| {
            environment.service.stages.get(stage).map_or_else(Default::default, |s| s.startup)
        };
        let onprem = environment.onprem.iter().flat_map(|onprem| &onprem.pools);
        let onprem = onprem.map(|(name, pool)| (name, &pool.stage, false));
        let burst = environment.aws.iter().flat_map(|aws| &aws.pools);
        let burst = burst.map(|(name, pool)| (name, &pool.stage, true));
        let all = onprem.chain(burst).map(|(name, stage, burst)| {
            let declared = Delays::declared(startup(stage), burst).faster(self.settings.time_scale);
            (name.clone(), self.launches.delays(name, declared))
        });
        all.collect()
    }

    /// Why nothing may be written now; none: it may.
    fn withheld(&self, standing: &Standing) -> Option<String> {
        if self.settings.dry_run {
            return Some("a dry run writes nothing".to_owned());
        }
        match standing {
            Standing::Leads => {
                let lost = self.fence.as_ref().is_some_and(|fence| !fence.holds());
                lost.then(|| "the lease has run out".to_owned())
            }
            Standing::CutOff { .. } => None,
            Standing::Follows { leader } => Some(format!("{leader} leads")),
            Standing::Waits { why } => Some(format!("it is not known who leads: {why}")),
        }
    }

    async fn act(
        &mut self,
        inventory: &Inventory,
        scaling: &Scaling,
        standing: &Standing,
        now: Timestamp,
    ) -> (Vec<Done>, Option<String>) {
        let wanted = writes(&self.session.resolved.environment, inventory, scaling);
        if let Some(withheld) = self.withheld(standing) {
            let shown = |write: Write| Done { pool: write.pool, step: write.step, outcome: None };
            return (wanted.numbers.into_iter().map(shown).collect(), Some(withheld));
        }
        let cut_off = matches!(standing, Standing::CutOff { .. });
        let mut done = Vec::new();
        let numbers = self.take_back(wanted.numbers).await;
        let (adds, rest): (Vec<Write>, Vec<Write>) = numbers.into_iter().partition(|w| w.adds);
        done.extend(self.write_all(adds, standing).await);
        // One that may not be alone takes nothing away.
        if cut_off {
            return (done, None);
        }
        done.extend(self.write_all(rest, standing).await);
        self.choose(inventory, &wanted.shrinks, now);
        done.extend(self.end_drained(standing, now).await);
        let held = self.held(inventory);
        done.extend(self.write_all(held, standing).await);
        (done, None)
    }

    /// Units that are on their way out stay, where new ones would be launched in
    /// their group.
    async fn take_back(&mut self, numbers: Vec<Write>) -> Vec<Write> {
        let mut left = Vec::new();
        for mut write in numbers {
            if let Step::SetUnits { id, from, to, .. } = &mut write.step
                && write.adds
                && id.side == Side::Aws
            {
                for name in self.drains.take_back(id, *to - *from) {
                    *to -= 1;
                    if let Some(drain) = self.drain() {
                        // What stays closed is found by the next look at its node.
                        let _ = drain.undo(&Leaving::joined(name)).await;
                    }
                }
                if from == to {
                    continue;
                }
            }
            left.push(write);
        }
        left
    }

    fn choose(&mut self, inventory: &Inventory, shrinks: &[Shrink], now: Timestamp) {
        for shrink in shrinks {
            if let Some(live) = inventory.resources.get(&shrink.group) {
                self.drains.choose(shrink, live, now);
            }
        }
    }

    async fn end_drained(&mut self, standing: &Standing, now: Timestamp) -> Vec<Done> {
        let scale = u64::from(self.settings.time_scale.max(1));
        let limit = self.session.resolved.environment.burst.scale_in.drain;
        let limit = Span::from_millis(limit.millis() / scale);
        let drain = self.drain();
        let went = self.drains.go_on(drain.as_ref(), limit, now).await;
        let (failed, ends): (Vec<Went>, Vec<Went>) =
            went.into_iter().partition(|went| went.failed.is_some());
        let ends = ends.into_iter().map(|went| {
            let Went { pool, step, .. } = went;
            Write { pool, step, adds: false, why: None }
        });
        let ends: Vec<Write> = ends.collect();
        let mut done = self.write_all(ends, standing).await;
        for ended in done.iter().filter(|done| done.outcome == Some(Ok(()))) {
            if let Step::DrainUnits { units, .. } = &ended.step {
                units.iter().for_each(|unit| self.drains.end(unit));
            }
        }
        done.extend(failed.into_iter().map(|went| {
            let outcome = went.failed.map(Err);
            Done { pool: went.pool, step: went.step, outcome }
        }));
        done
    }

    /// What lets instances go on that a lifecycle hook holds for nothing.
    fn held(&self, inventory: &Inventory) -> Vec<Write> {
        let ready = inventory.nodes.iter().filter(|node| node.health == Health::Ready);
        let joined: BTreeSet<&str> = ready.filter_map(|node| node.instance.as_deref()).collect();
        let mut all = Vec::new();
        for live in inventory.resources.values().filter(|live| live.ownership == Ownership::Ours) {
            let Some(pool) = live.pool().and_then(|pool| pool.parse().ok()) else { continue };
            for wait in [Wait::ToServe, Wait::ToEnd] {
                let units = self.drains.held(live, &joined, wait);
                if !units.is_empty() {
                    let step = Step::Proceed { id: live.id.clone(), units, wait };
                    all.push(Write { pool: Name::clone(&pool), step, adds: false, why: None });
                }
            }
        }
        all
    }

    fn drain(&self) -> Option<Arc<dyn Drain>> {
        let backends = &self.session.backends;
        let sides = [&backends.kubernetes, &backends.aws];
        sides.into_iter().flatten().find_map(|backend| backend.drain.clone())
    }

    async fn write_all(&self, writes: Vec<Write>, standing: &Standing) -> Vec<Done> {
        join_all(writes.into_iter().map(|write| self.write(write, standing))).await
    }

    async fn write(&self, write: Write, standing: &Standing) -> Done {
        let side = write.step.id().side;
        let outcome = match (self.withheld(standing), backend(&self.session, side)) {
            (Some(because), _) => Err(refused(because)),
            (None, None) => Err(refused("no backend is connected".to_owned())),
            (None, Some(backend)) => backend.act.act(&write.step).await,
        };
        Done { pool: write.pool, step: write.step, outcome: Some(outcome) }
    }
}

/// The environment with the windows of its decisions divided by `scale`.
fn faster(environment: &Environment, scale: u32) -> Cow<'_, Environment> {
    if scale <= 1 {
        return Cow::Borrowed(environment);
    }
    let mut environment = environment.clone();
    let faster = |span: &mut Span| {
        *span = Span::from_millis((span.millis() / u64::from(scale)).max(1));
    };
    let burst = &mut environment.burst;
    faster(&mut burst.forecast.horizon);
    faster(&mut burst.scale_in.stabilization);
    faster(&mut burst.scale_in.pause);
    if let Some(onprem) = &mut environment.onprem {
        faster(&mut onprem.lost_after);
    }
    Cow::Owned(environment)
}

/// Whether a place gave no answer, rather than one that is not to be understood.
fn is_away(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Unreachable | FailureKind::Unknown | FailureKind::Transient)
}

fn refused(message: String) -> PortError {
    PortError { kind: FailureKind::Other, message, help: None }
}

fn backend(session: &Session, side: Side) -> Option<&Backend> {
    match side {
        Side::Kubernetes => session.backends.kubernetes.as_ref(),
        Side::Aws => session.backends.aws.as_ref(),
    }
}

/// What is there on one side; none: the environment has no such side.
async fn look(
    session: &Session,
    side: Side,
    asked: bool,
) -> Option<(Side, Result<Inventory, String>)> {
    let seen = pipeline::look_at(session, backend(session, side)?, asked).await;
    Some((side, seen.map_err(|error| error.to_string())))
}

impl World {
    /// Whether it is time to ask for what changes rarely.
    fn asks(&self, now: Timestamp) -> bool {
        let old =
            |at: Timestamp| now.duration_since(at).as_millis() >= FACTS.as_millis().cast_signed();
        self.facts_at.is_none_or(old)
    }

    fn note(&mut self, side: Side, mut inventory: Inventory, (now, asked): (Timestamp, bool)) {
        match self.sides.get(&side) {
            Some(before) if !asked => inventory.keep_facts(before),
            _ => self.facts_at = asked.then_some(now),
        }
        self.sides.insert(side, inventory);
        self.at.insert(side, now);
    }

    /// Both sides as they were seen last.
    fn whole(&self, now: Timestamp) -> Inventory {
        let mut whole = Inventory::empty(now);
        for inventory in self.sides.values() {
            whole.merge(inventory.clone());
        }
        whole
    }
}
