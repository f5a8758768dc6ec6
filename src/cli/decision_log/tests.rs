use super::*;
use crate::decide::scaling::Scaling;

fn decision(second: i64) -> DecisionRecord {
    let scaling =
        Scaling { at: crate::clock::Timestamp::from_second(second).unwrap(), ..Scaling::default() };
    DecisionRecord::of(&"day".parse().unwrap(), &scaling)
}

fn seconds(records: &[DecisionRecord]) -> Vec<i64> {
    records.iter().map(|record| record.scaling.at.as_second()).collect()
}

fn append(root: &Path, text: &[u8]) {
    let [path, _] = paths(root, "day");
    OpenOptions::new().append(true).open(path).unwrap().write_all(text).unwrap();
}

#[test]
fn what_follows_is_read_once_and_whole_whatever_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut follow = Follow::new(root, "day");
    assert!(follow.more().unwrap().is_empty(), "there is no file yet");
    let mut log = DecisionLog::new(root, "day");
    log.add(&decision(1)).unwrap();
    log.add(&decision(2)).unwrap();
    assert_eq!(seconds(&follow.more().unwrap()), [1, 2]);
    assert!(follow.more().unwrap().is_empty());
    let line = decision(3).to_line().unwrap() + "\n";
    let (one, other) = line.as_bytes().split_at(line.len() / 2);
    append(root, one);
    assert!(follow.more().unwrap().is_empty(), "half a line is none");
    append(root, other);
    append(root, b"no record\n");
    assert_eq!(seconds(&follow.more().unwrap()), [3]);
}

#[test]
fn who_follows_goes_on_in_the_next_file_when_one_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut log = DecisionLog::new(root, "day");
    log.most = 1000;
    let mut follow = Follow::new(root, "day");
    let mut read = Vec::new();
    for second in 0..30 {
        log.add(&decision(second)).unwrap();
        read.extend(seconds(&follow.more().unwrap()));
    }
    assert_eq!(read, (0..30).collect::<Vec<_>>());
    // Two files are kept, and the last decision is found whichever has it.
    let kept = seconds(&super::read(root, "day").unwrap());
    assert!(kept.len() < 30 && kept.last() == Some(&29), "{kept:?}");
    assert_eq!(last(root, "day").unwrap().unwrap().scaling.at.as_second(), 29);
    let [newer, _] = paths(root, "day");
    fs::write(newer, "").unwrap();
    assert!(last(root, "day").unwrap().is_some());
}

#[test]
fn a_damaged_end_hides_no_decision_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert_eq!(last(root, "day").unwrap(), None);
    DecisionLog::new(root, "day").add(&decision(7)).unwrap();
    append(root, b"{\"version\":1,\"envi");
    assert_eq!(last(root, "day").unwrap().unwrap().scaling.at.as_second(), 7);
    // A new controller begins a new line.
    DecisionLog::new(root, "day").add(&decision(8)).unwrap();
    assert_eq!(seconds(&super::read(root, "day").unwrap()), [7, 8]);
}

#[test]
fn a_folder_that_cannot_be_made_is_told_of_and_tried_again_with_each_record() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join(".floodway"), "in the way").unwrap();
    let mut log = DecisionLog::new(root, "day");
    let error = log.add(&decision(1)).unwrap_err();
    assert!(error.to_string().contains("stands in the way"), "{error}");
    fs::remove_file(root.join(".floodway")).unwrap();
    assert_eq!(log.add(&decision(2)).unwrap(), None);
    assert_eq!(seconds(&super::read(root, "day").unwrap()), [2]);
}

#[test]
fn a_full_file_that_cannot_be_renamed_is_begun_anew_and_no_later_record_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut log = DecisionLog::new(root, "day");
    log.most = 1000;
    let [path, older] = paths(root, "day");
    // No file can take the place of a folder.
    fs::create_dir_all(older.join("in the way")).unwrap();
    let mut follow = Follow::new(root, "day");
    let (mut read, mut lost) = (Vec::new(), Vec::new());
    for second in 0..30 {
        lost.extend(log.add(&decision(second)).unwrap());
        read.extend(seconds(&follow.more().unwrap()));
        assert!(fs::metadata(&path).unwrap().len() <= 1000);
    }
    assert_eq!(read, (0..30).collect::<Vec<_>>());
    assert!(lost[0].contains("has begun anew"), "{lost:?}");
}
