//! The fixture's environment in a simulated world. What is seen there is plain
//! data that a test may change before it plans; what is executed is executed in
//! the simulator.

use crate::backend::sim::{self, Actor, Create, NodeSet, Scenario, Set, Simulator};
use crate::clock::Timestamp;
use crate::decide::{Decision, Supply};
use crate::desired::{self, DesiredWorld, Templates, fixture};
use crate::execute::{Executor, Limits, NoJournal};
use crate::observe::{Inventory, Live, ResourceId, Side, Workload};
use crate::plan::{
    Change, Draft, Drift, Plan, PlanError, PlanInput, PlanOptions, Verdict, draft, drift, finish,
};
use crate::port::{Backends, Scope};
use crate::spec::{Catalog, Environment, Origins};
use serde_json::json;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The fixture's environment in a world of its own.
pub(crate) struct World {
    pub(crate) environment: Environment,
    pub(crate) inventory: Inventory,
    pub(crate) options: PlanOptions,
    /// Lines of the file; of most keys none.
    pub(crate) origins: Origins,
    simulator: Arc<Simulator>,
    backends: Backends,
}

impl World {
    pub(crate) fn empty() -> Self {
        let mut environment = fixture::environment();
        environment.environment.protected = false;
        environment.environment.max_destroy = 99;
        let labels = [("nvidia.com/gpu.product".to_owned(), "H100".to_owned())].into();
        let nodes = NodeSet { count: 20, gpus: 8, labels, ..NodeSet::default() };
        let scenario = Scenario { nodes: vec![nodes], ..Scenario::default() };
        let simulator = Simulator::in_memory(&environment, scope(), scenario);
        Self::with(environment, simulator)
    }

    fn with(environment: Environment, simulator: Arc<Simulator>) -> Self {
        let backends = Backends {
            kubernetes: Some(simulator.backend(Side::Kubernetes)),
            aws: Some(simulator.backend(Side::Aws)),
        };
        let (inventory, options) =
            (Inventory::empty(Timestamp::UNIX_EPOCH), PlanOptions::default());
        let origins = Origins::default();
        let mut world = Self { environment, inventory, options, origins, simulator, backends };
        world.inventory.found = world.observed(&[]).found;
        world
    }

    /// Everything applied.
    pub(crate) fn applied() -> Self {
        static APPLIED: LazyLock<sim::World> = LazyLock::new(|| {
            let mut world = World::empty();
            world.apply();
            world.simulator.world().unwrap()
        });
        let simulator = Simulator::resumed(APPLIED.clone(), scope());
        let mut world = Self::with(Self::empty().environment, simulator);
        world.inventory = world.observed(&[]);
        world
    }

    pub(crate) fn catalog() -> Catalog {
        fixture::catalog()
    }

    pub(crate) fn decision(&self) -> Decision {
        fixture::decision(&self.environment, &self.inventory)
    }

    pub(crate) fn desired(&self) -> DesiredWorld {
        static TEMPLATES: std::sync::LazyLock<Templates> =
            std::sync::LazyLock::new(|| Templates::embedded().unwrap());
        fixture::with_templates(&self.environment, &self.inventory, &TEMPLATES).unwrap()
    }

    pub(crate) fn try_draft(&self) -> Result<Draft, PlanError> {
        self.try_draft_of(&self.desired())
    }

    pub(crate) fn try_draft_of(&self, desired: &DesiredWorld) -> Result<Draft, PlanError> {
        self.with_input(desired, draft)
    }

    /// What others changed.
    pub(crate) fn drift(&self) -> Drift {
        self.with_input(&self.desired(), drift)
    }

    fn with_input<T>(&self, desired: &DesiredWorld, work: impl FnOnce(&PlanInput<'_>) -> T) -> T {
        work(&PlanInput {
            mark: &fixture::mark(),
            environment: &self.environment,
            origins: &self.origins,
            environment_digest: "digest",
            environment_text: "[environment]\nname = \"prod\"\n",
            catalog: &Self::catalog(),
            decision: &self.decision(),
            supply: &Supply::from_inventory(&self.environment, &self.inventory),
            desired,
            inventory: &self.inventory,
            options: &self.options,
        })
    }

    pub(crate) fn draft(&self) -> Draft {
        self.try_draft().unwrap()
    }

    /// The plan, with every server content.
    pub(crate) fn plan(&self) -> Plan {
        accepted(self.draft())
    }

    pub(crate) fn apply(&mut self) -> Plan {
        let plan = self.plan();
        self.execute(&plan);
        plan
    }

    /// Carries `plan` out in the simulated world, and looks at what is there then.
    pub(crate) fn execute(&mut self, plan: &Plan) {
        let (_stop, stop) = tokio::sync::watch::channel(None);
        let executor = Executor {
            plan,
            holder: "test",
            backends: &self.backends,
            journal: &NoJournal,
            listener: &|_| {},
            stop,
            limits: Limits::default(),
            gate: None,
        };
        let report = block_on(executor.run());
        assert!(report.is_done(), "{report:#?}");
        self.inventory = self.observed(&[]);
    }

    /// Somebody makes a thing like `live`, and it is seen by its name.
    pub(crate) fn somebody_makes(&mut self, live: &Live) {
        let id = live.id.clone();
        let mut content = live.fields.value();
        content["spec"]["replicas"] = live.runtime.as_ref().unwrap().value.clone();
        let (kind, name, by) = (id.kind.clone(), id.name.clone(), "kubectl".to_owned());
        let namespace = id.scope.clone().unwrap();
        let create = Create { kind, name, namespace, content, by };
        self.simulator.disturb(Actor::Create(create)).unwrap();
        self.inventory = self.observed(&[id]);
    }

    /// Somebody does something in the world; what `named` names is seen then too,
    /// whatever its marks.
    pub(crate) fn disturb(&mut self, what: Actor, named: &[ResourceId]) {
        self.simulator.disturb(what).unwrap();
        self.inventory = self.observed(named);
    }

    fn observed(&self, named: &[ResourceId]) -> Inventory {
        let lookups = desired::lookups(&self.environment, &Self::catalog()).into_iter().collect();
        let scope = Scope { named: named.to_vec(), lookups, ..scope() };
        let backends = [&self.backends.kubernetes, &self.backends.aws].into_iter().flatten();
        let mut inventory = Inventory::empty(Timestamp::UNIX_EPOCH);
        for backend in backends {
            inventory.merge(block_on(backend.observe.observe(&scope)).unwrap());
        }
        // Where it is, is for tests of that to say.
        inventory.locations.clear();
        inventory
    }

    pub(crate) fn live(&mut self, kind: &str, name: &str) -> &mut Live {
        let found = self
            .inventory
            .resources
            .values_mut()
            .find(|live| live.id.kind == kind && live.id.name == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    /// The runtime owner of a Deployment or group gives it `count` units.
    pub(crate) fn scale(&mut self, kind: &str, name: &str, count: u32, by: &str) {
        let id = self.live(kind, name).id.clone();
        let path = if id.side == Side::Aws { "/desired" } else { "/spec/replicas" };
        let (kind, name, path) = (kind.to_owned(), name.to_owned(), path.to_owned());
        let set = Set { kind, name, path, value: json!(count), by: by.to_owned() };
        self.simulator.disturb(Actor::Set(set)).unwrap();
        let clock = self.simulator.backend(id.side).clock;
        block_on(clock.sleep(Duration::from_secs(3600)));
        let live = self.observed(&[]).resources.remove(&id).unwrap();
        self.inventory.resources.insert(id, live);
    }
}

fn scope() -> Scope {
    Scope::of(fixture::mark(), "inference")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) fn accepted(draft: Draft) -> Plan {
    let verdicts: Vec<_> =
        draft.check_requests().iter().map(|(index, _)| (*index, Verdict::Accepted)).collect();
    finish(draft, verdicts).unwrap()
}

pub(crate) fn settled(count: u32) -> Workload {
    Workload {
        desired: count,
        existing: count,
        updated: count,
        ready: count,
        observed: true,
        surplus: 0,
        stalled: false,
        ..Workload::default()
    }
}

/// The change of the thing that is named so.
pub(crate) fn of<'a>(plan: &'a Plan, kind: &str, name: &str) -> &'a Change {
    let found = plan.changes.iter().find(|change| change.id.kind == kind && change.id.name == name);
    found.unwrap_or_else(|| panic!("no {kind} {name} in {:#?}", ids(plan)))
}

pub(crate) fn ids(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(|change| format!("{:?} {}", change.action, change.id)).collect()
}
