//! Draining instances by name: their nodes are cordoned and their pods evicted,
//! as disruption budgets let them go. An instance that stands alone finishes what
//! it has within the scenario's drain.

use super::groups::{Instance, InstanceState};
use super::keyed;
use super::object::Object;
use super::world::{Moment, World};
use crate::clock::Timestamp;
use crate::observe::ResourceId;
use crate::port::{Held, Left};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

impl World {
    /// How an instance stands, as its agent says it.
    pub(super) fn standing(&self, instance: &str) -> Left {
        let serves = |one: &&Instance| one.state == InstanceState::InService;
        let there = self.instances.iter().filter(|one| one.id == instance).find(serves);
        let draining = self.draining.contains_key(instance);
        match there {
            None => Left::default(),
            Some(_) if draining => self.left(instance, Vec::new()),
            Some(_) => Left { known: true, takes_work: true, in_flight: 1, ..Left::default() },
        }
    }

    /// No new work comes to an instance.
    pub(super) fn close(&mut self, instance: &str) -> Left {
        let node = self.nodes.iter_mut().find(|node| node.name == instance);
        let joined = node.is_some();
        if let Some(node) = node {
            node.cordoned = true;
        }
        if !joined && !self.serves(instance) {
            return Left::default();
        }
        self.draining.entry(instance.to_owned()).or_insert(self.now);
        self.settle();
        self.left(instance, Vec::new())
    }

    /// No new work comes to it, and its pods go elsewhere.
    pub(super) fn begin_drain(&mut self, instance: &str) -> Left {
        if !self.close(instance).known {
            return Left::default();
        }
        let mut held: BTreeMap<String, u32> = BTreeMap::new();
        for index in self.pods_of(instance) {
            match self.budget_of(index) {
                Some(budget) => *held.entry(budget).or_default() += 1,
                None => self.end(index),
            }
        }
        self.settle();
        let held = held.into_iter().map(|(name, pods)| Held {
            message: format!("{name} needs them until others are ready"),
            by: name,
            pods,
        });
        self.left(instance, held.collect())
    }

    /// Since when an instance is drained; none: it is not.
    pub(super) fn draining_since(&self, instance: &str) -> Option<Timestamp> {
        let since = self.draining.get(instance)?;
        Some(self.beginning() + Duration::from_millis(*since))
    }

    /// New work may come again.
    pub(super) fn undo_drain(&mut self, instance: &str) {
        if self.draining.remove(instance).is_some() {
            for node in self.nodes.iter_mut().filter(|node| node.name == instance) {
                node.cordoned = false;
            }
            self.settle();
        }
    }

    /// When what an instance answers now is answered, if nothing new comes.
    pub(super) fn finishes_at(&self, instance: &str) -> Moment {
        let since = self.draining.get(instance).copied().unwrap_or(self.now);
        (since + self.scenario.drain.millis()).max(self.now + 1)
    }

    fn left(&self, instance: &str, held: Vec<Held>) -> Left {
        let joined = self.nodes.iter().any(|node| node.name == instance);
        let here = |pod: &&super::pods::Pod| pod.node.as_deref() == Some(instance);
        let pods = self.pods.iter().filter(here).count();
        let busy = !joined && self.serves(instance) && self.finishes_at(instance) > self.now + 1;
        let since = self.draining.get(instance).copied();
        Left {
            known: true,
            takes_work: false,
            taken_back: self.taken_back(instance),
            since: since.map(|moment| self.time(moment)),
            pods: u32::try_from(pods).unwrap_or(u32::MAX),
            in_flight: u64::from(busy),
            held,
        }
    }

    fn time(&self, moment: Moment) -> Timestamp {
        self.now() - Duration::from_millis(self.now.saturating_sub(moment))
    }

    /// Whether it answers requests, however it joined.
    fn serves(&self, instance: &str) -> bool {
        let serves = |state| !matches!(state, InstanceState::Pending { .. });
        self.instances.iter().any(|one| one.id == instance && serves(one.state))
    }

    fn pods_of(&self, instance: &str) -> Vec<usize> {
        let pods = self.pods.iter().enumerate();
        pods.filter(|(_, pod)| pod.node.as_deref() == Some(instance) && !pod.is_ending())
            .map(|(index, _)| index)
            .collect()
    }

    /// The disruption budget that keeps a pod where it is; none: it may go. A pod
    /// that is not ready disrupts nobody.
    fn budget_of(&self, index: usize) -> Option<String> {
        let pod = &self.pods[index];
        if !pod.is_ready() {
            return None;
        }
        let labels = |deployment: &ResourceId| {
            let object = self.objects.get(deployment)?;
            object.get("/spec/template/metadata/labels").cloned()
        };
        let own = labels(&pod.deployment)?;
        let budgets = self
            .objects
            .iter()
            .filter(|(id, _)| id.kind == "PodDisruptionBudget" && id.scope == pod.deployment.scope);
        let selected = budgets.filter(|(_, budget)| selects(budget, &own));
        let mut full = selected.filter(|(id, budget)| {
            let guarded = self.pods.iter().filter(|other| {
                other.deployment.scope == id.scope
                    && labels(&other.deployment).is_some_and(|labels| selects(budget, &labels))
            });
            let guarded: Vec<_> = guarded.filter(|other| !other.is_ending()).collect();
            let healthy = guarded.iter().filter(|other| other.is_ready()).count();
            healthy <= needed(budget, self.expected(budget, &labels))
        });
        let (id, _) = full.next()?;
        Some(format!("PodDisruptionBudget {}/{}", id.scope.as_deref().unwrap_or(""), id.name))
    }

    /// Pods that the Deployments under a budget ask for.
    fn expected(&self, budget: &Object, labels: &impl Fn(&ResourceId) -> Option<Value>) -> usize {
        let deployments = self.objects.iter().filter(|(id, _)| id.kind == "Deployment");
        let under = deployments.filter(|(id, _)| labels(id).is_some_and(|l| selects(budget, &l)));
        let replicas = |object: &Object| object.get("/spec/replicas").and_then(Value::as_u64);
        let sum: u64 = under.map(|(_, object)| replicas(object).unwrap_or(1)).sum();
        usize::try_from(sum).unwrap_or(usize::MAX)
    }
}

/// How many must be healthy, of so many that are asked for.
fn needed(budget: &Object, expected: usize) -> usize {
    let share = |value: &Value| match value {
        Value::String(text) => {
            let percent: usize = text.trim_end_matches('%').parse().unwrap_or(100);
            expected.saturating_mul(percent).div_ceil(100)
        }
        other => other.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX),
    };
    match (budget.get("/spec/minAvailable"), budget.get("/spec/maxUnavailable")) {
        (Some(least), _) => share(least),
        (None, Some(most)) => expected.saturating_sub(share(most)),
        (None, None) => 0,
    }
}

fn selects(budget: &Object, labels: &Value) -> bool {
    let selector = budget.get("/spec/selector/matchLabels").and_then(Value::as_object);
    let wanted = selector.into_iter().flatten();
    wanted
        .into_iter()
        .all(|(key, value)| keyed::get(labels, std::slice::from_ref(key)) == Some(value))
}
