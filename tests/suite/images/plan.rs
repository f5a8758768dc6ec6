//! What a plan makes of channels, and tells of another build.

use super::registry::{IMAGE, ami, known, value};
use crate::aws::account::{Account, CHANNEL, pool};
use crate::support::aws::image_tags;
use serde_json::{Value, json};

/// The account whose channel has had build `a`, which is applied, and has `b` now.
fn behind(seed_known: bool) -> Account {
    let account = Account::new();
    let seed = |build: char| {
        let known = if seed_known { known(build) } else { json!({}) };
        let mut parameters = known;
        parameters[CHANNEL] = json!(value(build));
        let image = |number: u32| {
            json!({"name": format!("gpu-{build}{number}"), "id": ami(build, number),
                "tags": image_tags(IMAGE, build)})
        };
        account.bed.seed(&json!({"images": [image(1), image(2)], "parameters": parameters}));
    };
    seed('a');
    account.applied();
    seed('b');
    account
}

fn changes(plan: &Value, kind: &str) -> Vec<Value> {
    let changes = plan["changes"].as_array().unwrap().iter();
    changes.filter(|change| change["kind"] == kind).cloned().collect()
}

#[test]
fn another_build_is_shown_with_its_manifest_kernel_driver_and_packages() {
    let account = behind(true);
    let plan = account.run(&["plan", "edge"]).exits(0);
    plan.says("~ image: ami-a1 → ami-b1")
        .says("manifest aaaaaaaaaaaa → bbbbbbbbbbbb")
        .says("kernel 6.1.0-39-cloud-amd64 → 6.1.0-40-cloud-amd64")
        .says("~ lib01 1.0 → 1.1")
        .says("and 4 more packages; --verbose shows them");
    account.run(&["plan", "edge", "--verbose"]).exits(0).says("- only-a 1").says("+ only-b 1");
    let said = account.run(&["plan", "edge", "--json"]).exits(0);
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    let image = &changes(&plan, "LaunchTemplate")[0]["image"];
    assert_eq!(image["compared"], true);
    assert_eq!(image["driver"], Value::Null, "it is the same");
    let packages = image["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 16, "fourteen differ, one goes, one comes");
    assert!(packages.contains(&json!({"name": "only-b", "after": "1"})), "{packages:?}");
    assert!(packages.iter().all(|package| package["name"] != "lib00"));
    account.applied();
}

#[test]
fn where_nobody_noted_what_is_in_a_build_the_manifests_are_told_alone() {
    let account = behind(false);
    let plan = account.run(&["plan", "edge"]).exits(0);
    plan.says("manifest aaaaaaaaaaaa → bbbbbbbbbbbb").says("what is in these builds is not known");
}

#[test]
fn a_plan_without_another_image_asks_nothing_about_builds() {
    let account = Account::new();
    account.applied();
    account.bed.forget_calls();
    account.run(&["plan", "edge", "--detailed-exitcode"]).exits(0);
    assert_eq!(account.calls_of("DescribeImages"), [Value::Null; 0]);
    assert_eq!(account.calls_of("GetParameter").len(), 1);
}

/// A pool of a type that boots by UEFI and of one that does not, which carry the same.
fn mixed() -> String {
    pool("launch = { efa = false }\n")
        .replace("[\"g6e.12xlarge\"]", "[\"p5.48xlarge\", \"p4d.24xlarge\"]")
        .replace(
            "{ \"g6e.12xlarge\" = \"9 req/s\" }",
            "{ \"p5.48xlarge\" = \"9 req/s\", \"p4d.24xlarge\" = \"9 req/s\" }",
        )
        .replace("spot = { share = \"70%\", base_on_demand = 1 }\n", "")
}

#[test]
fn types_that_know_no_uefi_start_from_the_image_for_a_bios() {
    let account = Account::new();
    account.write(&mixed());
    // The channel has an image for UEFI alone.
    account
        .run(&["plan", "edge"])
        .exits(12)
        .says("there is no image gpu-inference of channel stable that boots by a BIOS in us-east-1")
        .says(&format!("SSM parameter {CHANNEL}"));
    let image = |number: u32| json!({"name": format!("gpu-{number}"), "id": ami('b', number)});
    account.bed.seed(&json!({"images": [image(1), image(2)], "parameters": {CHANNEL: value('b')}}));
    account.applied();
    let template = |group: &str| {
        let group = account.group(group);
        let named = &group["config"]["MixedInstancesPolicy"]["LaunchTemplate"];
        named["LaunchTemplateSpecification"]["LaunchTemplateName"].clone()
    };
    assert_eq!(template("edge-g6e-od-p5.48xlarge"), "edge-g6e");
    assert_eq!(template("edge-g6e-od-p4d.24xlarge"), "edge-g6e.bios");
    let templates = account.region("us-east-1")["templates"].clone();
    let image = |name: &str| {
        let found = templates.as_array().unwrap().iter().find(|t| t["name"] == name).unwrap();
        found.to_string()
    };
    assert!(image("edge-g6e").contains("ami-b1") && !image("edge-g6e").contains("ami-b2"));
    assert!(image("edge-g6e.bios").contains("ami-b2"));
}
