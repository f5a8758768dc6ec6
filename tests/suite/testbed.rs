//! The test bed itself: what the other tests believe of it.

use crate::support::bed::{Bed, eventually};
use serde_json::{Value, json};

fn deployment(name: &str, replicas: u32, pod: &Value, annotations: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}, "annotations": annotations}, "spec": pod},
        },
    })
}

fn pod(label: &str, gpus: u32) -> Value {
    json!({
        "nodeSelector": {"test": label},
        "containers": [{
            "name": "server", "image": "registry.example/server",
            "resources": {"limits": {"nvidia.com/gpu": gpus.to_string()}},
        }],
    })
}

fn create(bed: &Bed, namespace: &str, object: &Value) {
    bed.kubectl(&["create", "-n", namespace, "-f", "-"], &object.to_string());
}

fn pods(bed: &Bed, namespace: &str) -> Vec<Value> {
    let out = bed.kubectl(&["get", "pods", "-n", namespace, "-o", "json"], "");
    let list: Value = serde_json::from_slice(&out.stdout).unwrap();
    list["items"].as_array().unwrap().clone()
}

#[test]
fn pods_run_until_the_gpus_are_gone() {
    let bed = Bed::shared();
    let namespace = bed.namespace("gpus");
    bed.add_nodes(&namespace, 1, 8, &json!({"test": namespace}));
    create(bed, &namespace, &deployment("server", 3, &pod(&namespace, 4), &json!({})));
    eventually("two run, one finds no GPU", || {
        let pods = pods(bed, &namespace);
        let running = pods.iter().filter(|p| p["status"]["phase"] == "Running").count();
        let starved = pods.iter().any(|p| {
            let conditions = p["status"]["conditions"].to_string();
            conditions.contains("Unschedulable") && conditions.contains("nvidia.com/gpu")
        });
        (running == 2 && starved).then_some(())
    });
}

#[test]
fn a_pod_fails_when_it_is_told_to() {
    let bed = Bed::shared();
    let namespace = bed.namespace("failing");
    bed.add_nodes(&namespace, 1, 8, &json!({"test": namespace}));
    let fails = json!({"testbed.floodway.dev/fail": "ImagePullBackOff"});
    create(bed, &namespace, &deployment("server", 1, &pod(&namespace, 1), &fails));
    eventually("the container waits", || {
        let pods = pods(bed, &namespace);
        let waiting = &pods.first()?["status"]["containerStatuses"][0]["state"]["waiting"];
        (waiting["reason"] == "ImagePullBackOff").then_some(())
    });
}

#[test]
fn an_autoscaler_follows_an_external_metric() {
    let bed = Bed::shared();
    let namespace = bed.namespace("scaled");
    bed.add_nodes(&namespace, 1, 8, &json!({"test": namespace}));
    create(bed, &namespace, &deployment("server", 1, &pod(&namespace, 0), &json!({})));
    bed.set_external_metric(&namespace, "requests_per_second", "4000");
    create(
        bed,
        &namespace,
        &json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "server"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"},
                "minReplicas": 1, "maxReplicas": 5,
                "metrics": [{"type": "External", "external": {
                    "metric": {"name": "requests_per_second"},
                    "target": {"type": "AverageValue", "averageValue": "1000"},
                }}],
            },
        }),
    );
    eventually("four replicas", || {
        let live = bed.get(&namespace, "deployment", "server")?;
        (live["spec"]["replicas"] == 4).then_some(())
    });
}

#[test]
fn a_read_only_token_may_not_write() {
    let bed = Bed::shared();
    let namespace = bed.namespace("reader");
    bed.kubectl(&["create", "serviceaccount", "reader", "-n", &namespace], "");
    let account = format!("--serviceaccount={namespace}:reader");
    bed.kubectl(
        &["create", "rolebinding", "reader", "-n", &namespace, "--clusterrole=view", &account],
        "",
    );
    let token = bed.token_for(&namespace, "reader");
    let config = bed.kubeconfig_for(bed.server(), &token);
    let with_token = |arguments: &[&str]| {
        let config = config.to_string_lossy();
        let mut all = vec!["--kubeconfig", &config, "-n", &namespace];
        all.extend(arguments);
        bed.try_kubectl(&all, "")
    };
    assert!(with_token(&["get", "deployments"]).status.success());
    let refused = with_token(&["create", "configmap", "x"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("forbidden"));
}
