//! The printed policies, held to what is really sent. That they suffice, every
//! other test of `aws` shows: its commands may do what is printed and no more.

use super::account::{Account, GROUPS, pool, pool_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What AWS asks for and nobody calls.
const BEHIND: [&str; 3] = ["ec2:RunInstances", "iam:CreateServiceLinkedRole", "iam:PassRole"];

fn actions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

fn called(account: &Account) -> BTreeSet<String> {
    let text = |call: &Value, key: &str| call[key].as_str().unwrap_or_default().to_owned();
    let calls = account.bed.calls();
    let meant = calls.iter().filter(|call| call["parameters"]["DryRun"] != true);
    meant.map(|call| format!("{}:{}", text(call, "service"), text(call, "action"))).collect()
}

fn scaled(account: &Account, group: &str, number: u32) {
    let scale = json!({"AutoScalingGroupName": group, "DesiredCapacity": number});
    account.bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
}

/// Others put this tag on the template and on a group.
fn tagged(account: &Account, key: &str, value: &str) {
    let world = account.bed.world();
    let template = &world["accounts"]["123456789012"]["us-east-1"]["templates"][0]["id"];
    let tags = json!({"Resources": [template], "Tags": [{"Key": key, "Value": value}]});
    account.bed.someone_else("ec2", "CreateTags", &tags).unwrap();
    let tags = json!({"Tags": [{"ResourceId": GROUPS[0], "ResourceType": "auto-scaling-group",
        "Key": key, "Value": value, "PropagateAtLaunch": false}]});
    account.bed.someone_else("autoscaling", "CreateOrUpdateTags", &tags).unwrap();
}

#[test]
fn every_action_of_the_policy_is_called_or_asked_for_behind_a_call() {
    let account = Account::new();
    account.bed.settings(&json!({"heartbeat_scale": 0}));
    let schedule =
        "[[schedule]]\nname = \"m\"\npool = \"g6e\"\ncron = \"0 7 * * *\"\ndesired = 1\n";
    let with = pool("warm_pool = 1\nlaunch = { launch_hook = true }\n");
    account.write(&format!("{with}\n{schedule}"));
    let printed = actions(&account.printed("apply"));
    account.applied();
    account.run(&["plan", "edge", "--refresh", "full"]).exits(0);
    // Without the schedule and the launch hook, and with more time to end.
    account.write(&format!("{}\n[burst]\nscale_in = {{ drain = \"20m\" }}\n", pool("")));
    account.publish();
    tagged(&account, "floodway.dev/stray", "x");
    account.applied();
    tagged(&account, "app.kubernetes.io/managed-by", "hand");
    account.applied();
    scaled(&account, GROUPS[1], 3);
    account.write(&pool_of("{ min = 0, max = 2 }", ""));
    account.applied();
    // Why instances do not come is asked only where some are missing.
    let none = account.bed.rule(&json!({"kind": "capacity", "instance_type": "g6e.12xlarge",
        "market": "on-demand", "instances": 0}));
    scaled(&account, GROUPS[0], 1);
    account.run(&["status", "edge"]).exits(0).says("sufficient g6e.12xlarge capacity");
    account.bed.drop_rule(none[0]);
    // A group that goes leaves its number to the other.
    let spot = "spot = { share = \"70%\", base_on_demand = 1 }\n";
    account.write(&pool_of("{ min = 0, max = 2 }", "").replace(spot, ""));
    account.applied();
    account.run(&["destroy", "edge", "--confirm", "edge"]).exits(0);

    let called = called(&account);
    let idle: Vec<_> = printed.difference(&called).map(String::as_str).collect();
    assert_eq!(idle, BEHIND);
    let free = called.difference(&printed).map(String::as_str).collect::<Vec<_>>();
    assert_eq!(free, ["sts:GetCallerIdentity"]);
}

#[test]
fn each_statement_about_launches_is_needed() {
    for sid in [
        "LaunchByTemplate",
        "LaunchInstances",
        "LaunchFromWhatIsThere",
        "TagLaunched",
        "PassNodeRole",
    ] {
        let account = Account::new();
        let mut policy = account.printed("apply");
        let statements = policy["Statement"].as_array_mut().unwrap();
        let before = statements.len();
        statements.retain(|statement| statement["Sid"] != sid);
        assert_eq!(statements.len(), before - 1, "{sid}");
        account.limited_by(&policy);
        account
            .run(&["apply", "edge", "--yes"])
            .exits(13)
            .says("not authorized to use launch template")
            .says("add ec2:RunInstances and ec2:CreateTags of what the template starts");
    }
}

#[test]
fn who_may_only_read_plans_and_is_told_what_to_add() {
    let account = Account::new();
    for what in ["plan", "run"] {
        account.limited_to(what);
        account
            .run(&["plan", "edge", "--detailed-exitcode"])
            .exits(2)
            .says("+ LaunchTemplate")
            .says("not allowed to ec2:CreateLaunchTemplate");
        account
            .run(&["apply", "edge", "--yes"])
            .exits(1)
            .says("add ec2:CreateLaunchTemplate on arn:aws:ec2:us-east-1:123456789012:")
            .says("`floodway iam ENV --for apply` prints all that is needed");
    }
    account.limited_to("apply");
    account.applied();
    account.limited_to("plan");
    account.bed.forget_calls();
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    account.run(&["status", "edge"]).exits(0);
    account.run(&["orphans", "edge"]).exits(0);
    let mut printed = actions(&account.printed("plan"));
    printed.insert("sts:GetCallerIdentity".to_owned());
    assert_eq!(called(&account).difference(&printed).next(), None);
}

#[test]
fn the_policy_of_one_environment_does_nothing_for_another() {
    let account = Account::new();
    // Its names begin as those of `edge` do.
    let other = account.text().replace("name = \"edge\"", "name = \"edge-b\"");
    account.repository.write("edge-b", &other);
    account
        .run(&["apply", "edge-b", "--yes"])
        .exits(1)
        .says("not authorized to perform: ec2:CreateLaunchTemplate");
    let mine = account.bed.rules()[0]["id"].as_u64().unwrap();
    account.bed.drop_rule(mine);
    account.run(&["apply", "edge-b", "--yes"]).exits(0);
    account.limited_to("apply");
    account
        .run(&["destroy", "edge-b", "--confirm", "edge-b"])
        .exits(1)
        .says("not authorized to perform: autoscaling:");
    assert_eq!(account.region("us-east-1")["groups"].as_array().map(Vec::len), Some(2));
}
