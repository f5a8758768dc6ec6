//! What rejects pods, found before anything is applied; and why a rollout waits.

use super::Ground;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn limited(ground: &Ground, object: &serde_json::Value) {
    ground.kubectl_with(&["create", "-f", "-"], &object.to_string());
}

#[test]
fn a_quota_that_leaves_no_room_fails_the_plan() {
    let ground = Ground::new("quota");
    limited(
        &ground,
        &json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "gpus"},
            "spec": {"hard": {"requests.nvidia.com/gpu": "3"}}}),
    );
    ground.declare(&ground.pool("gpu", "4"));
    ground.run("plan", &[]).exits(1).says("0 of 3 requests.nvidia.com/gpu are used");
    ground.declare(&ground.pool("gpu", "{ min = 2, max = 5 }"));
    ground.run("plan", &[]).exits(0).says("at its most replicas this plan asks for 5 more");
}

#[test]
fn a_limit_range_fails_the_plan() {
    let ground = Ground::new("range");
    limited(
        &ground,
        &json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"},
            "spec": {"limits": [{"type": "Container", "max": {"memory": "512Mi"}}]}}),
    );
    ground.declare(&ground.pool("gpu", "1"));
    ground.run("plan", &[]).exits(1).says("its pods would be refused").says("LimitRange");
    assert!(ground.get("deployment", "llm-inference-gpu").is_none());
}

#[test]
fn what_is_applied_passes_the_strictest_pod_security_level() {
    let ground = Ground::new("security");
    ground.kubectl(&[
        "label",
        "namespace",
        &ground.name,
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    ground.is_settled();
}

#[test]
fn a_pod_that_the_namespaces_security_level_forbids_fails_the_plan() {
    let ground = Ground::new("forbidden");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    // Another team's tool adds a container, and the level is raised afterwards.
    let sidecar = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "llm-inference-gpu"},
        "spec": {"template": {"spec": {"containers": [
            {"name": "sidecar", "image": "registry.example/sidecar"},
        ]}}},
    });
    let server_side = ["apply", "--server-side", "--field-manager=team", "-f", "-"];
    ground.kubectl_with(&server_side, &sidecar.to_string());
    ground.declare(&ground.pool("gpu", "2"));
    ground.run("plan", &[]).exits(0);
    ground.kubectl(&[
        "label",
        "namespace",
        &ground.name,
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    ground
        .run("plan", &[])
        .exits(1)
        .says("its pods would be refused")
        .says("violates PodSecurity \"restricted:latest\"")
        .says("container \"sidecar\" must set")
        .says("the namespace's Pod Security level forbids it");
    ground.run("apply", &["--yes"]).exits(1);
    assert_eq!(ground.replicas("llm-inference-gpu"), Some(1));
}

/// Starts an apply that cannot finish, waits until it says `reason`, and
/// interrupts it.
fn waits_for(ground: &Ground, reason: &str) {
    let mut child = ground
        .repository
        .command(&["apply", &ground.name, "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        said.push_str(&line.unwrap());
        said.push('\n');
        if said.contains(reason) {
            break;
        }
    }
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let code = child.wait().unwrap().code();
    assert!(said.contains(reason), "{said}");
    assert_eq!(code, Some(13), "{said}");
    ground.run("status", &[]).exits(0).says(reason);
}

#[test]
fn a_rollout_says_that_no_gpu_is_left() {
    let ground = Ground::new("starved");
    ground.declare(&ground.pool("gpu", "9"));
    waits_for(&ground, "Insufficient nvidia.com/gpu");
}

#[test]
fn a_rollout_says_that_the_image_cannot_be_pulled() {
    let ground = Ground::new("image");
    // kwok fails pods that carry this annotation, which a mutating policy stands in for.
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    let failing = json!({"spec": {"template": {"metadata": {"annotations":
        {"testbed.floodway.dev/fail": "ImagePullBackOff"}}}}});
    ground.kubectl(&["patch", "deployment", "llm-inference-gpu", "--patch", &failing.to_string()]);
    ground.declare(&ground.pool("gpu", "2"));
    waits_for(&ground, "ImagePullBackOff");
}

#[test]
fn a_namespace_goes_only_when_nothing_of_any_kind_is_left_in_it() {
    let ground = Ground::new("kept");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "database"},
        "spec": {
            "replicas": 0, "serviceName": "database", "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": {
                "containers": [{"name": "db", "image": "registry.example/db"}],
            }},
        },
    });
    ground.kubectl_with(&["create", "-f", "-"], &theirs.to_string());
    let destroy = ["--confirm", &ground.name, "--namespace"];
    ground.run("destroy", &destroy).exits(12).says("StatefulSet").says("database");
    assert!(ground.get("deployment", "llm-inference-gpu").is_some());
    ground.kubectl(&["delete", "statefulset", "database"]);
    ground.run("destroy", &destroy).exits(0);
    assert!(ground.bed.get("", "namespace", &ground.name).is_none());
}

#[test]
fn an_autoscaler_of_somebody_elses_on_a_pool_is_refused() {
    let ground = Ground::new("two-owners");
    ground.declare(&ground.pool("gpu", "2"));
    ground.apply();
    ground.kubectl(&[
        "autoscale",
        "deployment/llm-inference-gpu",
        "--name=theirs",
        "--min=1",
        "--max=3",
    ]);
    ground
        .run("plan", &[])
        .exits(12)
        .says("HorizontalPodAutoscaler")
        .says("scales Deployment llm-inference-gpu");
    ground.kubectl(&["delete", "hpa", "theirs"]);
    ground.is_settled();
}

#[test]
fn the_set_of_another_tool_is_left_to_it() {
    let ground = Ground::new("tooling");
    let parent = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": format!("floodway-{}", ground.name),
            "annotations": {"applyset.kubernetes.io/tooling": "kubectl/v1.36.3"},
            "labels": {"applyset.kubernetes.io/id": "applyset-of-kubectl-v1"},
        },
    });
    ground.kubectl_with(&["create", "-f", "-"], &parent.to_string());
    ground.declare(&ground.pool("gpu", "1"));
    ground.run("plan", &["--force-conflicts"]).exits(12).says("kubectl/v1.36.3");
}
