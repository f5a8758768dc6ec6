//! What channels mean, and the way back.

use super::registry::{EAST, IMAGE, Registry, WEST, ami};
use crate::support::aws::digest;
use serde_json::{Value, json};

/// Both regions' stable channel had build `a`, and has `b`.
fn moved_on() -> Registry {
    let registry = Registry::new();
    for region in [EAST, WEST] {
        for (build, day) in [('a', 1), ('b', 2)] {
            registry.build(region, build, day);
            registry.channel(region, "stable", build);
        }
    }
    registry
}

#[test]
fn a_rollback_brings_the_build_before_back_everywhere_and_another_one_undoes_it() {
    let registry = moved_on();
    registry
        .run("rollback", &["--reason", "it is slow"])
        .exits(0)
        .says("us-east-1: stable of gpu-inference is build aaaaaaaaaaaa now, and was bbbbbbbbbbbb")
        .says("us-west-2: stable of gpu-inference is build aaaaaaaaaaaa now");
    for region in [EAST, WEST] {
        let (value, version) = registry.held(region, "stable");
        assert_eq!((version, &value["manifest"]), (3, &json!(digest('a'))));
        assert_eq!(value["images"], json!({"uefi": ami('a', 1), "legacy-bios": ami('a', 2)}));
        assert_eq!((&value["from"], &value["reason"]), (&json!("stable"), &json!("it is slow")));
        assert!(value["by"].as_str().unwrap().starts_with("arn:aws:iam::123456789012:"), "{value}");
    }
    registry.run("rollback", &[]).exits(0);
    assert_eq!(registry.held(WEST, "stable").0["manifest"], digest('b'));
}

#[test]
fn a_version_is_gone_back_to_by_its_number_in_the_first_region() {
    let registry = moved_on();
    for region in [EAST, WEST] {
        registry.build(region, 'c', 3);
        registry.channel(region, "stable", 'c');
    }
    registry
        .run("rollback", &["--to", "9"])
        .exits(12)
        .says("version 9 of")
        .says("3 (cccccccccccc)");
    registry.run("rollback", &["--to", "1"]).exits(0).says("is build aaaaaaaaaaaa now");
}

#[test]
fn a_build_from_which_nothing_can_start_any_more_does_not_come_back() {
    let registry = moved_on();
    let disable = json!({"ImageId": ami('a', 2)});
    registry.bed.someone_else("ec2", "DisableImage", &disable).unwrap();
    registry.run("rollback", &[]).exits(12).says("us-east-1: ami-a2 is disabled");
    registry.bed.someone_else("ec2", "DeregisterImage", &disable).unwrap();
    registry.run("rollback", &[]).exits(12).says("us-east-1: ami-a2 is not there any more");
    for region in [EAST, WEST] {
        assert_eq!(registry.held(region, "stable").1, 2, "nothing was written");
    }
}

#[test]
fn regions_that_mean_different_builds_are_not_guessed_about() {
    let registry = moved_on();
    registry.channel(WEST, "stable", 'a');
    registry
        .run("rollback", &[])
        .exits(12)
        .says("means another build in us-west-2")
        .says("--to VERSION");
    // Where it stands already, nothing is written.
    registry.run("rollback", &["--to", "1"]).exits(0).says("us-west-2").says("already");
    assert_eq!((registry.held(EAST, "stable").1, registry.held(WEST, "stable").1), (3, 3));
}

#[test]
fn without_a_region_it_is_rolled_back_wherever_the_builds_recipe_names() {
    let registry = moved_on();
    registry.declared('b', &[EAST, WEST], &[EAST, WEST]);
    registry.recipe(&[EAST]);
    registry
        .run_in(&[], "rollback", &["--reason", "it is slow"])
        .exits(0)
        .says("us-east-1: stable of gpu-inference is build aaaaaaaaaaaa now, and was bbbbbbbbbbbb")
        .says("us-west-2: stable of gpu-inference is build aaaaaaaaaaaa now");
    for region in [EAST, WEST] {
        assert_eq!(registry.held(region, "stable").0["manifest"], digest('a'));
    }
    registry.bed.forget_calls();
    registry
        .run_in(&[], "rollback", &["--to", "1"])
        .exits(64)
        .says("version 1 is of one region's history, and none is given")
        .says("with --region");
    assert!(registry.bed.calls().is_empty());
}

#[test]
fn without_a_region_one_in_which_the_build_before_cannot_come_back_is_told_and_left() {
    let registry = moved_on();
    registry.declared('b', &[EAST, WEST], &[EAST, WEST]);
    registry.recipe(&[EAST]);
    let disable = json!({"ImageId": ami('a', 2)});
    registry.bed.someone_else("ec2", "DisableImage", &disable).unwrap();
    registry
        .run_in(&[], "rollback", &[])
        .exits(13)
        .says("us-east-1: ami-a2 is disabled")
        .says("us-west-2: stable of gpu-inference is build aaaaaaaaaaaa now")
        .says("stable of gpu-inference is build aaaaaaaaaaaa in 1 of 2 regions")
        .says(
            "what is left to do: floodway image rollback gpu-inference --channel stable --to 1 \
             --region us-east-1 --region us-west-2",
        );
    assert_eq!((registry.held(EAST, "stable").1, registry.held(WEST, "stable").1), (2, 3));
    // What is gone does not come back by the same command.
    let registry = moved_on();
    registry.declared('b', &[EAST, WEST], &[EAST, WEST]);
    registry.recipe(&[EAST]);
    registry.bed.someone_else("ec2", "DeregisterImage", &disable).unwrap();
    let said = registry
        .run_in(&[], "rollback", &[])
        .exits(13)
        .says("us-east-1: ami-a2 is not there any more: it was pruned")
        .says(
            "publish it there again, then promote it: floodway image promote gpu-inference --from \
             CHANNEL --to stable --region us-east-1",
        )
        .says("us-west-2: stable of gpu-inference is build aaaaaaaaaaaa now");
    assert!(!said.err.contains("what is left to do"), "it would be refused: {}", said.err);
    // What its history does not have, no region is led back to.
    let registry = Registry::new();
    for (region, builds) in [(EAST, &['a', 'b'][..]), (WEST, &['b'][..])] {
        for build in builds {
            registry.build(region, *build, 1);
            registry.channel(region, "stable", *build);
        }
    }
    registry.declared('b', &[EAST, WEST], &[EAST, WEST]);
    registry.recipe(&[EAST]);
    let said = registry
        .run_in(&[], "rollback", &[])
        .exits(13)
        .says("us-east-1: stable of gpu-inference is build aaaaaaaaaaaa now")
        .says("us-west-2: build aaaaaaaaaaaa was never in channel stable of gpu-inference")
        .says(
            "promote it there instead: floodway image promote gpu-inference --from CHANNEL --to \
             stable --region us-west-2, or leave the region out",
        );
    assert!(!said.err.contains("what is left to do"), "it would be refused: {}", said.err);
    assert_eq!(registry.held(WEST, "stable").0["manifest"], digest('b'));
}

#[test]
fn without_a_region_nothing_is_rolled_back_where_one_cannot_be_read() {
    let registry = moved_on();
    registry.declared('b', &[EAST, WEST], &[EAST, WEST]);
    registry.recipe(&[EAST]);
    let closed = registry.bed.rule(&json!({"kind": "error", "action": "GetParameterHistory",
        "region": WEST, "code": "AccessDeniedException", "message": "no", "status": 400}));
    registry
        .run_in(&[], "rollback", &[])
        .exits(1)
        .says("us-west-2: not allowed to ssm:GetParameterHistory")
        .says("or name the regions that can be read with --region");
    assert_eq!((registry.held(EAST, "stable").1, registry.held(WEST, "stable").1), (2, 2));
    registry.run_in(&["--region", EAST], "rollback", &[]).exits(0).says("is in us-west-2 too");
    registry.bed.drop_rule(closed[0]);
    registry.run_in(&["--region", WEST], "rollback", &[]).exits(0);
    assert_eq!(registry.held(WEST, "stable").0["manifest"], digest('a'));
}

#[test]
fn a_region_that_still_has_the_build_and_is_not_named_is_told_with_its_command() {
    let registry = moved_on();
    // The recipe names one alone, and somebody has published it to the other too.
    registry.declared('b', &[EAST, WEST], &[EAST]);
    registry.recipe(&[EAST]);
    registry
        .run_in(&[], "rollback", &["--reason", "it's slow"])
        .exits(0)
        .says("us-east-1: stable of gpu-inference is build aaaaaaaaaaaa now")
        .says(
            "warning: build bbbbbbbbbbbb is in us-west-2 too, where stable of gpu-inference means \
             it still, or cannot be seen: floodway image rollback gpu-inference --channel stable \
             --to 1 --reason 'it'\\''s slow' --region us-east-1 --region us-west-2",
        );
    assert_eq!(registry.held(WEST, "stable").0["manifest"], digest('b'));
    // Nor is one passed over where that cannot be seen.
    registry.channel(EAST, "stable", 'b');
    let closed = registry.bed.rule(&json!({"kind": "error", "action": "GetParameter",
        "region": WEST, "resource": "channels/stable", "code": "AccessDeniedException",
        "message": "no", "status": 400}));
    registry
        .run_in(&["--region", EAST], "rollback", &[])
        .exits(0)
        .says("warning: build bbbbbbbbbbbb is in us-west-2 too, where stable of gpu-inference");
    registry.bed.drop_rule(closed[0]);
    let said = registry.run("rollback", &["--to", "1"]).exits(0).says("us-east-1").says("already");
    assert!(!said.err.contains("warning"), "{}", said.err);
    assert_eq!(registry.held(WEST, "stable").0["manifest"], digest('a'));
    // What means another build by now is left alone.
    registry.channel(EAST, "stable", 'b');
    let said = registry.run_in(&["--region", EAST], "rollback", &["--to", "1"]).exits(0);
    assert!(!said.err.contains("warning"), "{}", said.err);
}

#[test]
fn without_a_region_all_are_listed_that_are_named_here_or_known_of_builds() {
    let registry = moved_on();
    // An environment names the first, and what is known there of a build the other.
    registry.published_to('a', &[EAST, WEST]);
    registry
        .run_in(&[], "list", &[])
        .exits(0)
        .says("no region is given: looking at us-east-1, us-west-2")
        .says("stable in us-east-1, us-west-2");
    registry.recipe(&[WEST]);
    registry.run_in(&[], "list", &[]).exits(0).says("looking at us-west-2, us-east-1");
    let listed = |regions: &[&str]| registry.run_in(regions, "list", &[]);
    let unread = registry.bed.rule(&json!({"kind": "error", "action": "DescribeInstances",
        "region": WEST, "code": "InvalidParameterValue", "message": "no", "status": 400}));
    listed(&[])
        .exits(13)
        .says("warning: us-west-2: ec2:DescribeInstances")
        .says("stable in us-east-1, us-west-2");
    listed(&["--region", WEST]).exits(1);
    registry.bed.drop_rule(unread[0]);
    let closed = registry.bed.rule(&json!({"kind": "error", "action": "GetParametersByPath",
        "region": WEST, "resource": "/channels", "code": "AccessDeniedException",
        "message": "no", "status": 400}));
    listed(&[])
        .exits(13)
        .says("warning: us-west-2: not allowed to ssm:GetParametersByPath")
        .says("stable in us-east-1");
    registry.bed.drop_rule(closed[0]);
    listed(&[]).exits(0);
}

#[test]
fn what_there_is_is_listed_with_channels_ages_and_users() {
    let registry = moved_on();
    let template = json!({"LaunchTemplateName": "theirs",
        "LaunchTemplateData": {"ImageId": ami('a', 1)}});
    registry.bed.someone_else("ec2", "CreateLaunchTemplate", &template).unwrap();
    registry
        .run("list", &[])
        .exits(0)
        .says("gpu-inference 2 builds")
        .says("stable in us-east-1, us-west-2")
        .says("launch template theirs, version 1");
    let said = registry.run("list", &["--json"]).exits(0);
    let view: Value = serde_json::from_str(&said.out).unwrap();
    let builds = &view["images"][0]["builds"];
    assert_eq!(view["images"][0]["name"], IMAGE);
    assert_eq!(
        (&builds[0]["manifest"], &builds[1]["manifest"]),
        (&json!(digest('b')), &json!(digest('a')))
    );
    assert_eq!(builds[0]["channels"].as_array().map(Vec::len), Some(2));
    assert_eq!(builds[1]["channels"], json!([]));
    let amis = builds[1]["amis"].as_array().unwrap();
    assert_eq!(amis.len(), 4);
    let used: Vec<&Value> = amis.iter().filter(|ami| ami["used_by"] != json!([])).collect();
    assert_eq!(
        (used.len(), &used[0]["id"], &used[0]["boot_mode"]),
        (1, &json!("ami-a1"), &json!("uefi"))
    );
}
