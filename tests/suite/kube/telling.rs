//! Events on a real API server.

use super::Ground;
use super::locks::scope;
use super::roles::reader;
use floodway::backend::kube::{Way, connect};
use floodway::observe::ResourceId;
use floodway::port::{FailureKind, Notice, Tell};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const NAME: &str = "llm-inference-gpu";

fn with_tell(kubeconfig: &Path, test: impl AsyncFnOnce(Arc<dyn Tell>)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let way = Way { context: Some("bed"), cluster_uid: None, kubeconfig: Some(kubeconfig) };
        test(connect(way).await.unwrap().tell.unwrap()).await;
    });
}

fn notice(ground: &Ground, message: &str) -> Notice {
    let about = ResourceId::kubernetes("apps/v1", "Deployment", Some(&ground.name), NAME);
    Notice { reason: "ScaledOut", message: message.into(), about, warning: false }
}

/// What Floodway has told in the test's namespace.
fn events(ground: &Ground) -> Vec<Value> {
    let kind = "events.events.k8s.io";
    let out = ground.bed.kubectl(&["get", kind, "-n", &ground.name, "-o", "json"], "");
    let list: Value = serde_json::from_slice(&out.stdout).unwrap();
    let ours = |event: &&Value| event["reportingController"] == "floodway.dev/floodway";
    list["items"].as_array().unwrap().iter().filter(ours).cloned().collect()
}

#[test]
fn what_is_told_stands_beside_the_thing_and_is_counted_when_it_comes_again() {
    let ground = Ground::new("told");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    let scope = scope(&ground);
    with_tell(ground.bed.kubeconfig(), async |tell| {
        let out = notice(&ground, "from 1 to 4 replicas: 61 req/s are expected at 12:15");
        assert!(tell.tell(&scope, &out).await.unwrap());
        assert!(tell.tell(&scope, &out).await.unwrap(), "that it came again");
        for _ in 0..50 {
            assert!(!tell.tell(&scope, &out).await.unwrap());
        }
        let group = ResourceId::group("us-east-1", "prod-g6e-od");
        let message = "no g6e.12xlarge to be had".to_owned();
        let short = Notice { reason: "InsufficientCapacity", message, about: group, warning: true };
        assert!(tell.tell(&scope, &short).await.unwrap());
        // A node is in no namespace.
        let node = ResourceId::kubernetes("v1", "Node", None, &format!("{}-0", ground.name));
        let drains = Notice { reason: "Draining", about: node, ..out.clone() };
        assert!(tell.tell(&scope, &drains).await.unwrap());
    });
    let events = events(&ground);
    assert_eq!(events.len(), 2, "{events:#?}");
    let told = events.iter().find(|event| event["reason"] == "ScaledOut").unwrap();
    assert_eq!(told["type"], "Normal");
    assert_eq!(told["series"]["count"], 2);
    let live = ground.get("deployment", NAME).unwrap();
    assert_eq!(told["regarding"]["uid"], live["metadata"]["uid"]);
    let short = events.iter().find(|event| event["type"] == "Warning").unwrap();
    assert_eq!(short["regarding"]["name"], format!("floodway-{}", ground.name));
    let note = "AutoScalingGroup us-east-1/prod-g6e-od: no g6e.12xlarge to be had";
    assert_eq!(short["note"], note);
    let described = ground.bed.kubectl(&["describe", "deployment", NAME, "-n", &ground.name], "");
    assert!(String::from_utf8_lossy(&described.stdout).contains("61 req/s are expected"));
    ground.is_settled();
}

#[test]
fn too_much_at_once_is_not_written() {
    let ground = Ground::new("told-much");
    with_tell(ground.bed.kubeconfig(), async |tell| {
        for number in 0..200 {
            let long = format!("{number} {}", "ä".repeat(2000));
            tell.tell(&scope(&ground), &notice(&ground, &long)).await.unwrap();
        }
    });
    let written = events(&ground).len();
    assert!((25..50).contains(&written), "{written}");
}

#[test]
fn who_may_not_tell_is_told_the_rule_and_may_do_so_later() {
    let ground = Ground::new("told-not");
    let kubeconfig = reader(&ground, "mute", &json!([]));
    let may_tell = json!([
        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
    ]);
    with_tell(&kubeconfig, async |tell| {
        let (scope, out) = (scope(&ground), notice(&ground, "x"));
        let error = tell.tell(&scope, &out).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Denied);
        assert!(error.help.unwrap().contains("events.k8s.io"));
        let role = format!("{}-mute", ground.name);
        ground.bed.apply(&[json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": role}, "rules": may_tell,
        })]);
        for _ in 0..100 {
            match tell.tell(&scope, &out).await {
                Ok(written) => return assert!(written, "it was not forgotten"),
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
        panic!("the rule was never enough");
    });
    assert_eq!(events(&ground).len(), 1);
}
