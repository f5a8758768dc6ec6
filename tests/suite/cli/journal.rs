//! `floodway journal`: what an apply did, told from its journal.

use super::ends::waiting;
use super::{applied, environment, pool, scenario, small};
use crate::support::repository::Repository;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

fn file(repository: &Repository) -> PathBuf {
    repository.path().join(".floodway/journal/small.ndjson")
}

#[test]
fn without_a_journal_nothing_is_lost() {
    let repository = small(&pool("a", "1"));
    let said = repository.run(&["journal", "small"]).exits(0);
    said.says("No journal of small is here, and nothing is lost by that");
    assert!(!repository.path().join(".floodway").exists(), "reading makes nothing");
    repository.run(&["journal", "smal"]).exits(64).says("did you mean `small`?");
}

#[test]
fn a_finished_apply_is_told_change_by_change_with_who_made_it() {
    let repository = applied(&pool("a", "1"));
    let said = repository.run(&["journal", "small"]).exits(0);
    let said = said.says("+ Deployment ns/llm-inference-a").says("by somebody@").says("ended at");
    let said = said.says("The apply ended: ");
    assert!(!said.out.contains("Cut off") && !said.out.contains("The one before"), "{}", said.out);
    let json: Value =
        serde_json::from_str(&repository.run(&["journal", "small", "--json"]).exits(0).out)
            .unwrap();
    assert_eq!(json["state"], "ended");
    assert_eq!(json["plan_digest"].as_str().unwrap().len(), 64);
    let changes = json["changes"].as_array().unwrap();
    assert!(changes.len() > 5 && changes.iter().all(|change| change["state"] == "done"));
    // The parent of the set is written first and last.
    assert!(changes.iter().all(|change| !change["writes"].as_array().unwrap().is_empty()));
}

#[test]
fn what_a_killed_apply_was_at_is_told_and_the_one_before_is_kept() {
    let (repository, apply) = waiting();
    assert!(apply.kill());
    let said = repository.run(&["journal", "small"]).exits(0);
    said.says(
        "Cut off while: apply Deployment ns/llm-inference-a: it may or may not have happened",
    )
    .says("the next plan is right from the live world alone")
    .says("floodway lock show small")
    .says("1 in flight");
    // The next apply ends, for the image can be pulled again.
    fs::remove_file(repository.path().join(".floodway/sim/small.json")).unwrap();
    repository.write("small", &environment(&pool("a", "1")));
    repository.run(&["apply", "small", "--yes"]).exits(0).says("was cut off at: apply Deployment");
    let last = repository.run(&["journal", "small"]).exits(0);
    last.says("The apply ended").says("floodway journal small --before");
    let before = repository.run(&["journal", "small", "--before"]).exits(0);
    before.says("Cut off while: apply Deployment ns/llm-inference-a");
}

#[test]
fn failed_and_skipped_changes_are_told_with_their_reasons() {
    let repository = small(&(pool("a", "1") + &pool("b", "1")));
    let faults = "[[faults]]\nkind = \"rejected\"\nname = \"llm-inference-b\"\ncalls = 1\n";
    let file = scenario(&repository, faults);
    repository.run(&["apply", "small", "--yes", "--scenario", &file]).exits(13);
    let said = repository.run(&["journal", "small"]).exits(0);
    said.says("failed + PodDisruptionBudget ns/llm-inference-b")
        .says("refused by the scenario")
        .says("skipped ~ ConfigMap ns/floodway-small")
        .says("was not finished");
}

#[test]
fn damaged_and_half_written_lines_are_told_and_are_no_error() {
    let repository = applied(&pool("a", "1"));
    let text = fs::read(file(&repository)).unwrap();
    let mut damaged = text.clone();
    let second = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    damaged[second] = 0xff;
    damaged.truncate(text.len() - 20);
    fs::write(file(&repository), &damaged).unwrap();
    let said = repository.run(&["journal", "small"]).exits(0);
    said.says("Line 2 of .floodway/journal/small.ndjson is damaged and left out")
        .says("The last line was not written whole")
        .says("The apply did not end");
    fs::write(file(&repository), [0xff, 0, b'\n']).unwrap();
    repository.run(&["journal", "small"]).exits(0).says("Line 1 of");
    repository.run(&["plan", "small", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_journal_that_cannot_be_read_is_one_clear_error() {
    let repository = small(&pool("a", "1"));
    fs::create_dir_all(file(&repository)).unwrap();
    let said = repository.run(&["journal", "small"]).exits(1);
    let said = said.says("small.ndjson cannot be read").says("no plan needs it");
    assert_eq!(said.err.matches("error:").count(), 1, "{}", said.err);
}

#[test]
fn a_journal_that_cannot_be_written_stops_an_apply_before_its_first_write() {
    let repository = small(&pool("a", "1"));
    fs::create_dir(repository.path().join(".floodway")).unwrap();
    fs::write(repository.path().join(".floodway/journal"), "in the way").unwrap();
    let said = repository.run(&["apply", "small", "--yes"]).exits(1);
    let said = said.says("Stopped early: the journal cannot be written:").says("small.ndjson");
    let times = said.out.matches("the journal cannot be written").count();
    assert_eq!(times, 1, "one cause, told once: {}", said.out);
    let world = fs::read_to_string(repository.path().join(".floodway/sim/small.json")).unwrap();
    assert!(!world.contains("llm-inference-a"), "nothing was made");
}
