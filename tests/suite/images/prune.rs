//! Pruning: what goes, when, and what never does.

use super::registry::{EAST, IMAGE, Registry, WEST, ami};
use crate::support::aws::digest;
use node_image::channel::{parameter, summary_parameter};
use serde_json::{Value, json};

/// Both regions have the builds `a`, `b` and `c`, of which `c` is stable.
fn three() -> Registry {
    let registry = Registry::new();
    for region in [EAST, WEST] {
        for (build, day) in [('a', 1), ('b', 2), ('c', 3)] {
            registry.build(region, build, day);
        }
        registry.channel(region, "stable", 'c');
    }
    registry
}

fn writes(registry: &Registry) -> Vec<String> {
    let reads = |action: &str| action.starts_with("Describe") || action.starts_with("Get");
    let actions = registry.bed.calls().into_iter();
    let actions = actions.filter_map(|call| Some(call["action"].as_str()?.to_owned()));
    actions.filter(|action| !reads(action)).collect()
}

#[test]
fn without_yes_nothing_is_done_and_all_is_told() {
    let registry = three();
    registry.bed.forget_calls();
    registry
        .run("prune", &["--keep", "2"])
        .exits(0)
        .says("keep ami-c1 (us-east-1, build cccccccccccc): channel stable means it in us-east-1")
        .says("keep ami-b1 (us-east-1, build bbbbbbbbbbbb): one of the 2 newest builds")
        .says("- disable ami-a1 (us-west-2, build aaaaaaaaaaaa): not one of the 2 newest builds")
        .says("4 steps, 8 kept. Nothing was done: --yes does it.");
    assert_eq!(writes(&registry), [""; 0]);
}

#[test]
fn an_old_build_is_disabled_first_and_goes_with_its_snapshot_when_its_time_is_over() {
    let registry = three();
    registry.run("prune", &["--keep", "1", "--yes"]).exits(0).says("8 of 8 steps done");
    for (id, state) in [("ami-a1", "disabled"), ("ami-b2", "disabled"), ("ami-c1", "available")] {
        assert_eq!(registry.state(WEST, id).as_deref(), Some(state), "{id}");
    }
    // A week later, and no sooner.
    registry.bed.forget_calls();
    registry
        .run("prune", &["--keep", "1", "--yes"])
        .exits(0)
        .says("disabled for 0 h: it goes in 7 days")
        .says("Nothing of gpu-inference goes");
    assert_eq!(writes(&registry), [""; 0]);
    registry.run("prune", &["--keep", "1", "--yes", "--after", "0s"]).exits(0);
    for region in [EAST, WEST] {
        let there = registry.region(region);
        assert_eq!(there["images"].as_array().map(Vec::len), Some(2));
        assert_eq!(there["snapshots"].as_array().map(Vec::len), Some(1));
        let known = |build: char| {
            there["parameters"][summary_parameter(IMAGE, &digest(build), 0)].is_object()
        };
        assert_eq!([known('a'), known('b'), known('c')], [false, false, true]);
    }
    registry.run("prune", &["--keep", "1", "--yes", "--after", "0s"]).exits(0);
}

#[test]
fn what_is_used_is_never_touched_whatever_uses_it_and_however_it_is_named() {
    let registry = three();
    registry.unlimit();
    let ec2 = |action: &str, what: Value| {
        registry.bed.someone_else("ec2", action, &what).unwrap();
    };
    // A version that is neither the newest nor the default, to which a group holds.
    let data = |image: &str| json!({"ImageId": image, "InstanceType": "g6e.12xlarge"});
    let named = json!({"LaunchTemplateName": "theirs", "LaunchTemplateData": data(&ami('a', 1))});
    ec2("CreateLaunchTemplate", named);
    for image in ["ami-c1", "ami-c2"] {
        let version = json!({"LaunchTemplateName": "theirs", "LaunchTemplateData": data(image)});
        ec2("CreateLaunchTemplateVersion", version);
    }
    ec2("ModifyLaunchTemplate", json!({"LaunchTemplateName": "theirs", "DefaultVersion": "2"}));
    registry.bed.seed(&json!({"subnets": [{"zone": "us-east-1a", "id": "subnet-0a"}]}));
    let group = json!({"AutoScalingGroupName": "theirs", "MinSize": 0, "MaxSize": 0,
        "VPCZoneIdentifier": "subnet-0a",
        "LaunchTemplate": {"LaunchTemplateName": "theirs", "Version": "1"}});
    registry.bed.someone_else("autoscaling", "CreateAutoScalingGroup", &group).unwrap();
    // An image that a template names by a parameter.
    registry.bed.seed(&json!({"parameters": {"/theirs/gpu": ami('b', 1)}}));
    let by = json!({"LaunchTemplateName": "by-parameter",
        "LaunchTemplateData": {"ImageId": "resolve:ssm:/theirs/gpu"}});
    ec2("CreateLaunchTemplate", by);
    registry
        .run_in(&["--region", EAST], "prune", &["--keep", "1", "--yes", "--after", "0s"])
        .exits(0)
        .says("keep ami-a1 (us-east-1, build aaaaaaaaaaaa): used by launch template theirs, version 1")
        .says("by parameter /theirs/gpu");
    let states = ["ami-a1", "ami-b1", "ami-a2", "ami-b2"].map(|id| registry.state(EAST, id));
    let expected = ["available", "available", "disabled", "disabled"];
    assert_eq!(states, expected.map(|state| Some(state.to_owned())));
}

#[test]
fn an_instance_keeps_its_image_also_when_it_is_stopped() {
    let registry = three();
    registry.unlimit();
    let template = json!({"LaunchTemplateName": "theirs",
        "LaunchTemplateData": {"ImageId": ami('a', 1), "InstanceType": "g6e.12xlarge"}});
    registry.bed.someone_else("ec2", "CreateLaunchTemplate", &template).unwrap();
    registry.bed.seed(&json!({"subnets": [{"zone": "us-east-1a", "id": "subnet-0a"}]}));
    let group = json!({"AutoScalingGroupName": "theirs", "MinSize": 1, "MaxSize": 1,
        "VPCZoneIdentifier": "subnet-0a",
        "LaunchTemplate": {"LaunchTemplateName": "theirs", "Version": "$Latest"}});
    registry.bed.someone_else("autoscaling", "CreateAutoScalingGroup", &group).unwrap();
    // What it is started from from now on is another one.
    let newer = json!({"LaunchTemplateName": "theirs",
        "LaunchTemplateData": {"ImageId": ami('c', 1), "InstanceType": "g6e.12xlarge"}});
    registry.bed.someone_else("ec2", "CreateLaunchTemplateVersion", &newer).unwrap();
    let default = json!({"LaunchTemplateName": "theirs", "DefaultVersion": "2"});
    registry.bed.someone_else("ec2", "ModifyLaunchTemplate", &default).unwrap();
    registry
        .run_in(&["--region", EAST], "prune", &["--keep", "1", "--yes"])
        .exits(0)
        .says("keep ami-a1 (us-east-1, build aaaaaaaaaaaa): used by")
        .says("instance i-");
    assert_eq!(registry.state(EAST, "ami-a1").as_deref(), Some("available"));
    assert_eq!(registry.state(EAST, "ami-a2").as_deref(), Some("disabled"));
}

#[test]
fn a_channel_of_one_region_keeps_the_build_in_all_of_them_and_so_does_the_way_back() {
    let registry = three();
    registry.channel(WEST, "candidate", 'a');
    registry.channel(EAST, "stable", 'b');
    registry.channel(EAST, "stable", 'c');
    registry
        .run("prune", &["--keep", "1", "--yes"])
        .exits(0)
        .says("keep ami-a1 (us-east-1, build aaaaaaaaaaaa): channel candidate means it in us-west-2")
        .says("keep ami-b1 (us-west-2, build bbbbbbbbbbbb): channel stable meant it before in us-east-1");
    assert_eq!(registry.state(EAST, "ami-a1").as_deref(), Some("available"));
}

#[test]
fn where_a_channel_cannot_be_read_nothing_goes_anywhere() {
    let registry = three();
    registry.bed.seed(&json!({"region": WEST, "parameters": {(parameter(IMAGE, "stable")): "{}"}}));
    registry.bed.forget_calls();
    registry
        .run("prune", &["--keep", "1", "--yes"])
        .exits(1)
        .says("what the channels of gpu-inference mean is not known, so nothing is pruned")
        .says("or name the regions to look at with --region")
        .says("us-west-2: version 2 of /floodway/images/gpu-inference/channels/stable");
    assert_eq!(writes(&registry), [""; 0]);
}

#[test]
fn a_region_that_cannot_be_read_is_left_as_it_is_and_the_others_go_on() {
    let registry = three();
    registry.bed.rule(&json!({"kind": "error", "action": "DescribeInstances", "region": WEST,
        "code": "InvalidParameterValue", "message": "no", "status": 400}));
    registry
        .run("prune", &["--keep", "1", "--yes"])
        .exits(13)
        .says("warning: left as it is: us-west-2: ec2:DescribeInstances")
        .says("4 of 4 steps done");
    assert_eq!(registry.state(EAST, "ami-a1").as_deref(), Some("disabled"));
    assert_eq!(registry.state(WEST, "ami-a1").as_deref(), Some("available"));
}

#[test]
fn without_a_region_it_prunes_wherever_the_image_is_known_to_be() {
    let registry = three();
    registry.published_to('b', &[EAST, WEST]);
    registry.bed.forget_calls();
    registry
        .run_in(&[], "prune", &["--keep", "1"])
        .exits(0)
        .says("no region is given: looking at us-east-1, us-west-2")
        .says("8 steps, 4 kept. Nothing was done: --yes does it.");
    assert_eq!(writes(&registry), [""; 0]);
    let unread = registry.bed.rule(&json!({"kind": "error", "action": "DescribeInstances",
        "region": WEST, "code": "InvalidParameterValue", "message": "no", "status": 400}));
    registry.run_in(&[], "prune", &["--keep", "1"]).exits(13).says("left as it is: us-west-2");
    registry.bed.drop_rule(unread[0]);
    registry.run_in(&[], "prune", &["--keep", "1", "--yes"]).exits(0).says("8 of 8 steps done");
    for region in [EAST, WEST] {
        assert_eq!(registry.state(region, "ami-a1").as_deref(), Some("disabled"), "{region}");
    }
}

#[test]
fn where_it_is_not_known_in_which_regions_the_image_is_nothing_goes() {
    let registry = three();
    registry.published_to('b', &[EAST, WEST]);
    let closed = registry.bed.rule(&json!({"kind": "error", "action": "GetParametersByPath",
        "region": WEST, "resource": "/manifests", "code": "AccessDeniedException",
        "message": "no", "status": 400}));
    registry.bed.forget_calls();
    let prune = |more: &[&str]| registry.run_in(&[], "prune", &[&["--keep", "1"], more].concat());
    let not_known = "which regions gpu-inference is in is not known, so nothing is pruned";
    prune(&["--yes"])
        .exits(12)
        .says(not_known)
        .says("us-west-2: not allowed to ssm:GetParametersByPath")
        .says("name each region with --region");
    prune(&[]).exits(13).says("warning: us-west-2: not allowed to").says("8 steps, 4 kept");
    registry.run_in(&[], "list", &[]).exits(13).says("warning: us-west-2: not allowed to");
    registry.bed.drop_rule(closed[0]);
    registry.run_in(&[], "list", &[]).exits(0);
    registry.broken();
    let why = "environments/broken.toml cannot be read: which images its pools start from";
    prune(&["--yes"]).exits(12).says(not_known).says(why);
    registry.run_in(&[], "list", &[]).exits(13).says(why);
    assert_eq!(writes(&registry), [""; 0]);
    // Who names them himself knows.
    registry.run("prune", &["--keep", "1", "--yes"]).exits(0).says("8 of 8 steps done");
}

#[test]
fn a_step_that_fails_is_told_and_what_needs_it_is_not_tried() {
    let registry = three();
    registry.run("prune", &["--keep", "2", "--yes"]).exits(0);
    registry.bed.rule(&json!({"kind": "error", "action": "DeregisterImage", "region": EAST,
        "resource": "ami-a1", "code": "OperationNotPermitted", "message": "protected", "status": 400}));
    let said = registry.run("prune", &["--keep", "2", "--yes", "--after", "0s"]).exits(13);
    said.says("! deregister ami-a1")
        .says("protected")
        .says("ami-a1 is still there, so it was not tried");
    assert_eq!(registry.state(EAST, "ami-a2"), None);
    assert_eq!(registry.state(WEST, "ami-a1"), None);
    let snapshots = |region| registry.region(region)["snapshots"].as_array().map(Vec::len);
    assert_eq!((snapshots(EAST), snapshots(WEST)), (Some(3), Some(2)));
}

#[test]
fn what_is_known_of_a_build_that_cannot_be_forgotten_is_by_the_next_prune() {
    let registry = three();
    let here = ["--region", EAST];
    let prune = |more: &[&str]| {
        registry.run_in(&here, "prune", &[&["--keep", "2", "--yes"], more].concat())
    };
    prune(&[]).exits(0);
    registry.bed.rule(&json!({"kind": "error", "action": "DeleteParameters", "times": 1,
        "code": "AccessDeniedException", "message": "no", "status": 400}));
    prune(&["--after", "0s"])
        .exits(1)
        .says("! forget build aaaaaaaaaaaa")
        .says("what is known of build aaaaaaaaaaaa is still there, so it was not tried");
    assert_eq!(registry.state(EAST, "ami-a1").as_deref(), Some("disabled"));
    prune(&["--after", "0s"]).exits(0);
    let there = registry.region(EAST);
    assert!(there["parameters"][summary_parameter(IMAGE, &digest('a'), 0)].is_null());
    assert_eq!(registry.state(EAST, "ami-a1"), None);
}

#[test]
fn what_is_shared_with_others_goes_only_by_the_flag() {
    let registry = Registry::new();
    registry.shared(EAST, 'a', 1, "111122223333");
    registry.build(EAST, 'b', 2);
    let here = ["--region", EAST];
    registry
        .run_in(&here, "prune", &["--keep", "1", "--yes"])
        .exits(0)
        .says("keep ami-a1 (us-east-1, build aaaaaaaaaaaa): shared with 111122223333");
    assert_eq!(registry.state(EAST, "ami-a1").as_deref(), Some("available"));
    registry.run_in(&here, "prune", &["--keep", "1", "--yes", "--shared"]).exits(0);
    assert_eq!(registry.state(EAST, "ami-a1").as_deref(), Some("disabled"));
}
