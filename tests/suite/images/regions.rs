//! The regions that a recipe names are where its build is published, once it is known to
//! boot.

use super::place::{AWAY, Asked, HOME, Place};
use crate::support::repository::{Repository, Said};
use node_image::channel::summary_parameter;
use serde_json::{Value, json};

const THIRD: &str = "us-west-2";

/// A build that names regions itself, and the command that publishes it.
struct Work {
    place: Place,
    repository: Repository,
    manifest: String,
}

impl Work {
    fn new(regions: &[&str]) -> Self {
        let (place, repository) = (Place::new(), Repository::new(None));
        let built = place.build(&[1, 0, 3]);
        let mut manifest: Value = serde_json::from_slice(&built.manifest).unwrap();
        manifest["regions"] = json!(regions);
        let folder = repository.path().join("my build");
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(&built.disk, folder.join("disk.raw")).unwrap();
        let boot = json!({"passed": true, "kvm": false, "ready_seconds": 5.0});
        let boots = json!({"uefi": boot, "legacy-bios": boot});
        let tested = json!({"disk": manifest["disk"]["sha256"], "boots": boots});
        std::fs::write(folder.join("boot.json"), tested.to_string()).unwrap();
        let manifest = manifest.to_string();
        std::fs::write(folder.join("manifest.json"), &manifest).unwrap();
        let (identity, _) = node_image::publish::Identity::read(manifest.as_bytes()).unwrap();
        Self { place, repository, manifest: identity.manifest }
    }

    fn publish(&self, more: &[&str]) -> Said {
        self.run(&[&["image", "publish", "my build"], more].concat())
    }

    /// Where the environment's region is the second one.
    fn run(&self, arguments: &[&str]) -> Said {
        let mut command = self.repository.command(arguments);
        self.place.bed.command_env(&mut command);
        command.env("AWS_REGION", AWAY).output().unwrap().into()
    }

    /// Where the build is known to be, by what one region knows.
    fn known(&self, region: &str) -> Value {
        let name = summary_parameter("small", &self.manifest, 0);
        let held = self.place.region(region)["parameters"][name]["Value"].clone();
        let summary: Value = serde_json::from_str(held.as_str().unwrap_or("null")).unwrap();
        summary["regions"].clone()
    }
}

#[test]
fn a_build_goes_to_the_regions_that_its_recipe_names() {
    let work = Work::new(&[HOME, AWAY]);
    work.publish(&[])
        .exits(0)
        .says("eu-west-1: candidate of small is build")
        .says("us-east-1: candidate of small is build");
    assert_eq!(work.known(HOME), json!([HOME, AWAY]));
    assert_eq!(work.known(AWAY), json!([HOME, AWAY]));
    work.place.bed.forget_calls();
    // In one of them alone it does not forget the other.
    work.publish(&["--region", HOME]).exits(0).says("already");
    assert_eq!(work.known(HOME), json!([HOME, AWAY]));
    assert!(work.place.calls("PutParameter").is_empty());
}

#[test]
fn a_parent_and_accounts_that_are_named_are_taken() {
    let work = Work::new(&[HOME]);
    let parent = work.place.upload(&work.place.build(&[1, 0, 4]), &Asked::default()).unwrap();
    work.place.bed.forget_calls();
    let friend = "111122223333";
    work.publish(&["--parent", &parent.id, "--share", friend]).exits(0);
    let starts = work.place.calls("StartSnapshot");
    assert_eq!(
        (starts.len(), &starts[0]["parameters"]["ParentSnapshotId"]),
        (1, &json!(parent.id))
    );
    let shares = work.place.calls("ModifySnapshotAttribute");
    assert_eq!(shares.len(), 1);
    assert!(shares[0]["parameters"].to_string().contains(friend), "{shares:?}");
    for image in work.place.region(HOME)["images"].as_array().unwrap() {
        assert_eq!(image["LaunchPermissions"], json!([{"UserId": friend}]));
    }
}

#[test]
fn where_it_was_published_it_is_promoted_without_being_told() {
    let work = Work::new(&[HOME, AWAY]);
    work.publish(&[]).exits(0);
    work.run(&["image", "promote", "small"])
        .exits(0)
        .says("eu-west-1: stable of small is build")
        .says("us-east-1: stable of small is build");
    // The recipe names both, wherever it has been published so far.
    let work = Work::new(&[HOME, AWAY]);
    work.publish(&["--region", AWAY]).exits(0);
    work.run(&["image", "promote", "small"])
        .exits(1)
        .says("eu-west-1: /floodway/images/small/channels/candidate is not there");
}

#[test]
fn regions_that_are_given_are_taken_instead() {
    let work = Work::new(&[HOME, AWAY]);
    work.publish(&["--region", THIRD]).exits(0).says("us-west-2: candidate of small is build");
    assert_eq!(work.known(THIRD), json!([THIRD]));
    assert_eq!((work.known(HOME), work.known(AWAY)), (Value::Null, Value::Null));
}

#[test]
fn a_build_that_names_no_region_must_be_told_one() {
    let work = Work::new(&[]);
    work.publish(&[])
        .exits(64)
        .says("no region is given, and the build's recipe names none")
        .says("name each with --region");
    assert!(work.place.bed.calls().is_empty());
}

#[test]
fn a_build_that_has_not_passed_its_boot_test_is_published_only_when_that_is_said() {
    let work = Work::new(&[HOME]);
    let tested = work.repository.path().join("my build/boot.json");
    let passed = std::fs::read_to_string(&tested).unwrap();
    std::fs::write(&tested, passed.replacen("true", "false", 1)).unwrap();
    work.publish(&[])
        .exits(12)
        .says("my build is not known to boot, so it is not published: it has failed its boot test")
        .says("floodway image boot 'my build'");
    std::fs::remove_file(tested).unwrap();
    work.publish(&[]).exits(12).says("there is no boot.json").says("--untested");
    assert!(work.place.bed.calls().is_empty());
    work.publish(&["--untested"])
        .exits(0)
        .says("warning: my build is published untested: there is no boot.json")
        .says("eu-west-1: candidate of small is build");
}

#[test]
fn without_an_image_all_are_listed_and_a_region_that_cannot_be_read_is_no_empty_one() {
    let work = Work::new(&[]);
    let list = |regions: &[&str]| work.run(&[&["image", "list"], regions].concat());
    list(&[])
        .exits(0)
        .says("no region is given: looking at us-east-1, us-west-2")
        .says("Floodway has published no image there.");
    work.place.bed.rule(&json!({"kind": "error", "action": "DescribeInstances", "region": AWAY,
        "code": "InvalidParameterValue", "message": "no", "status": 400}));
    list(&[]).exits(13).says("warning: us-east-1: ec2:DescribeInstances");
    list(&["--region", AWAY]).exits(1).says("warning: us-east-1: ec2:DescribeInstances");
}

#[test]
fn what_is_left_to_do_can_be_copied_into_a_shell() {
    let work = Work::new(&[HOME, AWAY]);
    work.place.bed.rule(&json!({"kind": "error", "action": "CopySnapshot",
        "code": "UnauthorizedOperation", "status": 403}));
    work.publish(&[])
        .exits(13)
        .says("in 1 of 2 regions")
        .says("what is left to do: floodway image publish 'my build'");
    assert_eq!(work.known(HOME), json!([HOME]), "it is nowhere else");
}
