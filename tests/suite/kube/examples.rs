//! The example environments of this repository, planned and applied.

use super::Ground;
use crate::support::bed::Bed;
use serde_json::json;

/// Nodes as the examples select them; their taint keeps others' pods away.
fn nodes(bed: &Bed, prefix: &str) {
    bed.add_nodes(prefix, 1, 8, &json!({"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}));
}

fn plan_and_apply(example: &str, overrides: &str) {
    let ground = Ground::bare(example);
    nodes(ground.bed, &ground.name);
    let name = &ground.name;
    ground.repository.write(
        name,
        &format!(
            "extends = \"{example}.toml\"\n[environment]\nname = \"{name}\"\n\
             [service]\nnamespace = \"{name}\"\n{overrides}"
        ),
    );
    ground.run("plan", &["--detailed-exitcode"]).exits(2).says("Plan:");
    ground.run("apply", &["--yes"]).exits(0).says("Apply complete");
    ground.is_settled();
    ground.run("status", &[]).exits(0).says("All pools are ready");
    ground.run("destroy", &["--confirm", name, "--namespace"]).exits(0);
}

#[test]
fn demo_with_its_on_prem_half_on_a_real_cluster() {
    // Its burst pool's nodes are simulated and cannot join a real cluster.
    plan_and_apply(
        "demo",
        "[onprem]\nprovider = \"kubernetes\"\ncontext = \"bed\"\n\
         [service.stages.inference]\ndemand = \"54 req/s\"\n",
    );
}

#[test]
fn staging() {
    let uid = cluster_uid();
    plan_and_apply(
        "staging",
        &format!(
            "[onprem]\ncontext = \"bed\"\ncluster_uid = \"{uid}\"\n[aws]\nprovider = \"sim\"\n"
        ),
    );
}

#[test]
fn prod() {
    let uid = cluster_uid();
    plan_and_apply(
        "prod",
        &format!(
            "[onprem]\ncontext = \"bed\"\ncluster_uid = \"{uid}\"\n[aws]\nprovider = \"sim\"\n"
        ),
    );
}

fn cluster_uid() -> String {
    let namespace = Bed::shared().get("", "namespace", "kube-system").unwrap();
    namespace["metadata"]["uid"].as_str().unwrap().to_owned()
}
