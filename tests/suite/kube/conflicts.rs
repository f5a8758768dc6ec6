//! Beside other managers: drift, conflicts, other tools' sets.

use super::Ground;
use serde_json::json;

const NAME: &str = "llm-inference-gpu";
const IMAGE: &str = "/spec/template/spec/containers/0/image";

#[test]
fn drift_is_shown_with_its_manager_and_repaired_when_forced() {
    let ground = Ground::new("drift");
    ground.declare(&ground.pool("gpu", "2"));
    ground.apply();
    let image = ground.get("deployment", NAME).unwrap().pointer(IMAGE).unwrap().clone();
    ground.kubectl(&[
        "set",
        "image",
        &format!("deployment/{NAME}"),
        "server=registry.example/edited",
    ]);
    let refused = ground.run("plan", &[]).exits(12).says("is owned by kubectl-set");
    refused.says("--force-conflicts").says("registry.example/edited");
    ground.run("apply", &["--yes"]).exits(12);
    ground.run("plan", &["--force-conflicts"]).exits(0).says("registry.example/edited");
    ground.run("apply", &["--yes", "--force-conflicts"]).exits(0);
    ground.is_settled();
    assert_eq!(ground.get("deployment", NAME).unwrap().pointer(IMAGE), Some(&image));
}

#[test]
fn a_policy_that_somebody_opened_is_drift_and_is_closed() {
    let ground = Ground::new("opened");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    let policy = format!("floodway-{}-default-deny", ground.name);
    let opened = r#"{"spec": {"egress": [{}], "ingress": [{}]}}"#;
    ground.kubectl(&["patch", "networkpolicy", &policy, "--type=merge", "-p", opened]);
    ground.run("plan", &[]).exits(12).says("spec.egress");
    ground.run("apply", &["--yes", "--force-conflicts"]).exits(0);
    let live = ground.get("networkpolicy", &policy).unwrap();
    assert!(live["spec"]["egress"].is_null() && live["spec"]["ingress"].is_null());
    ground.is_settled();
}

#[test]
fn another_managers_fields_stay_its_own() {
    let ground = Ground::new("beside");
    ground.declare(&ground.pool("gpu", "2"));
    ground.apply();
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": NAME, "annotations": {"team.example/owner": "search"}},
        "spec": {"minReadySeconds": 3},
    });
    let server_side = ["apply", "--server-side", "--field-manager=team", "-f", "-"];
    ground.kubectl_with(&server_side, &theirs.to_string());
    ground.is_settled();
    ground.declare(&ground.pool("gpu", "3"));
    ground.apply();
    let live = ground.get("deployment", NAME).unwrap();
    assert_eq!(live["metadata"]["annotations"]["team.example/owner"], "search");
    assert_eq!(live["spec"]["minReadySeconds"], 3);
}

#[test]
fn kubectl_is_told_of_the_conflict_the_other_way_round() {
    let ground = Ground::new("other-way");
    ground.declare(&ground.pool("gpu", "2"));
    ground.apply();
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME},
        "spec": {"replicas": 5},
    });
    let out = ground.bed.try_kubectl(
        &["apply", "--server-side", "--field-manager=team", "-n", &ground.name, "-f", "-"],
        &theirs.to_string(),
    );
    assert!(!out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("conflict with \"floodway\""));
}

#[test]
fn a_deleted_member_comes_back_and_a_foreign_object_stays() {
    let ground = Ground::new("prune");
    ground.declare(&ground.pool("gpu", "1"));
    ground.kubectl(&["create", "configmap", "theirs"]);
    let other_set = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": "of-another-set", "labels": {"applyset.kubernetes.io/part-of": "applyset-other-v1"},
        },
    });
    ground.kubectl_with(&["create", "-f", "-"], &other_set.to_string());
    ground.apply();
    ground.kubectl(&["delete", "service", "llm-inference"]);
    ground.run("plan", &[]).exits(0).says("Plan: 1 to add, 0 to change, 0 to destroy");
    ground.apply();
    ground.is_settled();
    ground
        .run("destroy", &["--confirm", &ground.name, "--namespace"])
        .exits(12)
        .says("of-another-set");
    ground.run("destroy", &["--confirm", &ground.name]).exits(0);
    for theirs in ["theirs", "of-another-set"] {
        assert!(ground.get("configmap", theirs).is_some(), "{theirs}");
    }
    assert!(ground.get("deployment", NAME).is_none());
}

#[test]
fn a_name_that_another_set_has_is_refused() {
    let ground = Ground::new("taken");
    ground.declare(&ground.pool("gpu", "1"));
    let taken = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
            "name": "llm-inference", "labels": {"applyset.kubernetes.io/part-of": "applyset-other-v1"},
        },
    });
    ground.kubectl_with(&["create", "-f", "-"], &taken.to_string());
    ground.run("apply", &["--yes"]).exits(12).says("belongs to").says("applyset-other-v1");
    assert!(ground.get("deployment", NAME).is_none());
}

#[test]
fn endpoint_slices_that_the_cluster_makes_for_a_service_are_not_members() {
    let ground = Ground::new("slices");
    ground.declare(&ground.pool("gpu", "2"));
    ground.apply();
    let out = ground.bed.kubectl(&["get", "endpointslices", "-n", &ground.name, "-o", "name"], "");
    assert!(!out.stdout.is_empty(), "the controller makes one, with the Service's labels");
    ground.is_settled();
}
