//! The operator is above what is under way: units that drain, and what is about to
//! be written.

use super::{Day, FILE, Says, Told, controller_of, failures, session};
use crate::backend::sim::Simulator;
use crate::clock::Clock;
use crate::controller::{Controller, Gauge, Settings, Turn};
use crate::forecast::CalendarInputs;
use crate::observe::{HandHold, Hands, Override, Side};
use crate::pipeline::{self, Session};
use crate::plan::{FailureKind, PortError, Step};
use crate::port::{Act, Drain, KeepHands, Leaving, Left, Measure, Said, Scope};
use crate::signal::{Answer, MeasureError, Range};
use async_trait::async_trait;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

impl Day {
    /// Until an instance is on its way out.
    async fn drains(&mut self) {
        self.passes(60, Some(60.0)).await;
        for _ in 0..90 {
            self.passes(1, Some(10.0)).await;
            if !self.controller.drains.names().is_empty() {
                return;
            }
        }
        panic!("nothing drains");
    }

    async fn say(&self, say: impl FnOnce(&mut Hands)) {
        pipeline::change_hands(&self.controller.session, say).await.unwrap();
    }

    /// How many instances are there, how many of them are closed, and how many pods of
    /// theirs are asked for.
    async fn stands(&self) -> (usize, usize, u32) {
        let seen = pipeline::look(&self.controller.session, []).await.unwrap().inventory;
        let groups = seen.resources.values().filter(|live| live.id.kind == "AutoScalingGroup");
        let instances = groups.flat_map(|live| live.units()).filter(|unit| !unit.ending).count();
        let closed = seen.nodes.iter().filter(|node| node.draining.is_some()).count();
        let own =
            |id: &&crate::observe::ResourceId| id.kind == "Deployment" && id.name.contains("g6e");
        let pods = seen.resources.iter().find(|(id, _)| own(id));
        let pods = pods.and_then(|(_, live)| live.workload.as_ref());
        (instances, closed, pods.map_or(0, |workload| workload.desired))
    }
}

fn hold(pool: Option<&str>, scale_in: bool) -> HandHold {
    let pool = pool.map(|name| name.parse().unwrap());
    let reason = "INC-7".to_owned();
    HandHold { pool, scale_in, scale_out: !scale_in, reason, ..HandHold::default() }
}

fn set(units: u32) -> Override {
    Override {
        pool: "g6e".parse().unwrap(),
        units,
        until: None,
        reason: "the bill".to_owned(),
        by: "ada".to_owned(),
        since: crate::clock::Timestamp::UNIX_EPOCH,
    }
}

fn ended(turns: &[Turn]) -> usize {
    let all = turns.iter().flat_map(|turn| &turn.done);
    all.filter(|done| matches!(done.step, Step::DrainUnits { .. })).count()
}

#[tokio::test]
async fn a_hold_takes_back_what_drains_and_it_serves_again() {
    for pool in [None, Some("g6e")] {
        let mut day = Day::begin().await;
        day.drains().await;
        assert_eq!(day.stands().await, (1, 1, 4));
        day.say(|hands| hands.holds.push(hold(pool, true))).await;
        let held = day.passes(10, Some(10.0)).await;
        assert!(held.iter().all(|turn| turn.done.is_empty()), "nothing is written");
        assert_eq!(day.stands().await, (1, 0, 4), "it is open, with all of its pods");
        assert!(day.controller.drains.names().is_empty());
        let pool = &held.last().unwrap().scaling.pools["g6e"];
        assert_eq!((pool.now, pool.wanted, pool.serving), (1, 1, 1));
        let told = &held[0].scaling.pools["g6e"].holds;
        assert!(told.iter().any(|hold| hold.why.text.contains("INC-7")), "{told:?}");
        day.say(|hands| hands.holds.clear()).await;
        let later = day.passes(10, Some(10.0)).await;
        assert_eq!((ended(&later), failures(&later)), (1, vec![]));
    }
}

#[tokio::test]
async fn what_operators_say_is_told_of_the_pool_or_the_environment_and_when_it_is_over() {
    let mut day = Day::begin().await;
    day.passes(1, Some(10.0)).await;
    day.say(|hands| hands.hold(hold(None, true))).await;
    day.passes(2, Some(10.0)).await;
    day.say(|hands| {
        hands.holds.clear();
        hands.set(set(1));
    })
    .await;
    day.passes(2, Some(10.0)).await;
    let world = day.simulator.world().unwrap();
    let by_hand = world.told().iter().filter(|told| told.reason.starts_with("Operator"));
    let by_hand: Vec<_> = by_hand
        .map(|told| {
            assert!(!told.warning && told.count == 1, "{told:?}");
            (told.reason.as_str(), told.about.kind.as_str(), told.message.as_str())
        })
        .collect();
    assert_eq!(
        by_hand,
        [
            ("OperatorHold", "ConfigMap", "everything is not to be scaled in: INC-7"),
            ("OperatorNumber", "Deployment", "g6e is to have 1: the bill (ada)"),
            ("OperatorResumed", "ConfigMap", "the hold of everything was taken back: INC-7"),
        ]
    );
}

#[tokio::test]
async fn what_is_held_because_operators_cannot_be_heard_is_not_told_as_theirs() {
    let mut day = Day::begin().await;
    let mut session = session(&day.simulator, FILE);
    let kubernetes = session.backends.kubernetes.as_mut().unwrap();
    let hands = kubernetes.hands.clone().unwrap();
    kubernetes.hands = Some(Arc::new(Counts { hands, asked: AtomicU32::new(0), answers: 0 }));
    day.goes_on_with(session);
    let turns = day.passes(2, Some(150.0)).await;
    assert!(turns.iter().all(|turn| turn.done.is_empty()), "all is held");
    let world = day.simulator.world().unwrap();
    assert!(world.told().iter().all(|told| !told.reason.starts_with("Operator")));
}

#[tokio::test]
async fn one_that_stands_alone_is_given_work_again_under_a_hold() {
    let mut day = Day::of(FILE.replace("join = \"kubernetes\"", "join = \"standalone\"")).await;
    day.drains().await;
    day.say(|hands| hands.holds.push(hold(None, true))).await;
    let held = day.passes(10, Some(10.0)).await;
    assert_eq!(ended(&held), 0);
    assert_eq!(held.last().unwrap().scaling.pools["g6e"].serving, 1);
}

#[tokio::test]
async fn a_hold_that_leaves_scale_in_alone_or_another_pool_stops_no_drain() {
    for other in [hold(Some("g6e"), false), hold(Some("h100"), true)] {
        let mut day = Day::begin().await;
        day.drains().await;
        day.say(|hands| hands.holds.push(other)).await;
        assert_eq!(ended(&day.passes(10, Some(10.0)).await), 1);
    }
}

#[tokio::test]
async fn a_freeze_takes_back_what_another_controller_drains_but_not_what_an_operator_wants_less() {
    for (less, ends) in [(false, 0), (true, 1)] {
        let mut day = Day::begin().await;
        day.drains().await;
        let freeze = "[[freeze]]\nname = \"sale\"\nstart = \"2026-01-01T00:00:00Z\"\n";
        day.text = format!("{FILE}\n{freeze}");
        day.restart(false);
        if less {
            day.say(|hands| hands.overrides.push(set(0))).await;
        }
        let frozen = day.passes(10, Some(10.0)).await;
        assert_eq!((ended(&frozen), failures(&frozen)), (ends, vec![]), "less: {less}");
        assert_eq!(day.stands().await.1, 0);
    }
}

#[tokio::test]
async fn an_operators_number_goes_down_in_spite_of_nothing_but_a_hold() {
    let mut day = Day::begin().await;
    day.passes(60, Some(60.0)).await;
    day.say(|hands| hands.overrides.push(set(0))).await;
    day.passes(2, Some(60.0)).await;
    assert_eq!(day.controller.drains.names().len(), 1);
    day.say(|hands| hands.holds.push(hold(None, true))).await;
    let held = day.passes(10, Some(60.0)).await;
    assert_eq!((ended(&held), day.stands().await.0), (0, 1));
    day.say(|hands| hands.holds.clear()).await;
    assert_eq!(ended(&day.passes(10, Some(60.0)).await), 1);
}

/// A server that takes so long that an operator says something meanwhile.
struct Meanwhile {
    says: Says,
    session: Session,
    hold: HandHold,
}

#[async_trait]
impl Measure for Meanwhile {
    fn server(&self) -> &str {
        self.says.server()
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        let said = pipeline::change_hands(&self.session, |hands| hands.hold(self.hold.clone()));
        said.await.unwrap();
        self.says.instant(query).await
    }

    async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError> {
        self.says.range(query, range).await
    }
}

/// A controller while whose load is measured something is said.
fn interrupted(world: &Arc<Simulator>, load: &Arc<Told>, text: &str, hold: HandHold) -> Controller {
    let says = Says { told: Arc::clone(load), clock: Arc::clone(world) };
    let session = session(world, text);
    let servers: Vec<Arc<dyn Measure>> = vec![Arc::new(Meanwhile { says, session, hold })];
    let clock = Arc::clone(world) as Arc<dyn Clock>;
    let gauge = Gauge::new(servers, CalendarInputs::default(), clock, false, 1);
    let settings = Settings { dry_run: false, time_scale: 1, patience: None };
    Controller::new(super::session(world, text), gauge, None, settings)
}

#[tokio::test]
async fn what_is_said_while_the_load_is_measured_counts_before_anything_is_written() {
    let mut day = Day::begin().await;
    day.passes(5, Some(10.0)).await;
    day.controller = interrupted(&day.simulator, &day.load, FILE, hold(None, false));
    let turn = day.passes(1, Some(150.0)).await.remove(0);
    assert!(turn.done.is_empty(), "{:?}", turn.done);
    let mut day = Day::begin().await;
    day.drains().await;
    day.controller = interrupted(&day.simulator, &day.load, FILE, hold(None, true));
    let turn = day.passes(1, Some(10.0)).await.remove(0);
    assert!(turn.done.is_empty() && day.stands().await == (1, 0, 4), "{:?}", turn.done);
}

/// Counts how often it is asked, and answers so many times.
struct Counts {
    hands: Arc<dyn KeepHands>,
    asked: AtomicU32,
    answers: u32,
}

#[async_trait]
impl KeepHands for Counts {
    async fn read(&self, scope: &Scope) -> Result<Said, PortError> {
        if self.asked.fetch_add(1, Ordering::Relaxed) < self.answers {
            return self.hands.read(scope).await;
        }
        let message = "no answer".to_owned();
        Err(PortError { kind: FailureKind::Unreachable, message, help: None })
    }

    async fn write(&self, scope: &Scope, hands: &Hands, over: &Said) -> Result<(), PortError> {
        self.hands.write(scope, hands, over).await
    }
}

#[tokio::test]
async fn operators_are_asked_again_only_before_a_write_and_if_silent_count_as_before() {
    let mut day = Day::begin().await;
    day.passes(20, Some(10.0)).await;
    let mut session = session(&day.simulator, FILE);
    let kubernetes = session.backends.kubernetes.as_mut().unwrap();
    let hands = kubernetes.hands.clone().unwrap();
    let counts = Arc::new(Counts { hands, asked: AtomicU32::new(0), answers: 4 });
    kubernetes.hands = Some(Arc::clone(&counts) as Arc<dyn KeepHands>);
    let settings = Settings { dry_run: false, time_scale: 1, patience: None };
    day.controller = controller_of(session, (&day.simulator, &day.load), settings);
    let calm = day.passes(3, Some(10.0)).await;
    assert!(calm.iter().all(|turn| turn.done.is_empty()));
    assert_eq!(counts.asked.load(Ordering::Relaxed), 3);
    let busy = day.passes(1, Some(150.0)).await;
    assert_eq!(counts.asked.load(Ordering::Relaxed), 5);
    let on_aws = busy[0].done.iter().any(|done| done.step.id().side == Side::Aws);
    assert!(on_aws, "{:?}", busy[0].done);
}

/// An operator who says something once, when asked to.
struct Operator {
    session: Session,
    hold: Mutex<Option<HandHold>>,
}

impl Operator {
    async fn says(&self) {
        let hold = self.hold.lock().unwrap().take();
        if let Some(hold) = hold {
            let said = pipeline::change_hands(&self.session, |hands| hands.hold(hold));
            said.await.unwrap();
        }
    }
}

/// A place in which something is said while it is written to, or while what drains
/// there has nothing left.
struct Meantime<T: ?Sized>(Operator, Arc<T>);

#[async_trait]
impl Act for Meantime<dyn Act> {
    async fn act(&self, step: &Step) -> Result<(), PortError> {
        self.0.says().await;
        self.1.act(step).await
    }
}

#[async_trait]
impl Drain for Meantime<dyn Drain> {
    async fn status(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.1.status(unit).await
    }

    async fn close(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.1.close(unit).await
    }

    async fn begin(&self, unit: &Leaving) -> Result<Left, PortError> {
        let left = self.1.begin(unit).await?;
        if left.is_nothing() {
            self.0.says().await;
        }
        Ok(left)
    }

    async fn undo(&self, unit: &Leaving) -> Result<(), PortError> {
        self.1.undo(unit).await
    }
}

impl Day {
    fn operator(&self, says: bool) -> Operator {
        let hold = says.then(|| hold(Some("g6e"), true));
        Operator { session: session(&self.simulator, &self.text), hold: Mutex::new(hold) }
    }

    fn goes_on_with(&mut self, session: Session) {
        let settings = Settings { dry_run: false, time_scale: 1, patience: None };
        self.controller = controller_of(session, (&self.simulator, &self.load), settings);
    }
}

#[tokio::test]
async fn what_is_said_while_numbers_rise_counts_before_anything_is_taken_away() {
    for says in [false, true] {
        let mut day = Day::begin().await;
        day.passes(60, Some(60.0)).await;
        let of = |pool: &str, units| Override { pool: pool.parse().unwrap(), ..set(units) };
        day.say(|hands| hands.overrides = vec![of("h100", 1)]).await;
        day.passes(20, Some(60.0)).await;
        day.say(|hands| hands.overrides = vec![of("h100", 3), of("g6e", 0)]).await;
        let mut session = session(&day.simulator, FILE);
        let kubernetes = session.backends.kubernetes.as_mut().unwrap();
        let meantime = Meantime(day.operator(says), Arc::clone(&kubernetes.act));
        kubernetes.act = Arc::new(meantime);
        day.goes_on_with(session);
        let turn = day.passes(1, Some(60.0)).await.remove(0);
        assert!(turn.done.iter().any(|done| done.step.id().side == Side::Kubernetes));
        let chosen = day.controller.drains.names().len();
        assert_eq!((chosen == 0, day.stands().await.1 == 0), (says, says), "{chosen} chosen");
    }
}

#[tokio::test]
async fn what_is_said_while_a_unit_is_asked_what_is_left_on_it_keeps_it() {
    for says in [false, true] {
        let mut day = Day::begin().await;
        day.drains().await;
        let mut session = session(&day.simulator, FILE);
        let kubernetes = session.backends.kubernetes.as_mut().unwrap();
        let meantime = Meantime(day.operator(says), kubernetes.drain.clone().unwrap());
        kubernetes.drain = Some(Arc::new(meantime));
        day.goes_on_with(session);
        let turns = day.passes(10, Some(10.0)).await;
        assert_eq!((ended(&turns), failures(&turns)), (usize::from(!says), vec![]));
        assert_eq!(day.stands().await.0, usize::from(says), "it is there");
    }
}
