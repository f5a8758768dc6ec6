//! An environment with an account and no cluster: where its lock lies, and what
//! remembers in which regions something was left.

use super::account::{ACCOUNT, Account, pool_of};
use crate::support::bed::eventually;
use crate::support::running::Running;
use serde_json::json;

const BUCKET: &str = "acme.floodway";

/// With its lock in a bucket that is not there yet.
fn locked_in_a_bucket() -> Account {
    let account = Account::new();
    let lock = format!("region = \"us-east-1\"\nlock = {{ bucket = \"{BUCKET}\" }}");
    account.rewrite(&account.text().replace("region = \"us-east-1\"", &lock));
    account
}

#[test]
fn two_applies_are_kept_apart_by_an_object_in_a_bucket() {
    let account = locked_in_a_bucket();
    account.bed.make_bucket(BUCKET);
    // The dry run of the plan comes first.
    let rule = json!({"kind": "withhold", "action": "CreateLaunchTemplate", "nth": 2});
    let held = account.bed.rule(&rule);
    let mut command = account.command(&["apply", "edge", "--yes"]);
    command.env("USER", "ada");
    let first = Running::start(command);
    eventually("it writes", || (!account.bed.withheld().is_empty()).then_some(()));

    account.run(&["apply", "edge", "--yes"]).exits(11).says("another apply is under way: ada@");
    let shown = account.run(&["lock", "show", "edge"]).exits(0);
    shown.says("ada@").says("live").says(&format!("s3://{BUCKET}/floodway/edge.json"));
    account.run(&["lock", "break", "edge", "--yes"]).exits(0).says("Broken: it was ada@");
    account.run(&["lock", "show", "edge"]).exits(0).says("Nobody holds the lock");

    // Its next heartbeat is within ten seconds.
    std::thread::sleep(std::time::Duration::from_secs(11));
    account.bed.drop_rule(held[0]);
    account.bed.release();
    first.end().exits(13).says("Stopped early: the lock was lost: it was broken");
    account.applied();
    account.run(&["lock", "show", "edge"]).exits(0).says("Nobody holds the lock");
}

#[test]
fn an_answer_that_is_lost_on_the_way_to_the_lock_does_not_lock_oneself_out() {
    let account = locked_in_a_bucket();
    account.bed.make_bucket(BUCKET);
    let put = format!("PUT /{BUCKET}/floodway/edge.json");
    account.bed.rule(&json!({"kind": "lose", "action": put, "times": 1}));
    account.applied();
    assert_eq!(account.bed.rules()[1]["done"], 1, "{:?}", account.bed.rules());
}

#[test]
fn a_bucket_that_is_not_there_is_told_before_anything_is_written() {
    let account = locked_in_a_bucket();
    account.run(&["plan", "edge"]).exits(0).says("the lock cannot be read: NoSuchBucket");
    account
        .run(&["apply", "edge", "--yes"])
        .exits(1)
        .says(&format!("NoSuchBucket: there is no bucket {BUCKET}"))
        .says("make the bucket, or correct aws.lock.bucket");
    assert!(account.calls_of("CreateLaunchTemplate").iter().all(|call| call["status"] == 412));
    let name = account.text().replace(BUCKET, "No_Bucket");
    account.repository.write("edge", &name);
    account.run(&["validate", "edge"]).exits(65).says("is not the name of an S3 bucket");
}

#[test]
fn an_environment_that_nothing_locks_is_told_so() {
    let account = Account::new();
    account.run(&["plan", "edge"]).exits(0).says("nothing keeps two applies apart");
    account.run(&["lock", "show", "edge"]).exits(0).says("no place that it is connected to");
}

#[test]
fn what_was_left_in_a_region_that_the_file_forgot_is_a_refusal_that_names_it() {
    let account = Account::new();
    // Nobody answers the hooks: each runs out at once.
    account.bed.settings(&json!({"heartbeat_scale": 0}));
    account.write(&pool_of("1", ""));
    account.applied();
    account.seed("eu-west-1");
    let here = account.text();
    account.rewrite(&here.replace("us-east-1", "eu-west-1"));
    account
        .run(&["apply", "edge", "--yes"])
        .exits(12)
        .says("left groups in us-east-1, and the file does not look there: what runs there is in no sum of this plan")
        .says("aws.regions = [\"us-east-1\"]");
    let both = "region = \"eu-west-1\"\nregions = [\"us-east-1\"]";
    account.rewrite(&here.replace("region = \"us-east-1\"", both));
    account.applied();
    assert_eq!(account.region("us-east-1")["groups"], json!([]));
    account.rewrite(&here.replace("us-east-1", "eu-west-1"));
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
}

#[test]
fn who_may_not_look_in_other_regions_plans_and_is_told() {
    let account = Account::new();
    let mut policy = account.printed("apply");
    let statements = policy["Statement"].as_array_mut().unwrap();
    statements.retain(|statement| statement["Sid"] != "SearchRegions");
    account.limited_by(&policy);
    account.run(&["plan", "edge"]).exits(0).says("whether groups were left there is not known");
    let world = account.bed.world();
    assert!(world["accounts"][ACCOUNT].is_object());
}
