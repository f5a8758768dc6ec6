//! The controller in a simulated world.

mod autoscaler;
mod broken;
mod budgets;
mod by_hand;
mod drained;
mod fenced;
mod launching;
mod lost;
mod refused;
mod slow;
mod writing;

use super::lead::Standing;
use super::{Controller, Gauge, Settings, Turn};
use crate::backend::sim::{NodeSet, Scenario, Simulator};
use crate::clock::Clock;
use crate::decide::scaling::EventKind;
use crate::desired::Templates;
use crate::execute::NoJournal;
use crate::forecast::CalendarInputs;
use crate::observe::{HandHold, Mark, Side};
use crate::pipeline::{self, ApplyRequest, Session};
use crate::plan::PlanOptions;
use crate::port::{Backends, Measure, Scope};
use crate::signal::{Answer, MeasureError, MeasureFailure, Range};
use crate::spec::{self, Catalog, OneFile, Resolved};
use crate::units::Span;
use async_trait::async_trait;
use std::sync::{Arc, Mutex};
use std::time::Duration;

mod alone;
mod notices;

const FILE: &str = r#"
[environment]
name = "day"

[slo]
availability = "99.9%"
ttft_p99 = "1s"

[service]
name = "llm"
namespace = "inference"
model = "m"

[service.stages.inference]
image = "registry.example/i@sha256:0000000000000000000000000000000000000000000000000000000000000000"
gpus = 1
resources = { cpu = "1", memory = "1Gi" }
startup = "5m"

[onprem]
provider = "sim"

[onprem.pools.h100]
stage = "inference"
replicas = { min = 1, max = 3 }
capacity = "18 req/s"

[aws]
provider = "sim"
region = "us-east-1"

[aws.pools.g6e]
stage = "inference"
size = { min = 0, max = 4 }
join = "kubernetes"
instance_types = ["g6e.12xlarge"]
capacity = { "g6e.12xlarge" = "9 req/s" }
image = { name = "gpu-inference" }

[signals]
prometheus = "http://prometheus:9090"
demand = "sum(rate(requests_total[1m]))"
engine = { inference = "vllm" }
"#;

/// A server that says what a test tells it, or nothing.
#[derive(Default)]
struct Told(Mutex<Option<f64>>, Mutex<Option<Shown>>);

/// What engines show.
#[derive(Clone, Copy)]
struct Shown {
    finished: f64,
    waiting: f64,
    ttft_seconds: f64,
}

impl Shown {
    fn of(self, query: &str) -> Option<f64> {
        let asked = [
            ("sum(vllm:num_requests_waiting", self.waiting),
            ("sum(rate(vllm:request_success_total", self.finished),
            ("histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first", self.ttft_seconds),
        ];
        asked.into_iter().find(|(begins, _)| query.starts_with(begins)).map(|(_, value)| value)
    }
}

struct Says {
    told: Arc<Told>,
    clock: Arc<Simulator>,
}

#[async_trait]
impl Measure for Says {
    fn server(&self) -> &str {
        "a test"
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        let asked_for_load = query.starts_with("sum(rate(requests_total");
        match *self.told.0.lock().unwrap() {
            Some(value) if asked_for_load => Ok(Answer::of(self.clock.now(), value)),
            Some(_) => {
                let shown = *self.told.1.lock().unwrap();
                let value = shown.and_then(|shown| shown.of(query));
                let now = self.clock.now();
                Ok(value.map_or_else(Answer::default, |value| Answer::of(now, value)))
            }
            None => Err(MeasureError {
                kind: MeasureFailure::Unreachable,
                message: "connection refused".to_owned(),
                help: None,
            }),
        }
    }

    async fn range(&self, _: &str, _: &Range) -> Result<Answer, MeasureError> {
        Ok(Answer::default())
    }
}

struct Day {
    text: String,
    simulator: Arc<Simulator>,
    load: Arc<Told>,
    controller: Controller,
    standing: Standing,
}

impl Day {
    async fn begin() -> Self {
        Self::begin_in(FILE.to_owned(), Scenario::default()).await
    }

    /// Of an environment that is called `day`.
    async fn of(text: String) -> Self {
        Self::begin_in(text, Scenario::default()).await
    }

    async fn begin_in(text: String, scenario: Scenario) -> Self {
        let scope = Scope::of(mark(), "inference");
        let environment = resolved(&text).environment;
        let world = Simulator::in_memory(&environment, scope, scenario);
        let session = session(&world, &text);
        let plan = pipeline::make_plan(&session, &PlanOptions::default()).await.unwrap();
        let (_stop, stop) = tokio::sync::watch::channel(None);
        let request = ApplyRequest {
            holder: "a test",
            journal: &NoJournal,
            listener: &|_| {},
            stop,
            limits: <_>::default(),
        };
        assert!(pipeline::apply(&session, &plan, &request).await.unwrap().report.is_done());
        let load = Arc::<Told>::default();
        let controller = controller(&world, &load, &text, false);
        Self { text, simulator: world, load, controller, standing: Standing::Leads }
    }

    /// Another controller takes over, which remembers nothing.
    fn restart(&mut self, dry_run: bool) {
        self.controller = controller(&self.simulator, &self.load, &self.text, dry_run);
    }

    /// Turns, one a minute, under a load; none: it cannot be measured.
    async fn passes(&mut self, minutes: u32, load: Option<f64>) -> Vec<Turn> {
        *self.load.0.lock().unwrap() = load;
        let mut turns = Vec::new();
        for _ in 0..minutes {
            turns.push(self.controller.turn(&self.standing).await);
            self.simulator.sleep(Duration::from_secs(60)).await;
        }
        turns
    }

    fn wanted(turn: &Turn, pool: &str) -> u32 {
        turn.scaling.pools[pool].wanted
    }
}

fn mark() -> Mark {
    let file = "environments/day.toml".to_owned();
    Mark { environment: "day".into(), repository: "local".into(), file }
}

fn resolved(text: &str) -> Resolved {
    let (resolved, found) =
        spec::resolve("environments/day.toml", &OneFile("environments/day.toml", text.to_owned()));
    resolved.unwrap_or_else(|| panic!("{found:?}"))
}

fn session(world: &Arc<Simulator>, text: &str) -> Session {
    let resolved = resolved(text);
    Session {
        text: resolved.to_toml(),
        resolved,
        mark: mark(),
        backends: Backends {
            kubernetes: Some(world.backend(Side::Kubernetes)),
            aws: Some(world.backend(Side::Aws)),
        },
        catalog: Catalog::shipped(),
        templates: Templates::embedded().unwrap(),
        limits: Vec::new(),
    }
}

fn controller(world: &Arc<Simulator>, load: &Arc<Told>, text: &str, dry_run: bool) -> Controller {
    let settings = Settings { dry_run, time_scale: 1, patience: None };
    controller_of(session(world, text), (world, load), settings)
}

fn controller_of(
    session: Session,
    (world, load): (&Arc<Simulator>, &Arc<Told>),
    settings: Settings,
) -> Controller {
    let says = Says { told: Arc::clone(load), clock: Arc::clone(world) };
    let clock = Arc::clone(world) as Arc<dyn Clock>;
    let servers: Vec<Arc<dyn Measure>> = vec![Arc::new(says)];
    let gauge = Gauge::new(servers, CalendarInputs::default(), clock, false, 1);
    Controller::new(session, gauge, None, settings)
}

fn failures(turns: &[Turn]) -> Vec<String> {
    let all = turns.iter().flat_map(|turn| &turn.done);
    let failed = all.filter_map(|done| done.outcome.as_ref()?.as_ref().err());
    failed.map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_load_beyond_on_prem_bursts_and_is_released_when_it_falls() {
    let mut day = Day::begin().await;
    let calm = day.passes(20, Some(10.0)).await;
    assert_eq!(Day::wanted(calm.last().unwrap(), "g6e"), 0);
    // 60 ÷ 80 % = 75: 54 on-prem, and at least one instance of 4 × 9.
    let busy = day.passes(40, Some(60.0)).await;
    let last = busy.last().unwrap();
    assert!(Day::wanted(last, "h100") == 3 && Day::wanted(last, "g6e") >= 1);
    assert!(last.scaling.stages["inference"].serving.as_f64() >= 75.0);
    let quiet = day.passes(180, Some(10.0)).await;
    let last = quiet.last().unwrap();
    assert_eq!((Day::wanted(last, "h100"), Day::wanted(last, "g6e")), (1, 0));
    assert!(day.controller.drains.names().is_empty());
    assert_eq!(failures(&[calm, busy, quiet].concat()), [""; 0]);
    let plan = pipeline::make_plan(&day.controller.session, &PlanOptions::default()).await.unwrap();
    assert!(plan.is_empty(), "{plan:?}");
}

#[tokio::test]
async fn a_constant_load_moves_nothing_once_it_is_carried() {
    let mut day = Day::begin().await;
    day.passes(60, Some(60.0)).await;
    let later = day.passes(120, Some(60.0)).await;
    assert!(later.iter().all(|turn| turn.done.is_empty()));
}

#[tokio::test]
async fn where_no_node_has_room_burst_makes_up_for_it_before_anybody_gives_up() {
    let nodes = vec![NodeSet { gpus: 1, ..NodeSet::default() }];
    let mut day = Day::begin_in(FILE.to_owned(), Scenario { nodes, ..Scenario::default() }).await;
    let busy = day.passes(5, Some(60.0)).await;
    // One replica of 18 has room; 75 − 18 = 57 are two instances of 4 × 9.
    let last = busy.last().unwrap();
    assert!(Day::wanted(last, "g6e") >= 2, "{:?}", last.scaling.pools["g6e"]);
    let told = busy.iter().flat_map(|turn| &turn.scaling.events);
    let mut set_aside = told.filter(|event| event.kind == EventKind::SetAside);
    assert!(set_aside.next().is_some_and(|event| event.about.as_str() == "h100"));
}

#[tokio::test]
async fn nothing_is_released_while_the_load_is_not_measured() {
    let mut day = Day::begin().await;
    day.passes(60, Some(60.0)).await;
    let blind = day.passes(180, None).await;
    let last = blind.last().unwrap();
    assert_eq!((Day::wanted(last, "h100"), Day::wanted(last, "g6e")), (3, 1));
    let why = &last.scaling.stages["inference"].doubt;
    assert!(why.as_ref().is_some_and(|why| why.contains("connection refused")), "{why:?}");
}

#[tokio::test]
async fn what_operators_hold_stays_and_is_seen_before_the_next_write() {
    let mut day = Day::begin().await;
    day.passes(60, Some(60.0)).await;
    let hold = HandHold {
        scale_in: true,
        reason: "a launch".to_owned(),
        since: day.simulator.now(),
        ..HandHold::default()
    };
    let said = pipeline::change_hands(&day.controller.session, |hands| hands.holds.push(hold));
    said.await.unwrap();
    let held = day.passes(120, Some(10.0)).await;
    assert!(held.iter().all(|turn| turn.done.is_empty()));
}

#[tokio::test]
async fn a_dry_run_and_a_follower_show_what_they_would_do_and_write_nothing() {
    let mut day = Day::begin().await;
    let follower = Standing::Follows { leader: "another".into() };
    for (dry_run, standing) in [(true, Standing::Leads), (false, follower)] {
        day.restart(dry_run);
        day.standing = standing;
        let before = day.simulator.world().unwrap();
        *day.load.0.lock().unwrap() = Some(60.0);
        let turn = day.controller.turn(&day.standing).await;
        assert!(turn.withheld.is_some() && !turn.done.is_empty());
        assert!(turn.done.iter().all(|done| done.outcome.is_none()));
        assert_eq!(day.simulator.world().unwrap(), before);
    }
}

#[tokio::test]
async fn cut_off_from_the_lease_capacity_is_only_added() {
    let mut day = Day::begin().await;
    day.passes(60, Some(60.0)).await;
    let why = crate::port::PortError {
        kind: crate::port::FailureKind::Unreachable,
        message: "no answer".to_owned(),
        help: None,
    };
    day.standing = Standing::CutOff { why };
    let falls = day.passes(60, Some(5.0)).await;
    assert!(falls.iter().all(|turn| turn.done.is_empty()));
    let rises = day.passes(10, Some(120.0)).await;
    assert!(Day::wanted(rises.last().unwrap(), "g6e") > 1);
    assert!(rises.iter().any(|turn| turn.done.iter().any(|done| done.outcome == Some(Ok(())))));
}

#[tokio::test]
async fn the_next_leader_knows_what_was_spent_and_ends_what_was_begun() {
    let mut day = Day::begin().await;
    day.passes(60, Some(60.0)).await;
    let begun = async |day: &mut Day| {
        for _ in 0..90 {
            day.passes(1, Some(10.0)).await;
            if !day.controller.drains.names().is_empty() {
                return;
            }
        }
        panic!("nothing drains");
    };
    begun(&mut day).await;
    let spent = day.controller.spend.so_far();
    assert!(spent.day_micros > 1_000_000, "{spent:?}");
    day.restart(false);
    let goes_on = day.passes(5, Some(10.0)).await;
    let known = day.controller.spend.so_far().day_micros;
    assert!(known >= spent.day_micros - spent.day_micros / 10, "{known} of {spent:?}");
    assert_eq!(failures(&goes_on), [""; 0]);
    let last = day.passes(1, Some(10.0)).await.remove(0);
    assert_eq!(last.scaling.pools["g6e"].now, 0);
}

#[tokio::test]
async fn one_controller_for_each_turn_scales_in_where_they_follow_closely_enough() {
    for (minutes, scales_in) in [(2_u64, true), (4, false)] {
        let mut day = Day::begin().await;
        day.passes(30, Some(60.0)).await;
        for _ in 0..40 / minutes {
            day.restart(false);
            day.passes(1, Some(10.0)).await;
            day.simulator.sleep(Duration::from_secs(60 * (minutes - 1))).await;
        }
        day.restart(false);
        let last = day.passes(1, Some(10.0)).await.remove(0);
        assert_eq!(last.scaling.pools["g6e"].now == 0, scales_in, "every {minutes} minutes");
    }
}

#[tokio::test]
async fn launches_are_measured_and_take_the_place_of_what_is_declared() {
    let mut day = Day::begin().await;
    let g6e = "g6e".parse().unwrap();
    for _ in 0..3 {
        day.passes(40, Some(60.0)).await;
        day.passes(150, Some(10.0)).await;
    }
    assert!(day.controller.launches.measured(&g6e) >= 3);
    let declared = crate::decide::scaling::Delays::declared(Span::from_secs(300), true);
    let learned = day.controller.launches.delays(&g6e, declared);
    let minutes = |span: Span| span.millis() / 60_000;
    let measured = (minutes(learned.cold.median), minutes(learned.cold.p95));
    assert!((3..=8).contains(&measured.0) && (4..=15).contains(&measured.1), "{measured:?}");
}

#[tokio::test]
async fn replicas_that_carry_half_of_what_is_declared_are_learned_to() {
    let mut day = Day::begin().await;
    day.passes(20, Some(2.0)).await;
    let (mut queue, mut last) = (0.0_f64, None);
    // 18 req/s are declared of a replica on-prem, and 9 of each of four in a node.
    for _ in 0..240 {
        let serving: f64 = match &last {
            Some(Turn { scaling, .. }) => scaling.pools.values().map(half_of).sum(),
            None => 9.0,
        };
        let asked = 60.0 + queue / 60.0;
        let finished = asked.min(serving);
        queue = ((asked - finished) * 60.0).clamp(0.0, 2000.0);
        let ttft_seconds = if queue > 0.0 { 20.0 } else { 0.3 };
        let shown = Shown { finished, waiting: queue, ttft_seconds };
        *day.load.1.lock().unwrap() = Some(shown);
        last = day.passes(1, Some(60.0)).await.pop();
    }
    let last = last.unwrap();
    let pools = &last.scaling.pools;
    let carries: f64 = pools.values().map(half_of).sum();
    assert!(carries >= 60.0 && queue == 0.0, "{carries} req/s of 60, {queue} wait");
    let worth = last.load.worth["g6e"].as_f64();
    assert!((0.5..0.8).contains(&worth), "{worth}");
    let why = pools["g6e"].reasons.iter().any(|reason| reason.text.contains("as measured"));
    assert!(why, "{:?}", pools["g6e"].reasons);
    // And the next leader knows it.
    day.restart(false);
    let next = day.passes(2, Some(60.0)).await.pop().unwrap();
    assert!((next.load.worth["g6e"].as_f64() - worth).abs() < 0.1, "{:?}", next.load.worth);
}

/// Half of what the serving units of a pool are declared to carry.
fn half_of(pool: &crate::decide::scaling::PoolScaling) -> f64 {
    let each = if pool.pods.is_some() { 36.0 } else { 18.0 };
    f64::from(pool.serving) * each / 2.0
}

#[tokio::test]
async fn what_the_forecasters_have_learned_is_the_next_leaders() {
    let mut day = Day::begin().await;
    day.passes(50, Some(30.0)).await;
    day.restart(false);
    let next = day.passes(2, Some(30.0)).await.pop().unwrap();
    let standings = &next.load.standings["inference"];
    let most = standings.iter().map(|standing| standing.ticks).max().unwrap();
    assert!(most >= 40, "{standings:?}");
    assert_eq!(next.unnoted, None);
    let noted = day.simulator.world().unwrap();
    assert!(format!("{noted:?}").contains("races"));
}
