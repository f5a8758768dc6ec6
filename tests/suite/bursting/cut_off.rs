//! The API server cannot be reached: capacity is only added.

use super::cable::Cable;
use super::ground::{Ground, within};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A pool whose instances need no cluster to serve.
pub const ALONE: &str = r#"
[aws.pools.alone]
stage = "inference"
size = { min = 0, max = 3 }
join = "standalone"
instance_types = ["g6.12xlarge"]
capacity = { "g6.12xlarge" = "5 req/s" }
subnets = { tags = { tier = "gpu" } }
image = { name = "gpu-inference", channel = "stable" }
"#;

/// The token of an account of the cluster that may do all.
pub fn token(ground: &Ground) -> String {
    let role = "--clusterrole=cluster-admin";
    let account = format!("--serviceaccount={}:run", ground.name);
    ground.bed.kubectl(&["create", "serviceaccount", "run", "-n", &ground.name], "");
    ground.bed.kubectl(&["create", "clusterrolebinding", &ground.name, role, &account], "");
    ground.bed.token_for(&ground.name, "run")
}

#[test]
fn without_the_api_server_capacity_is_added_and_never_taken_away() {
    let ground = Ground::with("cut", ALONE);
    let cable = Cable::to(ground.bed.server().strip_prefix("https://").unwrap());
    let server = format!("https://{}", cable.address);
    let mut repository = ground.copy_with(ALONE);
    repository.use_kubeconfig(&ground.bed.kubeconfig_for(&server, &token(&ground)));
    let run = ground.controller_in(&repository, &[]);
    ground.led_by(&run, 20);
    ground.settles(&run, 14.0);

    cable.cut(true);
    run.decides("it is cut off", 30, |one| one["mode"] == "kubernetes_unreachable");
    let alone = || -> u64 {
        let groups = super::ground::groups(&ground.aws.world());
        let of = |group: &&Value| group["name"].as_str().unwrap().contains("-alone-");
        groups.iter().filter(of).map(|group| group["desired"].as_u64().unwrap()).sum()
    };
    ground.fleet.offer(60.0);
    within("what needs no cluster is added", 30, || (alone() >= 1).then_some(()));
    let added = alone();
    ground.fleet.offer(1.0);
    let until = Instant::now() + Duration::from_secs(15);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(500));
        assert!(alone() >= added, "{}", run.said());
    }
    let ended = json!("TerminateInstanceInAutoScalingGroup");
    assert!(ground.aws.calls().iter().all(|call| call["action"] != ended), "{}", run.said());

    cable.cut(false);
    run.decides("it leads again", 30, |one| one["mode"] == "normal");
    within("what is not needed goes", 90, || (alone() == 0).then_some(()));
}
