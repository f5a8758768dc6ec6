//! What a role may not do, said so that its owner can mend it.

use super::Ground;
use serde_json::json;

/// A kubeconfig for a service account with the `view` role and these rules.
pub(super) fn reader(ground: &Ground, name: &str, rules: &serde_json::Value) -> std::path::PathBuf {
    ground.kubectl(&["create", "serviceaccount", name]);
    let account = format!("--serviceaccount={}:{name}", ground.name);
    ground.kubectl(&["create", "rolebinding", name, "--clusterrole=view", &account]);
    let role = format!("{}-{name}", ground.name);
    let cluster_role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": role}, "rules": rules,
    });
    ground.bed.apply(&[cluster_role]);
    ground.bed.kubectl(
        &["create", "clusterrolebinding", &role, &format!("--clusterrole={role}"), &account],
        "",
    );
    let token = ground.bed.token_for(&ground.name, name);
    ground.bed.kubeconfig_for(ground.bed.server(), &token)
}

fn everything_to_look_at() -> serde_json::Value {
    json!([
        {"apiGroups": [""], "resources": ["nodes", "pods", "namespaces"], "verbs": ["get", "list"]},
        {"apiGroups": ["scheduling.k8s.io"], "resources": ["priorityclasses"], "verbs": ["get", "list"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list"]},
    ])
}

#[test]
fn a_read_only_role_plans_from_the_lists_and_says_what_was_not_checked() {
    let mut ground = Ground::new("viewer");
    ground.declare(&ground.pool("gpu", "1"));
    ground.apply();
    ground.declare(&ground.pool("gpu", "2"));
    let kubeconfig = reader(&ground, "viewer", &everything_to_look_at());
    ground.repository.use_kubeconfig(&kubeconfig);
    ground
        .run("plan", &[])
        .exits(0)
        .says("spec.replicas: 1 → 2")
        .says("not checked by the server")
        .says("verbs: [\"patch\"]");
    ground.run("apply", &["--yes"]).exits(1).says("not allowed to get").says("leases");
}

#[test]
fn the_documented_read_only_role_suffices_to_plan_a_new_environment() {
    let mut ground = Ground::new("first-look");
    ground.declare(&ground.pool("gpu", "1"));
    let rules = json!([
        {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]},
        {"apiGroups": ["scheduling.k8s.io"], "resources": ["priorityclasses"], "verbs": ["list"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list"]},
    ]);
    let kubeconfig = reader(&ground, "first", &rules);
    ground.repository.use_kubeconfig(&kubeconfig);
    ground
        .run("plan", &[])
        .exits(0)
        .says("+ PriorityClass")
        .says("resources: [\"priorityclasses\"], verbs: [\"get\"]")
        .says("+ Deployment");
}

#[test]
fn a_kind_that_may_not_be_listed_is_named_with_its_rule_and_nothing_is_destroyed() {
    let mut ground = Ground::new("blind");
    ground.declare(&(ground.pool("gpu", "1") + &ground.pool("more", "1")));
    ground.apply();
    ground.declare(&ground.pool("gpu", "1"));
    let rules = json!([
        {"apiGroups": [""], "resources": ["nodes", "pods", "namespaces"], "verbs": ["get", "list"]},
    ]);
    let kubeconfig = reader(&ground, "blind", &rules);
    ground.repository.use_kubeconfig(&kubeconfig);
    ground
        .run("plan", &[])
        .exits(12)
        .says("priorityclasses")
        .says("the role lacks the rule")
        .says("held back");
}
