//! Waves over burst pools of an account without a cluster: a pause stands in the bucket
//! of the lock, and what is killed goes on with the rest.

use super::account::{ACCOUNT, Account};
use crate::support::bed::eventually;
use crate::support::running::Running;
use serde_json::Value;

const BUCKET: &str = "acme.floodway";
/// Pools from the one that carries least to the one that carries most.
const POOLS: [&str; 3] = ["small", "middle", "big"];

fn pool(name: &str, most: u32) -> String {
    format!(
        "[aws.pools.{name}]\nstage = \"inference\"\nsize = {{ min = 0, max = {most} }}\n\
         join = \"standalone\"\ninstance_types = [\"g6e.12xlarge\"]\n\
         capacity = {{ \"g6e.12xlarge\" = \"9 req/s\" }}\n\
         subnets = {{ tags = {{ tier = \"gpu\" }} }}\nimage = {{ name = \"gpu-inference\" }}\n"
    )
}

/// Three pools, with what `more` says of the account.
fn declare(account: &Account, more: &str, wait: &str) {
    let pools = [("big", 3), ("small", 1), ("middle", 2)].map(|(name, most)| pool(name, most));
    account.write(&(pools.concat() + &format!("[rollout.waves]\nwait = \"{wait}\"\n")));
    let region = format!("region = \"us-east-1\"\n{more}");
    account.rewrite(&account.text().replace("region = \"us-east-1\"", &region));
}

/// Everything is there, and the channel has a newer image.
fn published(more: &str, wait: &str) -> Account {
    let account = Account::new();
    account.bed.make_bucket(BUCKET);
    declare(&account, more, "0s");
    account.applied();
    account.publish();
    declare(&account, more, wait);
    account.bed.forget_calls();
    account
}

fn in_a_bucket() -> String {
    format!("lock = {{ bucket = \"{BUCKET}\" }}")
}

/// The default version of each pool's template.
fn versions(account: &Account) -> [u64; 3] {
    let templates = account.region("us-east-1")["templates"].clone();
    let templates = templates.as_array().unwrap();
    POOLS.map(|pool| {
        let name = format!("edge-{pool}");
        let found = templates.iter().find(|template| template["name"] == *name);
        found.unwrap_or_else(|| panic!("no {name}: {templates:?}"))["default"].as_u64().unwrap()
    })
}

/// When each pool's template was given its new version, in seconds.
fn versioned_at(account: &Account) -> [f64; 3] {
    let world = account.bed.world();
    let templates = world["accounts"][ACCOUNT]["us-east-1"]["templates"].as_array().unwrap();
    let calls = account.calls_of("CreateLaunchTemplateVersion");
    let calls: Vec<&Value> = calls.iter().filter(|call| call["status"] == 200).collect();
    assert_eq!(calls.len(), 3, "{calls:?}");
    POOLS.map(|pool| {
        let template = templates.iter().find(|t| t["name"] == format!("edge-{pool}")).unwrap();
        let of_it = |call: &&&Value| {
            let parameters = &call["parameters"];
            parameters["LaunchTemplateId"] == template["id"]
                || parameters["LaunchTemplateName"] == template["name"]
        };
        calls.iter().find(of_it).unwrap()["at"].as_f64().unwrap()
    })
}

#[test]
fn pools_go_out_one_after_another_in_the_account_and_nobody_can_pause_them_without_a_place() {
    let account = published("", "1s");
    let said = account.run(&["apply", "edge", "--yes"]).exits(0);
    said.says("Wave 1 of 3: 1 change (pool small)")
        .says("this environment has no cluster and no bucket: nobody can pause it")
        .says("Wave 3 of 3: nothing speaks against it");
    let at = versioned_at(&account);
    assert!(at[1] - at[0] >= 1.0 && at[2] - at[1] >= 1.0, "{at:?}");
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    let pause = ["rollout", "pause", "edge", "--reason", "a look"];
    account.run(&pause).exits(1).says("there is nowhere to say something");
}

#[test]
fn a_pause_in_the_bucket_stops_the_waves_until_it_is_taken_back() {
    let account = published(&in_a_bucket(), "6s");
    let mut applying = Running::start(account.command(&["apply", "edge", "--yes"]));
    assert!(applying.says("Wave 1 of 3 is done: waiting"));
    account.run(&["rollout", "pause", "edge", "--reason", "a look"]).exits(0);
    applying.end().exits(13).says("is paused: a look").says("Next: floodway rollout resume edge");
    assert_eq!(versions(&account), [2, 1, 1]);
    account.run(&["apply", "edge", "--yes"]).exits(12).says("floodway rollout resume edge");
    account.run(&["status", "edge"]).exits(0).says("paused: the rollout: a look");
    account.limited_to("plan");
    account.run(&["plan", "edge"]).exits(12).says("refused (paused)");
    account.limited_to("apply");
    account.run(&["rollout", "resume", "edge"]).exits(0).says("may go on");
    declare(&account, &in_a_bucket(), "0s");
    account.applied();
    assert_eq!(versions(&account), [2, 2, 2]);
}

#[test]
fn an_apply_that_is_killed_between_waves_goes_on_with_the_rest() {
    let account = published(&in_a_bucket(), "60s");
    let mut applying = Running::start(account.command(&["apply", "edge", "--yes"]));
    assert!(applying.says("Wave 1 of 3 is done: waiting"));
    eventually("the first pool has its version", || {
        (versions(&account) == [2, 1, 1]).then_some(())
    });
    assert!(applying.kill());
    declare(&account, &in_a_bucket(), "1s");
    account.run(&["lock", "break", "edge", "--yes"]).exits(0);
    let said = account.run(&["apply", "edge", "--yes"]).exits(0);
    said.says("the last apply was cut off at: the wait after wave 1 of 3")
        .says("this begins with wave 2 of 3");
    let at = versioned_at(&account);
    assert!(at[1] > at[0] && at[2] - at[1] >= 1.0, "{at:?}");
    assert_eq!(versions(&account), [2, 2, 2]);
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
}
