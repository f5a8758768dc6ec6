//! What somebody else puts into groups and templates of ours: what a write takes
//! out again is shown before, and what it leaves stays theirs.

use super::account::{Account, GROUPS, pool};
use serde_json::{Value, json};

/// Somebody changes a group.
fn update(account: &Account, name: &str, change: &Value) {
    let mut parameters = json!({"AutoScalingGroupName": name});
    parameters.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    account.bed.someone_else("autoscaling", "UpdateAutoScalingGroup", &parameters).unwrap();
}

/// A policy of one type with these members of its override and distribution.
fn policy(account: &Account, one: &Value, distribution: &Value) -> Value {
    let mut override_ = json!({"InstanceType": "g6e.12xlarge"});
    override_.as_object_mut().unwrap().extend(one.as_object().unwrap().clone());
    let template = account.region("us-east-1")["templates"][0]["name"].clone();
    json!({"MixedInstancesPolicy": {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateName": template, "Version": "$Default"},
            "Overrides": [override_]},
        "InstancesDistribution": distribution}})
}

#[test]
fn what_a_write_of_the_group_takes_out_is_shown_and_put_right() {
    let account = Account::new();
    account.write(&pool("warm_pool = 1\n"));
    account.applied();
    let one = json!({"WeightedCapacity": "2", "ImageId": "ami-0a"});
    update(&account, GROUPS[1], &policy(&account, &one, &json!({"SpotMaxPrice": "3.5"})));
    update(&account, GROUPS[1], &json!({"HealthCheckType": "ELB"}));
    let warm = json!({"AutoScalingGroupName": GROUPS[0], "MinSize": 1, "PoolState": "Running",
        "MaxGroupPreparedCapacity": 3, "InstanceReusePolicy": {"ReuseOnScaleIn": true}});
    account.bed.someone_else("autoscaling", "PutWarmPool", &warm).unwrap();
    let others = [
        "SpotMaxPrice",
        "WeightedCapacity of g6e.12xlarge",
        "ImageId of g6e.12xlarge",
        "HealthCheckType",
        "WarmPool.PoolState",
        "WarmPool.MaxGroupPreparedCapacity",
        "WarmPool.ReuseOnScaleIn",
    ];
    let mut plan = account.run(&["plan", "edge"]).exits(0).says("0 to add, 2 to change");
    let mut drift = account.run(&["drift", "edge", "--detailed-exitcode"]).exits(2);
    for other in others {
        plan = plan.says(other);
        drift = drift.says(other);
    }
    account.applied();
    let spot = account.group(GROUPS[1]);
    let policy = &spot["config"]["MixedInstancesPolicy"];
    assert_eq!(policy["LaunchTemplate"]["Overrides"], json!([{"InstanceType": "g6e.12xlarge"}]));
    assert!(policy["InstancesDistribution"].get("SpotMaxPrice").is_none());
    assert_eq!(spot["config"]["HealthCheckType"], "EC2");
    let warm = &account.group(GROUPS[0])["warm_pool"];
    assert_eq!(warm["PoolState"], "Stopped");
    assert_eq!(warm["MaxGroupPreparedCapacity"], 1);
    assert_eq!(warm["InstanceReusePolicy"]["ReuseOnScaleIn"], false);
}

#[test]
fn what_another_version_of_the_template_says_is_shown_and_put_right() {
    let account = Account::new();
    account.applied();
    let name = account.region("us-east-1")["templates"][0]["name"].clone();
    let mut data = account.region("us-east-1")["templates"][0]["versions"]["1"]["data"].clone();
    let ours = data.clone();
    let more = json!({"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 50}});
    data["BlockDeviceMappings"].as_array_mut().unwrap().push(more);
    data["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"] = json!(false);
    data["MetadataOptions"]["HttpEndpoint"] = json!("disabled");
    data["MetadataOptions"]["InstanceMetadataTags"] = json!("enabled");
    data["CreditSpecification"] = json!({"CpuCredits": "unlimited"});
    data["TagSpecifications"][1]["Tags"] = json!([{"Key": "a", "Value": "b"}]);
    let version = json!({"LaunchTemplateName": name, "LaunchTemplateData": data});
    account.bed.someone_else("ec2", "CreateLaunchTemplateVersion", &version).unwrap();
    let default = json!({"LaunchTemplateName": name, "DefaultVersion": "2"});
    account.bed.someone_else("ec2", "ModifyLaunchTemplate", &default).unwrap();
    let mut plan = account.run(&["plan", "edge"]).exits(0).says("~ LaunchTemplate");
    for other in [
        "BlockDeviceMappings of /dev/sdb",
        "BlockDeviceMappings of /dev/xvda: kept on termination",
        "MetadataOptions: HttpEndpoint disabled",
        "MetadataOptions: InstanceMetadataTags enabled",
        "CreditSpecification",
        "TagSpecifications",
    ] {
        plan = plan.says(other);
    }
    account.applied();
    let template = &account.region("us-east-1")["templates"][0];
    let default = template["default"].as_u64().unwrap().to_string();
    assert_eq!(template["versions"][default]["data"], ours);
}

#[test]
fn what_no_write_touches_stays_theirs_and_what_ends_instances_is_told() {
    let account = Account::new();
    account.applied();
    let theirs = json!({"MaxInstanceLifetime": 86400, "TerminationPolicies": ["OldestInstance"],
        "PlacementGroup": "close", "Context": "theirs", "DefaultCooldown": 60});
    update(&account, GROUPS[1], &theirs);
    let hold = json!({"AutoScalingGroupName": GROUPS[1], "ScalingProcesses": ["Terminate"]});
    account.bed.someone_else("autoscaling", "SuspendProcesses", &hold).unwrap();
    account
        .run(&["plan", "edge", "--detailed-exitcode"])
        .exits(0)
        .says("MaxInstanceLifetime is 1d: AWS replaces older instances that are unprotected")
        .says("the process Terminate is suspended");
    account.write(&super::account::pool_of("{ min = 0, max = 5 }", ""));
    account.applied();
    let group = account.group(GROUPS[1]);
    for (key, value) in theirs.as_object().unwrap() {
        assert_eq!(group["config"][key], *value, "{key}");
    }
    assert_eq!((&group["max"], &group["suspended"]), (&json!(5), &json!(["Terminate"])));
}

#[test]
fn a_group_whose_market_somebody_changed_is_replaced_and_aws_ends_nothing_by_its_own_choice() {
    let account = Account::new();
    account.applied();
    let scale = json!({"AutoScalingGroupName": GROUPS[0], "DesiredCapacity": 2});
    account.bed.someone_else("autoscaling", "SetDesiredCapacity", &scale).unwrap();
    let spot = account.group(GROUPS[1])["arn"].clone();
    let only_spot = json!({"OnDemandPercentageAboveBaseCapacity": 0});
    update(&account, GROUPS[0], &policy(&account, &json!({}), &only_spot));
    let new = format!("{}-2", GROUPS[0]);
    account
        .run(&["plan", "edge"])
        .exits(0)
        .says("0 to add, 0 to change, 1 to replace, 0 to destroy")
        .says(&format!(
            "capacity_type cannot change in place: replaces AutoScalingGroup us-east-1/{}",
            GROUPS[0]
        ))
        .says("AWS would replace instances of its own choice to match the market")
        .says(&format!("wait until {new} is ready"))
        .says(&format!("drain {}", GROUPS[0]));
    account.rewrite(&account.text().replace("max_destroy = 10", "max_destroy = 0"));
    account.run(&["plan", "edge"]).exits(12).says("this plan destroys 1 workloads");
    account.write(&pool(""));
    account.bed.settings(&json!({"heartbeat_scale": 0.001}));
    account.bed.forget_calls();
    account.applied();
    let instances = account.group(&new)["instances"].clone();
    let markets: Vec<&Value> = instances.as_array().unwrap().iter().map(|i| &i["market"]).collect();
    assert_eq!(markets, ["on-demand", "on-demand"]);
    assert_eq!(account.group(GROUPS[1])["arn"], spot, "the group of that market is left alone");
    let names = account.region("us-east-1")["groups"].to_string();
    assert!(!names.contains(&format!("{}\"", GROUPS[0])));
    let order: Vec<String> = account
        .bed
        .calls()
        .iter()
        .filter_map(|call| Some(call["action"].as_str()?.to_owned()))
        .filter(|action| !action.starts_with("Describe"))
        .collect();
    let at = |name: &str| order.iter().position(|action| action == name);
    assert!(at("CreateAutoScalingGroup") < at("SetInstanceProtection"), "{order:?}");
    assert!(at("SetInstanceProtection") < at("DeleteAutoScalingGroup"), "{order:?}");
}

#[test]
fn a_group_is_imported_without_its_region_where_there_is_one_only() {
    let account = Account::new();
    let name = format!("AutoScalingGroup/{}", GROUPS[0]);
    let there = format!("AutoScalingGroup/us-east-1/{}` does not exist", GROUPS[0]);
    let look = || account.run(&["import", "edge", &name, "--dry-run"]);
    look().says(&there);
    let two = "region = \"us-east-1\"\nregions = [\"eu-west-1\"]";
    account.rewrite(&account.text().replace("region = \"us-east-1\"", two));
    look().exits(64).says("does not say in which region it is").says("eu-west-1, us-east-1");
}
