//! Promotion: everywhere or nowhere, and once.

use super::registry::{EAST, IMAGE, Registry, WEST, ami};
use crate::support::aws::digest;
use node_image::channel::parameter;
use serde_json::{Value, json};

/// Both regions have build `a` as candidate.
fn published() -> Registry {
    let registry = Registry::new();
    for region in [EAST, WEST] {
        registry.build(region, 'a', 1);
        registry.channel(region, "candidate", 'a');
    }
    registry
}

#[test]
fn a_promotion_writes_who_and_why_in_every_region_and_is_then_done() {
    let registry = published();
    registry
        .run("promote", &["--reason", "passed {{the}} soak"])
        .exits(0)
        .says(
            "us-east-1: stable of gpu-inference is build aaaaaaaaaaaa now, and was nothing before",
        )
        .says("us-west-2: stable of gpu-inference is build aaaaaaaaaaaa now");
    for region in [EAST, WEST] {
        let (value, _) = registry.held(region, "stable");
        assert_eq!(value["manifest"], digest('a'));
        assert_eq!(value["images"], json!({"uefi": ami('a', 1), "legacy-bios": ami('a', 2)}));
        assert_eq!(
            (&value["from"], &value["reason"]),
            (&json!("candidate"), &json!("passed {{the}} soak"))
        );
    }
    registry.run("promote", &[]).exits(0).says("is build aaaaaaaaaaaa already");
    assert_eq!((registry.held(EAST, "stable").1, registry.held(WEST, "stable").1), (1, 1));
}

#[test]
fn a_channel_that_nobody_can_read_is_written_over_and_one_that_is_closed_ends_it_before() {
    let registry = published();
    let name = parameter(IMAGE, "stable");
    registry.bed.seed(&json!({"region": WEST, "parameters": {(name): "{}"}}));
    let closed = registry.bed.rule(&json!({"kind": "error", "action": "GetParameter",
        "region": WEST, "resource": "channels/stable", "code": "AccessDeniedException",
        "message": "no", "status": 400}));
    registry
        .run("promote", &[])
        .exits(1)
        .says("us-west-2: not allowed to ssm:GetParameter")
        .says("channels/stable");
    assert_eq!(registry.held(EAST, "stable").1, 0, "nothing is written");
    registry.bed.drop_rule(closed[0]);
    registry.run("promote", &[]).exits(0).says("us-west-2: stable of gpu-inference is build");
    assert_eq!(registry.held(WEST, "stable").0["manifest"], digest('a'));
}

#[test]
fn builds_that_differ_from_region_to_region_are_promoted_nowhere() {
    let registry = published();
    registry.build(WEST, 'b', 2);
    registry.channel(WEST, "candidate", 'b');
    registry
        .run("promote", &[])
        .exits(12)
        .says("aaaaaaaaaaaa in us-east-1, bbbbbbbbbbbb in us-west-2")
        .says("floodway image publish DIR --region us-east-1 --region us-west-2");
    assert_eq!(registry.held(EAST, "stable").0, Value::Null);
}

#[test]
fn an_empty_channel_and_an_image_without_a_build_are_told() {
    let registry = Registry::new();
    registry.build(EAST, 'a', 1);
    registry.channel(EAST, "candidate", 'a');
    registry
        .run("promote", &[])
        .exits(1)
        .says("us-west-2: /floodway/images/gpu-inference/channels/candidate is not there");
    let name = "/floodway/images/gpu-inference/channels/candidate";
    registry.bed.seed(&json!({"parameters": {name: "ami-a1"}}));
    registry
        .run_in(&["--region", EAST], "promote", &[])
        .exits(12)
        .says("an image's ID and no build");
    registry.run("promote", &["--to", "candidate"]).exits(64).says("in already");
    registry.run("promote", &["--to", "a/b"]).exits(64).says("is no name");
}

#[test]
fn machine_images_that_are_available_after_a_while_are_promoted_then_everywhere() {
    let registry = published();
    registry.build(EAST, 'b', 2);
    registry.coming(WEST, 'b', 2, 2);
    for region in [EAST, WEST] {
        registry.channel(region, "candidate", 'b');
    }
    registry
        .run("promote", &[])
        .exits(0)
        .says("us-west-2: waiting for ami-b1, ami-b2 (pending for 0 min)")
        .says("us-east-1: stable of gpu-inference is build bbbbbbbbbbbb now")
        .says("us-west-2: stable of gpu-inference is build bbbbbbbbbbbb now");
    let calls = registry.bed.calls();
    let of = |action: &str, region: &str| -> Vec<usize> {
        let is = |call: &Value| call["action"] == action && call["region"] == region;
        (0..calls.len()).filter(|at| is(&calls[*at])).collect()
    };
    let (looks, writes) = (of("DescribeImages", WEST), of("PutParameter", EAST));
    assert_eq!((looks.len(), writes.len()), (3, 1));
    assert!(looks.last() < writes.first(), "one region waits for the other");
}

#[test]
fn what_is_late_is_told_region_by_region_and_the_same_command_does_it_later() {
    let registry = published();
    registry.run("promote", &[]).exits(0);
    registry.coming(EAST, 'b', 2, 1);
    registry.coming(WEST, 'b', 2, 2);
    for region in [EAST, WEST] {
        registry.channel(region, "candidate", 'b');
    }
    // One look at each, and it is late in both.
    registry
        .run("promote", &["--wait", "0s"])
        .exits(1)
        .says("us-east-1: ami-b1, ami-b2: not available after 0 minutes")
        .says("us-west-2: ami-b1, ami-b2: not available after 0 minutes")
        .says("the same command later finds it done");
    // One more, by which it is late in the second alone.
    let said = registry.run("promote", &["--wait", "0s"]).exits(1);
    assert_eq!(said.err.matches("not available after").count(), 1, "{}", said.err);
    said.says("us-west-2: ami-b1, ami-b2: not available after 0 minutes");
    for region in [EAST, WEST] {
        let (value, version) = registry.held(region, "stable");
        assert_eq!((&value["manifest"], version), (&json!(digest('a')), 1), "{region}");
    }
    registry.run("promote", &[]).exits(0);
    for region in [EAST, WEST] {
        assert_eq!(registry.held(region, "stable").0["manifest"], digest('b'), "{region}");
    }
}

#[test]
fn a_region_that_fails_is_told_with_the_command_that_does_the_rest() {
    let registry = published();
    let full = registry.bed.rule(&json!({"kind": "error", "action": "PutParameter",
        "region": WEST, "code": "ParameterLimitExceeded", "message": "too many", "status": 400}));
    registry
        .run("promote", &["--reason", "it's good"])
        .exits(13)
        .says("us-east-1: stable of gpu-inference is build aaaaaaaaaaaa now")
        .says("us-west-2: ssm:PutParameter of /floodway/images/gpu-inference/channels/stable")
        .says("stable of gpu-inference is build aaaaaaaaaaaa in 1 of 2 regions")
        .says(
            "what is left to do: floodway image promote gpu-inference --from candidate --to stable \
             --reason 'it'\\''s good' --region us-east-1 --region us-west-2",
        );
    registry.bed.drop_rule(full[0]);
    registry.run("promote", &[]).exits(0).says("us-east-1").says("already").says("us-west-2");
    assert_eq!(registry.held(WEST, "stable").0["manifest"], digest('a'));
    assert_eq!(registry.held(EAST, "stable").1, 1);
}

#[test]
fn a_region_that_has_the_build_and_is_not_named_is_told_with_its_command() {
    let registry = published();
    registry.published_to('a', &[EAST, WEST]);
    registry
        .run_in(&["--region", EAST], "promote", &["--reason", "it's good"])
        .exits(0)
        .says("us-east-1: stable of gpu-inference is build aaaaaaaaaaaa now")
        .says("warning: build aaaaaaaaaaaa is in us-west-2 too, where stable of gpu-inference")
        .says(
            "does not mean it: floodway image promote gpu-inference --from candidate --to stable \
             --reason 'it'\\''s good' --region us-west-2",
        );
    // Where another build has come since, it would be that one.
    registry.channel(WEST, "candidate", 'b');
    let said = registry.run_in(&["--region", EAST], "promote", &[]).exits(0);
    assert!(!said.err.contains("warning"), "{}", said.err);
    registry.channel(WEST, "candidate", 'a');
    // Done there, nothing is left to tell.
    let said = registry.run_in(&["--region", WEST], "promote", &[]).exits(0);
    assert!(!said.err.contains("warning"), "{}", said.err);
}

#[test]
fn without_a_region_it_is_promoted_wherever_the_builds_recipe_names() {
    let registry = published();
    registry.declared('a', &[EAST, WEST], &[EAST, WEST]);
    // The recipe has changed since: what the build says goes.
    registry.recipe(&[WEST]);
    registry
        .run_in(&[], "promote", &["--reason", "passed the soak"])
        .exits(0)
        .says("us-west-2: stable of gpu-inference is build aaaaaaaaaaaa now")
        .says("us-east-1: stable of gpu-inference is build aaaaaaaaaaaa now");
    for region in [EAST, WEST] {
        assert_eq!(registry.held(region, "stable").0["manifest"], digest('a'));
    }
    // Where there is no recipe here, the environment tells where to look; nothing is written
    // there unless the build's recipe names it.
    let registry = published();
    registry.declared('a', &[EAST, WEST], &[EAST]);
    registry.run_from(WEST, "promote", &[]).exits(0).says("us-east-1: stable");
    assert_eq!(registry.held(EAST, "stable").0["manifest"], digest('a'));
    assert_eq!(registry.held(WEST, "stable").0, Value::Null);
}

#[test]
fn a_region_that_the_recipe_names_and_that_fails_is_told_with_the_command_that_does_the_rest() {
    let registry = published();
    registry.declared('a', &[EAST, WEST], &[EAST, WEST]);
    registry.recipe(&[EAST]);
    registry.bed.rule(&json!({"kind": "error", "action": "PutParameter",
        "region": WEST, "code": "ParameterLimitExceeded", "message": "too many", "status": 400}));
    registry
        .run_in(&[], "promote", &[])
        .exits(13)
        .says("stable of gpu-inference is build aaaaaaaaaaaa in 1 of 2 regions")
        .says(
            "what is left to do: floodway image promote gpu-inference --from candidate --to stable \
             --region us-east-1 --region us-west-2",
        );
}

#[test]
fn a_region_that_the_recipe_names_and_that_lacks_the_build_is_not_passed_over() {
    let registry = Registry::new();
    registry.build(EAST, 'a', 1);
    registry.channel(EAST, "candidate", 'a');
    registry.declared('a', &[EAST], &[EAST, WEST]);
    registry.recipe(&[EAST, WEST]);
    registry
        .run_in(&[], "promote", &[])
        .exits(1)
        .says("us-west-2: /floodway/images/gpu-inference/channels/candidate is not there");
    assert_eq!(registry.held(EAST, "stable").0, Value::Null, "nothing is written");
    // Who means one of them alone says so.
    registry.run_in(&["--region", EAST], "promote", &[]).exits(0).says("us-east-1: stable of");
}

#[test]
fn where_a_build_is_for_nobody_knows_which_regions_it_must_be_said() {
    let registry = published();
    registry.bed.forget_calls();
    registry
        .run_in(&[], "promote", &[])
        .exits(64)
        .says("no region is given, and no good recipe here names one for gpu-inference")
        .says("name each with --region");
    assert!(registry.bed.calls().is_empty());
    registry
        .run_from(EAST, "promote", &[])
        .exits(12)
        .says("us-east-1: which regions build aaaaaaaaaaaa is for is not known")
        .says("name each region with --region");
    registry
        .run_from(EAST, "promote", &["--from", "canary"])
        .exits(1)
        .says("us-east-1: /floodway/images/gpu-inference/channels/canary is not there");
    assert_eq!(registry.held(EAST, "stable").0, Value::Null, "nothing is written");
}
