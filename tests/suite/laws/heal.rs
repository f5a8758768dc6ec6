//! What a person does about each refusal, as its help says.

use super::declared::NAMESPACE;
use super::history::{delete, set};
use super::place::{Place, mark, shown};
use floodway::execute::Outcome;
use floodway::observe::{Ownership, ResourceId};
use floodway::plan::{Change, Plan, PlanOptions, Refusal, resource_named};
use serde_json::json;

/// Who drifted: only then may a plan be refused for what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    Undisturbed,
    Drifted,
}

impl Place {
    /// Plans, does what refusals ask for, and applies, until nothing is left to
    /// do; the last plan is empty. The plans that were applied.
    pub fn converge(&self, world: World) -> Vec<Plan> {
        let mut applied = Vec::new();
        let mut options = PlanOptions::default();
        for _ in 0..40 {
            self.run();
            let plan = self.try_plan(&options).unwrap_or_else(|error| panic!("{error}"));
            if let Some(refusal) = plan.refusals.first() {
                self.answer(refusal, &plan, &mut options, world);
                continue;
            }
            if !plan.has_work() {
                return applied;
            }
            let report = self.apply(&plan).unwrap_or_else(|error| panic!("{error}"));
            let undone: Vec<_> =
                report.changes.iter().filter(|(_, outcome)| *outcome != Outcome::Done).collect();
            assert!(undone.is_empty(), "{undone:?}\n{}", shown(&plan));
            applied.push(plan);
            options = PlanOptions::default();
            self.run();
            let again = self.plan();
            let done = again.is_empty() && again.refusals.is_empty();
            assert!(done, "again: {}\nafter {}", shown(&again), shown(&applied[applied.len() - 1]));
            if !again.has_work() {
                return applied;
            }
        }
        panic!("it does not converge: {}", shown(&self.plan()));
    }

    /// As the controller does: a burst pool's Deployment has as many replicas as
    /// its nodes have room for.
    fn run(&self) {
        let seen = self.seen(&[]);
        for live in seen.resources.values().filter(|live| live.id.kind == "Deployment") {
            let pinned = "/spec/template/spec/nodeSelector/floodway.dev~1workload";
            let by_git = live.fields.at("/spec/replicas").is_some();
            let (Some(on), false) = (live.fields.text_at(pinned), by_git) else { continue };
            let groups = seen.resources.values().filter(|group| {
                group.marks.get("workload") == Some(&on)
                    && group.marks.get("join").is_some_and(|join| join == "kubernetes")
            });
            let room: u64 = groups
                .filter_map(|group| {
                    let nodes = u64::from(group.workload.as_ref()?.ready);
                    let each = group.marks.get("replicas-per-node")?.parse::<u64>().ok()?;
                    Some(nodes * each)
                })
                .sum();
            if live.runtime.as_ref().is_some_and(|runtime| runtime.value != json!(room)) {
                self.disturb(set(&live.id, "/spec/replicas", json!(room), "floodway-run"));
                self.pass(10);
            }
        }
    }

    fn answer(&self, refusal: &Refusal, plan: &Plan, options: &mut PlanOptions, world: World) {
        let said = format!("{}\n{}", refusal.help, shown(plan));
        assert!(world == World::Drifted, "{said}");
        let parent =
            ResourceId::kubernetes("v1", "ConfigMap", Some(NAMESPACE), &mark().parent_name());
        let subject = || subject(refusal, plan).unwrap_or_else(|| panic!("{said}"));
        match refusal.guard.as_str() {
            "conflict" if !options.force_conflicts => options.force_conflicts = true,
            "location" => self.disturb(delete(&parent)),
            "immutable" => self.disturb(delete(&subject().id)),
            "ownership" if refusal.message.contains("is gone") => {
                options.adopt.insert(parent);
            }
            "ownership" if refusal.message.contains("did not make it") => {
                let (_, named) = refusal.help.split_once("--adopt ").unwrap();
                let named = named.split([',', ' ']).next().unwrap_or_default();
                let id = resource_named(named, NAMESPACE).unwrap_or_else(|| panic!("{said}"));
                assert!(options.adopt.insert(id), "{said}");
            }
            "ownership" if refusal.message.contains("is applied from") => {
                self.disturb(delete(&parent));
            }
            "ownership" => {
                let id = &subject().id;
                let seen = self.seen(std::slice::from_ref(id));
                assert!(matches!(seen.resources[id].ownership, Ownership::Other(_)), "{said}");
                self.disturb(delete(id));
            }
            _ => panic!("{said}"),
        }
    }
}

fn subject<'p>(refusal: &Refusal, plan: &'p Plan) -> Option<&'p Change> {
    plan.changes.iter().find(|change| refusal.message.contains(&format!("{} ", change.id)))
}
