//! From nothing to groups, through changes, and back to nothing.

use super::account::{Account, GROUPS, pool, pool_of};
use crate::support::running::Running;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn a_burst_pool_becomes_a_template_and_a_group_for_each_market_and_nothing_is_left_to_do() {
    let account = Account::new();
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(2).says("+ LaunchTemplate");
    account.applied();
    let [on_demand, spot] = GROUPS.map(|name| account.group(name));
    let share = |group: &Value| {
        group["config"]["MixedInstancesPolicy"]["InstancesDistribution"]
            ["OnDemandPercentageAboveBaseCapacity"]
            .clone()
    };
    assert_eq!((share(&on_demand), share(&spot)), (json!(100), json!(0)));
    assert_eq!((&spot["min"], &spot["max"], &spot["desired"]), (&json!(0), &json!(4), &json!(0)));
    assert_eq!(spot["config"]["NewInstancesProtectedFromScaleIn"], true);
    assert_eq!(spot["config"]["CapacityRebalance"], true);
    assert_eq!(spot["hooks"]["floodway-terminate"]["HeartbeatTimeout"], 600);
    assert_eq!(spot["tags"]["floodway.dev/capacity"]["value"], "9 req/s");

    let world = account.region("us-east-1");
    let data = &world["templates"][0]["versions"]["1"]["data"];
    assert_eq!(data["MetadataOptions"]["HttpTokens"], "required");
    assert_eq!(data["MetadataOptions"]["HttpPutResponseHopLimit"], 1);
    let volume = &data["BlockDeviceMappings"][0]["Ebs"];
    assert_eq!((&volume["Encrypted"], &volume["VolumeType"]), (&json!(true), &json!("gp3")));
    assert_eq!(data["IamInstanceProfile"]["Name"], "floodway-node");
    let groups = &data["NetworkInterfaces"][0]["Groups"];
    assert_eq!(groups.as_array().map(Vec::len), Some(1));
}

#[test]
fn the_runtime_owns_desired_and_plan_and_apply_leave_it_alone() {
    let account = Account::new();
    account.applied();
    let scale = json!({"AutoScalingGroupName": GROUPS[1], "DesiredCapacity": 3});
    account.bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
    account
        .run(&["plan", "edge", "--detailed-exitcode"])
        .exits(0)
        .says("owned by the controller, left alone");
    account.write(&pool_of("{ min = 0, max = 6 }", ""));
    account.applied();
    assert_eq!(account.group(GROUPS[1])["desired"], 3);
    assert_eq!(account.group(GROUPS[1])["max"], 6);
}

#[test]
fn a_newer_image_in_the_channel_is_a_new_version_that_becomes_the_default() {
    let account = Account::new();
    account.applied();
    account.publish();
    let plan = account.run(&["plan", "edge"]).exits(0);
    plan.says("~ image: ami-0a → ami-0b").says("manifest aaaaaaaaaaaa → bbbbbbbbbbbb");
    account.applied();
    let template = &account.region("us-east-1")["templates"][0];
    assert_eq!((&template["default"], &template["latest"]), (&json!(2), &json!(2)));
}

#[test]
fn what_others_changed_is_shown_and_put_right_and_their_tags_stay() {
    let account = Account::new();
    account.applied();
    let update =
        json!({"AutoScalingGroupName": GROUPS[0], "MaxSize": 9, "CapacityRebalance": true});
    account.bed.someone_else("autoscaling", "UpdateAutoScalingGroup", &update).unwrap();
    let tags = json!({"Tags": [{"ResourceId": GROUPS[0], "ResourceType": "auto-scaling-group",
        "Key": "cost-center", "Value": "42", "PropagateAtLaunch": false}]});
    account.bed.someone_else("autoscaling", "CreateOrUpdateTags", &tags).unwrap();
    account
        .run(&["plan", "edge"])
        .exits(0)
        .says("max: 9 → 4")
        .says("capacity_rebalance: true → false");
    account.applied();
    let group = account.group(GROUPS[0]);
    assert_eq!((&group["max"], &group["config"]["CapacityRebalance"]), (&json!(4), &json!(false)));
    assert_eq!(group["tags"]["cost-center"]["value"], "42");
}

#[test]
fn an_instance_that_somebody_unprotected_is_shown_and_protected_again() {
    let account = Account::new();
    account.applied();
    let scale = json!({"AutoScalingGroupName": GROUPS[1], "DesiredCapacity": 2});
    account.bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
    let free = account.group(GROUPS[1])["instances"][0]["id"].clone();
    let free = json!({"AutoScalingGroupName": GROUPS[1], "InstanceIds": [free],
        "ProtectedFromScaleIn": false});
    account.bed.someone_else("autoscaling", "SetInstanceProtection", &free).unwrap();
    account.run(&["drift", "edge"]).exits(0).says("unprotected");
    account.run(&["plan", "edge"]).exits(0).says("- unprotected: 1").says("1 to change");
    account.bed.forget_calls();
    account.applied();
    let instances = account.group(GROUPS[1])["instances"].clone();
    assert!(instances.as_array().unwrap().iter().all(|one| one["protected"] == true));
    assert_eq!(account.calls_of("UpdateAutoScalingGroup"), [Value::Null; 0]);
}

#[test]
fn a_lower_max_drains_instances_by_name_and_then_lowers_it() {
    let account = Account::new();
    account.applied();
    let scale = json!({"AutoScalingGroupName": GROUPS[1], "DesiredCapacity": 4});
    account.bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
    account.write(&pool_of("{ min = 0, max = 2 }", ""));
    account.bed.settings(&json!({"heartbeat_scale": 0}));
    account.bed.forget_calls();
    account.applied();
    let group = account.group(GROUPS[1]);
    let running = group["instances"].as_array().map(Vec::len);
    assert_eq!((&group["max"], &group["desired"], running), (&json!(2), &json!(2), Some(2)));
    let order: Vec<String> = account
        .bed
        .calls()
        .iter()
        .filter(|call| {
            call["parameters"].to_string().contains(GROUPS[1])
                || call["action"] == "TerminateInstanceInAutoScalingGroup"
        })
        .filter_map(|call| Some(call["action"].as_str()?.to_owned()))
        .filter(|action| !action.starts_with("Describe"))
        .collect();
    let ended = order.iter().take_while(|a| *a == "TerminateInstanceInAutoScalingGroup").count();
    assert_eq!(ended, 2, "{order:?}");
}

#[test]
fn a_drain_by_name_waits_for_those_and_not_for_as_many_others() {
    let account = Account::new();
    account.applied();
    let scale = json!({"AutoScalingGroupName": GROUPS[1], "DesiredCapacity": 4});
    account.bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
    account.write(&pool_of("{ min = 0, max = 2 }", ""));
    let mut apply = Running::start(account.command(&["apply", "edge", "--yes"]));
    assert!(apply.says("2 left to drain"));
    let launch = json!({"AutoScalingGroupName": GROUPS[1], "ScalingProcesses": ["Launch"]});
    account.bed.someone_else("autoscaling", "SuspendProcesses", &launch).unwrap();
    let instances = |serving: bool| -> Vec<String> {
        let group = account.group(GROUPS[1]);
        let all = group["instances"].as_array().unwrap().iter();
        let those = all.filter(|one| (one["state"] == "InService") == serving);
        those.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    // Two others go for good: as few are left as there shall be.
    let (others, named) = (instances(true), instances(false));
    for other in &others {
        let hook = json!({"action": "complete", "instance": other});
        account.bed.instances(&json!({"action": "kill", "instance": other}));
        let gone = || !account.group(GROUPS[1])["instances"].to_string().contains(other.as_str());
        while !gone() {
            account.bed.instances(&hook);
        }
    }
    assert_eq!(instances(false), named);
    account.bed.forget_calls();
    while account.calls_of("DescribeAutoScalingGroups").len() < 3 {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(account.group(GROUPS[1])["max"], 4, "its max is not lowered before");
    for one in &named {
        account.bed.instances(&json!({"action": "complete", "instance": one}));
    }
    account.bed.someone_else("autoscaling", "ResumeProcesses", &launch).unwrap();
    apply.end().exits(0);
    assert_eq!(account.group(GROUPS[1])["max"], 2);
}

#[test]
fn a_warm_pool_is_put_beside_the_on_demand_group_and_taken_away_again() {
    let account = Account::new();
    account.write(&pool("warm_pool = 2\n"));
    account.applied();
    assert_eq!(account.group(GROUPS[0])["warm_pool"]["MinSize"], 2);
    assert!(account.group(GROUPS[1])["warm_pool"].is_null());
    account.write(&pool(""));
    account.applied();
    assert!(account.group(GROUPS[0])["warm_pool"].is_null());
}

#[test]
fn a_pool_in_another_region_lives_there_and_the_regions_do_not_touch_each_other() {
    let account = Account::new();
    account.seed("us-west-2");
    let west = pool("").replace("pools.g6e]", "pools.west]\nregion = \"us-west-2\"");
    account.write(&format!("{}\n{west}", pool("")));
    account.applied();
    let names = |region: &str| -> Vec<String> {
        let groups = account.region(region)["groups"].as_array().cloned().unwrap_or_default();
        groups.iter().filter_map(|group| Some(group["name"].as_str()?.to_owned())).collect()
    };
    assert_eq!(names("us-east-1"), GROUPS);
    assert_eq!(names("us-west-2"), ["edge-west-od-g6e.12xlarge", "edge-west-spot-g6e.12xlarge"]);
    // The pool goes from the file; its region is still looked in.
    account.write(&pool(""));
    let region = "region = \"us-east-1\"\n";
    let both = format!("{region}regions = [\"us-west-2\"]\n");
    account.rewrite(&account.text().replace(region, &both));
    account.applied();
    assert_eq!(names("us-west-2"), [""; 0]);
    assert_eq!(names("us-east-1"), GROUPS);
}

#[test]
fn destroy_drains_through_the_hook_and_leaves_nothing() {
    let account = Account::new();
    account.applied();
    let scale = json!({"AutoScalingGroupName": GROUPS[0], "DesiredCapacity": 2});
    account.bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
    account.bed.settings(&json!({"heartbeat_scale": 0.001}));
    account.bed.forget_calls();
    account.run(&["destroy", "edge", "--confirm", "edge"]).exits(0);
    let world = account.region("us-east-1");
    assert_eq!((&world["groups"], &world["templates"]), (&json!([]), &json!([])));
    let forced = account.calls_of("DeleteAutoScalingGroup");
    assert!(forced.iter().all(|call| call["parameters"].get("ForceDelete").is_none()));
    assert_eq!(account.calls_of("TerminateInstances"), Vec::<Value>::new());
}

#[test]
fn instances_end_without_their_drain_only_by_a_flag_that_asks_twice() {
    let account = Account::unlimited();
    let text = account.text().replace("max_destroy = 10", "max_destroy = 10\nprotected = true");
    account.rewrite(&text);
    account.unlimit();
    account.applied();
    let scale = json!({"AutoScalingGroupName": GROUPS[0], "DesiredCapacity": 2});
    account.bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
    let destroy = |how: &str| account.run(&["destroy", "edge", "--confirm", "edge", how]);
    destroy("--force-instances")
        .exits(64)
        .says("ends 2 instances at once, without their drain")
        .says("pass --force-instances=2");
    destroy("--force-instances=3").exits(12).says("2 instances would end at once, not `3`");
    assert_eq!(account.calls_of("DeleteAutoScalingGroup"), Vec::<Value>::new());
    // The environment's own role may not.
    account.limited_to("apply");
    destroy("--force-instances=2")
        .exits(13)
        .says("not allowed to autoscaling:DeleteAutoScalingGroup");
    account.unlimit();
    account.bed.forget_calls();
    destroy("--force-instances=2").exits(0).says("deleting by force");
    let forced: Vec<bool> = account
        .calls_of("DeleteAutoScalingGroup")
        .iter()
        .map(|call| call["parameters"]["ForceDelete"] == true)
        .collect();
    assert_eq!(forced.iter().filter(|forced| **forced).count(), 1, "{forced:?}");
    assert_eq!(account.region("us-east-1")["groups"], json!([]));
    account.run(&["journal", "edge"]).exits(0).says("delete by force");
}

#[test]
fn a_hook_that_somebody_deleted_is_found_by_a_full_refresh_and_put_right() {
    let account = Account::new();
    account.applied();
    let hook =
        json!({"AutoScalingGroupName": GROUPS[0], "LifecycleHookName": "floodway-terminate"});
    account.bed.someone_else("autoscaling", "DeleteLifecycleHook", &hook).unwrap();
    account
        .run(&["plan", "edge", "--detailed-exitcode"])
        .exits(0)
        .says("lifecycle hooks as last written; --refresh full reads them");
    let full = account.run(&["plan", "edge", "--refresh", "full"]).exits(0);
    full.says("hooks.terminate").says(&format!("~ AutoScalingGroup us-east-1/{}", GROUPS[0]));
    account.run(&["apply", "edge", "--yes", "--refresh", "full"]).exits(0);
    let again = account.run(&["plan", "edge", "--refresh", "full", "--detailed-exitcode"]).exits(0);
    assert!(!again.out.contains("as last written"));
    assert_eq!(account.group(GROUPS[0])["hooks"]["floodway-terminate"]["HeartbeatTimeout"], 600);
}

#[test]
fn hooks_of_a_group_that_changes_are_always_read() {
    let account = Account::new();
    account.applied();
    let hook =
        json!({"AutoScalingGroupName": GROUPS[0], "LifecycleHookName": "floodway-terminate"});
    account.bed.someone_else("autoscaling", "DeleteLifecycleHook", &hook).unwrap();
    account.write(&pool_of("{ min = 0, max = 5 }", ""));
    account.applied();
    assert_eq!(account.group(GROUPS[0])["hooks"]["floodway-terminate"]["HeartbeatTimeout"], 600);
}

#[test]
fn an_on_demand_instance_whose_drain_is_given_up_is_kept_and_told_where_the_file_says_so() {
    let account = Account::new();
    account.write(&pool("launch = { retain = true }\n"));
    account.applied();
    let policy = |name: &str| {
        account.group(name)["config"]["InstanceLifecyclePolicy"]["RetentionTriggers"]
            ["TerminateHookAbandon"]
            .clone()
    };
    assert_eq!(GROUPS.map(policy), ["retain", "terminate"]);
    let scale = |desired: u32| {
        let scale = json!({"AutoScalingGroupName": GROUPS[0], "DesiredCapacity": desired});
        account.bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
    };
    scale(1);
    let instance = account.group(GROUPS[0])["instances"][0]["id"].clone();
    let end = json!({"InstanceId": instance, "ShouldDecrementDesiredCapacity": true});
    account.bed.someone_else("autoscaling", "TerminateInstanceInAutoScalingGroup", &end).unwrap();
    let abandon = json!({"AutoScalingGroupName": GROUPS[0], "InstanceId": instance,
        "LifecycleHookName": "floodway-terminate", "LifecycleActionResult": "ABANDON"});
    account.bed.someone_else("autoscaling", "CompleteLifecycleAction", &abandon).unwrap();
    let kept = instance.as_str().unwrap().to_owned();
    account.run(&["status", "edge"]).exits(0).says("kept after its drain").says(&kept);
    let plan = account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    plan.says("out of service since a drain was given up").says(&format!("{kept} (g6e.12xlarge)"));
    let plan = account.run(&["plan", "edge", "--json"]).exits(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.out).unwrap();
    let cost = &plan["pools"][0]["cost"];
    let one = json!({"usd": 10.49264, "at_least": false});
    assert_eq!((&cost["before"], &cost["after"]), (&one, &one), "{cost}");
    assert_eq!(cost["at_max"]["usd"], 5.0 * 10.49264, "four at max, and one that is kept");
    account.write(&pool(""));
    account.applied();
    assert_eq!(GROUPS.map(policy), ["terminate", "terminate"]);
}

#[test]
fn many_groups_are_looked_at_together() {
    let account = Account::new();
    let one = pool("");
    let pools =
        (0..10).map(|number| one.replace("[aws.pools.g6e]", &format!("[aws.pools.p{number}]")));
    account.write(&pools.collect::<Vec<_>>().join("\n"));
    account.bed.forget_calls();
    // So that some are asked for while others are looked at.
    let slow = json!({"kind": "delay", "action": "DescribeAutoScalingGroups", "seconds": 0.1});
    account.bed.rule(&slow);
    account.run(&["apply", "edge", "--yes"]).exits(0);
    let here = |call: &&Value| call["region"] == "us-east-1";
    let looks = account.calls_of("DescribeAutoScalingGroups");
    let looks: Vec<&Value> = looks.iter().filter(here).collect();
    let named =
        |call: &&Value| call["parameters"]["AutoScalingGroupNames"].as_array().map(Vec::len);
    let sizes: Vec<usize> = looks.iter().filter_map(named).collect();
    // Once before the plan and once before the first write, for all of them.
    assert_eq!(sizes.iter().filter(|size| **size == 20).count(), 2, "{sizes:?}");
    // Until each is ready, fewer calls than groups.
    assert!(sizes.len() < 2 + 20, "{sizes:?}");
    assert_eq!(account.calls_of("DescribeLaunchTemplates").len(), 4);
}
