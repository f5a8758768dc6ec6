//! What is refused, and what the person who meets it is told.

use super::account::{Account, CHANNEL, GROUPS, pool, pool_of};
use crate::support::aws::ACCESS_KEY;
use serde_json::{Value, json};

#[test]
fn another_account_is_refused_before_anything_in_it_is_read() {
    let account = Account::new();
    account.rewrite(&account.text().replace("123456789012", "999999999999"));
    account.run(&["plan", "edge"]).exits(12).says("not 999999999999 as declared");
    let actions: Vec<_> = account.bed.calls().iter().map(|call| call["action"].clone()).collect();
    assert_eq!(actions, ["GetCallerIdentity"]);
}

#[test]
fn no_credentials_expired_ones_and_nobody_there_are_told_apart() {
    let account = Account::new();
    let mut command = account.command(&["plan", "edge"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let said: crate::support::repository::Said = command.output().unwrap().into();
    said.exits(1).says("there are no AWS credentials").says("help:");

    account.bed.rule(&json!({"kind": "error", "action": "GetCallerIdentity",
        "code": "ExpiredToken", "message": "The security token has expired", "status": 403}));
    account.run(&["plan", "edge"]).exits(1).says("have expired").says("aws sso login");

    let mut command = account.command(&["plan", "edge"]);
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let said: crate::support::repository::Said = command.output().unwrap().into();
    said.exits(1).says("AWS cannot be reached");

    for (place, what) in [
        ("", "AWS_ENDPOINT_URL is set to nothing"),
        ("127.0.0.1:9", "`127.0.0.1:9` is no address that AWS can be asked at"),
    ] {
        let mut command = account.command(&["plan", "edge"]);
        command.env("AWS_ENDPOINT_URL", place);
        let said: crate::support::repository::Said = command.output().unwrap().into();
        said.exits(1).says(what).says("help:").says("https://host:port");
    }
}

#[test]
fn a_profile_of_the_file_is_used_and_one_that_is_not_there_or_has_expired_is_told() {
    let account = Account::new();
    let profile = "region = \"us-east-1\"\nprofile = \"real\"";
    account.rewrite(&account.text().replace("region = \"us-east-1\"", profile));
    let run = |config: &str| -> crate::support::repository::Said {
        let file = account.repository.path().join("aws-config");
        std::fs::write(&file, config).unwrap();
        let mut command = account.command(&["plan", "edge"]);
        command.env("AWS_CONFIG_FILE", &file).env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        // Without the profile, these would do.
        command.env("AWS_ACCESS_KEY_ID", "AKIAWRONG").output().unwrap().into()
    };
    let keys = format!("aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = x\n");
    run(&format!("[profile real]\n{keys}")).exits(0);
    let key = account.bed.calls().pop().unwrap()["access_key"].clone();
    assert_eq!(key, ACCESS_KEY);
    let login = "sso_start_url = https://acme.awsapps.com/start\nsso_region = us-east-1\n\
                 sso_account_id = 123456789012\nsso_role_name = planner\n";
    run(&format!("[profile real]\n{login}")).exits(1).says("aws sso login");
    run("[profile other]\n").exits(1).says("there are no AWS credentials").says("aws.profile");
}

#[test]
fn a_denied_action_is_named_with_its_resource() {
    let account = Account::new();
    account.bed.rule(&json!({"kind": "error", "action": "DescribeAutoScalingGroups", "status": 403,
        "code": "AccessDenied", "message": "User: arn:aws:iam::123456789012:user/ci is not authorized"}));
    account
        .run(&["plan", "edge"])
        .exits(1)
        .says("not allowed to autoscaling:DescribeAutoScalingGroups of groups in us-east-1")
        .says("add autoscaling:DescribeAutoScalingGroups on that resource to the role's policy")
        .says("floodway iam ENV --for apply");
}

#[test]
fn an_image_or_subnets_that_are_not_there_are_refused_with_their_line() {
    let account = Account::new();
    account.write(&pool("").replace("gpu-inference", "gpu-inferense"));
    account
        .run(&["plan", "edge"])
        .exits(12)
        .says("there is no image gpu-inferense of channel stable in us-east-1")
        .says("environments/edge.toml:")
        .says("SSM parameter /floodway/images/gpu-inferense/channels/stable of us-east-1")
        .says("floodway image promote gpu-inferense --from candidate --to stable");
}

#[test]
fn a_channel_that_cannot_be_read_is_no_channel_without_an_image() {
    let account = Account::new();
    account.bed.seed(&json!({"parameters": {CHANNEL: "{\"manifest\": \"x\"}"}}));
    account
        .run(&["plan", "edge"])
        .exits(12)
        .says("it is not known which image gpu-inference of channel stable in us-east-1 is meant")
        .says(&format!("SSM parameter {CHANNEL} in us-east-1: it is no channel's value"));
}

/// A group with the name of ours that somebody made, with so many instances.
fn their_group(account: &Account, instances: u32) {
    let template = json!({"LaunchTemplateName": "theirs",
        "LaunchTemplateData": {"ImageId": "ami-0a", "InstanceType": "g6e.12xlarge"}});
    account.bed.someone_else("ec2", "CreateLaunchTemplate", &template).unwrap();
    let group = json!({"AutoScalingGroupName": GROUPS[0], "MinSize": 0,
        "MaxSize": instances.max(3), "DesiredCapacity": instances,
        "VPCZoneIdentifier": "subnet-0a",
        "MixedInstancesPolicy": {"LaunchTemplate": {"LaunchTemplateSpecification":
            {"LaunchTemplateName": "theirs", "Version": "$Default"},
            "Overrides": [{"InstanceType": "g6e.12xlarge"}]},
            "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 100}}});
    account.bed.someone_else("autoscaling", "CreateAutoScalingGroup", &group).unwrap();
}

#[test]
fn a_group_with_our_name_and_without_our_tags_is_refused_and_adopted_when_asked() {
    // The printed policy writes to nothing without the environment's tags.
    let account = Account::unlimited();
    their_group(&account, 0);
    let adopt = format!("AutoScalingGroup/us-east-1/{}", GROUPS[0]);
    account.run(&["plan", "edge"]).exits(12).says(&format!("--adopt {adopt}"));
    account.run(&["plan", "edge", "--adopt", &adopt]).exits(0).says("adopted").says("max: 3 → 4");
    account.run(&["apply", "edge", "--yes", "--adopt", &adopt]).exits(0);
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    assert_eq!(account.group(GROUPS[0])["tags"]["floodway.dev/environment"]["value"], "edge");
}

#[test]
fn instances_of_an_adopted_group_are_counted_and_then_protected() {
    let account = Account::unlimited();
    account.write(&pool_of("{ min = 0, max = 60 }", ""));
    account.unlimit();
    their_group(&account, 55);
    let adopt = format!("AutoScalingGroup/us-east-1/{}", GROUPS[0]);
    account.run(&["plan", "edge", "--adopt", &adopt]).exits(0).says("unprotected: 55");
    account.run(&["apply", "edge", "--yes", "--adopt", &adopt]).exits(0);
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    let protected = |one: &Value| one["protected"] == true;
    let group = account.group(GROUPS[0]);
    assert!(group["instances"].as_array().unwrap().iter().all(protected));
    let calls = account.calls_of("SetInstanceProtection");
    let named = |call: &Value| call["parameters"]["InstanceIds"].as_array().map(Vec::len);
    assert_eq!(calls.iter().filter_map(named).collect::<Vec<_>>(), [50, 5]);
}

#[test]
fn a_file_that_was_renamed_takes_its_groups_and_templates_along() {
    let account = Account::new();
    account.applied();
    let tags = json!({"Tags": [{"ResourceId": GROUPS[0], "ResourceType": "auto-scaling-group",
        "Key": "cost-center", "Value": "42", "PropagateAtLaunch": false}]});
    account.bed.someone_else("autoscaling", "CreateOrUpdateTags", &tags).unwrap();
    let arn = account.group(GROUPS[0])["arn"].clone();
    account.repository.write("east", &account.text());
    account
        .run(&["plan", "east"])
        .exits(12)
        .says("belongs to environment edge, applied from environments/edge.toml")
        .says("apply with --adopt ConfigMap/floodway-edge");
    let adopt = ["--adopt", "ConfigMap/floodway-edge"];
    account
        .run(&[&["plan", "east"][..], &adopt].concat())
        .exits(0)
        .says("0 to add, 3 to change, 0 to destroy");
    account.run(&[&["apply", "east", "--yes"][..], &adopt].concat()).exits(0);
    account.run(&["plan", "east", "--detailed-exitcode"]).exits(0);
    let group = account.group(GROUPS[0]);
    assert_eq!(group["arn"], arn);
    assert_eq!(group["tags"]["floodway.dev/file"]["value"], "environments/east.toml");
    assert_eq!(group["tags"]["cost-center"]["value"], "42");
    let template = &account.region("us-east-1")["templates"][0];
    assert_eq!(template["tags"]["floodway.dev/file"], "environments/east.toml");
    // The old file, where it is still there, has lost them.
    account.run(&["plan", "edge"]).exits(12).says("applied from environments/east.toml");
}

#[test]
fn a_group_of_another_environment_is_never_touched() {
    let account = Account::new();
    account.applied();
    account.repository.write("edge2", &account.text());
    account.run(&["plan", "edge2"]).exits(12).says("belongs to environment edge");
}
