//! What is asked for is not what the AMIs that are there have: that is said, and not
//! passed over.

use super::place::{AWAY, Built, HOME, Place};
use node_image::publish::{Error, Kind, Options};
use serde_json::{Value, json};

const DISK: [u8; 3] = [1, 0, 3];

/// It is refused as a conflict, and nothing is written.
#[track_caller]
fn conflict(place: &Place, built: &Built, options: &Options) -> Error {
    place.bed.forget_calls();
    let error = place.publish(built, options).unwrap_err();
    assert_eq!((error.kind, error.region.as_deref()), (Kind::Conflict, Some(HOME)), "{error}");
    let mut calls = place.bed.calls();
    let reads = |call: &Value| {
        let action = call["action"].as_str().unwrap();
        ["Describe", "Get", "List"].iter().any(|reads| action.starts_with(reads))
    };
    calls.retain(|call| !reads(call));
    assert!(calls.is_empty(), "{calls:?}");
    error
}

fn keyed(place: &Place, name: &str) -> Options {
    let mut options = place.options(&[HOME]);
    let arn = format!("arn:aws:kms:{HOME}:123456789012:key/{name}");
    options.keys.insert(HOME.to_owned(), arn);
    options
}

fn with_keys(place: &Place, uefi_data: &str) -> Options {
    Options { uefi_data: Some(uefi_data.into()), ..place.options(&[HOME]) }
}

#[test]
fn a_key_under_which_the_amis_do_not_stand_is_a_conflict() {
    let place = Place::new();
    let built = place.build(&DISK);
    let published = place.publish(&built, &place.options(&[HOME])).unwrap();
    let there = &published.regions[HOME];
    let error = conflict(&place, &built, &keyed(&place, "0a"));
    assert!(error.message.contains(&there.snapshot), "{error}");
    assert!(error.message.contains("encrypted otherwise: not at all"), "{error}");
    let help = error.help.unwrap_or_default();
    assert!(there.images.values().all(|id| help.contains(id.as_str())), "{help}");
}

#[test]
fn another_key_than_that_of_the_amis_is_a_conflict_and_the_same_is_none() {
    let place = Place::new();
    let built = place.build(&DISK);
    let published = place.publish(&built, &keyed(&place, "0a")).unwrap();
    assert_eq!(place.publish(&built, &keyed(&place, "0a")).unwrap(), published);
    let error = conflict(&place, &built, &keyed(&place, "0b"));
    assert!(error.message.contains("key/0a"), "{error}");
    // Without a key nothing is asked for that it has not.
    assert_eq!(place.publish(&built, &place.options(&[HOME])).unwrap(), published);
}

#[test]
fn where_an_account_encrypts_by_default_it_is_published_again() {
    let place = Place::new();
    let built = place.build(&DISK);
    place.bed.seed(&json!({"region": AWAY, "ebs": {"encryption_by_default": true}}));
    let options = place.options(&[HOME, AWAY]);
    let published = place.publish(&built, &options).unwrap();
    assert!(published.failed.is_empty(), "{:?}", published.failed);
    assert_eq!(place.region(AWAY)["snapshots"][0]["Encrypted"], true);
    assert_eq!(place.publish(&built, &options).unwrap(), published);
}

#[test]
fn keys_for_secure_boot_that_an_ami_has_not_are_a_conflict() {
    let place = Place::new();
    let built = place.build(&DISK);
    place.publish(&built, &place.options(&[HOME])).unwrap();
    // It is not shared before either.
    let share = vec!["111122223333".to_owned()];
    let options = Options { share, ..with_keys(&place, "QU1aTlVFRkk=") };
    let error = conflict(&place, &built, &options);
    assert!(error.message.contains("without keys for secure boot"), "{error}");
    assert!(error.help.is_some_and(|help| help.contains("deregister ami-")));
}

#[test]
fn other_keys_for_secure_boot_are_a_conflict_and_the_same_are_none() {
    let place = Place::new();
    let built = place.build(&DISK);
    let published = place.publish(&built, &with_keys(&place, "QU1aTlVFRkk=")).unwrap();
    assert_eq!(place.publish(&built, &with_keys(&place, "QU1aTlVFRkk=\n")).unwrap(), published);
    let error = conflict(&place, &built, &with_keys(&place, "QU1aTlVFRkn/"));
    assert!(error.message.contains("other keys for secure boot"), "{error}");
}

#[test]
fn where_it_cannot_be_seen_which_keys_an_ami_has_it_is_said() {
    let place = Place::new();
    let built = place.build(&DISK);
    let options = with_keys(&place, "QU1aTlVFRkk=");
    place.publish(&built, &options).unwrap();
    place.bed.rule(&json!({"kind": "error", "action": "DescribeImageAttribute",
        "code": "UnauthorizedOperation", "status": 403}));
    let error = place.publish(&built, &options).unwrap_err();
    assert_eq!(error.kind, Kind::Denied, "{error}");
    assert!(error.message.contains("has the given keys for secure boot is not known"), "{error}");
    assert!(error.help.is_some_and(|help| help.contains("ec2:DescribeImageAttribute")));
}
