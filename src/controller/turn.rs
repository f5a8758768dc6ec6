//! One turn of the controller: look, measure, decide, do.

use super::alone::Alone;
use super::aside::{Aside, bounded, with_beside};
use super::bursts::Bursts;
use super::drains::Drains;
use super::gauge::{Gauge, Load};
use super::hear::{Heard, said};
use super::index::Index;
use super::launches::Launches;
use super::lead::{Fence, Standing};
use super::left::left_over;
use super::notes::Noting;
use super::report::{Part, Turn};
use super::seen::{Beside, joined, seen};
use super::spend::Spend;
use super::tell::{self, News};
use super::world::{FIRST, World};
use crate::clock::Clock;
use crate::decide::scaling::{
    Delays, Memory, Mode, Scaling, ScalingInput, StageDemand, Tuning, scale,
};
use crate::decide::{PlanningInput, Supply};
use crate::forecast::{CalendarInputs, Trained};
use crate::id::Name;
use crate::observe::{Gap, Hands, Inventory, Side};
use crate::pipeline::{self, Session};
use crate::port::{Backends, Measure};
use crate::signal::{Reading, readings_of};
use crate::spec::Environment;
use crate::units::Span;
use futures::FutureExt;
use futures::future::join;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How a controller runs.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// It decides and tells, and writes nothing.
    pub dry_run: bool,
    /// By what every time is divided, for a replay that runs faster than life: each
    /// window and delay of a decision, and how often something is noted or asked again.
    /// Not what is a time of the calendar (schedules, freezes, events, seasons, the days
    /// of a budget), nor what is waited for of places, which answer no faster: calls,
    /// the lease, what was seen last, facts that change rarely, a spot notice's end.
    pub time_scale: u32,
    /// How long a turn waits for what a place answers; what takes longer goes on
    /// beside it. None: as long as it takes, for a world whose time only turns move.
    pub patience: Option<Duration>,
}

/// A controller of one environment. What it remembers costs time if it is lost,
/// and nothing else.
pub struct Controller {
    /// The environment, and its places.
    pub session: Arc<Session>,
    pub(super) settings: Settings,
    tuning: Tuning,
    pub(super) gauge: Gauge,
    pub(super) fence: Option<Fence>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) world: World,
    pub(super) memory: Memory,
    /// What operators have said, once it was read.
    pub(super) hands: Option<Hands>,
    /// What of it the decision of the turn goes by.
    pub(super) decided_by: Hands,
    pub(super) said: Aside<Heard>,
    pub(super) noting: Noting,
    /// What of that which happens beside decisions was told.
    pub(super) news: News,
    /// Instances that have joined the cluster, whether they can be seen there now or not.
    pub(super) had_joined: HashSet<String>,
    /// How long launches take.
    pub launches: Launches,
    pub(super) bursts: Bursts,
    /// What burst has cost.
    pub spend: Spend,
    /// Units on their way out.
    pub drains: Drains,
    pub(super) alone: Alone,
}

impl Controller {
    /// One that has seen nothing yet. Without a `fence` nobody else leads.
    pub fn new(session: Session, gauge: Gauge, fence: Option<Fence>, settings: Settings) -> Self {
        let clock = pipeline::clock(&session.backends);
        Self {
            tuning: Tuning::default().faster(settings.time_scale),
            session: watching(session, settings),
            settings,
            gauge,
            fence,
            clock,
            world: World::default(),
            memory: Memory::default(),
            hands: None,
            decided_by: Hands::default(),
            said: Aside::default(),
            noting: Noting::faster(settings.time_scale),
            news: News::default(),
            had_joined: HashSet::new(),
            launches: Launches::default(),
            bursts: Bursts::default(),
            spend: Spend::default(),
            drains: Drains::default(),
            alone: Alone::faster(settings.time_scale),
        }
    }

    /// Goes on with the environment as it is now, and with what was learned.
    pub fn reload(
        &mut self,
        session: Session,
        servers: Vec<Arc<dyn Measure>>,
        calendar: CalendarInputs,
        weights: Option<Trained>,
        patience: Option<Duration>,
    ) {
        self.settings.patience = patience;
        self.gauge.reconnect(servers, calendar, weights);
        self.clock = pipeline::clock(&session.backends);
        self.session = watching(session, self.settings);
        self.world.look_anew();
        self.said.drop_it();
    }

    /// Looks, measures, decides, and does what `standing` allows.
    pub async fn turn(&mut self, standing: &Standing) -> Turn {
        let now = self.clock.now();
        if matches!(standing, Standing::Follows { .. } | Standing::Waits { .. }) {
            self.drains.forget();
        }
        self.go_on_leading(standing).await;
        let patience = self.settings.patience;
        let looks = self.world.look(&self.session, now, patience);
        // Without it nothing may be written.
        let for_hands = patience.map(|p| if self.hands.is_none() { FIRST } else { p });
        let said = said(&self.session, &mut self.said, now, for_hands);
        let (mut unseen, said) = join(looks, said).await;
        let hands = self.hear(said);
        let looked = self.clock.now();
        let mut inventory = self.world.whole(now);
        let hiding = inventory.gaps.iter().filter(|gap| gap.hides_members).map(|gap| gap.side);
        self.world.hidden = unseen.keys().copied().chain(hiding).collect();
        self.look_alone(&inventory);
        let [_, agents] = self.drain_by();
        let session = Arc::clone(&self.session);
        let environment = &session.resolved.environment;
        // The load last: what it asks for is then done at once, whoever is silent.
        let agents = self.alone.ask(agents.as_ref(), &self.drains, now);
        let mut load = with_beside(patience, self.gauge.read(environment, now), agents).await;
        load.worth = self.memory.worth.clone();
        let measured = self.clock.now();
        self.alone.mark(&mut inventory);
        let mut noticed = BTreeMap::new();
        if !unseen.contains_key(&Side::Aws) {
            self.drains.settle(&inventory);
            if *standing == Standing::Leads {
                noticed = self.drains.notice(environment, &inventory);
                self.drains.adopt(environment, &inventory, &self.alone);
            }
        }
        let index = Index::of(environment, &inventory);
        let (draining, closed) = (self.drains.names(), self.drains.closed());
        let visible = self.world.sides.keys().copied().filter(|side| !unseen.contains_key(side));
        self.world.seen = seen(
            environment,
            &index,
            Beside {
                before: &self.world.seen,
                seen_at: &self.world.at,
                since: now,
                visible: &visible.collect::<BTreeSet<_>>(),
                draining: &draining,
                closed: &closed,
                going: &self.drains.by_group(),
                stuck: &self.drains.stuck(),
                alone: &self.alone,
                had_joined: &self.had_joined,
            },
        );
        if self.world.hidden.is_empty() {
            self.had_joined = joined(&index, &self.had_joined);
        }
        self.launches.note(&self.world.seen, now);
        let mut scaling = self.decide_as_said((&index, &load), hands, standing).await;
        let news = self.news(standing, &noticed, scaling.at);
        // First, for the decision may go by it.
        scaling.events.splice(0..0, news);
        self.memory = scaling.memory.clone();
        self.spend.note(now, scaling.cost_now.usd_per_hour);
        let responses = self.bursts.note(&scaling, self.withheld(standing).is_none());
        let decided = self.clock.now();
        let (done, withheld) = self.act(&index, &scaling, standing, now).await;
        let blinds = |gap: &&Gap| {
            let told = [Gap::ADDRESSES, Gap::NOTICES].contains(&gap.what.as_str());
            gap.hides_members || gap.side == Side::Kubernetes || told
        };
        for gap in inventory.gaps.iter().filter(blinds) {
            unseen.entry(gap.side).or_insert_with(|| format!("{}: {}", gap.what, gap.why));
        }
        if withheld.is_none() {
            let told = tell::events(&session, &index, (&scaling, &done));
            let _ = bounded(patience, told.map(Ok)).await;
        }
        let unnoted = self.note(standing, now).await;
        let left = left_over(environment, &inventory);
        let parts = vec![
            (Part::Look, (now, looked)),
            (Part::Measure, (looked, measured)),
            (Part::Decide, (measured, decided)),
            (Part::Act, (decided, self.clock.now())),
        ];
        let spent = self.spend.so_far();
        let places = self.places(inventory, &unseen);
        Turn {
            scaling,
            load,
            spent,
            left,
            places,
            responses,
            unseen,
            done,
            withheld,
            unnoted,
            parts,
        }
    }

    /// What the places tell; of a side that cannot be seen now, nothing.
    fn places(&self, mut inventory: Inventory, unseen: &BTreeMap<Side, String>) -> Vec<Reading> {
        let hidden = self.world.hidden.iter().filter_map(|side| Some((*side, unseen.get(side)?)));
        inventory.gaps.extend(hidden.map(|(side, why)| Gap {
            side,
            what: "it".to_owned(),
            why: why.clone(),
            hides_members: true,
        }));
        readings_of(&self.session.resolved.environment, &inventory)
    }

    /// Looks at what stands alone.
    fn look_alone(&mut self, inventory: &Inventory) {
        let has_one = self.session.backends.kubernetes.is_some();
        let cluster = has_one && !self.world.hidden.contains(&Side::Kubernetes);
        self.alone.by_their_word = !has_one;
        self.alone.look(&self.session.resolved.environment, inventory, cluster);
    }

    pub(super) fn decide(
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
        let in_bucket = environment.lease_bucket().is_some();
        let mode = match standing {
            Standing::CutOff { .. } if in_bucket => Mode::LeaseUnreachable,
            Standing::CutOff { .. } => Mode::KubernetesUnreachable,
            _ => Mode::Normal,
        };
        let demand: &BTreeMap<Name, StageDemand> = &load.demand;
        scale(&ScalingInput {
            planning,
            now,
            seen: &self.world.seen,
            market: &inventory.market,
            demand,
            delays: &delays,
            worth: &load.worth,
            hands,
            spent: self.spend.so_far(),
            mode,
            tuning: &self.tuning,
            memory: &self.memory,
        })
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
}

/// The session of a controller, whose places tell from now on what changes.
fn watching(session: Session, settings: Settings) -> Arc<Session> {
    if settings.patience.is_some() {
        let onprem = session.resolved.environment.onprem.iter();
        let pools = onprem.flat_map(|onprem| onprem.pools.values());
        let labels = pools.flat_map(|pool| pool.node_selector.keys().cloned());
        let labels: BTreeSet<String> = labels.collect();
        let Backends { kubernetes, aws } = &session.backends;
        for backend in [kubernetes, aws].into_iter().flatten() {
            backend.observe.watch(labels.clone());
        }
    }
    Arc::new(session)
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
    faster(&mut burst.scale_in.drain);
    if let Some(onprem) = &mut environment.onprem {
        faster(&mut onprem.lost_after);
    }
    Cow::Owned(environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::fixture;

    #[test]
    fn each_window_of_a_decision_is_divided_and_no_price() {
        let life = fixture::environment();
        let fast = faster(&life, 20).into_owned();
        let windows = |environment: &Environment| {
            let (burst, onprem) = (&environment.burst, environment.onprem.as_ref().unwrap());
            let scale_in = &burst.scale_in;
            let all = [scale_in.stabilization, scale_in.pause, scale_in.drain];
            [all.as_slice(), &[burst.forecast.horizon, onprem.lost_after]].concat()
        };
        for (life, fast) in windows(&life).iter().zip(windows(&fast)) {
            assert_eq!(fast.millis(), life.millis() / 20);
        }
        assert_eq!(fast.burst.budget, life.burst.budget);
        assert!(matches!(faster(&life, 1), Cow::Borrowed(_)));
    }
}
