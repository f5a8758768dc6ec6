//! What a turn of `floodway run` takes beside what it waits for: a whole controller, in a
//! dry run, over places that stand still.

use super::{limit, median, scaling, simulated};
use async_trait::async_trait;
use floodway::clock::{Clock, SystemClock};
use floodway::controller::lead::Standing;
use floodway::controller::{Controller, Gauge, Part, Settings, Turn};
use floodway::decide::{self, PlanningInput, Supply};
use floodway::desired::{self, Desired, DesiredInput};
use floodway::forecast::CalendarInputs;
use floodway::observe::{
    Health, Inventory, Live, Node, Ownership, RuntimeField, Side, Unit, Workload, marks,
};
use floodway::pipeline::{self, Session};
use floodway::port::{Measure, Observe, PortError, Scope};
use floodway::signal::{Answer, MeasureError, Range};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Of each group.
const NODES: u32 = 5;
const POOLS: usize = 100;
const LIMIT: Duration = Duration::from_millis(10);

/// A place that stands still.
struct Still(Inventory);

#[async_trait]
impl Observe for Still {
    async fn observe(&self, _: &Scope) -> Result<Inventory, PortError> {
        Ok(self.0.clone())
    }
}

/// A server that says how much load there is.
#[derive(Default)]
struct Says(Mutex<f64>);

#[async_trait]
impl Measure for Says {
    fn server(&self) -> &str {
        "a benchmark"
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        let load = *self.0.lock().unwrap();
        let is_load = query.starts_with("sum(rate(requests_total");
        Ok(if is_load { Answer::of(SystemClock.now(), load) } else { Answer::default() })
    }

    async fn range(&self, _: &str, _: &Range) -> Result<Answer, MeasureError> {
        Ok(Answer::default())
    }
}

/// Turns among 10,000 nodes that have joined, under a load that they carry and under one
/// that changes and asks for more.
pub(crate) fn turn_among_10_000_nodes() {
    let mut session = simulated(scaling::environment(POOLS, "kubernetes"), "environments/big.toml");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let nothing = runtime.block_on(pipeline::look(&session, [])).unwrap().inventory;
    let world = all_serving(&session, nothing);
    let sides = [
        (&mut session.backends.kubernetes, Side::Kubernetes),
        (&mut session.backends.aws, Side::Aws),
    ];
    for (backend, side) in sides {
        let backend = backend.as_mut().unwrap();
        backend.observe = Arc::new(Still(part(&world, side)));
        backend.clock = Arc::new(SystemClock);
        (backend.hands, backend.notes, backend.tell) = (None, None, None);
    }
    let says = Arc::<Says>::default();
    let server = Arc::clone(&says) as Arc<dyn Measure>;
    let (calendar, clock) = (CalendarInputs::default(), Arc::new(SystemClock));
    let gauge = Gauge::new(vec![server], calendar, clock, false, 1);
    let settings = Settings { dry_run: true, time_scale: 1, patience: None };
    let mut controller = Controller::new(session, gauge, None, settings);
    let mut turn = |share: f64| {
        *says.0.lock().unwrap() = share * scaling::capacity(NODES);
        runtime.block_on(controller.turn(&Standing::Leads))
    };
    measured("that moves nothing", || turn(0.7), |writes| writes == 0);
    let mut shares = [0.9, 0.95].into_iter().cycle();
    measured("that asks for more", || turn(shares.next().unwrap()), |writes| writes > 0);
}

fn measured(what: &str, mut turn: impl FnMut() -> Turn, expected: impl Fn(usize) -> bool) {
    let (mut before, mut writes) = (Duration::ZERO, 0);
    let took = median(31, || {
        let turn = turn();
        let serving: u32 = turn.scaling.pools.values().map(|pool| pool.serving).sum();
        assert_eq!(serving, 10_000);
        assert!(expected(turn.done.len()), "{what}: {:?}", turn.done.first());
        (before, writes) = (spent(&turn, &[Part::Measure]), turn.done.len());
        spent(&turn, &[Part::Decide, Part::Act])
    });
    let what = format!("a turn among 10,000 nodes {what}");
    println!(
        "{what}, from what was seen to {writes} writes: {took:.2?} (limit {LIMIT:?}; {POOLS} pools \
         × 20 offerings; before it what was seen is put together and the load measured: \
         {before:.2?})"
    );
    limit::hold(&what, took, LIMIT);
}

fn spent(turn: &Turn, parts: &[Part]) -> Duration {
    let spent = turn.parts.iter().filter(|(part, _)| parts.contains(part));
    spent.map(|(_, (from, to))| Duration::try_from(to.duration_since(*from)).unwrap()).sum()
}

/// Everything that should exist, with what runs in it.
fn all_serving(session: &Session, nothing: Inventory) -> Inventory {
    let supply = Supply::default();
    let planning = PlanningInput {
        environment: &session.resolved.environment,
        origins: &session.resolved.origins,
        catalog: &session.catalog,
        supply: &supply,
    };
    let input = DesiredInput {
        environment: planning.environment,
        origins: planning.origins,
        catalog: planning.catalog,
        decision: &decide::decide(&planning),
        inventory: &nothing,
        mark: &session.mark,
    };
    let desired = desired::render(&input, &session.templates).unwrap();
    let mut world = nothing;
    for wanted in desired.resources {
        let live = serving(wanted, &mut world.nodes);
        world.resources.insert(live.id.clone(), live);
    }
    world.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    world
}

fn serving(wanted: Desired, nodes: &mut Vec<Arc<Node>>) -> Live {
    let marked = marked(&wanted);
    let instance_type = wanted.body.text_at("/instance_types/0");
    let mut units = Vec::new();
    let count = match wanted.id.kind.as_str() {
        "AutoScalingGroup" => NODES,
        "Deployment" => NODES * 2 * scaling::TYPES as u32,
        _ => 0,
    };
    if wanted.id.side == Side::Aws {
        for _ in 0..count {
            let node = node(nodes.len(), &marked);
            let name = node.instance.clone().unwrap_or_default();
            let instance_type = instance_type.clone();
            units.push(Unit { name, ready: true, instance_type, ..Unit::default() });
            nodes.push(Arc::new(node));
        }
    }
    Live {
        uid: format!("uid-{}", wanted.id.name),
        id: wanted.id,
        ownership: Ownership::Ours,
        fields: wanted.body,
        taken: BTreeMap::new(),
        runtime: wanted.seed.map(|seed| RuntimeField {
            path: seed.path,
            value: json!(count),
            managers: Vec::new(),
        }),
        marks: marked,
        applyset: None,
        workload: (count > 0).then(|| Workload {
            desired: count,
            existing: count,
            updated: count,
            ready: count,
            observed: true,
            units,
            ..Workload::default()
        }),
        version: None,
        autoscaler: None,
        deleting: false,
    }
}

/// Its tags or labels, as they are read back.
fn marked(wanted: &Desired) -> BTreeMap<String, String> {
    let own = |(key, value): (&String, &Value)| {
        Some((key.strip_prefix(marks::PREFIX)?.to_owned(), value.as_str()?.to_owned()))
    };
    let path = if wanted.id.side == Side::Aws { "/tags" } else { "/metadata/labels" };
    let all = wanted.body.at(path);
    let all = all.as_ref().and_then(Value::as_object);
    all.into_iter().flatten().filter_map(own).collect()
}

/// One that was started for a group of these marks. No order of names is that of groups.
fn node(number: usize, marked: &BTreeMap<String, String>) -> Node {
    let instance = format!("i-0{:016x}", (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let label = |key: &str| Some((format!("{}{key}", marks::PREFIX), marked.get(key)?.clone()));
    Node {
        name: format!("node-{instance}"),
        instance: Some(instance),
        draining: None,
        labels: ["environment", "pool", "workload"].into_iter().filter_map(label).collect(),
        taints: vec![],
        health: Health::Ready,
        gpus_allocatable: 1,
        gpus_used: 1,
        gpus_ready: 1,
        gpus_unhealthy: 0,
    }
}

/// What is seen of it on one side.
fn part(world: &Inventory, side: Side) -> Inventory {
    let mut part = world.clone();
    part.resources.retain(|id, _| id.side == side);
    if side == Side::Aws {
        part.nodes.clear();
    }
    part
}
