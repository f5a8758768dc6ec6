//! What somebody left who was killed and never came back, met by somebody else.

use super::place::{AWAY, Asked, Begun, HOME, Place, until};
use node_image::publish::Progress;
use serde_json::{Value, json};

const DISK: [u8; 4] = [1, 0, 3, 4];
/// Seconds for which snapshots are pending where a test is to meet that: longer than
/// anything is waited for here, however slow the machine.
const PENDING: f64 = 600.0;

/// Ends what was begun at the call that the rule holds back.
fn killed_at<T: Send + 'static>(place: &Place, rule: &Value, begin: impl FnOnce() -> Begun<T>) {
    let rule = place.bed.rule(rule);
    let begun = begin();
    until("the call", || !place.bed.withheld().is_empty());
    place.kill(begun);
    until("the connection's end", || place.bed.withheld().is_empty());
    place.bed.drop_rule(rule[0]);
    place.bed.forget_calls();
}

/// Snapshots that are sealed or copied from now on stay pending.
fn keep_pending(place: &Place) {
    place.bed.settings(&json!({ "snapshot_seconds": PENDING }));
}

/// Finishes a pending snapshot once somebody has met it so, and waits for it.
#[track_caller]
fn finish_when_waited_for(place: &Place, snapshot: &str) {
    let waits =
        |said: &Progress| matches!(said, Progress::Waiting { thing, .. } if thing == snapshot);
    until("the wait for it", || place.heard.lock().unwrap().iter().any(waits));
    place.bed.settings(&json!({ "snapshot_seconds": 0.1 }));
    place.bed.advance(PENDING);
}

/// The id of the one snapshot of these, which is pending.
#[track_caller]
fn pending(snapshots: &[Value]) -> String {
    let [one] = snapshots else { panic!("one is expected: {snapshots:?}") };
    assert_eq!(one["State"], "pending");
    one["SnapshotId"].as_str().unwrap().to_owned()
}

fn away(place: &Place) -> Vec<Value> {
    place.region(AWAY)["snapshots"].as_array().unwrap().clone()
}

#[test]
fn an_upload_that_nobody_goes_on_with_holds_no_copy_up() {
    let place = Place::new();
    let built = place.build(&DISK);
    let rule = json!({"kind": "withhold", "action": "PutSnapshotBlock", "nth": 2});
    killed_at(&place, &rule, || place.start(&built, &place.options(&[AWAY])));
    assert_eq!(away(&place)[0]["State"], "pending");
    let published = place.publish(&built, &place.options(&[HOME, AWAY])).unwrap();
    assert!(published.failed.is_empty(), "{:?}", published.failed);
    assert_eq!(place.calls("CopySnapshot").len(), 1);
    let there = away(&place);
    let used = there.iter().find(|one| one["SnapshotId"] == published.regions[AWAY].snapshot);
    let tags = used.unwrap()["Tags"].as_array().unwrap();
    let copied = json!({"Key": "floodway.dev/copied-from", "Value": HOME});
    assert!(tags.contains(&copied), "{tags:?}");
    place.all_in_form();
}

#[test]
fn no_blocks_are_put_into_a_copy_that_is_on_its_way() {
    let place = Place::new();
    let built = place.build(&DISK);
    // What is copied has to be finished itself.
    place.publish(&built, &place.options(&[HOME])).unwrap();
    keep_pending(&place);
    let rule = json!({"kind": "withhold", "action": "CopySnapshot", "phase": "after"});
    killed_at(&place, &rule, || place.start(&built, &place.options(&[HOME, AWAY])));
    let copy = pending(&away(&place));
    let begun = place.start(&built, &place.options(&[AWAY]));
    finish_when_waited_for(&place, &copy);
    let published = place.end(begun).unwrap();
    assert!(place.calls("StartSnapshot").is_empty() && place.put().is_empty());
    assert!(!place.calls("GetSnapshotBlock").is_empty(), "it is compared with the disk");
    let there = away(&place);
    assert_eq!(there.len(), 1);
    assert_eq!(there[0]["SnapshotId"], published.regions[AWAY].snapshot);
}

#[test]
fn an_upload_that_is_finished_takes_a_copys_place_when_it_has_been_compared() {
    let place = Place::new();
    let built = place.build(&DISK);
    let rule = json!({"kind": "withhold", "action": "CompleteSnapshot", "phase": "after"});
    killed_at(&place, &rule, || place.start(&built, &place.options(&[AWAY])));
    until("the upload", || away(&place)[0]["State"] == "completed");
    let published = place.publish(&built, &place.options(&[HOME, AWAY])).unwrap();
    assert!(published.failed.is_empty(), "{:?}", published.failed);
    assert!(place.calls("CopySnapshot").is_empty());
    let read = place.calls("GetSnapshotBlock");
    assert!(read.iter().any(|call| call["region"] == AWAY), "it is compared with the disk");
    assert_eq!(away(&place)[0]["SnapshotId"], published.regions[AWAY].snapshot);
}

#[test]
fn a_seal_that_another_machine_made_is_waited_for() {
    let place = Place::new();
    let built = place.build(&DISK);
    keep_pending(&place);
    let rule = json!({"kind": "withhold", "action": "CompleteSnapshot", "phase": "after"});
    killed_at(&place, &rule, || place.start_upload(&built, &Asked::default()));
    std::fs::remove_dir_all(place.notes()).unwrap();
    let sealed = pending(&place.snapshots());
    let begun = place.start_upload(&built, &Asked::default());
    finish_when_waited_for(&place, &sealed);
    let found = place.end(begun).unwrap();
    assert!(place.calls("StartSnapshot").is_empty());
    let there = place.snapshots();
    assert_eq!((there.len(), &there[0]["State"]), (1, &json!("completed")));
    assert_eq!(there[0]["SnapshotId"], found.id);
}
