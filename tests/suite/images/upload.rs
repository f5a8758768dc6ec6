//! A disk becomes a snapshot: what is sent, what is not, and what happens when
//! something goes wrong in between.

use super::place::{Asked, Built, HOME, Place, until};
use node_image::publish::{Kind, Progress};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Blocks 2, 3 and 6 are zeros.
const DISK: [u8; 8] = [1, 2, 0, 0, 5, 6, 0, 8];
const FILLED: [u64; 5] = [0, 1, 4, 5, 7];

/// A disk of that many blocks, none of them zeros.
fn full(place: &Place, blocks: u8) -> Built {
    place.build(&(1..=blocks).collect::<Vec<_>>())
}

/// How long AWS's calls took is not looked at; how often notes are taken is.
const NOTED: Duration = Duration::from_millis(1500);

#[test]
fn only_blocks_that_are_not_zeros_are_sent_and_the_snapshot_is_the_disk() {
    let place = Place::new();
    let built = place.build(&DISK);
    let found = place.upload(&built, &Asked::default()).unwrap();
    assert_eq!(place.put(), FILLED);
    let start = &place.calls("StartSnapshot")[0]["parameters"];
    assert_eq!(start["VolumeSize"], 1);
    assert_eq!(start["ClientToken"].as_str().unwrap().len(), 64);
    let tags = start["Tags"].as_array().unwrap();
    let manifest = json!({"Key": "floodway.dev/manifest", "Value": built.identity.manifest});
    assert!(tags.contains(&manifest), "{tags:?}");
    assert!(tags.contains(&json!({"Key": "floodway.dev/image", "Value": "small"})), "{tags:?}");
    let end = &place.calls("CompleteSnapshot")[0]["parameters"];
    assert_eq!(end["ChangedBlocksCount"], 5);
    assert_eq!(end["ChecksumAggregationMethod"], "LINEAR");
    // Each was read back.
    assert_eq!(place.calls("GetSnapshotBlock").len(), 5);
    let snapshots = place.snapshots();
    assert_eq!((snapshots.len(), &snapshots[0]["Blocks"]), (1, &json!(5)));
    assert_eq!(snapshots[0]["SnapshotId"], found.id.as_str());
    place.all_in_form();
}

#[test]
fn a_disk_of_many_pages_is_compared_to_its_end() {
    let place = Place::with(&["--snapshot-seconds", "0.1", "--blocks-per-page", "3"]);
    place.upload(&full(&place, 11), &Asked::default()).unwrap();
    assert_eq!(place.calls("ListSnapshotBlocks").len(), 4);
    assert_eq!(place.calls("GetSnapshotBlock").len(), 11);
}

/// Begins an upload and holds back the put of one of its blocks until all others are
/// there and noted; then it is killed.
fn killed(place: &Place, built: &Built, blocks: usize) -> u64 {
    let rule = place.bed.rule(&json!({"kind": "withhold", "action": "PutSnapshotBlock",
        "nth": blocks / 2}));
    let begun = place.start_upload(built, &Asked::default());
    until("the other blocks", || place.put().len() == blocks - 1);
    std::thread::sleep(NOTED);
    let held = place.bed.withheld()[0]["parameters"]["BlockIndex"].as_u64().unwrap();
    place.kill(begun);
    until("the connection's end", || place.bed.withheld().is_empty());
    place.bed.drop_rule(rule[0]);
    place.bed.forget_calls();
    held
}

#[test]
fn after_a_kill_only_what_was_missing_is_sent() {
    let place = Place::new();
    let built = full(&place, 20);
    let held = killed(&place, &built, 20);
    let found = place.upload(&built, &Asked::default()).unwrap();
    assert_eq!(place.put(), [held]);
    assert!(place.calls("StartSnapshot").is_empty());
    assert_eq!(place.calls("CompleteSnapshot")[0]["parameters"]["ChangedBlocksCount"], 20);
    let snapshots = place.snapshots();
    assert_eq!(snapshots.len(), 1);
    assert_eq!(
        (snapshots[0]["SnapshotId"].as_str(), &snapshots[0]["State"]),
        (Some(found.id.as_str()), &json!("completed"))
    );
}

#[test]
fn another_machine_goes_on_with_the_same_snapshot() {
    let place = Place::new();
    let built = full(&place, 8);
    killed(&place, &built, 8);
    std::fs::remove_dir_all(place.notes()).unwrap();
    place.upload(&built, &Asked::default()).unwrap();
    assert_eq!(place.put(), (0..8).collect::<Vec<_>>());
    assert!(place.calls("StartSnapshot").is_empty());
    assert_eq!(place.snapshots().len(), 1);
}

#[test]
fn a_snapshot_that_was_never_gone_on_with_is_replaced() {
    let place = Place::new();
    let built = full(&place, 4);
    killed(&place, &built, 4);
    // Later than AWS waits for another block.
    place.bed.advance(48.0 * 3600.0);
    let dead = place.snapshots()[0]["SnapshotId"].clone();
    assert_eq!(place.snapshots()[0]["State"], "error");
    let found = place.upload(&built, &Asked::default()).unwrap();
    assert_ne!(dead, found.id.as_str());
    assert_eq!(place.put().len(), 4);
    assert_eq!(place.snapshots().len(), 1, "what failed is gone");
}

#[test]
fn a_seal_whose_answer_is_lost_is_found_to_be_made() {
    let place = Place::with(&["--snapshot-seconds", "2"]);
    place.bed.rule(&json!({"kind": "lose", "action": "CompleteSnapshot", "times": 1}));
    place.upload(&full(&place, 4), &Asked::default()).unwrap();
    assert_eq!(place.calls("CompleteSnapshot").len(), 2);
    let snapshots = place.snapshots();
    assert_eq!((snapshots.len(), &snapshots[0]["State"]), (1, &json!("completed")));
}

/// Publishes `DISK`, then what is made of it.
fn on_a_parent(place: &Place, keep_digests: bool) -> Vec<Value> {
    let parent = place.upload(&place.build(&DISK), &Asked::default()).unwrap();
    if !keep_digests {
        std::fs::remove_dir_all(place.notes()).unwrap();
    }
    place.bed.forget_calls();
    // 1 is changed, 3 comes to be, 4 becomes zeros; the last is gone with the disk's end.
    let changed = place.build(&[1, 20, 0, 40, 0, 6, 0]);
    let asked = Asked { parent: Some(parent.id.clone()), ..Asked::default() };
    let found = place.upload(&changed, &asked).unwrap();
    assert_eq!(place.put(), [1, 3, 4, 7]);
    let start = &place.calls("StartSnapshot")[0]["parameters"];
    assert_eq!(start["ParentSnapshotId"], parent.id.as_str());
    assert_eq!(place.calls("CompleteSnapshot")[0]["parameters"]["ChangedBlocksCount"], 4);
    let mut read = place.calls("GetSnapshotBlock");
    read.retain(|call| call["parameters"]["SnapshotId"] == parent.id.as_str());
    assert_ne!(found.id, parent.id);
    place.all_in_form();
    read
}

#[test]
fn on_a_parent_only_what_changed_is_sent_and_what_became_zeros() {
    let read = on_a_parent(&Place::new(), true);
    assert!(read.is_empty(), "its digests are known: {read:?}");
}

#[test]
fn a_parent_of_which_nothing_is_known_is_read_back() {
    let read = on_a_parent(&Place::new(), false);
    assert_eq!(read.len(), FILLED.len());
}

#[test]
fn without_a_parent_that_fits_all_is_sent() {
    let place = Place::new();
    let asked = Asked { parent: Some("snap-0123456789abcdef0".to_owned()), ..Asked::default() };
    place.upload(&place.build(&DISK), &asked).unwrap();
    assert_eq!(place.put(), FILLED);
    let heard = place.heard.lock().unwrap();
    let told = heard.iter().any(|said| {
        matches!(said, Progress::Without { reason, .. }
        if reason.contains("there is no such snapshot"))
    });
    assert!(told, "{heard:?}");
}

#[test]
fn a_denial_ends_it_at_once() {
    let place = Place::new();
    place.bed.rule(&json!({"kind": "error", "action": "PutSnapshotBlock",
        "code": "AccessDeniedException", "status": 403, "message": "no"}));
    let built = full(&place, 12);
    let began = Instant::now();
    let error = place.upload(&built, &Asked::default()).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(error.kind, Kind::Denied);
    assert!(error.message.contains("ebs:PutSnapshotBlock"), "{error}");
    assert_eq!(error.region.as_deref(), Some(HOME));
    assert!(place.calls("PutSnapshotBlock").len() <= 4, "no more than were on their way");
}

#[test]
fn a_new_snapshot_that_is_unknown_at_first_is_waited_for() {
    let place = Place::with(&["--snapshot-unseen-seconds", "2", "--snapshot-unread-seconds", "1"]);
    place.upload(&full(&place, 4), &Asked::default()).unwrap();
    let calls = place.calls("PutSnapshotBlock");
    let absent = calls.iter().filter(|call| call["error"] == "ResourceNotFoundException");
    assert!(absent.count() >= 4, "each block was refused at first");
    assert_eq!(place.put().len(), 4);
    assert_eq!(place.calls("StartSnapshot").len(), 1);
}

#[test]
fn throttling_slows_it_down_and_it_passes() {
    let place = Place::new();
    let rule = place.bed.rule(&json!({"kind": "throttle", "service": "ebs",
        "action": "PutSnapshotBlock", "rate": 20, "burst": 2}));
    place.upload(&full(&place, 30), &Asked { window: 16, ..Asked::default() }).unwrap();
    let struck = place.bed.rules();
    let struck = struck.iter().find(|one| one["id"] == rule[0]).unwrap();
    assert!(struck["done"].as_u64().unwrap() > 0, "nothing was throttled: {struck}");
    assert_eq!(place.put(), (0..30).collect::<Vec<_>>());
}

#[test]
fn a_server_that_fails_and_an_answer_that_is_lost_are_asked_again() {
    let place = Place::new();
    place.bed.rule(&json!([
        {"kind": "error", "action": "PutSnapshotBlock", "code": "InternalServerException",
            "status": 500, "nth": 2},
        {"kind": "lose", "action": "PutSnapshotBlock", "nth": 4},
        {"kind": "error", "action": "StartSnapshot", "code": "InternalServerException",
            "status": 500, "nth": 1},
        {"kind": "lose", "action": "StartSnapshot", "nth": 2},
    ]));
    place.upload(&full(&place, 6), &Asked::default()).unwrap();
    assert_eq!(place.snapshots().len(), 1, "the same token, the same snapshot");
    assert!(place.calls("PutSnapshotBlock").len() >= 8);
}

#[test]
fn no_more_blocks_are_in_memory_than_the_window_allows() {
    let place = Place::new();
    let rule = place.bed.rule(&json!({"kind": "withhold", "action": "PutSnapshotBlock"}));
    let begun = place.start_upload(&full(&place, 24), &Asked { window: 6, ..Asked::default() });
    until("a full window", || place.bed.withheld().len() >= 6);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(place.bed.withheld().len(), 6);
    assert_eq!(place.calls("PutSnapshotBlock").len(), 6);
    place.bed.drop_rule(rule[0]);
    place.bed.release();
    place.end(begun).unwrap();
    assert_eq!(place.put().len(), 24);
}

#[test]
fn a_snapshot_that_is_not_the_disk_is_deleted_and_told() {
    let place = Place::new();
    let built = place.build(&DISK);
    place.bed.seed(&json!({"region": HOME, "snapshots": [{"size": 1, "tags": {
        "floodway.dev/image": "small", "floodway.dev/manifest": built.identity.manifest}}]}));
    let error = place.upload(&built, &Asked::default()).unwrap_err();
    assert_eq!(error.kind, Kind::Corrupt);
    assert!(error.message.contains("5 of its blocks differ (0, 1, 4, 5, 7)"), "{error}");
    assert!(place.snapshots().is_empty());
    place.upload(&built, &Asked::default()).unwrap();
}
