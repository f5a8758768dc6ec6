//! A disk becomes AMIs: what is registered, copied and shared, and that it can be
//! done again at any time.

use super::place::{AWAY, Asked, Built, HOME, Place, until};
use aws_config::Region;
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use node_image::card::BootMode;
use node_image::publish::{Kind, Options};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const DISK: [u8; 4] = [1, 0, 3, 4];
const FRIEND: &str = "111122223333";
/// What writes, as the stand-in's rules match names.
const WRITES: [&str; 9] = [
    "Start*",
    "Put*",
    "Complete*",
    "Register*",
    "Copy*",
    "Modify*",
    "Create*",
    "Delete*",
    "Deregister*",
];
/// Places under test at once: most of their time is waiting.
const AT_ONCE: usize = 6;

fn writes(call: &Value) -> bool {
    let action = call["action"].as_str().unwrap();
    !["Describe", "Get", "List"].iter().any(|reads| action.starts_with(reads))
}

/// All that matters of a region, without the ids and times that AWS makes.
fn outcome(place: &Place, region: &str) -> Value {
    let there = place.region(region);
    let sorted = |list: &Value, keys: &[&str]| {
        let mut all: Vec<String> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|one| keys.iter().map(|key| format!("{key}={} ", one[*key])).collect())
            .collect();
        all.sort();
        all
    };
    let parameters: Vec<&String> = there["parameters"].as_object().unwrap().keys().collect();
    let snapshot = ["State", "Tags", "Blocks", "Checksum", "CreateVolumePermissions", "Encrypted"];
    let image = ["Name", "State", "Tags", "BootMode", "TpmSupport", "LaunchPermissions"];
    json!({
        "snapshots": sorted(&there["snapshots"], &snapshot),
        "images": sorted(&there["images"], &image),
        "parameters": parameters,
    })
}

#[test]
fn one_snapshot_becomes_an_ami_for_each_way_to_boot() {
    let place = Place::new();
    let built = place.build(&DISK);
    let published = place.publish(&built, &place.options(&[HOME])).unwrap();
    assert!(published.failed.is_empty());
    let there = &published.regions[HOME];
    assert_eq!(there.images.len(), 2);

    let asked = place.calls("RegisterImage");
    assert_eq!(asked.len(), 2);
    for (mode, tpm) in [("uefi", json!("v2.0")), ("legacy-bios", Value::Null)] {
        let of_mode = |call: &&Value| call["parameters"]["BootMode"] == mode;
        let asked = &asked.iter().find(of_mode).unwrap()["parameters"];
        let short = &built.identity.manifest[..12];
        assert_eq!(asked["Name"], format!("floodway-small-{short}-{mode}"));
        assert_eq!(asked["TpmSupport"], tpm);
        assert_eq!(asked["UefiData"], Value::Null);
        assert_eq!(asked["EnaSupport"], true);
        assert_eq!(asked["ImdsSupport"], "v2.0");
        assert_eq!(asked["Architecture"], "x86_64");
        assert_eq!(asked["VirtualizationType"], "hvm");
        assert_eq!(asked["RootDeviceName"], "/dev/xvda");
        let volume = json!({"SnapshotId": there.snapshot, "VolumeSize": 1, "VolumeType": "gp3",
            "DeleteOnTermination": true});
        assert_eq!(
            asked["BlockDeviceMappings"],
            json!([{"DeviceName": "/dev/xvda", "Ebs": volume}])
        );
        let tags = asked["TagSpecifications"][0]["Tags"].as_array().unwrap();
        for (key, value) in [
            ("image", "small"),
            ("manifest", built.identity.manifest.as_str()),
            ("boot-mode", mode),
        ] {
            let tag = json!({"Key": format!("floodway.dev/{key}"), "Value": value});
            assert!(tags.contains(&tag), "{tag}: {tags:?}");
        }
    }
    let parameters = place.region(HOME)["parameters"].as_object().unwrap().clone();
    let summary = format!("/floodway/images/small/manifests/{}", &built.identity.manifest[..32]);
    assert!(parameters.contains_key(&summary), "{parameters:?}");
    place.all_in_form();
}

#[test]
fn keys_for_secure_boot_and_a_larger_root_are_registered() {
    let place = Place::new();
    let built = place.build(&DISK);
    let mut options = place.options(&[HOME]);
    (options.uefi_data, options.gib) = (Some(b"QU1aTlVFRkk=\n".to_vec()), 20);
    place.publish(&built, &options).unwrap();
    for call in place.calls("RegisterImage") {
        let asked = &call["parameters"];
        let by_uefi = asked["BootMode"] == "uefi";
        let data = if by_uefi { json!("QU1aTlVFRkk=") } else { Value::Null };
        assert_eq!(asked["UefiData"], data);
        assert_eq!(asked["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"], 20);
    }
}

#[test]
fn published_again_it_does_nothing() {
    let place = Place::new();
    let built = place.build(&DISK);
    let mut options = place.options(&[HOME, AWAY]);
    options.share = vec![FRIEND.to_owned()];
    let first = place.publish(&built, &options).unwrap();
    place.bed.forget_calls();
    std::fs::remove_dir_all(place.notes()).unwrap();
    let second = place.publish(&built, &options).unwrap();
    assert_eq!(first, second);
    let mut calls = place.bed.calls();
    calls.retain(writes);
    assert!(calls.is_empty(), "{calls:?}");
}

#[test]
fn another_region_gets_one_copy_and_the_same_amis() {
    let place = Place::new();
    let built = place.build(&DISK);
    let published = place.publish(&built, &place.options(&[HOME, AWAY])).unwrap();
    let copies = place.calls("CopySnapshot");
    assert_eq!(copies.len(), 1);
    assert_eq!(copies[0]["region"], AWAY);
    let asked = &copies[0]["parameters"];
    assert_eq!(asked["SourceRegion"], HOME);
    assert_eq!(asked["SourceSnapshotId"], published.regions[HOME].snapshot.as_str());
    let mut outcomes = [outcome(&place, HOME), outcome(&place, AWAY)];
    assert_eq!(outcomes[1]["snapshots"].as_array().unwrap().len(), 1);
    // Here it was made of nothing, there of a snapshot; else they are the same.
    outcomes.iter_mut().for_each(|one| _ = one["snapshots"].take());
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(place.put().len(), 3, "sent once");
    // Each was read back where it is.
    let read = |region: &str| {
        let read = place.calls("GetSnapshotBlock");
        read.iter().filter(|call| call["region"] == region).count()
    };
    assert_eq!((read(HOME), read(AWAY)), (3, 3));
    place.all_in_form();
}

#[test]
fn a_copy_that_is_not_the_disk_is_told_with_its_blocks_and_deleted_unless_it_is_in_use() {
    let place = Place::new();
    let (built, other) = (place.build(&DISK), place.build(&[1, 0, 3, 5]));
    // What AWS has made of it is another one's.
    let wrong = place.upload(&other, &Asked::default()).unwrap();
    copied(&place, &wrong.id, &built);
    let options = place.options(&[HOME, AWAY]);
    let in_use = place.bed.rule(&json!({"kind": "error", "action": "DeleteSnapshot",
        "region": AWAY, "code": "InvalidSnapshot.InUse"}));
    let published = place.publish(&built, &options).unwrap();
    let help = published.failed[AWAY].help.as_deref().unwrap_or_default();
    assert!(help.contains("it is in use and stays: deregister the AMIs on it"), "{help}");
    assert_eq!(place.region(AWAY)["snapshots"].as_array().map(Vec::len), Some(1));
    place.bed.drop_rule(in_use[0]);
    let published = place.publish(&built, &options).unwrap();
    let error = &published.failed[AWAY];
    assert_eq!(error.kind, Kind::Corrupt, "{error}");
    assert!(error.message.contains("is not the disk: 1 of its blocks differ (3)"), "{error}");
    assert!(error.help.as_deref().is_some_and(|help| help.contains("it has been deleted")));
    assert!(place.region(AWAY)["snapshots"].as_array().unwrap().is_empty());
    assert!(place.region(AWAY)["images"].as_array().is_none_or(Vec::is_empty));
    let published = place.publish(&built, &options).unwrap();
    assert!(published.failed.is_empty(), "{:?}", published.failed);
}

/// A snapshot of the first region is copied as that of a build, and finished.
fn copied(place: &Place, id: &str, built: &Built) {
    let tag = |key: &str, value: &str| {
        Tag::builder().key(format!("floodway.dev/{key}")).value(value).build()
    };
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::Snapshot)
        .tags(tag("image", "small"))
        .tags(tag("manifest", &built.identity.manifest))
        .tags(tag("copied-from", HOME));
    let there = place.config().to_builder().region(Region::new(AWAY)).build();
    let copy = aws_sdk_ec2::Client::new(&there).copy_snapshot().source_region(HOME);
    let copy = copy.source_snapshot_id(id).tag_specifications(tags.build()).send();
    tokio::runtime::Runtime::new().unwrap().block_on(copy).unwrap();
    until("the copy", || place.region(AWAY)["snapshots"][0]["State"] == "completed");
}

#[test]
fn a_region_that_fails_is_told_and_made_up_for() {
    let place = Place::new();
    let built = place.build(&DISK);
    let options = place.options(&[HOME, AWAY]);
    let rule = place.bed.rule(&json!({"kind": "error", "action": "CopySnapshot",
        "code": "UnauthorizedOperation", "status": 403}));
    let published = place.publish(&built, &options).unwrap();
    assert!(published.regions.contains_key(HOME));
    assert_eq!(published.failed[AWAY].kind, Kind::Denied);
    assert_eq!(place.calls("CopySnapshot").len(), 1, "a denial is final");
    place.bed.drop_rule(rule[0]);
    place.bed.forget_calls();
    let published = place.publish(&built, &options).unwrap();
    assert!(published.failed.is_empty() && published.regions.len() == 2);
    assert!(place.calls("StartSnapshot").is_empty());
}

#[test]
fn a_copy_whose_answer_is_lost_is_not_made_twice() {
    let place = Place::new();
    place.bed.rule(&json!({"kind": "lose", "action": "CopySnapshot", "times": 1}));
    let built = place.build(&DISK);
    let published = place.publish(&built, &place.options(&[HOME, AWAY])).unwrap();
    assert!(published.failed.is_empty(), "{:?}", published.failed);
    assert_eq!(place.calls("CopySnapshot").len(), 1);
    assert_eq!(place.region(AWAY)["snapshots"].as_array().unwrap().len(), 1);
}

/// Nothing has been written, and the person is told what to do.
#[track_caller]
fn cannot_be_shared(place: &Place, options: &Options) {
    let error = place.publish(&place.build(&DISK), options).unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "{error}");
    assert!(error.message.contains("alias/aws/ebs"), "{error}");
    assert!(error.help.as_deref().is_some_and(|help| help.contains("customer managed key")));
    let mut calls = place.bed.calls();
    calls.retain(writes);
    assert!(calls.is_empty(), "{calls:?}");
}

#[test]
fn under_the_default_key_nothing_is_shared_or_written() {
    let place = Place::new();
    let mut options = place.options(&[HOME, AWAY]);
    options.share = vec![FRIEND.to_owned()];
    // Asked for.
    options.encrypt = true;
    cannot_be_shared(&place, &options);
    // Or because the account has it so, in one of the regions.
    options.encrypt = false;
    place.bed.seed(&json!({"region": AWAY, "ebs": {"encryption_by_default": true}}));
    cannot_be_shared(&place, &options);
    assert!(place.region(HOME)["snapshots"].as_array().is_none_or(Vec::is_empty));
}

#[test]
fn under_a_key_of_ones_own_it_is_shared() {
    let place = Place::new();
    let built = place.build(&DISK);
    let mut options = place.options(&[HOME, AWAY]);
    options.share = vec![FRIEND.to_owned()];
    for region in [HOME, AWAY] {
        let key = format!("arn:aws:kms:{region}:123456789012:key/{region}");
        options.keys.insert(region.to_owned(), key);
    }
    let published = place.publish(&built, &options).unwrap();
    assert!(published.failed.is_empty(), "{:?}", published.failed);
    for region in [HOME, AWAY] {
        let there = place.region(region);
        let snapshot = &there["snapshots"][0];
        assert_eq!(snapshot["KmsKeyId"], options.keys[region].as_str());
        assert_eq!(snapshot["CreateVolumePermissions"], json!([{"UserId": FRIEND}]));
        for image in there["images"].as_array().unwrap() {
            assert_eq!(image["LaunchPermissions"], json!([{"UserId": FRIEND}]));
        }
    }
    // What is encrypted is sent to each region rather than copied.
    assert!(place.calls("CopySnapshot").is_empty());
    assert_eq!(place.put().len(), 6);
}

#[test]
fn under_the_default_key_by_its_own_arn_no_ami_is_registered_that_cannot_be_shared() {
    let place = Place::new();
    let seeded = json!({"region": HOME, "snapshots": [{"size": 1, "encrypted": true}]});
    place.bed.seed(&seeded);
    let key = place.snapshots()[0]["KmsKeyId"].as_str().unwrap().to_owned();
    let mut options = place.options(&[HOME]);
    options.share = vec![FRIEND.to_owned()];
    options.keys.insert(HOME.to_owned(), key);
    let error = place.publish(&place.build(&DISK), &options).unwrap_err();
    assert_eq!(error.kind, Kind::Refused, "{error}");
    assert!(error.help.as_deref().is_some_and(|help| help.contains("key of your own")));
    assert!(place.calls("RegisterImage").is_empty());
}

#[test]
fn an_ami_out_of_use_is_wanted_again() {
    let place = Place::new();
    let built = place.build(&DISK);
    let options = place.options(&[HOME]);
    let published = place.publish(&built, &options).unwrap();
    let id = &published.regions[HOME].images[&BootMode::Uefi];
    // As someone in this region does it.
    let before = json!({"ImageId": id});
    disable(&place, &before);
    let again = place.publish(&built, &options).unwrap();
    assert_eq!(again, published);
    assert_eq!(place.calls("EnableImage").len(), 1);
    assert_eq!(place.calls("RegisterImage").len(), 2, "from the first time");
}

fn disable(place: &Place, image: &Value) {
    let clients = aws_sdk_ec2::Client::new(&place.config());
    let id = image["ImageId"].as_str().unwrap();
    let done = clients.disable_image().image_id(id).send();
    tokio::runtime::Runtime::new().unwrap().block_on(done).unwrap();
}

#[test]
fn a_name_that_another_image_has_is_a_conflict() {
    let place = Place::new();
    let built = place.build(&DISK);
    place.bed.seed(&json!({"region": HOME, "images": [{
        "name": built.identity.ami(BootMode::Uefi),
        "tags": {"floodway.dev/image": "small", "floodway.dev/manifest": "00"}}]}));
    let error = place.publish(&built, &place.options(&[HOME])).unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.help.is_some_and(|help| help.contains("deregister it")));
}

#[test]
fn a_disk_of_another_build_is_refused_before_aws_is_asked() {
    let place = Place::new();
    let (one, other) = (place.build(&DISK), place.build(&[9; 4]));
    let mixed = Built { disk: other.disk, ..one };
    let error = place.publish(&mixed, &place.options(&[HOME])).unwrap_err();
    assert!(error.message.contains("is not the manifest's disk"), "{error}");
    assert!(place.bed.calls().is_empty());
}

/// A publication that is killed at its write number `nth`, before or after AWS has
/// done it, and then done again.
fn killed(nth: usize, phase: &str, expected: &[Value; 2]) -> Result<(), String> {
    let place = Place::new();
    let built = place.build(&DISK);
    let options = shared_everywhere(&place);
    let rule = place.bed.rule(&json!({"kind": "withhold", "action": WRITES, "nth": nth,
        "phase": phase}));
    let begun = place.start(&built, &options);
    until("the write", || !place.bed.withheld().is_empty());
    place.kill(begun);
    until("the connection's end", || place.bed.withheld().is_empty());
    place.bed.drop_rule(rule[0]);
    let again = place.publish(&built, &options).map_err(|error| error.to_string())?;
    if !again.failed.is_empty() {
        return Err(format!("{:?}", again.failed));
    }
    let ends = [outcome(&place, HOME), outcome(&place, AWAY)];
    if ends != *expected {
        return Err(format!("it ends elsewhere: {ends:#?}, not {expected:#?}"));
    }
    let violations = place.bed.violations();
    if violations.is_empty() { Ok(()) } else { Err(format!("{violations:?}")) }
}

fn shared_everywhere(place: &Place) -> Options {
    let mut options = place.options(&[HOME, AWAY]);
    options.share = vec![FRIEND.to_owned()];
    options
}

#[test]
fn killed_at_any_write_and_done_again_it_ends_as_if_it_had_not_been() {
    let place = Place::new();
    let built = place.build(&DISK);
    place.publish(&built, &shared_everywhere(&place)).unwrap();
    let expected = [outcome(&place, HOME), outcome(&place, AWAY)];
    let count = place.bed.calls().iter().filter(|call| writes(call)).count();
    assert!(count >= 18, "it writes {count} times");

    let cases: Vec<(usize, &str)> =
        (1..=count).flat_map(|nth| ["before", "after"].map(|phase| (nth, phase))).collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((nth, phase)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(why) = killed(*nth, phase, &expected) {
                        failed.lock().unwrap().push(format!("{phase} write {nth}: {why}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {}: {}", failed.len(), cases.len(), failed.join("\n\n"));
}
