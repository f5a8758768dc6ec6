//! Running instances follow their template. How AWS goes about it is the
//! stand-in's word: that so many serve meanwhile, and who is replaced.

use super::account::{Account, GROUPS, pool, pool_of};
use crate::support::running::Running;
use serde_json::{Value, json};

/// The account with three spot instances in a pool with these lines, and a newer
/// image in the channel.
fn behind(lines: &str) -> Account {
    let account = Account::new();
    account.write(&pool(lines));
    account.bed.settings(&json!({"heartbeat_scale": 0.0001, "warmup_scale": 0.0001}));
    account.applied();
    let scale = json!({"AutoScalingGroupName": GROUPS[1], "DesiredCapacity": 3});
    account.bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
    account.publish();
    account
}

/// The template's version that each spot instance runs.
fn versions(account: &Account) -> Vec<u64> {
    let group = account.group(GROUPS[1]);
    let instances = group["instances"].as_array().unwrap().iter();
    instances.filter_map(|instance| instance["version"].as_u64()).collect()
}

fn newest(account: &Account) -> Value {
    account.group(GROUPS[1])["refreshes"][0].clone()
}

#[test]
fn a_new_image_replaces_protected_instances_and_nothing_is_left_to_do() {
    let account = behind(
        "refresh = { rule = \"rolling\", min_healthy = \"50%\", checkpoints = [\"30%\"], \
         checkpoint_delay = \"10m\" }\n",
    );
    account
        .run(&["plan", "edge"])
        .exits(0)
        .says(&format!("~ InstanceRefresh us-east-1/{}", GROUPS[1]))
        .says("3 of 3 instances run version 1, the template gets another one")
        .says("replace old instances of edge-g6e-spot-g6e.12xlarge, 50% serving, pausing 10m after 30%");
    account.applied();
    assert_eq!(versions(&account), [2, 2, 2]);
    let started = &account.calls_of("StartInstanceRefresh")[0]["parameters"];
    let preferences = &started["Preferences"];
    for (key, value) in [
        ("MinHealthyPercentage", json!(50)),
        ("SkipMatching", json!(true)),
        ("ScaleInProtectedInstances", json!("Refresh")),
        ("StandbyInstances", json!("Ignore")),
        ("CheckpointPercentages", json!([30, 100])),
        ("CheckpointDelay", json!(600)),
    ] {
        assert_eq!(preferences[key], value, "{key}");
    }
    assert!(started["DesiredConfiguration"].is_null());
    assert_eq!(account.calls_of("StartInstanceRefresh").len(), 1);
}

#[test]
fn with_the_rule_manual_the_template_says_which_instances_stay_old() {
    let account = behind("");
    account
        .run(&["plan", "edge"])
        .exits(0)
        .says("3 instances keep version 1 until something ends them: i-");
    account.applied();
    assert_eq!(versions(&account), [1, 1, 1]);
    // The file says otherwise now, and the template is as it should be.
    account.write(&pool("refresh = { rule = \"rolling\" }\n"));
    account
        .run(&["plan", "edge"])
        .exits(0)
        .says("3 of 3 instances run version 1, the template's default is 2")
        .says("environments/edge.toml:");
    account.applied();
    assert_eq!(versions(&account), [2, 2, 2]);
}

#[test]
fn a_refresh_that_fails_is_told_with_the_reason_and_the_next_apply_begins_again() {
    let account = behind("refresh = { rule = \"rolling\" }\n");
    account.bed.settings(&json!({"refresh_wait_seconds": 0.5, "retry_seconds": 0.1}));
    account.bed.rule(&json!({"kind": "capacity", "instance_type": "g6e.12xlarge",
        "market": "spot", "instances": 3}));
    account
        .run(&["apply", "edge", "--yes"])
        .exits(13)
        .says("the instance refresh did not succeed: Failed: ")
        .says("could not launch healthy instances")
        .says("apply again");
    account.bed.clear_rules();
    account.applied();
    assert_eq!(versions(&account), [2, 2, 2]);
}

#[test]
fn a_refresh_that_somebody_cancels_is_no_success() {
    let account = behind("refresh = { rule = \"rolling\" }\n");
    account.bed.settings(&json!({"warmup_scale": 1}));
    let mut apply = Running::start(account.command(&["apply", "edge", "--yes"]));
    assert!(apply.says(" of 3 replaced"), "it waits");
    let cancel = json!({"AutoScalingGroupName": GROUPS[1]});
    account.bed.someone_else("autoscaling", "CancelInstanceRefresh", &cancel).unwrap();
    apply.end().exits(13).says("Cancelled due to user request");
}

#[test]
fn an_apply_that_is_killed_meanwhile_is_joined_by_the_next_one() {
    let account = behind("refresh = { rule = \"rolling\" }\n");
    account.bed.settings(&json!({"warmup_scale": 1}));
    let mut apply = Running::start(account.command(&["apply", "edge", "--yes"]));
    assert!(apply.says(" of 3 replaced"), "it waits");
    assert!(apply.kill());
    assert_eq!(newest(&account)["Status"], "InProgress");
    let mut apply = Running::start(account.command(&["apply", "edge", "--yes"]));
    assert!(apply.says(" of 3 replaced"), "it waits for the same one");
    account.bed.settings(&json!({"warmup_scale": 0}));
    account.bed.advance(3600.0);
    apply.end().exits(0);
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    assert_eq!(versions(&account), [2, 2, 2]);
    assert_eq!(account.group(GROUPS[1])["refreshes"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_refresh_that_pauses_is_told_and_no_second_one_is_planned() {
    let account = behind(
        "refresh = { rule = \"rolling\", checkpoints = [\"30%\"], checkpoint_delay = \"6h\" }\n",
    );
    account.bed.settings(&json!({"warmup_scale": 1}));
    let mut apply = Running::start(account.command(&["apply", "edge", "--yes"]));
    assert!(apply.says(" of 3 replaced"), "it waits");
    account.bed.advance(3600.0);
    assert!(apply.says("Reached checkpoint 30%"), "it pauses");
    assert!(apply.kill());
    let group = format!("AutoScalingGroup us-east-1/{}", GROUPS[1]);
    account
        .run(&["plan", "edge", "--detailed-exitcode"])
        .exits(0)
        .says(&format!("{group}: an instance refresh is under way: "))
        .says("33%, Reached checkpoint 30%")
        .says("No changes.");
    account.bed.settings(&json!({"warmup_scale": 0}));
    account.bed.advance(7.0 * 3600.0);
    account.applied();
    assert_eq!(versions(&account), [2, 2, 2]);
    assert_eq!(account.calls_of("StartInstanceRefresh").len(), 1);
}

#[test]
fn what_aws_lets_nobody_change_meanwhile_is_refused_with_what_to_do() {
    let lines = "refresh = { rule = \"rolling\", alarms = [\"errors\"] }\n";
    let account = behind(lines);
    account.bed.settings(&json!({"warmup_scale": 1}));
    let mut apply = Running::start(account.command(&["apply", "edge", "--yes"]));
    assert!(apply.says(" of 3 replaced"), "it waits");
    assert!(apply.kill());
    account.write(&pool(lines).replace(
        "instance_types = [\"g6e.12xlarge\"]\ncapacity = {",
        "instance_types = [\"g6e.12xlarge\", \"g5.12xlarge\"]\ncapacity = { \"g5.12xlarge\" = \"9 req/s\",",
    ));
    account.run(&["apply", "edge", "--yes"]).exits(12).says("instance_types").says(&format!(
        "wait until it has ended, or: aws autoscaling cancel-instance-refresh --region \
             us-east-1 --auto-scaling-group-name {}; then plan again",
        GROUPS[1]
    ));
    // Bounds are none of what the refresh brings.
    account.write(&pool_of("{ min = 0, max = 5 }", lines));
    account.bed.settings(&json!({"warmup_scale": 0}));
    account.run(&["apply", "edge", "--yes"]).exits(0);
    account.bed.advance(3600.0);
    account.applied();
    assert_eq!(account.group(GROUPS[1])["config"]["MaxSize"], 5);
}

#[test]
fn with_alarms_the_version_stands_in_the_group_and_a_refresh_moves_it_on() {
    let account = behind("refresh = { rule = \"rolling\", alarms = [\"errors\"] }\n");
    let version = |name: &str| {
        account.group(name)["config"]["MixedInstancesPolicy"]["LaunchTemplate"]
            ["LaunchTemplateSpecification"]["Version"]
            .clone()
    };
    assert_eq!(GROUPS.map(version), ["1", "1"]);
    account
        .run(&["plan", "edge"])
        .exits(0)
        .says("the group stands at version 1, the template gets another one")
        .says("goes back when an alarm is raised: errors");
    account.applied();
    assert_eq!(
        (GROUPS.map(version), versions(&account)),
        (["2", "2"].map(Value::from), vec![2; 3])
    );
    let started = account.calls_of("StartInstanceRefresh");
    let preferences = &started[0]["parameters"]["Preferences"];
    assert_eq!(preferences["AutoRollback"], true);
    assert_eq!(preferences["AlarmSpecification"]["Alarms"], json!(["errors"]));
    // Without them it is the template's default again.
    account.write(&pool("refresh = { rule = \"rolling\" }\n"));
    account.applied();
    assert_eq!(GROUPS.map(version), ["$Default", "$Default"]);
}

#[test]
fn a_refresh_that_goes_back_leaves_the_group_at_its_version_and_is_no_success() {
    let account = behind("refresh = { rule = \"rolling\", alarms = [\"errors\"] }\n");
    account.bed.settings(&json!({"warmup_scale": 1}));
    let mut apply = Running::start(account.command(&["apply", "edge", "--yes"]));
    assert!(apply.says(" of 3 replaced"), "it waits");
    let group = json!({"AutoScalingGroupName": GROUPS[1]});
    account.bed.someone_else("autoscaling", "RollbackInstanceRefresh", &group).unwrap();
    account.bed.settings(&json!({"warmup_scale": 0}));
    account.bed.advance(3600.0);
    apply.end().exits(13).says("RollbackSuccessful");
    assert_eq!(versions(&account), [1, 1, 1]);
    account.run(&["plan", "edge"]).exits(0).says("the template's default is 2");
}

#[test]
fn a_refresh_to_something_else_is_not_taken_for_ours() {
    let account = behind("refresh = { rule = \"rolling\", alarms = [\"errors\"] }\n");
    account.bed.settings(&json!({"warmup_scale": 1}));
    let mut policy = account.group(GROUPS[1])["config"]["MixedInstancesPolicy"].clone();
    let named = &mut policy["LaunchTemplate"]["LaunchTemplateSpecification"];
    named.as_object_mut().unwrap().remove("LaunchTemplateId");
    let start = json!({"AutoScalingGroupName": GROUPS[1],
        "DesiredConfiguration": {"MixedInstancesPolicy": policy},
        "Preferences": {"ScaleInProtectedInstances": "Refresh"}});
    account.bed.someone_else("autoscaling", "StartInstanceRefresh", &start).unwrap();
    account
        .run(&["apply", "edge", "--yes"])
        .exits(12)
        .says("cannot change while its instance refresh is under way")
        .says("cancel-instance-refresh");
}

#[test]
fn what_a_plan_knows_of_versions_costs_no_call() {
    let account = Account::new();
    account.applied();
    let calls = || -> Vec<Value> {
        account.bed.forget_calls();
        account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
        account.bed.calls().iter().map(|call| call["action"].clone()).collect()
    };
    let manual = calls();
    account.write(&pool("refresh = { rule = \"rolling\" }\n"));
    let mut rolling = calls();
    let (mut manual, by) = (manual, |action: &Value| action.to_string());
    manual.sort_by_key(by);
    rolling.sort_by_key(by);
    assert_eq!(manual, rolling);
    assert!(!manual.contains(&json!("DescribeInstanceRefreshes")));
}
