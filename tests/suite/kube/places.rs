//! Knowing where we are, and saying why we cannot get there.

use super::Ground;
use crate::support::bed::Bed;

#[test]
fn another_cluster_under_the_same_context_is_refused() {
    let mut ground = Ground::new("place");
    let uid = ground.bed.get("", "namespace", "kube-system").unwrap()["metadata"]["uid"].clone();
    let uid = uid.as_str().unwrap();
    let text = ground.environment(&ground.pool("gpu", "1"));
    let text = text.replace("[onprem]\n", &format!("[onprem]\ncluster_uid = \"{uid}\"\n"));
    ground.repository.write(&ground.name, &text);
    ground.apply();
    ground.is_settled();

    let other = Bed::fresh();
    ground.repository.use_kubeconfig(other.kubeconfig());
    ground.run("plan", &[]).exits(12).says(uid).says("cluster_uid");
    ground.run("apply", &["--yes"]).exits(12);
    let made = other.kubectl(&["get", "namespaces", "-o", "name"], "");
    assert!(!String::from_utf8_lossy(&made.stdout).contains(&ground.name));
}

#[test]
fn finding_nothing_where_something_was_left_is_refused() {
    let ground = Ground::new("emptied");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    for kind in ["deployments", "services", "networkpolicies", "serviceaccounts", "pdb"] {
        ground.kubectl(&["delete", kind, "-l", "app.kubernetes.io/managed-by=floodway"]);
    }
    ground.bed.kubectl(&["delete", "priorityclass", &format!("floodway-{}", ground.name)], "");
    ground.kubectl(&["delete", "configmap", &format!("floodway-{}-alerts", ground.name)]);
    ground.run("plan", &[]).exits(12).says("none of them is there");
}

#[test]
fn a_copied_file_of_the_same_name_is_refused() {
    let ground = Ground::new("copied");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    ground.repository.write("copy", &ground.environment(&ground.pool("gpu", "2")));
    ground.repository.run(&["plan", "copy"]).exits(12).says("is applied from");
}

#[test]
fn a_plan_of_a_world_that_has_changed_is_stale_and_nothing_is_written() {
    let ground = Ground::new("stale");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    ground.declare(&ground.pool("gpu", "2"));
    ground.run("plan", &["--out", "p"]).exits(0);
    ground.kubectl(&["delete", "deployment", "llm-inference-gpu"]);
    ground.repository.run(&["apply", "p"]).exits(10).says("llm-inference-gpu is gone");
    assert!(ground.get("deployment", "llm-inference-gpu").is_none());
}

#[test]
fn a_held_lock_names_its_holder() {
    let ground = Ground::new("locked");
    ground.declare(&ground.pool("gpu", "1"));
    let now =
        std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.000000Z"]).output();
    let now = String::from_utf8(now.unwrap().stdout).unwrap();
    let lease = serde_json::json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": format!("floodway-{0}.{0}", ground.name), "namespace": "default"},
        "spec": {"holderIdentity": "ada@build", "acquireTime": now.trim(), "renewTime": now.trim(),
            "leaseDurationSeconds": 60},
    });
    ground.bed.kubectl(&["create", "-f", "-"], &lease.to_string());
    ground.run("apply", &["--yes"]).exits(11).says("ada@build");
    assert!(ground.get("deployment", "llm-inference-gpu").is_none());
}

#[test]
fn every_way_not_to_get_there_is_one_clear_error() {
    let mut ground = Ground::bare("lost");
    ground.declare(&ground.pool("gpu", "1"));
    let text = ground.environment(&ground.pool("gpu", "1"));
    ground
        .repository
        .write("wrong-context", &text.replace("context = \"bed\"", "context = \"bad\""));
    ground
        .repository
        .run(&["plan", "wrong-context"])
        .exits(1)
        .says("no context `bad`")
        .says("did you mean `bed`?");

    let expired = ground.bed.kubeconfig_for(ground.bed.server(), "expired");
    ground.repository.use_kubeconfig(&expired);
    ground.run("plan", &[]).exits(1).says("401").says("log in again");

    let nowhere = ground.bed.kubeconfig_for("https://127.0.0.1:1", "token");
    ground.repository.use_kubeconfig(&nowhere);
    ground.run("plan", &[]).exits(1).says("cannot be reached").says("127.0.0.1:1");

    ground.repository.use_kubeconfig("/nowhere/kubeconfig".as_ref());
    ground.run("plan", &[]).exits(1).says("kubeconfig");
}

#[test]
fn an_environment_that_stands_in_another_namespace_is_refused_with_both_names() {
    let ground = Ground::new("stands");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    let (here, there) = (format!("{}-new", ground.name), &ground.name);
    let text = ground.environment(&ground.pool("gpu", "1"));
    let moved =
        text.replace(&format!("namespace = \"{there}\""), &format!("namespace = \"{here}\""));
    ground.repository.write(&ground.name, &moved);
    let both = format!("environment {there} stands in namespace {there}");
    let said = ground.run("plan", &[]).exits(12).says(&both).says(&format!("says {here}"));
    let said = said.says("floodway destroy").out;
    assert_eq!(
        said.matches("stands in namespace").count(),
        2,
        "in the change, and once more: {said}"
    );
    assert!(!said.contains("belongs to"), "{said}");
    ground.run("apply", &["--yes"]).exits(12);
    ground.run("destroy", &["--confirm", there]).exits(12).says(&both);
    assert!(ground.bed.get("", "namespace", &here).is_none());

    // Where the new namespace is there already, it is found as well.
    ground.bed.kubectl(&["create", "namespace", &here], "");
    ground.run("plan", &[]).exits(12).says(&both);
    ground.repository.write(&ground.name, &text);
    ground.is_settled();
}
