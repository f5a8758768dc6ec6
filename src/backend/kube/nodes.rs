//! Nodes with their GPUs.

use super::cluster::Cluster;
use super::kinds::Resource;
use super::live::text;
use crate::clock::Timestamp;
use crate::observe::{Health, Node, Taint, marks};
use crate::plan::PortError;
use serde_json::Value;
use std::collections::BTreeMap;

/// The extended resource that GPU pods ask for.
pub(super) const GPU: &str = "nvidia.com/gpu";

impl Cluster {
    /// All nodes, with the GPUs that pods of any namespace have there.
    pub(super) async fn nodes(&self) -> Result<Vec<Node>, PortError> {
        let nodes = Resource::new("v1", "nodes", None);
        let mut nodes = self.list(&nodes, "", |node| Some(slim(&node))).await?;
        if nodes.iter().all(|node| node.gpus_allocatable == 0) {
            return Ok(nodes);
        }
        let running = "fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";
        let pods = Resource::new("v1", "pods", None);
        let used = self.list(&pods, running, |pod| gpus_of_pod(&pod)).await?;
        let mut by_node: BTreeMap<String, u32> = BTreeMap::new();
        for (node, gpus) in used {
            *by_node.entry(node).or_default() += gpus;
        }
        for node in &mut nodes {
            node.gpus_used = by_node.get(&node.name).copied().unwrap_or(0);
        }
        Ok(nodes)
    }
}

fn slim(node: &Value) -> Node {
    let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    let gpus = |of: &str| quantity(node.pointer(&format!("/status/{of}")).and_then(|m| m.get(GPU)));
    let (capacity, allocatable) = (gpus("capacity"), gpus("allocatable"));
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let cordoned = node.pointer("/spec/unschedulable") == Some(&Value::Bool(true));
    Node {
        name: text(node, "/metadata/name").unwrap_or_default().to_owned(),
        instance: instance_of(node),
        draining: draining(node),
        labels: labels
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        taints: taints(node),
        health: match (ready, cordoned) {
            (false, _) => Health::NotReady,
            (true, true) => Health::Cordoned,
            (true, false) => Health::Ready,
        },
        gpus_allocatable: allocatable,
        gpus_used: 0,
        gpus_unhealthy: capacity.saturating_sub(allocatable),
    }
}

/// Its instance's ID: as its provider says, else as it is labelled.
fn instance_of(node: &Value) -> Option<String> {
    let labelled = || node.pointer("/metadata/labels")?.get(marks::INSTANCE)?.as_str();
    let provided = text(node, "/spec/providerID").and_then(instance);
    provided.or_else(|| labelled().map(str::to_owned))
}

fn draining(node: &Value) -> Option<Timestamp> {
    node.pointer("/metadata/annotations")?.get(marks::DRAINING)?.as_str()?.parse().ok()
}

/// The cloud provider writes `aws:///us-east-1a/i-0123456789abcdef0`.
fn instance(provider_id: &str) -> Option<String> {
    let id = provider_id.strip_prefix("aws://")?.rsplit('/').next()?;
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

fn taints(node: &Value) -> Vec<Taint> {
    let all = node.pointer("/spec/taints").and_then(Value::as_array).into_iter().flatten();
    let of = |taint: &Value, key: &str| text(taint, key).unwrap_or_default().to_owned();
    all.map(|taint| Taint {
        key: of(taint, "/key"),
        value: of(taint, "/value"),
        effect: of(taint, "/effect"),
    })
    .filter(|taint| taint.effect != "PreferNoSchedule")
    .collect()
}

fn gpus_of_pod(pod: &Value) -> Option<(String, u32)> {
    let node = text(pod, "/spec/nodeName")?;
    let containers = pod.pointer("/spec/containers")?.as_array()?;
    let gpus = containers
        .iter()
        .map(|container| quantity(container.pointer("/resources/limits").and_then(|l| l.get(GPU))))
        .sum();
    (gpus > 0).then(|| (node.to_owned(), gpus))
}

fn quantity(value: Option<&Value>) -> u32 {
    match value {
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        Some(Value::Number(number)) => {
            number.as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
        }
        _ => 0,
    }
}
