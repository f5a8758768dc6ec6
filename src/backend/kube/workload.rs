//! What runs in a Deployment.

use super::cluster::{Cluster, escape};
use super::kinds::Resource;
use super::pods;
use crate::observe::{Problem, ProblemKind, ResourceId, Workload};
use crate::plan::PortError;
use crate::port::Progress;
use async_trait::async_trait;
use serde_json::Value;

/// As the Deployment's own status says.
pub(super) fn of_status(object: &Value) -> Workload {
    let number = |pointer: &str| {
        let value = object.pointer(pointer).and_then(Value::as_u64);
        value.and_then(|value| u32::try_from(value).ok())
    };
    let desired = number("/spec/replicas").unwrap_or(1);
    let ready = number("/status/readyReplicas").unwrap_or(0);
    let seen = object.pointer("/status/observedGeneration").and_then(Value::as_u64);
    let wanted = object.pointer("/metadata/generation").and_then(Value::as_u64);
    let ending = number("/status/terminatingReplicas").unwrap_or(0);
    Workload {
        desired,
        warm: 0,
        existing: number("/status/replicas").unwrap_or(0) + ending,
        surplus: 0,
        updated: number("/status/updatedReplicas").unwrap_or(0),
        ready,
        pending: desired.saturating_sub(ready),
        observed: seen >= wanted,
        stalled: seen >= wanted && gave_up(object),
        problems: refused(object).into_iter().collect(),
        units: Vec::new(),
        kept: Vec::new(),
        failed: None,
        refresh: None,
    }
}

/// `progressDeadlineSeconds` have passed without any progress.
fn gave_up(object: &Value) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        condition["type"] == "Progressing" && condition["reason"] == "ProgressDeadlineExceeded"
    })
}

/// The controller may not create pods: quota, limits, Pod Security.
fn refused(object: &Value) -> Option<Problem> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let failure = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "ReplicaFailure" && condition["status"] == "True")?;
    let message = failure["message"].as_str().unwrap_or_default().to_owned();
    Some(Problem { kind: ProblemKind::Refused, units: 1, message })
}

impl Cluster {
    /// Adds what the pods of an unsettled Deployment say, and counts those that
    /// still end: the status forgets them.
    pub(super) async fn ask_pods(
        &self,
        namespace: &str,
        object: &Value,
        workload: &mut Workload,
    ) -> Result<(), PortError> {
        let Some(selector) = selector(object) else { return Ok(()) };
        let pods = Resource::new("v1", "pods", Some(namespace));
        let query = format!("labelSelector={}", escape(&selector));
        let states = self
            .list(&pods, &query, |pod| (!pods::is_finished(&pod)).then(|| pods::state(&pod)))
            .await?;
        let there = u32::try_from(states.len()).unwrap_or(u32::MAX);
        workload.existing = workload.existing.max(there);
        workload.problems.extend(pods::problems(&states));
        workload.problems.sort_by_key(|problem| problem.kind);
        Ok(())
    }
}

/// `matchLabels` as a label selector.
fn selector(object: &Value) -> Option<String> {
    let labels = object.pointer("/spec/selector/matchLabels")?.as_object()?;
    let pairs: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

#[async_trait]
impl Progress for Cluster {
    async fn progress(&self, id: &ResourceId) -> Result<Option<Workload>, PortError> {
        let Some(resource) = Resource::of(id) else { return Ok(None) };
        let Some(object) = self.get(&resource, &id.name).await? else { return Ok(None) };
        if id.kind != "Deployment" {
            return Ok(Some(Workload { observed: true, ..Workload::default() }));
        }
        let mut workload = of_status(&object);
        let namespace = id.scope.as_deref().unwrap_or_default();
        self.ask_pods(namespace, &object, &mut workload).await?;
        Ok(Some(workload))
    }
}
