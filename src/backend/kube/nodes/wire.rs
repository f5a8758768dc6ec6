//! Of nodes and pods what is looked at, read straight from the server's JSON: the
//! rest of it is never held.

use crate::observe::{Health, Node, Taint, marks};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// A node.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::backend::kube) struct NodeSeen {
    #[serde(deserialize_with = "slim")]
    pub(in crate::backend::kube) metadata: ObjectMeta,
    #[serde(default)]
    spec: NodeSpec,
    #[serde(default)]
    status: NodeStatus,
}

/// A pod.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::backend::kube) struct PodSeen {
    #[serde(deserialize_with = "slim")]
    pub(in crate::backend::kube) metadata: ObjectMeta,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

/// Of an object's metadata what is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SlimMeta {
    name: Option<String>,
    namespace: Option<String>,
    resource_version: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    deletion_timestamp: Option<Time>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    #[serde(rename = "providerID")]
    provider_id: Option<String>,
    unschedulable: bool,
    taints: Vec<WireTaint>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct WireTaint {
    key: String,
    value: String,
    effect: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    capacity: Gpus,
    allocatable: Gpus,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Condition {
    r#type: String,
    status: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct PodStatus {
    conditions: Vec<Condition>,
}

/// GPUs that a pod has on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::backend::kube) struct PodGpus {
    pub(in crate::backend::kube) node: String,
    pub(in crate::backend::kube) gpus: u32,
    /// The pod serves.
    pub(in crate::backend::kube) ready: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodSpec {
    node_name: Option<String>,
    containers: Vec<Container>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Container {
    resources: Resources,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Resources {
    limits: Gpus,
}

/// How many of the extended resource that GPU pods ask for; a server writes quantities as text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Gpus {
    #[serde(rename = "nvidia.com/gpu")]
    number: Option<Quantity>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Quantity {
    Number(u32),
    Text(String),
}

impl Condition {
    fn is_ready(&self) -> bool {
        self.r#type == "Ready" && self.status == "True"
    }
}

impl Gpus {
    fn number(&self) -> u32 {
        match &self.number {
            Some(Quantity::Number(number)) => *number,
            Some(Quantity::Text(text)) => text.parse().unwrap_or(0),
            None => 0,
        }
    }
}

fn slim<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    let slim = SlimMeta::deserialize(deserializer)?;
    Ok(ObjectMeta {
        name: slim.name,
        namespace: slim.namespace,
        resource_version: slim.resource_version,
        labels: slim.labels,
        annotations: slim.annotations,
        deletion_timestamp: slim.deletion_timestamp,
        ..ObjectMeta::default()
    })
}

impl NodeSeen {
    /// The node; how many of its GPUs pods have, pods tell.
    pub(in crate::backend::kube) fn node(self) -> Node {
        let (capacity, allocatable) = (&self.status.capacity, &self.status.allocatable);
        let (capacity, allocatable) = (capacity.number(), allocatable.number());
        let ready = self.status.conditions.iter().any(Condition::is_ready);
        let annotations = self.metadata.annotations.unwrap_or_default();
        let labels = self.metadata.labels.unwrap_or_default();
        // As its provider says, else as it is labelled.
        let provided = self.spec.provider_id.as_deref().and_then(instance);
        Node {
            name: self.metadata.name.unwrap_or_default(),
            instance: provided.or_else(|| labels.get(marks::INSTANCE).cloned()),
            draining: annotations.get(marks::DRAINING).and_then(|since| since.parse().ok()),
            labels,
            taints: self.spec.taints.into_iter().filter_map(taint).collect(),
            health: match (ready, self.spec.unschedulable) {
                (false, _) => Health::NotReady,
                (true, true) => Health::Cordoned,
                (true, false) => Health::Ready,
            },
            gpus_allocatable: allocatable,
            gpus_used: 0,
            gpus_ready: 0,
            gpus_unhealthy: capacity.saturating_sub(allocatable),
        }
    }
}

impl PodSeen {
    /// The GPUs that it has; none: it has no node yet, or no GPU.
    pub(in crate::backend::kube) fn gpus(self) -> Option<PodGpus> {
        let limits = self.spec.containers.iter().map(|container| &container.resources.limits);
        let gpus = limits.map(Gpus::number).fold(0, u32::saturating_add);
        // What ends takes no new work, whatever its condition says.
        let ready = self.metadata.deletion_timestamp.is_none()
            && self.status.conditions.iter().any(Condition::is_ready);
        self.spec.node_name.filter(|_| gpus > 0).map(|node| PodGpus { node, gpus, ready })
    }
}

/// The cloud provider writes `aws:///us-east-1a/i-0123456789abcdef0`.
fn instance(provider_id: &str) -> Option<String> {
    let id = provider_id.strip_prefix("aws://")?.rsplit('/').next()?;
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

fn taint(wire: WireTaint) -> Option<Taint> {
    let WireTaint { key, value, effect } = wire;
    (effect != "PreferNoSchedule").then_some(Taint { key, value, effect })
}
