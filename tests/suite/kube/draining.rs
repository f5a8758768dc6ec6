//! Draining joined instances on a real API server, with the real controllers of
//! Deployments and disruption budgets; kwok ends pods at once, so how long they
//! take is not shown here.

use super::Ground;
use crate::support::bed::eventually;
use floodway::backend::kube::{Way, connect};
use floodway::port::{Drain, Leaving};
use serde_json::{Value, json};
use std::sync::Arc;

/// Runs `test` with the cluster's own drain.
fn with_drain(ground: &Ground, test: impl AsyncFnOnce(Arc<dyn Drain>)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kubeconfig = ground.bed.kubeconfig();
        let way = Way { context: Some("bed"), cluster_uid: None, kubeconfig: Some(kubeconfig) };
        test(connect(way).await.unwrap().drain.unwrap()).await;
    });
}

/// A namespace without nodes.
fn ground(prefix: &str) -> Ground {
    let ground = Ground::bare(prefix);
    ground.bed.kubectl(&["create", "namespace", &ground.name], "");
    ground
}

/// A node that an instance has become, as a cloud's controller tells it.
fn join(ground: &Ground, name: &str, instance: &str, gpus: u32) {
    let room = json!({
        "cpu": "8", "memory": "8Gi", "ephemeral-storage": "9Gi", "pods": "50",
        "nvidia.com/gpu": gpus.to_string(),
    });
    ground.bed.apply(&[json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": format!("{}-{name}", ground.name), "labels": {"test": ground.name}},
        "spec": {"providerID": format!("aws:///us-east-1a/{instance}")},
        "status": {"capacity": room, "allocatable": room},
    })]);
}

fn workload(ground: &Ground, kind: &str, name: &str, gpus: u32, replicas: Option<u32>) {
    let limits = if gpus > 0 { json!({"nvidia.com/gpu": gpus.to_string()}) } else { json!({}) };
    let container =
        json!({"name": "c", "image": "registry.example/c", "resources": {"limits": limits}});
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": ground.name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {
                "nodeSelector": {"test": ground.name}, "containers": [container],
            }},
        },
    });
    if let Some(replicas) = replicas {
        object["spec"]["replicas"] = json!(replicas);
    }
    ground.bed.apply(&[object]);
}

/// The nodes of an app's ready pods.
fn nodes(ground: &Ground, app: &str) -> Vec<String> {
    let selector = format!("app={app}");
    let arguments = ["get", "pods", "-n", &ground.name, "-l", &selector, "-o", "json"];
    let list: Value = serde_json::from_slice(&ground.bed.kubectl(&arguments, "").stdout).unwrap();
    let ready = list["items"].as_array().unwrap().iter().filter(|pod| {
        let conditions = pod["status"]["conditions"].as_array();
        let is_ready = |c: &Value| c["type"] == "Ready" && c["status"] == "True";
        pod["metadata"].get("deletionTimestamp").is_none()
            && conditions.is_some_and(|all| all.iter().any(is_ready))
    });
    let prefix = format!("{}-", ground.name);
    let name = |pod: &Value| pod["spec"]["nodeName"].as_str().unwrap().replace(&prefix, "");
    let mut nodes: Vec<_> = ready.map(name).collect();
    nodes.sort();
    nodes
}

fn run_on(ground: &Ground, app: &str, expected: &[&str]) {
    eventually(&format!("{app} on {expected:?}"), || {
        (nodes(ground, app) == expected).then_some(())
    });
}

fn node(ground: &Ground, name: &str) -> Value {
    ground.get("node", &format!("{}-{name}", ground.name)).unwrap()
}

fn is_cordoned(ground: &Ground, name: &str) -> bool {
    node(ground, name)["spec"]["unschedulable"] == true
}

#[test]
fn a_joined_instance_is_emptied_as_its_disruption_budget_lets_it() {
    let ground = ground("drained");
    join(&ground, "old", "i-0drained1", 4);
    workload(&ground, "Deployment", "server", 1, Some(3));
    workload(&ground, "DaemonSet", "agent", 0, None);
    run_on(&ground, "server", &["old", "old", "old"]);
    run_on(&ground, "agent", &["old"]);
    ground.bed.apply(&[json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "guard", "namespace": ground.name},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "server"}}},
    })]);
    eventually("the budget is counted", || {
        let budget = ground.get("poddisruptionbudget", "guard")?;
        (budget["status"]["disruptionsAllowed"] == 1).then_some(())
    });
    with_drain(&ground, async |drain| {
        let unit = Leaving::joined("i-0drained1");
        let left = drain.begin(&unit).await.unwrap();
        assert!(left.known && left.since.is_some(), "{left:?}");
        assert_eq!(left.pods, 3, "one has begun to end, two are held: {left:?}");
        let held = &left.held[0];
        assert_eq!(held.by, format!("PodDisruptionBudget {}/guard", ground.name));
        assert_eq!(held.pods, 2);
        // How many it needs the server says once it has counted the one that ends.
        assert!(held.message.starts_with("The disruption budget guard "), "{held:?}");
        // The one that has moved finds no room: nobody else may go.
        eventually("one has gone", || (nodes(&ground, "server") == ["old"; 2]).then_some(()));
        let left = drain.begin(&unit).await.unwrap();
        assert_eq!((left.pods, left.held[0].pods), (2, 2));
        join(&ground, "new", "i-0drained2", 4);
        for _ in 0..300 {
            if drain.begin(&unit).await.unwrap().is_nothing() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let left = drain.begin(&unit).await.unwrap();
        assert!(left.is_nothing() && left.known, "{left:?}");
    });
    run_on(&ground, "server", &["new", "new", "new"]);
    assert!(nodes(&ground, "agent").contains(&"old".to_owned()), "it goes with its node");
}

#[test]
fn a_drain_that_is_taken_back_leaves_the_cordon_of_others() {
    let ground = ground("undrained");
    for (name, instance) in [("ours", "i-0undrained1"), ("theirs", "i-0undrained2")] {
        join(&ground, name, instance, 4);
    }
    workload(&ground, "DaemonSet", "agent", 0, None);
    run_on(&ground, "agent", &["ours", "theirs"]);
    workload(&ground, "Deployment", "server", 4, Some(2));
    run_on(&ground, "server", &["ours", "theirs"]);
    let costs = || {
        let arguments = ["get", "pods", "-n", &ground.name, "-l", "app=server", "-o", "json"];
        let out = ground.bed.kubectl(&arguments, "").stdout;
        String::from_utf8(out).unwrap().matches("pod-deletion-cost\":").count()
    };
    with_drain(&ground, async |drain| {
        let [ours, theirs] = ["i-0undrained1", "i-0undrained2"].map(Leaving::joined);
        for unit in [&ours, &theirs] {
            let first = drain.close(unit).await.unwrap();
            let again = drain.close(unit).await.unwrap();
            assert_eq!(first, again, "it began once");
            assert_eq!(first.pods, 1, "the DaemonSet's pod goes with its node");
        }
        assert!(is_cordoned(&ground, "ours") && is_cordoned(&ground, "theirs"));
        assert_eq!(costs(), 2);
        let managers = node(&ground, "ours")["metadata"]["managedFields"].clone();
        let owner = managers
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["fieldsV1"]["f:spec"].get("f:unschedulable").is_some());
        assert_eq!(owner.unwrap()["manager"], "floodway-drain");
        // Somebody else wants it cordoned too, and applies that.
        let name = format!("{}-theirs", ground.name);
        let body = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "spec": {"unschedulable": true}});
        let arguments = ["apply", "--server-side", "--field-manager=maintenance", "-f", "-"];
        ground.bed.kubectl(&arguments, &body.to_string());
        for unit in [&ours, &theirs, &ours] {
            drain.undo(unit).await.unwrap();
        }
        assert!(!is_cordoned(&ground, "ours"));
        assert!(is_cordoned(&ground, "theirs"), "that is not ours to take back");
        assert_eq!(costs(), 0);
        for name in ["ours", "theirs"] {
            let notes = &node(&ground, name)["metadata"]["annotations"];
            assert!(notes.get("floodway.dev/draining").is_none(), "{notes}");
        }
    });
}

#[test]
fn an_instance_that_never_joined_has_nothing_to_drain() {
    let ground = ground("unjoined");
    join(&ground, "near", "i-0unjoined12", 1);
    with_drain(&ground, async |drain| {
        let unit = Leaving::joined("i-0unjoined1");
        let left = drain.begin(&unit).await.unwrap();
        assert!(!left.known && left.is_nothing(), "{left:?}");
        drain.undo(&unit).await.unwrap();
    });
    assert!(!is_cordoned(&ground, "near"), "it only begins alike");
}

#[test]
fn a_deployment_that_shrinks_loses_the_pods_of_closed_nodes_first() {
    let ground = ground("shrinks");
    // The pods of the node that will be closed are the oldest: without their cost,
    // the newer ones would go, or any.
    join(&ground, "closed", "i-0shrinks1", 2);
    workload(&ground, "Deployment", "server", 1, Some(2));
    workload(&ground, "Deployment", "other", 0, Some(1));
    run_on(&ground, "server", &["closed", "closed"]);
    join(&ground, "open", "i-0shrinks2", 2);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    ground.kubectl(&["scale", "deployment/server", "--replicas=4"]);
    run_on(&ground, "server", &["closed", "closed", "open", "open"]);
    with_drain(&ground, async |drain| {
        let left = drain.close(&Leaving::joined("i-0shrinks1")).await.unwrap();
        assert_eq!(left.pods, 3);
        ground.kubectl(&["scale", "deployment/server", "--replicas=2"]);
        eventually("two are left", || (nodes(&ground, "server").len() == 2).then_some(()));
        assert_eq!(nodes(&ground, "server"), ["open", "open"]);
        let left = drain.begin(&Leaving::joined("i-0shrinks1")).await.unwrap();
        assert_eq!(left.pods, 1, "what nobody made smaller moves: {left:?}");
    });
    run_on(&ground, "other", &["open"]);
    assert_eq!(nodes(&ground, "server"), ["open", "open"]);
}
