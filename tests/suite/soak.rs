//! A long time of the controller on a simulated world in which everything goes
//! wrong now and then, by a seed. `FLOODWAY_SOAK_TURNS` and `FLOODWAY_SOAK_SEED`
//! make it longer, and another one.

mod clock;
mod hands;
mod load;

use clock::Wrong;
use floodway::backend::files::Files;
use floodway::backend::sim::{
    Actor, CapacityChange, Fault, FaultKind, GpusUnhealthy, Scenario, Simulator,
};
use floodway::clock::{Clock, Timestamp};
use floodway::controller::lead::Standing;
use floodway::controller::{Controller, Gauge, Going, Settings, Turn};
use floodway::decide::DesiredOwner;
use floodway::decide::scaling::{AsideCause, PoolScaling};
use floodway::desired::Templates;
use floodway::execute::{Limits, NoJournal};
use floodway::forecast::CalendarInputs;
use floodway::id::Name;
use floodway::observe::{Hands, Health, Inventory, Live, Mark, Node, Side};
use floodway::pipeline::{self, ApplyRequest, Session};
use floodway::plan::{FailureKind, PlanOptions, PortError};
use floodway::port::{Backend, Backends, Scope};
use floodway::signal::declared;
use floodway::spec::{Catalog, LoadError, Loaded, Loader, Resolved, resolve};
use floodway::units::Share;
use hands::held;
use load::{Says, Unsure};
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
/// Turns without any fault, after which all must be as it should: what was set
/// aside is tried again after 30 minutes at most.
const QUIET: u32 = 180;
/// Turns in which what is on its way then must have come or gone.
const SETTLES: u32 = 120;

struct Soak {
    /// The replica that leads.
    controller: Controller,
    clock: Arc<Wrong>,
    /// The one that follows.
    other: Controller,
    other_clock: Arc<Wrong>,
    /// The leader's lease is out of reach.
    cut_off: bool,
    world: Arc<Simulator>,
    load: Arc<Unsure>,
    random: TestRng,
    /// What ends by itself, and at which turn.
    ends: Vec<(u32, Ends)>,
    budget: f64,
}

enum Ends {
    Happens(Actor),
    Unsure,
    Hold(Option<Name>),
    CutOff,
    Wrong(Arc<Wrong>),
}

impl Soak {
    async fn new(seed: u64) -> Self {
        let (resolved, mark) = day();
        let environment = resolved.environment;
        let text = fs::read_to_string(file().with_file_name("scenarios/day.toml")).unwrap();
        let scenario = Scenario::read("day.toml", &text, &environment).unwrap();
        let scope = Scope::of(mark, environment.service.namespace.as_str());
        let world = Simulator::in_memory(&environment, scope, Scenario { seed, ..scenario });
        let clocks = [(); 2].map(|()| Wrong::of(&world));
        apply(&session(&world, &clocks[0])).await;
        let load = Unsure::of(&world, declared(&environment));
        let [controller, other] = clocks.each_ref().map(|clock| controller(&world, clock, &load));
        let [clock, other_clock] = clocks;
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &{
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&seed.to_le_bytes());
            bytes
        });
        let budget = environment.burst.budget.as_ref().and_then(|budget| budget.usd_per_hour);
        let budget = budget.unwrap().to_string().trim_matches(['$', '/', 'h']).parse().unwrap();
        let (cut_off, ends) = (false, Vec::new());
        Self { controller, clock, other, other_clock, cut_off, world, load, random, ends, budget }
    }

    fn below(&mut self, most: u32) -> u32 {
        self.random.next_u32() % most
    }

    fn disturb(&self, what: Actor) {
        self.world.disturb(what).unwrap();
    }

    /// One of the nodes of now, of its own or of an instance.
    async fn any_node(&mut self) -> String {
        let nodes = self.whole().await.nodes;
        let at = self.below(u32::try_from(nodes.len()).unwrap());
        nodes[at as usize].name.clone()
    }

    /// Something goes wrong, about every tenth turn.
    async fn go_wrong(&mut self, turn: u32) {
        if self.below(10) > 0 {
            return;
        }
        let ends = turn + 1 + self.below(45);
        match self.below(16) {
            0 => {
                let node = self.any_node().await;
                self.disturb(Actor::NodeNotReady(node.clone()));
                self.ends.push((ends, Ends::Happens(Actor::NodeReady(node))));
            }
            5 => {
                let node = self.any_node().await;
                let fails = |gpus| Actor::GpusUnhealthy(GpusUnhealthy { node: node.clone(), gpus });
                let gpus = 1 + self.below(4);
                self.disturb(fails(gpus));
                self.ends.push((ends, Ends::Happens(fails(0))));
            }
            6 => {
                let share = Share::percent(u64::from(25 + self.below(76)));
                self.disturb(Actor::SpotNotice(share));
            }
            // Both replicas begin anew.
            7 => {
                let anew = |clock| controller(&self.world, clock, &self.load);
                let (own, other) = (anew(&self.clock), anew(&self.other_clock));
                (self.controller, self.other) = (own, other);
            }
            // The lease goes to the other one.
            9 => {
                std::mem::swap(&mut self.controller, &mut self.other);
                std::mem::swap(&mut self.clock, &mut self.other_clock);
            }
            // The clock of one of them jumps, ahead or back, and is right again later.
            12 => {
                let minutes = i64::from(1 + self.below(300));
                let ahead = [minutes, -minutes][self.below(2) as usize];
                let clocks = [&self.clock, &self.other_clock].map(Arc::clone);
                let clock = &clocks[self.below(2) as usize];
                clock.set(ahead);
                self.ends.push((ends, Ends::Wrong(Arc::clone(clock))));
            }
            10 => {
                self.cut_off = true;
                self.ends.push((ends, Ends::CutOff));
            }
            // Neither has a turn for a while: the machines stood still.
            11 => {
                let minutes = 1 + self.below(90);
                self.world.sleep(MINUTE * minutes).await;
            }
            1 => {
                let instance_type =
                    ["g6e.12xlarge", "g5.12xlarge"][self.below(2) as usize].to_owned();
                let limit = |instances| {
                    let instance_type = instance_type.clone();
                    CapacityChange { instance_type, capacity_type: None, instances }
                };
                let instances = Some(self.below(3));
                self.disturb(Actor::Capacity(limit(instances)));
                self.ends.push((ends, Ends::Happens(Actor::Capacity(limit(None)))));
            }
            2 | 3 => {
                let kinds = [
                    FaultKind::Throttled,
                    FaultKind::TimeoutAfterEffect,
                    FaultKind::Rejected,
                    FaultKind::Denied,
                ];
                let kind = kinds[self.below(4) as usize];
                let calls = 1 + self.below(4);
                self.disturb(Actor::Fault(Fault { kind, name: String::new(), list: None, calls }));
            }
            4 => {
                let list = ["Deployment", "Node", "AutoScalingGroup"][self.below(3) as usize];
                let kind = [FaultKind::Throttled, FaultKind::Denied][self.below(2) as usize];
                let (list, calls) = (Some(list.to_owned()), 1 + self.below(5));
                self.disturb(Actor::Fault(Fault { kind, name: String::new(), list, calls }));
            }
            13 => self.hold_by_hand(ends).await,
            _ => {
                let says = match self.below(6) {
                    0 => Says::Nothing,
                    1 => Says::Nonsense([f64::NAN, f64::INFINITY, -1.0][self.below(3) as usize]),
                    2 => Says::AllBut("demand/"),
                    3 => Says::AllBut("queue/"),
                    _ => Says::Old(self.world.now()),
                };
                self.load.say(says);
                let ends = turn + 3 + self.below(20);
                self.ends.push((ends, Ends::Unsure));
            }
        }
    }

    async fn get_better(&mut self, turn: u32) {
        let (over, left) = self.ends.drain(..).partition(|(at, _)| *at <= turn);
        self.ends = left;
        let over: Vec<(u32, Ends)> = over;
        for (_, what) in over {
            match what {
                Ends::Happens(what) => self.disturb(what),
                Ends::Unsure => self.load.say(Says::All),
                Ends::Hold(pool) => self.say(|hands| drop(hands.resume(pool.as_ref()))).await,
                Ends::CutOff => self.cut_off = false,
                Ends::Wrong(clock) => clock.set(0),
            }
        }
    }

    async fn turn(&mut self) -> Turn {
        let (silent, hands) = (self.load.is_blind(), self.said().await.hands);
        let (serve, going) = (serving(&self.whole().await), self.controller.drains.names());
        let (leader, follower) = self.standings();
        let follows = self.other.turn(&follower).await;
        let wrote = follows.done.iter().any(|done| done.outcome.is_some());
        assert!(!wrote, "a follower wrote: {:?}", follows.done);
        let turn = self.controller.turn(&leader).await;
        let silent = silent || self.cut_off;
        self.hold(&turn, silent, &hands).await;
        let blind = silent || !turn.unseen.is_empty();
        for (unit, to_go) in self.controller.drains.units() {
            let chosen = to_go.leaves && !going.contains(unit);
            let stage = &turn.scaling.pools[&to_go.pool].stage;
            let unsure = blind || turn.scaling.stages[stage].doubt.is_some();
            let kept = unsure || held(&hands, &to_go.pool, |hold| hold.scale_in);
            let at = turn.scaling.at;
            assert!(!(chosen && kept && serve.contains(unit)), "{at}: {unit}, {to_go:?}");
        }
        self.world.sleep(MINUTE).await;
        turn
    }

    /// Of the leader, and of the other.
    fn standings(&self) -> (Standing, Standing) {
        if self.cut_off {
            let why = PortError {
                kind: FailureKind::Unreachable,
                message: "the lease is out of reach".to_owned(),
                help: None,
            };
            return (Standing::CutOff { why: why.clone() }, Standing::Waits { why });
        }
        (Standing::Leads, Standing::Follows { leader: "the other".to_owned() })
    }

    /// The laws of every turn. `silent`: nothing may go. `hands`: what operators said
    /// before it.
    async fn hold(&self, turn: &Turn, silent: bool, hands: &Hands) {
        let scaling = &turn.scaling;
        let at = scaling.at;
        for (name, pool) in &scaling.pools {
            if pool.owner != DesiredOwner::Controller {
                continue;
            }
            assert!(
                (pool.min..=pool.max).contains(&pool.wanted) || pool.wanted == pool.now,
                "{at} {name}: {} wanted, {} to {}: {pool:?}, unseen {:?}",
                pool.wanted,
                pool.min,
                pool.max,
                turn.unseen
            );
            let kept = silent || held(hands, name, |hold| hold.scale_in);
            if kept || !turn.unseen.is_empty() {
                self.stays(at, name, pool);
            }
            if held(hands, name, |hold| hold.scale_out) {
                let rises = pool.sources.iter().find(|source| source.set > source.desired);
                assert!(rises.is_none(), "{at} {name}: a hold is not kept: {rises:?} of {pool:?}");
            }
        }
        let (now, after) = (scaling.cost_now.usd_per_hour, scaling.cost_after.usd_per_hour);
        let most = self.budget.max(now.as_f64());
        assert!(after.as_f64() <= most, "{at}: {after} is over the budget");
        // What nobody's faults hide.
        let world = self.whole().await;
        let groups = world.resources.values().filter(|live| live.id.kind == "AutoScalingGroup");
        let asked: u32 = groups.map(|live| live.workload.as_ref().map_or(0, |w| w.desired)).sum();
        let max = scaling.pools.values().filter(|pool| pool.pods.is_some()).map(|pool| pool.max);
        assert!(asked <= max.sum(), "{at}: {asked} instances asked for");
        let remembered = serde_json::to_string(&scaling.memory).unwrap().len();
        assert!(remembered < 64 * 1024, "{at}: {remembered} bytes remembered");
        assert!(self.controller.drains.names().len() <= 4, "{at}: drains pile up");
    }

    /// Nothing of `pool` is asked to go. What does not serve may be given up with its
    /// offering, and what there is no capacity for is not asked for: neither carries.
    /// That what serves stays with a given up offering is seen by the instances' names.
    fn stays(&self, at: Timestamp, name: &Name, pool: &PoolScaling) {
        let serves = pool.serving.min(pool.now);
        assert!(pool.wanted >= serves, "{at} {name}: scaled in all the same: {pool:?}");
        for source in &pool.sources {
            // What was on its way out before goes on.
            let of = |going: &Going| source.group.as_deref() == Some(going.group.name.as_str());
            let going = self.controller.drains.units().filter(|(_, going)| of(going)).count();
            let stays = match source.aside {
                None | Some(AsideCause::Refused) => {
                    source.wanted as usize + going >= source.desired as usize
                }
                Some(AsideCause::NoCapacity) => source.shrink == 0,
                Some(AsideCause::NeverReady) => {
                    source.market.is_some() || source.wanted >= source.desired
                }
            };
            assert!(stays, "{at} {name}: scaled in all the same: {source:?} of {pool:?}");
        }
    }

    /// The world, by a copy of it: a look at it uses its faults up.
    async fn whole(&self) -> Inventory {
        let session = &self.controller.session;
        let mut world = self.world.world().unwrap();
        world.forgive();
        let copy = Simulator::resumed(world, session.scope([]));
        let mut whole = Inventory::empty(copy.now());
        for side in [Side::Kubernetes, Side::Aws] {
            whole.merge(copy.backend(side).observe.observe(&session.scope([])).await.unwrap());
        }
        whole
    }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/day.toml")
}

/// The day with spot instances, so that AWS takes some back, and with a signal that can
/// be missing by itself.
const SOAK: &str = r#"
extends = "day.toml"

[environment]
name = "soak"

[aws.pools.g6e]
spot = { share = "50%", base_on_demand = 1 }

[signals]
queue = { inference = "sum(gateway_queue_depth)" }
"#;

struct Soaked(Files);

impl Loader for Soaked {
    fn load(&self, path: &str) -> Result<Loaded, LoadError> {
        if path.ends_with("soak.toml") {
            return Ok(Loaded { bytes: SOAK.into(), real: path.to_owned() });
        }
        self.0.load(path)
    }
}

fn day() -> (Resolved, Mark) {
    let (files, entry) = Files::around(&file()).unwrap();
    let entry = entry.replace("day.toml", "soak.toml");
    let resolved = resolve(&entry, &Soaked(files)).0.unwrap();
    let environment = resolved.environment.environment.name.to_string();
    (resolved, Mark { environment, repository: "local".to_owned(), file: entry })
}

fn session(world: &Arc<Simulator>, clock: &Arc<Wrong>) -> Session {
    let (resolved, mark) = day();
    let by_that_clock = |side| {
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        Some(Backend { clock, ..world.backend(side) })
    };
    Session {
        text: resolved.to_toml(),
        mark,
        backends: Backends {
            kubernetes: by_that_clock(Side::Kubernetes),
            aws: by_that_clock(Side::Aws),
        },
        catalog: Catalog::shipped(),
        templates: Templates::embedded().unwrap(),
        limits: Vec::new(),
        resolved,
    }
}

/// One that has just begun: what the last one noted, it reads.
fn controller(world: &Arc<Simulator>, clock: &Arc<Wrong>, load: &Arc<Unsure>) -> Controller {
    let session = session(world, clock);
    let calendar = CalendarInputs::of(&session.resolved.environment, &[]).unwrap();
    let clock = pipeline::clock(&session.backends);
    let gauge = Gauge::new(vec![Arc::clone(load) as _], calendar, clock, false, 1);
    let settings = Settings { dry_run: false, time_scale: 1, patience: None };
    Controller::new(session, gauge, None, settings)
}

/// The instances whose nodes run what they should, and that nobody takes back.
fn serving(world: &Inventory) -> BTreeSet<String> {
    let works = |node: &&Node| {
        node.health == Health::Ready && node.gpus_unhealthy == 0 && node.gpus_used > 0
    };
    let nodes = world.nodes().filter(works).filter_map(|node| node.instance.as_deref());
    let nodes: BTreeSet<&str> = nodes.collect();
    let units = world.resources.values().flat_map(Live::units);
    let serve = units.filter(|unit| unit.ready && !unit.ending && unit.taken_back.is_none());
    serve.filter(|unit| nodes.contains(&*unit.name)).map(|unit| unit.name.clone()).collect()
}

async fn apply(session: &Session) {
    let plan = pipeline::make_plan(session, &PlanOptions::default()).await.unwrap();
    let (_stop, stop) = tokio::sync::watch::channel(None);
    let request = ApplyRequest {
        holder: "soak",
        journal: &NoJournal,
        listener: &|_| {},
        stop,
        limits: Limits::default(),
    };
    assert!(pipeline::apply(session, &plan, &request).await.unwrap().report.is_done());
}

fn told(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[tokio::test]
async fn a_day_of_faults_ends_with_no_leak_and_no_drift() {
    let turns = u32::try_from(told("FLOODWAY_SOAK_TURNS", 1440)).unwrap();
    let mut soak = Soak::new(told("FLOODWAY_SOAK_SEED", 5)).await;
    let (mut raised, mut lowered, mut failed) = (0, 0, 0);
    for turn in 0..turns {
        soak.get_better(turn).await;
        soak.go_wrong(turn).await;
        let said = soak.turn().await;
        let pools = said.scaling.pools.values();
        raised += pools.clone().filter(|pool| pool.wanted > pool.now).count();
        lowered += pools.filter(|pool| pool.wanted < pool.now).count();
        failed += said.done.iter().filter(|done| matches!(done.outcome, Some(Err(_)))).count();
    }
    // Else nothing was tried.
    assert!(raised > 3 && lowered > 3 && failed > 0, "{raised} {lowered} {failed}");
    soak.get_better(u32::MAX).await;
    soak.world.forgive().unwrap();
    let mut last = soak.turn().await;
    // Where that ends while the load falls, what goes is waited for.
    let settled = |turn: &Turn| turn.scaling.pools.values().all(|pool| pool.now == pool.wanted);
    for turn in 1..QUIET + SETTLES {
        if turn >= QUIET && settled(&last) && soak.controller.drains.names().is_empty() {
            break;
        }
        last = soak.turn().await;
    }
    for (name, pool) in &last.scaling.pools {
        assert_eq!(pool.now, pool.wanted, "{name}: asked and wanted");
    }
    assert!(soak.controller.drains.names().is_empty(), "something drains for ever");
    let world = soak.whole().await;
    for live in world.resources.values() {
        let Some(workload) = &live.workload else { continue };
        let (desired, existing) = (workload.desired, workload.existing);
        assert_eq!((existing, workload.ready), (desired, desired), "{}", live.id);
    }
    let session = &soak.controller.session;
    let plan = pipeline::make_plan(session, &PlanOptions::default()).await.unwrap();
    assert!(!plan.has_work() && plan.refusals.is_empty(), "{:?}", plan.refusals);
}
