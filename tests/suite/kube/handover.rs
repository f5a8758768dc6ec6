//! Handing replicas over, watched: they never fall below what they were.

use super::Ground;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

const NAME: &str = "llm-inference-gpu";

/// Looks at `spec.replicas` all the time, of all Deployments together.
struct Watch {
    stop: Arc<AtomicBool>,
    lowest: Arc<AtomicU64>,
    looks: JoinHandle<u32>,
}

impl Watch {
    fn new(ground: &Ground) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let lowest = Arc::new(AtomicU64::new(u64::MAX));
        let (bed, namespace) = (ground.bed, ground.name.clone());
        let (stopped, low) = (Arc::clone(&stop), Arc::clone(&lowest));
        let looks = std::thread::spawn(move || {
            let mut looks = 0;
            while !stopped.load(Ordering::Relaxed) {
                let query = [
                    "get",
                    "deployments",
                    "-n",
                    &namespace,
                    "-o",
                    "jsonpath={.items[*].spec.replicas}",
                ];
                let out = bed.kubectl(&query, "");
                let said = String::from_utf8(out.stdout).unwrap();
                let sum = said.split_whitespace().map(|n| n.parse::<u64>().unwrap()).sum();
                low.fetch_min(sum, Ordering::Relaxed);
                looks += 1;
            }
            looks
        });
        Self { stop, lowest, looks }
    }

    fn lowest(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        assert!(self.looks.join().unwrap() > 3, "the watch saw too little");
        self.lowest.load(Ordering::Relaxed)
    }
}

fn ground(prefix: &str) -> Ground {
    let ground = Ground::new(prefix);
    ground.bed.add_nodes(&format!("{}-more", ground.name), 2, 8, &json!({"test": ground.name}));
    ground
}

const BETWEEN: &str = "{ min = 3, max = 20 }";
const HPA: &str = "hpa = { requests_per_second = 8 }\n";

#[test]
fn turning_the_autoscaler_on_keeps_the_replicas() {
    let ground = ground("hpa-on");
    ground.declare(&ground.pool("gpu", "12"));
    ground.apply();
    let watch = Watch::new(&ground);
    ground.declare(&(ground.pool("gpu", BETWEEN) + HPA));
    ground.run("plan", &[]).exits(0).says("the HPA");
    ground.apply();
    ground.is_settled();
    assert_eq!(watch.lowest(), 12);
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
    let watch = Watch::new(&ground);
    ground.declare(&ground.pool("gpu", "12"));
    ground.run("plan", &[]).exits(0).says("takes spec.replicas over");
    ground.apply();
    ground.is_settled();
    assert!(ground.get("hpa", NAME).is_none());
    assert_eq!(watch.lowest(), 12);
}

/// A Deployment of 12 that kubectl made.
fn theirs(ground: &Ground, labels: &serde_json::Value) {
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME},
        "spec": {
            "replicas": 12, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {
                "containers": [{"name": "server", "image": "registry.example/theirs"}],
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
    let watch = Watch::new(&ground);
    ground.declare(&ground.pool("gpu", BETWEEN));
    ground.run("apply", &["--yes"]).exits(12).says(&format!("--adopt Deployment/{NAME}"));
    ground.run("apply", &["--yes", "--adopt", &format!("Deployment/{NAME}")]).exits(0);
    ground.is_settled();
    assert_eq!(watch.lowest(), 12);
    assert_eq!(ground.replicas(NAME), Some(12));
}

#[test]
fn adopting_a_deployment_with_a_selector_of_its_own_replaces_it_when_the_new_one_is_ready() {
    let ground = ground("reselected");
    ground.bed.add_nodes(&format!("{}-spare", ground.name), 1, 8, &json!({"test": ground.name}));
    theirs(&ground, &json!({"app": "theirs"}));
    let watch = Watch::new(&ground);
    ground.declare(&ground.pool("gpu", BETWEEN));
    let adopt = format!("Deployment/{NAME}");
    ground.run("plan", &["--adopt", &adopt]).exits(0).says("-/+");
    ground.run("apply", &["--yes", "--adopt", &adopt]).exits(0);
    ground.is_settled();
    assert!(ground.get("deployment", NAME).is_none());
    assert_eq!(ground.replicas(&format!("{NAME}-2")), Some(12));
    assert!(watch.lowest() >= 12);
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
