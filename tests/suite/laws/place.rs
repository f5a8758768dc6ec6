//! An environment and its simulated world, planned and applied in process.

use super::cut::Cut;
use super::declared::{Declared, FILE, NAME, NAMESPACE};
use super::history::Edit;
use super::jump::jumping;
use super::watch::watched;
use floodway::backend::sim::{Actor, Fault, NodeSet, Scenario, Simulator};
use floodway::desired::Templates;
use floodway::execute::{Limits, NoJournal, Report};
use floodway::observe::{Inventory, Mark, Ownership, ResourceId, Side};
use floodway::pipeline::{self, ApplyRequest, Error, Session};
use floodway::plan::{Action, Plan, PlanOptions};
use floodway::port::{Backend, Backends, Scope};
use floodway::spec::{Catalog, Resolved};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::runtime::Runtime;

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::embedded().unwrap());
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());

/// One environment in one world.
pub struct Place {
    declared: Declared,
    session: Session,
    pub simulator: Arc<Simulator>,
}

pub fn mark() -> Mark {
    Mark { environment: NAME.into(), repository: "local".into(), file: FILE.into() }
}

/// What carries `mark`.
pub fn scope(mark: Mark) -> Scope {
    Scope::of(mark, NAMESPACE)
}

impl Place {
    /// A world with room for everything and nothing in it.
    pub fn new(declared: Declared) -> Self {
        let nodes = NodeSet {
            name: "node".into(),
            count: 40,
            gpus: 8,
            labels: BTreeMap::from([("kind".to_owned(), "gpu".to_owned())]),
            ..NodeSet::default()
        };
        let scenario = Scenario { nodes: vec![nodes], ..Scenario::default() };
        let environment = declared.resolve().environment;
        let simulator = Simulator::in_memory(&environment, scope(mark()), scenario);
        Self::of(declared, simulator)
    }

    fn of(declared: Declared, simulator: Arc<Simulator>) -> Self {
        let session = session(&declared, &simulator);
        Self { declared, session, simulator }
    }

    /// The environment's file is edited.
    pub fn edit(&mut self, edits: &[Edit]) {
        self.declared = self.declared.edited(edits);
        self.session = session(&self.declared, &self.simulator);
    }

    /// The environment is as it was read to be.
    pub fn turn(&mut self, declared: Declared, resolved: Resolved) {
        let side = |side| self.simulator.backend(side);
        self.declared = declared;
        self.session = session_of(resolved, side(Side::Kubernetes), side(Side::Aws));
    }

    /// A copy that goes on by itself.
    pub fn fork(&self) -> Self {
        let simulator = Simulator::resumed(self.simulator.world().unwrap(), scope(mark()));
        Self::of(self.declared.clone(), simulator)
    }

    /// A copy of this world in which calls fail.
    pub fn with_fault(&self, fault: Fault) -> Self {
        let world = self.simulator.world().unwrap().with_fault(fault);
        Self::of(self.declared.clone(), Simulator::resumed(world, scope(mark())))
    }

    /// Ids of all that is there, whatever a list would say.
    pub fn everything(&self) -> BTreeSet<ResourceId> {
        self.simulator.world().unwrap().ids().cloned().collect()
    }

    pub fn try_plan(&self, options: &PlanOptions) -> Result<Plan, Error> {
        RUNTIME.block_on(pipeline::make_plan(&self.session, options))
    }

    pub fn plan(&self) -> Plan {
        self.try_plan(&PlanOptions::default()).unwrap()
    }

    /// Compares `plan` with the world and, if it is still good, applies it.
    pub fn apply(&self, plan: &Plan) -> Result<Report, Error> {
        RUNTIME.block_on(apply(&self.session, plan))
    }

    /// An apply that is cut off; none: the process was killed.
    pub fn apply_cut(&self, plan: &Plan, cut: &Arc<Cut>) -> Option<Report> {
        let mut session = session(&self.declared, &self.simulator);
        let backends = &mut session.backends;
        for backend in [&mut backends.kubernetes, &mut backends.aws] {
            *backend = backend.take().map(|backend| cut.around(backend));
        }
        RUNTIME.block_on(async {
            tokio::select! {
                biased;
                () = cut.killed() => None,
                report = apply(&session, plan) => Some(report.unwrap()),
            }
        })
    }

    /// An apply by clocks that are wrong by these minutes in turn.
    pub fn apply_by(&self, plan: &Plan, wrong: &[i64]) -> Report {
        let mut session = session(&self.declared, &self.simulator);
        let backends = &mut session.backends;
        for backend in [&mut backends.kubernetes, &mut backends.aws].into_iter().flatten() {
            backend.clock = jumping(Arc::clone(&backend.clock), wrong);
        }
        RUNTIME.block_on(apply(&session, plan)).unwrap()
    }

    /// Whether `plan` may still be applied.
    pub fn is_stale(&self, plan: &Plan) -> bool {
        match RUNTIME.block_on(pipeline::compare(&self.session, plan)) {
            Ok(()) => false,
            Err(Error::Stale(_)) => true,
            Err(other) => panic!("{other}"),
        }
    }

    pub fn disturb(&self, what: Actor) {
        self.simulator.disturb(what).unwrap();
    }

    pub fn pass(&self, minutes: u64) {
        let clock = self.simulator.backend(Side::Kubernetes).clock;
        RUNTIME.block_on(clock.sleep(Duration::from_secs(60 * minutes)));
    }

    /// What carries the environment's marks; `named` beside it.
    pub fn seen(&self, named: &[ResourceId]) -> Inventory {
        self.observe(Scope { named: named.to_vec(), ..scope(mark()) })
    }

    /// All fields of everything that carries marks, whoever owns them: the
    /// environment's things as another one sees them.
    pub fn manifests(&self) -> BTreeMap<ResourceId, Value> {
        let other = Mark { environment: "other".into(), ..mark() };
        let seen = self.observe(Scope { any_environment: true, ..scope(other) });
        seen.resources.into_iter().map(|(id, live)| (id, live.fields.value())).collect()
    }

    fn observe(&self, mut scope: Scope) -> Inventory {
        let (environment, catalog) = (&self.session.resolved.environment, &self.session.catalog);
        let lookups = floodway::desired::lookups(environment, catalog);
        scope.lookups = lookups.into_iter().collect();
        RUNTIME.block_on(async {
            let mut inventory = Inventory::empty(floodway::clock::Timestamp::UNIX_EPOCH);
            for side in [Side::Kubernetes, Side::Aws] {
                let backend = self.simulator.backend(side);
                inventory.merge(backend.observe.observe(&scope).await.unwrap());
            }
            inventory
        })
    }

    /// Ids of what is the environment's.
    pub fn ours(&self) -> Vec<ResourceId> {
        let seen = self.seen(&[]);
        let ours = seen.resources.into_values().filter(|live| live.ownership == Ownership::Ours);
        ours.map(|live| live.id).collect()
    }

    /// Where the rule is rolling, each instance runs what its template says.
    fn assert_rolled(&self, seen: &Inventory) {
        for (pool, _) in self.declared.burst.iter().filter(|(_, pool)| pool.rolling) {
            let template = seen.of_pool("LaunchTemplate", pool).next().unwrap();
            for unit in seen.of_pool("AutoScalingGroup", pool).flat_map(|group| group.units()) {
                assert!(unit.ending || unit.version == template.version, "{pool}: {unit:?}");
            }
        }
    }

    /// The world as it should be, in which no further plan changes anything:
    /// every field of everything that is the environment's, without the numbers
    /// that runtime owners set. Workloads are named by stage and pool: which
    /// number a name ends with depends on what was there before.
    pub fn settled(&self) -> BTreeMap<String, Value> {
        let plan = self.plan();
        assert!(!plan.has_work() && plan.refusals.is_empty(), "{}", shown(&plan));
        let runtime: BTreeMap<_, _> =
            plan.changes.iter().map(|change| (&change.id, &change.owned_by)).collect();
        let ours: BTreeSet<_> = self.ours().into_iter().collect();
        let mut names: Vec<(String, String)> = Vec::new();
        let seen = self.seen(&[]);
        self.assert_rolled(&seen);
        for live in seen.resources.values() {
            let workload = ["Deployment", "EndpointSlice", "AutoScalingGroup"];
            if let (true, Some(pool), Some(stage)) =
                (workload.contains(&live.id.kind.as_str()), live.pool(), live.marks.get("stage"))
            {
                let market = |at: &str| live.fields.text_at(at).unwrap_or_default();
                let offering = market("/instance_types/0") + &market("/capacity_type");
                let name = format!("{stage}/{pool}/{offering}");
                names.push((format!("\"{}\"", live.id.name), format!("\"{name}\"")));
                // The user data say it too, on a line of their own.
                names.push((format!(": {}\\n", live.id.name), format!(": {name}\\n")));
            }
        }
        let renamed = |text: String| {
            names.iter().fold(text, |text, (from, to)| text.replace(from.as_str(), to))
        };
        let mut settled = BTreeMap::new();
        for (id, mut fields) in self.manifests() {
            if !ours.contains(&id) {
                continue;
            }
            if let Some(Some((path, ..))) = runtime.get(&id) {
                remove(&mut fields, path);
            }
            let key = renamed(format!("{}:{}:\"{}\"", id.side as u8, id.kind, id.name));
            let fields = serde_json::from_str(&renamed(fields.to_string())).unwrap();
            assert!(settled.insert(key, fields).is_none(), "doubled: {id}");
        }
        settled
    }
}

fn session(declared: &Declared, simulator: &Arc<Simulator>) -> Session {
    let side = |side| simulator.backend(side);
    session_of(declared.resolve(), side(Side::Kubernetes), side(Side::Aws))
}

/// An environment in these places, each of whose writes is held to the laws.
pub fn session_of(resolved: Resolved, kubernetes: Backend, aws: Backend) -> Session {
    Session {
        text: resolved.to_toml(),
        resolved,
        mark: mark(),
        backends: Backends { kubernetes: Some(watched(kubernetes)), aws: Some(watched(aws)) },
        catalog: Catalog::shipped(),
        templates: TEMPLATES.clone(),
        limits: Vec::new(),
    }
}

pub async fn apply(session: &Session, plan: &Plan) -> Result<Report, Error> {
    let (_stop, stop) = tokio::sync::watch::channel(None);
    let request = ApplyRequest {
        holder: "laws",
        journal: &NoJournal,
        listener: &|_| {},
        stop,
        limits: Limits::default(),
    };
    Ok(pipeline::apply(session, plan, &request).await?.report)
}

/// Takes the value at a JSON pointer away.
pub fn remove(value: &mut Value, pointer: &str) {
    let Some((around, key)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(map)) = value.pointer_mut(around) {
        map.shift_remove(&key.replace("~1", "/").replace("~0", "~"));
    }
}

/// A plan's changes and refusals, for what a failed test says.
pub fn shown(plan: &Plan) -> String {
    let changed = plan.changes.iter().filter(|c| c.action != Action::NoOp || c.has_work());
    let changed: Vec<_> =
        changed.map(|c| format!("{:?} {} {:?} {:?}", c.action, c.id, c.fields, c.notes)).collect();
    let refused: Vec<_> =
        plan.refusals.iter().map(|r| format!("{}: {}", r.guard, r.message)).collect();
    format!("{}\n{}\n{}", changed.join("\n"), refused.join("\n"), plan.warnings.join("\n"))
}
