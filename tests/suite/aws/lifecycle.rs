//! From nothing to groups, through changes, and back to nothing.

use super::account::{Account, GROUPS, pool, pool_of};
use serde_json::{Value, json};

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
    account.run(&["plan", "edge"]).exits(0).says("~ image: ami-");
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
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    account.write(&pool(""));
    account.applied();
    assert_eq!(GROUPS.map(policy), ["terminate", "terminate"]);
}
