//! ResourceQuotas that each change of a plan fits and all together do not.

use super::Ground;
use crate::support::bed::eventually;
use serde_json::json;

fn quota(ground: &Ground, name: &str, hard: &serde_json::Value) {
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": name}, "spec": {"hard": hard}});
    ground.kubectl_with(&["create", "-f", "-"], &quota.to_string());
    eventually("the quota is counted", || {
        let used = ground.get("resourcequota", name)?;
        used["status"]["used"].is_object().then_some(())
    });
}

fn pools(ground: &Ground, a: &str, b: &str) -> String {
    ground.pool("a", a) + &ground.pool("b", b)
}

#[test]
fn pools_that_fit_a_quota_alone_and_not_together_fail_the_plan() {
    let ground = Ground::new("together");
    quota(&ground, "gpus", &json!({"requests.nvidia.com/gpu": "6"}));
    ground.declare(&pools(&ground, "4", "4"));
    ground
        .run("plan", &[])
        .exits(1)
        .says("ResourceQuota gpus: 0 of 6 requests.nvidia.com/gpu are used")
        .says("this plan asks for 8 more")
        .says("llm-inference-a: 4")
        .says("llm-inference-b: 4");
    ground.run("apply", &["--yes"]).exits(1);
    assert!(ground.get("deployment", "llm-inference-a").is_none());

    let between = "{ min = 2, max = 4 }";
    ground.declare(&pools(&ground, between, between));
    ground.run("plan", &[]).exits(0).says("at its most replicas this plan asks for 8 more");
}

#[test]
fn what_one_pool_gives_back_another_may_take() {
    let ground = Ground::new("exchanged");
    quota(&ground, "gpus", &json!({"requests.nvidia.com/gpu": "6"}));
    ground.declare(&pools(&ground, "2", "3"));
    ground.apply();
    eventually("five are counted", || {
        let used = &ground.get("resourcequota", "gpus")?["status"]["used"];
        (used["requests.nvidia.com/gpu"] == "5").then_some(())
    });
    ground.declare(&pools(&ground, "3", "4"));
    ground.run("plan", &[]).exits(1).says("5 of 6").says("this plan asks for 2 more");
    ground.declare(&pools(&ground, "5", "1"));
    ground.apply();
    ground.is_settled();
    assert_eq!(
        (ground.replicas("llm-inference-a"), ground.replicas("llm-inference-b")),
        (Some(5), Some(1))
    );
}

#[test]
fn objects_that_a_quota_counts_are_counted_together() {
    let ground = Ground::new("counted");
    quota(&ground, "few", &json!({"count/deployments.apps": "1", "configmaps": "2"}));
    ground.declare(&pools(&ground, "1", "1"));
    ground
        .run("plan", &[])
        .exits(1)
        .says("ResourceQuota few: 0 of 1 count/deployments.apps are used, and this plan asks for 2 more")
        // The cluster's own certificate is the one that is there.
        .says("ResourceQuota few: 1 of 2 configmaps are used, and this plan asks for 2 more");
}

#[test]
fn a_service_needs_room_for_the_slices_that_the_cluster_makes_for_it() {
    let ground = Ground::new("made-for-it");
    quota(&ground, "slices", &json!({"count/endpointslices.discovery.k8s.io": "0"}));
    ground.declare(&ground.pool("gpu", "1"));
    ground.run("plan", &[]).exits(1).says("count/endpointslices.discovery.k8s.io");
}

#[test]
fn a_higher_most_of_an_autoscaler_is_held_against_the_quota() {
    let ground = Ground::new("raised");
    quota(&ground, "gpus", &json!({"requests.nvidia.com/gpu": "6"}));
    let hpa = "hpa = { requests_per_second = 8 }\n";
    ground.declare(&(ground.pool("gpu", "{ min = 2, max = 5 }") + hpa));
    ground.apply();
    eventually("two are counted", || {
        let used = &ground.get("resourcequota", "gpus")?["status"]["used"];
        (used["requests.nvidia.com/gpu"] == "2").then_some(())
    });
    ground.declare(&(ground.pool("gpu", "{ min = 2, max = 9 }") + hpa));
    ground
        .run("plan", &[])
        .exits(0)
        .says("2 of 6 requests.nvidia.com/gpu are used, and at its most replicas this plan asks for 7 more");
    ground.declare(&(ground.pool("gpu", "{ min = 8, max = 9 }") + hpa));
    ground.run("plan", &[]).exits(1).says("this plan asks for 6 more");
}
