//! Handing replicas over, watched: they never fall below what they were.

use super::Ground;
use crate::support::bed::eventually;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::BufReader;
use std::process::Child;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

const NAME: &str = "llm-inference-gpu";

/// Sees every state of the Deployments, all of them together.
pub(super) struct Watch {
    kubectl: Child,
    seen: JoinHandle<Lowest>,
}

/// The fewest replicas there were.
#[derive(Debug, Clone)]
pub(super) struct Lowest {
    pub(super) asked_for: u64,
    pub(super) ready: u64,
    /// All that were asked for, one after the other.
    pub(super) asked: Vec<u64>,
}

impl Watch {
    /// From now on; now `replicas` are asked for, and ready.
    pub(super) fn new(ground: &Ground, replicas: u64) -> Self {
        eventually("all are ready", || {
            let live = ground.get("deployment", NAME)?;
            (live["status"]["readyReplicas"] == replicas).then_some(())
        });
        let namespace = ground.name.as_str();
        let watch = ["get", "deployments", "-n", namespace, "-o", "json", "-w"];
        let arguments = [&watch[..], &["--output-watch-events"]].concat();
        let mut kubectl = ground.bed.start_kubectl(&arguments);
        let events = BufReader::new(kubectl.stdout.take().unwrap());
        let (began, first) = channel();
        let seen = std::thread::spawn(move || {
            let mut live = BTreeMap::new();
            let mut lowest = Lowest { asked_for: u64::MAX, ready: u64::MAX, asked: Vec::new() };
            for event in serde_json::Deserializer::from_reader(events).into_iter::<Value>() {
                // The end of kubectl may cut the last one off.
                let Ok(event) = event else { break };
                let object = &event["object"];
                let name = object["metadata"]["name"].as_str().unwrap().to_owned();
                let number = |at: &str| object.pointer(at).and_then(Value::as_u64).unwrap_or(0);
                let now = (number("/spec/replicas"), number("/status/readyReplicas"));
                match event["type"].as_str() {
                    Some("DELETED") => drop(live.remove(&name)),
                    _ => drop(live.insert(name, now)),
                }
                let asked = live.values().map(|(all, _)| all).sum();
                lowest.asked_for = lowest.asked_for.min(asked);
                lowest.asked.push(asked);
                lowest.ready = lowest.ready.min(live.values().map(|(_, ready)| ready).sum());
                let _ = began.send(());
            }
            lowest
        });
        first.recv_timeout(Duration::from_secs(30)).expect("the watch began");
        Self { kubectl, seen }
    }

    pub(super) fn lowest(mut self) -> Lowest {
        // What has happened reaches the watch within a moment.
        std::thread::sleep(Duration::from_millis(500));
        self.kubectl.kill().unwrap();
        self.kubectl.wait().unwrap();
        self.seen.join().unwrap()
    }
}

/// With room for 24 replicas.
pub(super) fn ground(prefix: &str) -> Ground {
    let ground = Ground::new(prefix);
    ground.bed.add_nodes(&format!("{}-more", ground.name), 2, 8, &json!({"test": ground.name}));
    ground
}

pub(super) const BETWEEN: &str = "{ min = 3, max = 20 }";
pub(super) const HPA: &str = "hpa = { requests_per_second = 8 }\n";

#[test]
fn turning_the_autoscaler_on_keeps_the_replicas() {
    let ground = ground("hpa-on");
    ground.declare(&ground.pool("gpu", "12"));
    ground.apply();
    let watch = Watch::new(&ground, 12);
    ground.declare(&(ground.pool("gpu", BETWEEN) + HPA));
    ground.run("plan", &[]).exits(0).says("the HPA");
    ground.apply();
    ground.is_settled();
    assert_eq!(watch.lowest().asked_for, 12);
    let live = ground.get("deployment", NAME).unwrap();
    let owners: Vec<&str> = live["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["fieldsV1"]["f:spec"]["f:replicas"].is_object())
        .map(|entry| entry["manager"].as_str().unwrap())
        .collect();
    assert!(!owners.contains(&"floodway"), "{owners:?}");
}

#[test]
fn turning_the_autoscaler_off_keeps_the_replicas() {
    let ground = ground("hpa-off");
    ground.declare(&(ground.pool("gpu", BETWEEN) + HPA));
    ground.apply();
    ground.kubectl(&["scale", "deployment", NAME, "--replicas=12"]);
    ground.is_settled();
    let watch = Watch::new(&ground, 12);
    ground.declare(&ground.pool("gpu", "12"));
    ground.run("plan", &[]).exits(0).says("takes spec.replicas over");
    ground.apply();
    ground.is_settled();
    assert!(ground.get("hpa", NAME).is_none());
    assert_eq!(watch.lowest().asked_for, 12);
    // From now on the number is git's alone: the next one meets nobody.
    ground.declare(&ground.pool("gpu", "14"));
    ground.apply();
    assert_eq!(ground.replicas(NAME), Some(14));
}

#[test]
fn git_taking_replicas_over_takes_nothing_else() {
    let ground = ground("only-replicas");
    ground.declare(&ground.pool("gpu", BETWEEN));
    ground.apply();
    ground.kubectl(&["set", "image", &format!("deployment/{NAME}"), "server=registry.example/fix"]);
    ground.declare(&ground.pool("gpu", "5"));
    ground.run("apply", &["--yes"]).exits(12).says("image is owned by kubectl-set");
    assert_eq!(ground.replicas(NAME), Some(3));
}

/// A Deployment of 12 that kubectl made.
pub(super) fn theirs(ground: &Ground, labels: &serde_json::Value) {
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME},
        "spec": {
            "replicas": 12, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {
                "containers": [{
                    "name": "server", "image": "registry.example/theirs",
                    "resources": {"limits": {"nvidia.com/gpu": "1"}},
                }],
                "nodeSelector": {"test": ground.name},
            }},
        },
    });
    ground.kubectl_with(&["apply", "-f", "-"], &theirs.to_string());
}

#[test]
fn adopting_a_deployment_keeps_its_replicas() {
    let ground = ground("adopted");
    theirs(&ground, &json!({"floodway.dev/workload": NAME}));
    let watch = Watch::new(&ground, 12);
    ground.declare(&ground.pool("gpu", BETWEEN));
    ground.run("apply", &["--yes"]).exits(12).says(&format!("--adopt Deployment/{NAME}"));
    ground.run("apply", &["--yes", "--adopt", &format!("Deployment/{NAME}")]).exits(0);
    ground.is_settled();
    assert_eq!(watch.lowest().asked_for, 12);
    assert_eq!(ground.replicas(NAME), Some(12));
    // It is adopted for good: kubectl owns nothing of what the file says.
    let changed =
        ground.environment(&ground.pool("gpu", "13")).replace("drain = \"1s\"", "drain = \"2s\"");
    ground.repository.write(&ground.name, &changed);
    ground.apply();
    ground.is_settled();
    assert_eq!(ground.replicas(NAME), Some(13));
}

#[test]
fn adopting_a_deployment_with_a_selector_of_its_own_replaces_it_when_the_new_one_is_ready() {
    let ground = ground("reselected");
    ground.bed.add_nodes(&format!("{}-spare", ground.name), 1, 8, &json!({"test": ground.name}));
    theirs(&ground, &json!({"app": "theirs"}));
    let watch = Watch::new(&ground, 12);
    ground.declare(&ground.pool("gpu", BETWEEN));
    let adopt = format!("Deployment/{NAME}");
    ground.run("plan", &["--adopt", &adopt]).exits(0).says("-/+");
    ground.run("apply", &["--yes", "--adopt", &adopt]).exits(0);
    ground.is_settled();
    assert!(ground.get("deployment", NAME).is_none());
    assert_eq!(ground.replicas(&format!("{NAME}-2")), Some(12));
    let lowest = watch.lowest();
    assert!(lowest.asked_for >= 12 && lowest.ready >= 12, "{lowest:?}");
}

#[test]
fn what_the_runtime_scales_is_neither_drift_nor_makes_a_plan_stale() {
    let ground = ground("scaled");
    ground.declare(&(ground.pool("gpu", BETWEEN) + HPA));
    ground.apply();
    ground.declare(&(ground.pool("gpu", "{ min = 3, max = 21 }") + HPA));
    ground.run("plan", &["--out", "p"]).exits(0);
    ground.kubectl(&["scale", "deployment", NAME, "--replicas=7"]);
    ground.repository.run(&["apply", "p"]).exits(0);
    assert_eq!(ground.replicas(NAME), Some(7));
    ground.is_settled();
}
