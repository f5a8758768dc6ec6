//! The controller in a simulated world.

use super::lead::Standing;
use super::{Controller, Gauge, Settings, Turn};
use crate::backend::sim::{Scenario, Simulator};
use crate::clock::Clock;
use crate::desired::Templates;
use crate::execute::NoJournal;
use crate::forecast::CalendarInputs;
use crate::observe::{HandHold, Mark, Side};
use crate::pipeline::{self, ApplyRequest, Session};
use crate::plan::PlanOptions;
use crate::port::{Backends, Measure, Scope};
use crate::signal::{Answer, MeasureError, MeasureFailure, Range};
use crate::spec::{self, Catalog, LoadError, Loaded, Loader, Resolved};
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
"#;

struct OneFile(String);

impl Loader for OneFile {
    fn load(&self, path: &str) -> Result<Loaded, LoadError> {
        let file = Loaded { bytes: self.0.clone().into(), real: path.to_owned() };
        (path == "environments/day.toml").then_some(file).ok_or(LoadError::NotFound)
    }
}

/// A server that says what a test tells it, or nothing.
#[derive(Default)]
struct Told(Mutex<Option<f64>>);

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
            Some(_) => Ok(Answer::default()),
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
        Self::of(FILE.to_owned()).await
    }

    /// Of an environment that is called `day`.
    async fn of(text: String) -> Self {
        let scope = Scope::of(mark(), "inference");
        let environment = resolved(&text).environment;
        let world = Simulator::in_memory(&environment, scope, Scenario::default());
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
    let (resolved, found) = spec::resolve("environments/day.toml", &OneFile(text.to_owned()));
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
    let says = Says { told: Arc::clone(load), clock: Arc::clone(world) };
    let clock = Arc::clone(world) as Arc<dyn Clock>;
    let servers: Vec<Arc<dyn Measure>> = vec![Arc::new(says)];
    let gauge = Gauge::new(servers, CalendarInputs::default(), clock, false, 1);
    Controller::new(session(world, text), gauge, None, Settings { dry_run, time_scale: 1 })
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
