//! Waves on a real API server: what runs where tells how far they have come, and an
//! annotation of the parent stops them.

use super::Ground;
use crate::support::running::Running;
use serde_json::Value;

/// Pools from the one that carries least to the one that carries most.
const POOLS: [&str; 3] = ["small", "middle", "big"];

/// Three pools that go out one after another, with image `digit`.
fn declare(ground: &Ground, wait: &str, digit: char) {
    let pools = ground.pool("big", "3") + &ground.pool("small", "1") + &ground.pool("middle", "2");
    let text = ground.environment(&format!("{pools}[rollout.waves]\nwait = \"{wait}\"\n"));
    let image = digit.to_string().repeat(64);
    ground.repository.write(&ground.name, &text.replace(&"0".repeat(64), &image));
}

/// Image `0` in all pools.
fn applied(prefix: &str, wait: &str) -> Ground {
    let ground = Ground::new(prefix);
    declare(&ground, "0s", '0');
    ground.apply();
    declare(&ground, wait, '1');
    ground
}

fn deployment(pool: &str) -> String {
    format!("llm-inference-{pool}")
}

/// The first digit of the image's digest that a pool runs.
fn runs(ground: &Ground, pool: &str) -> char {
    let live = ground.get("deployment", &deployment(pool)).unwrap();
    let image = live["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
    image.split_once("sha256:").unwrap().1.chars().next().unwrap()
}

fn all_run(ground: &Ground) -> String {
    POOLS.iter().map(|pool| runs(ground, pool)).collect()
}

/// When a pool got its new ReplicaSet, in whole seconds as Kubernetes tells it.
fn rolled_at(ground: &Ground, pool: &str) -> i64 {
    let label = format!("floodway.dev/workload={}", deployment(pool));
    let list = ["get", "replicasets", "-n", &ground.name, "-l", &label, "-o", "json"];
    let list: Value = serde_json::from_slice(&ground.bed.kubectl(&list, "").stdout).unwrap();
    let sets = list["items"].as_array().unwrap();
    assert_eq!(sets.len(), 2, "{pool}: {sets:?}");
    let second = |set: &Value| {
        let at = set["metadata"]["creationTimestamp"].as_str().unwrap();
        at.parse::<floodway::clock::Timestamp>().unwrap().as_second()
    };
    sets.iter().map(second).max().unwrap()
}

fn annotation(ground: &Ground) -> Option<String> {
    let parent = ground.get("configmap", &format!("floodway-{}", ground.name)).unwrap();
    Some(parent["metadata"]["annotations"]["floodway.dev/hands"].as_str()?.to_owned())
}

#[test]
fn pools_go_out_one_after_another_in_the_live_world() {
    let ground = applied("waves", "2s");
    let plan = ground.run("plan", &[]).exits(0);
    plan.says("Wave 1 of 3: pool small").says("Wave 3 of 3: pool big");
    let said = ground.run("apply", &["--yes"]).exits(0);
    said.says("Wave 2 of 3: nothing speaks against it").says("Apply complete");
    assert_eq!(all_run(&ground), "111");
    let at = POOLS.map(|pool| rolled_at(&ground, pool));
    // Each began when the one before was ready and had been waited for.
    assert!(at[1] - at[0] >= 2 && at[2] - at[1] >= 2, "{at:?}");
    ground.is_settled();
}

#[test]
fn a_pause_on_the_parent_stops_the_waves_and_is_no_drift() {
    let ground = applied("paused", "8s");
    let env = ground.name.as_str();
    let mut applying = Running::start(ground.repository.command(&["apply", env, "--yes"]));
    assert!(applying.says("Wave 1 of 3 is done: waiting"));
    let pause = ["rollout", "pause", env, "--reason", "first a look"];
    ground.repository.run(&pause).exits(0).says("stops after its wave");
    let said = annotation(&ground).unwrap();
    assert!(said.contains("\"pause\":{\"reason\":\"first a look\""), "{said}");
    let ended = applying.end().exits(13);
    ended.says("paused: first a look").says(&format!("Next: floodway rollout resume {env}"));
    assert_eq!(all_run(&ground), "100");

    ground.run("drift", &["--detailed-exitcode"]).exits(0);
    ground.run("status", &[]).exits(0).says("paused: the rollout: first a look");
    let refused = ground.run("plan", &[]).exits(12);
    refused.says("refused (paused)").says("Wave 1 of 3: pool small (nothing to do)");
    ground.run("apply", &["--yes"]).exits(12).says("is paused: first a look");
    assert_eq!(all_run(&ground), "100");

    ground.repository.run(&["rollout", "resume", env]).exits(0).says("may go on");
    assert_eq!(annotation(&ground), None);
    declare(&ground, "0s", '1');
    ground.run("apply", &["--yes"]).exits(0).says("this begins with wave 2 of 3");
    assert_eq!(all_run(&ground), "111");
    ground.is_settled();
}

#[test]
fn an_apply_that_is_killed_between_waves_goes_on_with_the_rest() {
    let ground = applied("killed-in-waves", "60s");
    let mut applying = Running::start(ground.repository.command(&["apply", &ground.name, "--yes"]));
    assert!(applying.says("Wave 1 of 3 is done: waiting"));
    assert!(applying.kill());
    assert_eq!(all_run(&ground), "100");
    let told = ground.run("journal", &[]).exits(0);
    told.says("Wave 1 of 3 was done, and waited for, at");

    declare(&ground, "1s", '1');
    // A lock whose holder is dead runs out by itself; nobody waits for that here.
    let lease = format!("floodway-{0}.{0}", ground.name);
    ground.bed.kubectl(&["delete", "lease", "-n", "default", &lease], "");
    let said = ground.run("apply", &["--yes"]).exits(0);
    said.says("the last apply was cut off at: the wait after wave 1 of 3")
        .says("nothing is left to do in wave 1, or to wait for: this begins with wave 2 of 3")
        .says("Wave 2 of 3: pool middle")
        .says("Apply complete");
    assert_eq!(all_run(&ground), "111");
    let at = POOLS.map(|pool| rolled_at(&ground, pool));
    assert!(at[0] < at[1] && at[2] > at[1], "{at:?}");
    ground.is_settled();
}
