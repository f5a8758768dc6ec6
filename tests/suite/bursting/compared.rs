//! The busy minutes of a real hour, scaled for in three ways, in a simulated world: by
//! nobody, by an autoscaler alone, and by `floodway run`'s controller. What became of
//! the requests is modelled as in the bench `replay`, which plays the whole hour to
//! real parts.

use super::fleet::{ONPREM, Record, State};
use super::hour::Hour;
use async_trait::async_trait;
use floodway::backend::sim::{Actor, Delay, Scenario, Set, Simulator};
use floodway::clock::Clock;
use floodway::controller::lead::Standing;
use floodway::controller::{Controller, Gauge, Settings};
use floodway::desired::Templates;
use floodway::execute::{Limits, NoJournal};
use floodway::forecast::CalendarInputs;
use floodway::observe::{Mark, Side};
use floodway::pipeline::{self, ApplyRequest, Session};
use floodway::plan::PlanOptions;
use floodway::port::{Backends, Measure, Scope};
use floodway::signal::{Answer, MeasureError, Range};
use floodway::spec::{Catalog, OneFile, Resolved, resolve};
use floodway::units::Span;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Requests that come for each one of the hour.
const FACTOR: f64 = 7.0;
/// Seconds that a request waits at most.
const PATIENCE: f64 = 30.0;
/// What a replica is meant to carry, for Floodway and for the autoscaler.
const TARGET: f64 = 0.8 * ONPREM;
/// Seconds from a decision to the next one.
const EVERY: u32 = 15;
/// Seconds before the minutes begin, with a load as in the first of them.
const BEFORE: u32 = 600;
/// How long what was raised is not lowered, in seconds.
const WINDOW: u32 = 300;
/// Replicas on-prem at most.
const MOST: u32 = 5;

const FILE: &str = r#"
[environment]
name = "compared"

[slo]
availability = "99.9%"
ttft_p99 = "500ms"

[service]
name = "llm"
namespace = "inference"
model = "m"

[service.stages.inference]
image = "registry.example/i@sha256:0000000000000000000000000000000000000000000000000000000000000000"
gpus = 1
resources = { cpu = "1", memory = "1Gi" }
startup = "3m"

[onprem]
provider = "sim"

[onprem.pools.h100]
stage = "inference"
replicas = { min = 1, max = 5 }
capacity = "10 req/s"

[aws]
provider = "sim"
region = "us-east-1"

[aws.pools.g6e]
stage = "inference"
size = { min = 0, max = 4 }
join = "kubernetes"
instance_types = ["g6e.12xlarge"]
capacity = { "g6e.12xlarge" = "5 req/s" }
image = { name = "gpu-inference" }

[burst]
target_utilization = "80%"
scale_in = { stabilization = "5m", drain = "2m" }

[signals]
prometheus = "http://prometheus:9090"
interval = "15s"
demand = "demand"
engine = { inference = "vllm" }
"#;

/// Who scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Nobody,
    Autoscaler,
    Floodway,
}

/// The requests, and what of them is measured.
struct Requests {
    world: Arc<Simulator>,
    state: Mutex<State>,
    /// What had come by each of the last seconds.
    come: Mutex<VecDeque<f64>>,
}

impl Requests {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.pass(1.0);
        let mut come = self.come.lock().unwrap();
        come.push_back(state.come_so_far());
        if come.len() > 61 {
            come.pop_front();
        }
    }

    /// Requests per second over the last minute.
    fn rate(&self) -> f64 {
        let come = self.come.lock().unwrap();
        match (come.front(), come.back()) {
            (Some(first), Some(last)) if come.len() > 1 => (last - first) / (come.len() - 1) as f64,
            _ => 0.0,
        }
    }
}

#[async_trait]
impl Measure for Requests {
    fn server(&self) -> &str {
        "a model"
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        let value = match query {
            "demand" => Some(self.rate()),
            waiting if waiting.starts_with("sum(vllm:num_requests_waiting") => {
                Some(self.state.lock().unwrap().waiting)
            }
            _ => None,
        };
        Ok(value.map_or_else(Answer::default, |value| Answer::of(self.world.now(), value)))
    }

    async fn range(&self, _: &str, _: &Range) -> Result<Answer, MeasureError> {
        Ok(Answer::default())
    }
}

struct Play {
    world: Arc<Simulator>,
    session: Session,
    requests: Arc<Requests>,
    /// What the autoscaler has wanted within its window.
    wanted: VecDeque<u32>,
}

fn resolved() -> Resolved {
    let (resolved, found) =
        resolve("environments/compared.toml", &OneFile("environments/compared.toml", FILE));
    resolved.unwrap_or_else(|| panic!("{found:?}"))
}

fn mark() -> Mark {
    let file = "environments/compared.toml".to_owned();
    Mark { environment: "compared".into(), repository: "local".into(), file }
}

fn session(world: &Arc<Simulator>) -> Session {
    let resolved = resolved();
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

impl Play {
    async fn begin() -> Self {
        let scope = Scope::of(mark(), "inference");
        let span = Span::from_secs;
        // From asked for to ready, as in the bench: three minutes, and what a pod takes.
        let launch = Delay { median: span(120), p95: span(160) };
        let start = Delay { median: span(15), p95: span(20) };
        let scenario = Scenario { launch, start, ..Scenario::default() };
        let world = Simulator::in_memory(&resolved().environment, scope, scenario);
        let session = session(&world);
        let plan = pipeline::make_plan(&session, &PlanOptions::default()).await.unwrap();
        let (_stop, stop) = tokio::sync::watch::channel(None);
        let request = ApplyRequest {
            holder: "a test",
            journal: &NoJournal,
            listener: &|_| {},
            stop,
            limits: Limits::default(),
        };
        assert!(pipeline::apply(&session, &plan, &request).await.unwrap().report.is_done());
        let requests = Arc::new(Requests {
            world: Arc::clone(&world),
            state: Mutex::new(State::with_patience(PATIENCE)),
            come: Mutex::default(),
        });
        Self { world, session, requests, wanted: VecDeque::new() }
    }

    /// Ready replicas on-prem and burst; and instances that are asked for.
    async fn look(&self) -> (u32, u32, u32) {
        let seen = pipeline::look(&self.session, []).await.unwrap().inventory;
        let all = || seen.resources.values();
        let of = |pool: &str, kind: &str| {
            let live = all().find(|live| live.id.kind == kind && live.pool() == Some(pool));
            live.and_then(|live| live.workload.clone()).unwrap_or_default()
        };
        let (onprem, burst) = (of("h100", "Deployment"), of("g6e", "Deployment"));
        (onprem.ready, burst.ready, of("g6e", "AutoScalingGroup").desired)
    }

    fn set_onprem(&self, replicas: u32) {
        let set = Set {
            kind: "Deployment".to_owned(),
            name: "llm-inference-h100".to_owned(),
            path: "/spec/replicas".to_owned(),
            value: replicas.into(),
            by: "kube-controller-manager".to_owned(),
        };
        self.world.disturb(Actor::Set(set)).unwrap();
    }

    /// The HPA by its own rules: what the load asks for over the target, at most twice as
    /// many or four more at once, and the most of its window.
    fn autoscale(&mut self, ready: u32) {
        let asks = (self.requests.rate() / TARGET).ceil() as u32;
        let wants = asks.min((2 * ready).max(ready + 4)).clamp(1, MOST);
        self.wanted.push_back(wants);
        if self.wanted.len() > (WINDOW / EVERY) as usize {
            self.wanted.pop_front();
        }
        self.set_onprem(self.wanted.iter().copied().max().unwrap_or(wants));
    }
}

/// What became of the requests, and the most instances that were asked for.
async fn play(way: Way, hour: &Hour) -> (Record, u32) {
    let mut play = Play::begin().await;
    let first = hour.minutes(0, 1).mean() * FACTOR;
    play.requests.state.lock().unwrap().offered = first;
    // As many as that load asks for.
    play.set_onprem((first / TARGET).ceil() as u32);
    let clock = Arc::clone(&play.world) as Arc<dyn Clock>;
    let servers: Vec<Arc<dyn Measure>> = vec![Arc::clone(&play.requests) as _];
    let gauge = Gauge::new(servers, CalendarInputs::default(), clock, false, 1);
    let settings = Settings { dry_run: false, time_scale: 1, patience: None };
    let mut controller = Controller::new(session(&play.world), gauge, None, settings);
    let mut most = 0;
    for second in 0..BEFORE + hour.seconds() {
        if second == BEFORE {
            let mut state = play.requests.state.lock().unwrap();
            state.begin(Arc::new(hour.clone()), FACTOR, 1.0);
        }
        if second % 5 == 0 {
            let (onprem, burst, asked) = play.look().await;
            play.requests.state.lock().unwrap().serve_by(onprem.into(), burst.into());
            most = most.max(asked);
            match way {
                _ if second % EVERY > 0 => {}
                Way::Nobody => {}
                Way::Autoscaler => play.autoscale(onprem),
                Way::Floodway => {
                    let turn = controller.turn(&Standing::Leads).await;
                    let failed =
                        |done: &floodway::controller::Done| matches!(done.outcome, Some(Err(_)));
                    assert!(!turn.done.iter().any(failed), "{:?}", turn.done);
                }
            }
            play.world.sleep(Duration::from_secs(5)).await;
        }
        play.requests.pass();
    }
    let record = play.requests.state.lock().unwrap().record().clone();
    (record, most)
}

#[tokio::test]
async fn a_busy_stretch_is_served_better_than_by_an_autoscaler_alone_and_that_than_by_nobody() {
    // More comes in the last third than on-prem carries.
    let hour = Hour::read().minutes(14, 22);
    let (nobody, _) = play(Way::Nobody, &hour).await;
    let (alone, none) = play(Way::Autoscaler, &hour).await;
    let (ours, instances) = play(Way::Floodway, &hour).await;
    assert_eq!((none, instances > 0), (0, true));
    let told = [&nobody, &alone, &ours].map(|one| {
        let refused = one.refused / one.arrived;
        (one.first_token_of(0.99), refused, one.within(0.5))
    });
    eprintln!("first token P99, refused, in time: {told:?}");
    let [nobody, alone, ours] = told;
    // Time to first token (P99), the share that was refused, and that was in time.
    assert!(ours.0 < alone.0 && alone.0 <= nobody.0, "{told:?}");
    assert!(ours.1 < alone.1 && alone.1 < nobody.1, "{told:?}");
    assert!(ours.2 > alone.2 && alone.2 > nobody.2, "{told:?}");
}
