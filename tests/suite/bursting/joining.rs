//! What the nodes' own software would do: an instance in service becomes a Node of
//! the cluster, and its Node goes when it does.

use super::web::ask;
use crate::support::aws::AwsBed;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The GPUs of each instance.
const GPUS: u32 = 4;

/// At work until it is dropped.
pub struct Joining {
    over: Arc<AtomicBool>,
    /// Instances that are in service join.
    joins: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Joining {
    /// Of the instances of `aws`, to the cluster that `cluster` leads to.
    pub fn start(aws: &Arc<AwsBed>, cluster: &str) -> Self {
        let (over, joins) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
        let (ends, may, aws, cluster) =
            (Arc::clone(&over), Arc::clone(&joins), Arc::clone(aws), cluster.to_owned());
        let thread = std::thread::spawn(move || {
            let mut nodes = BTreeSet::new();
            while !ends.load(Ordering::SeqCst) {
                follow(&aws, &cluster, &mut nodes, may.load(Ordering::SeqCst));
                std::thread::sleep(Duration::from_millis(200));
            }
            for node in nodes {
                let _ = ask(&cluster, "DELETE", &format!("/api/v1/nodes/{node}"), None);
            }
        });
        Self { over, joins, thread: Some(thread) }
    }

    /// Whether instances join from now on.
    pub fn may_join(&self, may: bool) {
        self.joins.store(may, Ordering::SeqCst);
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn follow(aws: &AwsBed, cluster: &str, nodes: &mut BTreeSet<String>, may_join: bool) {
    let groups = super::ground::groups(&aws.world());
    let mut there = BTreeSet::new();
    for group in &groups {
        for instance in group["instances"].as_array().into_iter().flatten() {
            let id = instance["id"].as_str().unwrap().to_owned();
            there.insert(id.clone());
            if may_join && instance["state"] == "InService" && !nodes.contains(&id) {
                let made = ask(cluster, "POST", "/api/v1/nodes", Some(&node(group, instance)));
                if made.is_some_and(|(status, _)| status == 201) {
                    nodes.insert(id);
                }
            }
        }
    }
    for gone in nodes.difference(&there).cloned().collect::<Vec<_>>() {
        if ask(cluster, "DELETE", &format!("/api/v1/nodes/{gone}"), None).is_some() {
            nodes.remove(&gone);
        }
    }
}

/// As the user data of Floodway's templates tells the node to register.
fn node(group: &Value, instance: &Value) -> Value {
    let tag = |key: &str| group["tags"][format!("floodway.dev/{key}")]["value"].clone();
    let id = instance["id"].as_str().unwrap();
    let zone = instance["zone"].as_str().unwrap();
    let workload = tag("workload");
    let room = json!({
        "cpu": "48", "memory": "384Gi", "ephemeral-storage": "4Ti", "pods": "110",
        "nvidia.com/gpu": GPUS.to_string(),
    });
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": id, "labels": {
            "floodway.dev/environment": tag("environment"), "floodway.dev/stage": tag("stage"),
            "floodway.dev/pool": tag("pool"), "floodway.dev/workload": workload,
        }},
        "spec": {
            "providerID": format!("aws:///{zone}/{id}"),
            "taints": [{"key": "floodway.dev/workload", "value": workload, "effect": "NoSchedule"}],
        },
        "status": {"capacity": room, "allocatable": room},
    })
}
