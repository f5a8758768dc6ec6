//! Nodes and pods as large clusters have them, and what changes of them.

use crate::support::bed::Bed;
use futures::stream::{self, StreamExt};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use std::time::Duration;

/// Calls in flight.
const AT_ONCE: usize = 48;

#[derive(Clone)]
pub struct Crowd {
    nodes: Api<DynamicObject>,
    pods: Api<DynamicObject>,
    count: (u32, u32),
}

impl Crowd {
    pub async fn gather(bed: &Bed, nodes: u32, pods: u32) -> Self {
        let kubeconfig = kube::config::Kubeconfig::read_from(bed.kubeconfig()).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        let client = kube::Client::try_from(config).unwrap();
        let kind = |kind: &str, plural: &str| {
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("", "v1", kind), plural)
        };
        let crowd = Self {
            nodes: Api::all_with(client.clone(), &kind("Node", "nodes")),
            pods: Api::namespaced_with(client, "default", &kind("Pod", "pods")),
            count: (nodes, pods),
        };
        let made = stream::iter(0..nodes).map(|at| crowd.add_node(at));
        made.buffer_unordered(AT_ONCE).collect::<()>().await;
        let made = stream::iter(0..pods).map(|at| crowd.add_pod(at));
        made.buffer_unordered(AT_ONCE).collect::<()>().await;
        crowd
    }

    async fn add_node(&self, at: u32) {
        let node = self.nodes.create(&PostParams::default(), &object(node(at))).await;
        node.unwrap();
    }

    async fn add_pod(&self, at: u32) {
        let pod = object(pod(at, at % self.count.0.max(1)));
        self.pods.create(&PostParams::default(), &pod).await.unwrap();
    }

    /// So many changes a second, for ever: what nodes tell of themselves, and pods
    /// that go and come on another node.
    pub async fn churn(self, per_second: u32) {
        let mut tick = tokio::time::interval(Duration::from_secs(1) / per_second);
        for step in 0_u32.. {
            tick.tick().await;
            let crowd = self.clone();
            tokio::spawn(async move { crowd.change(step).await });
        }
    }

    async fn change(&self, step: u32) {
        let (nodes, pods) = self.count;
        if step.is_multiple_of(2) {
            let name = format!("node-{}", step.wrapping_mul(7919) % nodes);
            let beat = json!({"metadata": {"annotations": {"beat": step.to_string()}}});
            let patch = Patch::Merge(&beat);
            let _ = self.nodes.patch(&name, &PatchParams::default(), &patch).await;
        } else {
            let at = step.wrapping_mul(7919) % pods;
            let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
            let _ = self.pods.delete(&format!("pod-{at}"), &now).await;
            let pod = object(pod(at, step.wrapping_mul(104_729) % nodes));
            let _ = self.pods.create(&PostParams::default(), &pod).await;
        }
    }
}

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

/// With the labels and images that a cloud's nodes carry.
fn node(at: u32) -> Value {
    let mut labels = json!({
        "kubernetes.io/hostname": format!("node-{at}"), "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64", "node.kubernetes.io/instance-type": "p5.48xlarge",
        "topology.kubernetes.io/zone": "dc1-a", "topology.kubernetes.io/region": "dc1",
        "test": format!("group-{}", at % 7),
    });
    for of in ["driver", "family", "product", "memory", "count", "compute", "machine", "mig"] {
        labels[format!("nvidia.com/gpu.{of}")] = json!(format!("value-of-{of}"));
    }
    let room = json!({"cpu": "192", "memory": "2Ti", "pods": "250", "nvidia.com/gpu": "8"});
    let images: Vec<Value> = (0..30)
        .map(|image| {
            let digest = format!("registry.example/team/image-{image}@sha256:{:064x}", image);
            json!({"names": [digest, format!("registry.example/team/image-{image}:v1.2.3")],
                "sizeBytes": 123_456_789})
        })
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": format!("node-{at}"), "labels": labels},
        "spec": {"providerID": format!("dc1://rack/node-{at}")},
        "status": {"capacity": room, "allocatable": room, "images": images,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                "message": "kubelet is posting ready status"}]},
    })
}

fn pod(at: u32, node: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("pod-{at}"), "labels": {"app": "llm"}},
        "spec": {
            "nodeName": format!("node-{node}"), "automountServiceAccountToken": false,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "engine", "image": "registry.example/engine:v1",
                "args": ["--model", "m", "--tensor-parallel-size", "1"],
                "env": [{"name": "A", "value": "value of a variable"}],
                "resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "1", "memory": "1Gi"}}}],
        },
    })
}
