//! A world that does a plan's steps at once, with the least of field ownership:
//! what `floodway` applied, and who holds the runtime field.

use crate::clock::Timestamp;
use crate::decide::{Decision, Supply};
use crate::desired::{DesiredWorld, Templates, fixture};
use crate::observe::{
    Inventory, LastApply, Live, Ownership, ResourceId, RuntimeField, Side, Workload, marks,
};
use crate::plan::{
    Change, Draft, Plan, PlanError, PlanInput, PlanOptions, Precondition, Step, Verdict, draft,
    finish,
};
use crate::spec::{Catalog, Environment, InstanceType, Origins};
use serde_json::{Value, json};

/// The fixture's environment in a world of its own.
pub(crate) struct World {
    pub(crate) environment: Environment,
    pub(crate) inventory: Inventory,
    pub(crate) options: PlanOptions,
    made: usize,
}

impl World {
    pub(crate) fn empty() -> Self {
        Self::of(fixture::environment())
    }

    pub(crate) fn of(mut environment: Environment) -> Self {
        environment.environment.protected = false;
        environment.environment.max_destroy = 99;
        let inventory = Inventory::empty(Timestamp::UNIX_EPOCH);
        Self { environment, inventory, options: PlanOptions::default(), made: 0 }
    }

    /// Everything applied.
    pub(crate) fn applied() -> Self {
        let mut world = Self::empty();
        world.apply();
        world
    }

    pub(crate) fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        for (name, usd) in [("g6e.12xlarge", "$10.49/h"), ("g5.12xlarge", "$5.67/h")] {
            let known = InstanceType { gpus: 4, usd_per_hour: fixture::unit(usd) };
            catalog.insert(name.into(), known);
        }
        catalog
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
        draft(&PlanInput {
            mark: &fixture::mark(),
            environment: &self.environment,
            origins: &Origins::default(),
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

    pub(crate) fn execute(&mut self, plan: &Plan) {
        for (index, change) in plan.changes.iter().enumerate() {
            assert!(change.after.iter().all(|&first| first < index), "{} is too early", change.id);
            change.steps.iter().for_each(|step| self.act(step));
        }
    }

    fn act(&mut self, step: &Step) {
        match step {
            Step::Apply { id, body, seed, precondition, .. } => {
                let live = self.inventory.resources.get(id);
                match (precondition, live) {
                    (Precondition::Is(uid), Some(live)) => assert_eq!(*uid, live.uid),
                    (Precondition::Is(_), None) => panic!("{id} is not there"),
                    (Precondition::Absent, _) => {}
                }
                let before = live.and_then(|live| live.runtime.as_ref());
                let path = if id.side == Side::Aws { "/desired" } else { "/spec/replicas" };
                let path = seed.as_ref().map_or(path, |seed| seed.path.as_str());
                let git = body.at(path);
                let value = git.clone().or_else(|| before.map(|field| field.value.clone()));
                let value = value.or_else(|| seed.as_ref().map(|seed| seed.value.clone()));
                let managers = match (&git, before) {
                    (Some(_), _) => vec!["floodway".to_owned()],
                    (None, Some(field)) => {
                        let others = field.managers.iter().filter(|name| *name != "floodway");
                        others.cloned().collect()
                    }
                    (None, None) => vec!["floodway-handover".to_owned()],
                };
                let owned = id.side == Side::Aws || !managers.is_empty();
                assert!(value.is_none() || owned, "{path} of {id} was reset");
                let runtime =
                    value.map(|value| RuntimeField { path: path.to_owned(), value, managers });
                let uid = live.map(|live| live.uid.clone());
                self.made += 1;
                let uid = uid.unwrap_or_else(|| format!("uid-{}", self.made));
                let live = seen(id, uid, &body.value(), runtime);
                if id.kind == "Namespace" {
                    self.inventory.capabilities.namespace_exists = true;
                } else {
                    self.remember(&live);
                    self.inventory.resources.insert(id.clone(), live);
                }
            }
            Step::Hold { id, uid, .. } => {
                let live = self.inventory.resources.get_mut(id).unwrap();
                assert_eq!(live.uid, *uid);
                let runtime = live.runtime.as_mut().unwrap();
                runtime.managers.push("floodway-handover".to_owned());
            }
            Step::AwaitReady { id, .. } => {
                assert!(
                    self.inventory.resources.contains_key(id),
                    "{id} is awaited before its time"
                );
            }
            Step::CatchUp { .. } => {}
            Step::Raise { id, least, .. } => {
                let live = self.inventory.resources.get_mut(id).unwrap();
                live.runtime.as_mut().unwrap().value = json!(least);
                live.workload = Some(settled(*least));
            }
            Step::Drain { id, .. } => {
                let live = self.inventory.resources.get_mut(id).unwrap();
                live.workload = Some(Workload::default());
            }
            Step::Delete { id, uid } => {
                let live = self.inventory.resources.remove(id).unwrap();
                assert_eq!(live.uid, *uid);
                let running = live.workload.map_or(0, |workload| workload.existing);
                assert_eq!(running, 0, "{id} was deleted before it was drained");
            }
        }
    }

    fn remember(&mut self, live: &Live) {
        if live.id.kind == "ConfigMap" && live.id.name == fixture::mark().parent_name() {
            let noted = live.fields.at("/metadata/annotations/floodway.dev~1members");
            let members = noted.map_or(0, |text| text.as_str().unwrap().parse().unwrap());
            self.inventory.last_apply = Some(LastApply { mark: fixture::mark(), members });
        }
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
        let live = self.live(kind, name);
        let runtime = live.runtime.as_mut().unwrap();
        (runtime.value, runtime.managers) = (json!(count), vec![by.to_owned()]);
        live.workload = Some(settled(count));
    }
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
        stalled: false,
        ..Workload::default()
    }
}

fn seen(id: &ResourceId, uid: String, body: &Value, runtime: Option<RuntimeField>) -> Live {
    let map = |path: &str| body.pointer(path).and_then(Value::as_object).cloned();
    let labels = if id.side == Side::Aws { "/tags" } else { "/metadata/labels" };
    let labels = map(labels).unwrap_or_default();
    let set = [marks::APPLYSET_PART_OF, marks::APPLYSET_ID];
    let set = set.iter().find_map(|key| labels.get(*key)?.as_str()).map(str::to_owned);
    let notes = map("/metadata/annotations").unwrap_or_default();
    let marks = labels.iter().chain(&notes).filter_map(|(key, value)| {
        Some((key.strip_prefix("floodway.dev/")?.to_owned(), value.as_str()?.to_owned()))
    });
    let is_workload = matches!(id.kind.as_str(), "Deployment" | "AutoScalingGroup");
    let count = runtime.as_ref().and_then(|field| field.value.as_u64());
    let units = u32::try_from(count.unwrap_or(0)).unwrap();
    Live {
        id: id.clone(),
        uid,
        ownership: Ownership::Ours,
        fields: body.into(),
        taken: std::collections::BTreeMap::new(),
        runtime,
        marks: marks.collect(),
        workload: is_workload.then(|| settled(units)),
        applyset: set,
        deleting: false,
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
