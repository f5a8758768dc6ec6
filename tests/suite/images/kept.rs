//! Pruning: what others hold to unseen, and what was on its way out and came back.

use super::registry::{EAST, Registry, ami};
use serde_json::{Value, json};

const HERE: [&str; 2] = ["--region", EAST];
const NOTE: &str = "floodway.dev/disabled-at";

/// One region has these builds, the last of which is stable.
fn with(builds: &[(char, u32)]) -> Registry {
    let registry = Registry::new();
    for (build, day) in builds {
        registry.build(EAST, *build, *day);
        registry.channel(EAST, "stable", *build);
    }
    registry
}

fn ec2(registry: &Registry, action: &str, what: &Value) {
    registry.bed.someone_else("ec2", action, what).unwrap();
}

/// A template whose versions have these images; the newest is the default.
fn template(registry: &Registry, name: &str, images: &[String], tags: &Value) {
    let version = |image: &str| {
        json!({"LaunchTemplateName": name, "LaunchTemplateData": {"ImageId": image,
            "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]}})
    };
    for (at, image) in images.iter().enumerate() {
        let action = if at == 0 { "CreateLaunchTemplate" } else { "CreateLaunchTemplateVersion" };
        ec2(registry, action, &version(image));
    }
    let default = json!({"LaunchTemplateName": name, "DefaultVersion": images.len().to_string()});
    ec2(registry, "ModifyLaunchTemplate", &default);
}

fn is_noted(registry: &Registry, id: &str) -> bool {
    let images = registry.region(EAST)["images"].clone();
    let image = images.as_array().unwrap().iter().find(|image| image["ImageId"] == id).unwrap();
    image["Tags"].as_array().unwrap().iter().any(|tag| tag["Key"] == NOTE)
}

#[test]
fn an_image_stays_that_an_old_version_of_a_template_names() {
    // `a` is meant no more, neither today nor as the way back.
    let registry = with(&[('a', 1), ('b', 2), ('c', 3)]);
    // More than one page of versions, of which the oldest come last.
    let images: Vec<String> = (0..205).map(|at| ami(if at == 0 { 'a' } else { 'c' }, 1)).collect();
    let tags = json!([{"Key": "fleet", "Value": "theirs"}]);
    template(&registry, "fleet", &images, &tags);
    registry.run_in(&HERE, "prune", &["--keep", "1", "--yes"]).exits(0).says(
        "keep ami-a1 (us-east-1, build aaaaaaaaaaaa): used by launch template fleet, version 1",
    );
    let states = ["ami-a1", "ami-a2"].map(|id| registry.state(EAST, id));
    assert_eq!(states, ["available", "disabled"].map(|state| Some(state.to_owned())));
}

#[test]
fn old_versions_of_floodways_own_templates_keep_nothing() {
    let registry = with(&[('a', 1), ('b', 2), ('c', 3)]);
    let tags = json!([{"Key": "app.kubernetes.io/managed-by", "Value": "floodway"}]);
    template(&registry, "edge-g6e", &[ami('a', 1), ami('a', 2), ami('c', 1)], &tags);
    registry.run_in(&HERE, "prune", &["--keep", "1", "--yes"]).exits(0);
    let states = ["ami-a1", "ami-a2", "ami-c1"].map(|id| registry.state(EAST, id));
    let expected = ["disabled", "disabled", "available"];
    assert_eq!(states, expected.map(|state| Some(state.to_owned())));
}

#[test]
fn an_ami_that_came_back_has_all_of_its_time_once_more() {
    let registry = with(&[('a', 1), ('b', 2), ('c', 3)]);
    for id in [ami('a', 1), ami('a', 2), ami('c', 1)] {
        let note = json!({"Resources": [id],
            "Tags": [{"Key": NOTE, "Value": "2020-01-01T00:00:00Z"}]});
        ec2(&registry, "CreateTags", &note);
    }
    let prune = || registry.run_in(&HERE, "prune", &["--keep", "1", "--yes"]);
    // Where it cannot be noted since when, it is not disabled.
    let full = registry.bed.rule(&json!({"kind": "error", "action": "CreateTags",
        "code": "TagLimitExceeded", "message": "too many", "status": 400}));
    prune()
        .exits(13)
        .says("! disable ami-a1")
        .says("too many")
        .says("- take from ami-c1 the note that it was disabled");
    assert_eq!(registry.state(EAST, "ami-a1").as_deref(), Some("available"));
    assert!(!is_noted(&registry, "ami-c1"), "what stays has no time that runs");
    registry.bed.drop_rule(full[0]);
    prune().exits(0).says("- disable ami-a1");
    // The old note would let it go at once.
    prune().exits(0).says("disabled for 0 h: it goes in 7 days");
    assert_eq!(registry.state(EAST, "ami-a1").as_deref(), Some("disabled"));
    // Somebody else disables what stayed, and it is no longer meant.
    ec2(&registry, "DisableImage", &json!({"ImageId": ami('c', 1)}));
    registry.build(EAST, 'd', 4);
    registry.build(EAST, 'e', 5);
    for build in ['d', 'e'] {
        registry.channel(EAST, "stable", build);
    }
    prune().exits(0).says("- note on ami-c1 that it is disabled");
    assert_eq!(registry.state(EAST, "ami-c1").as_deref(), Some("disabled"));
}
