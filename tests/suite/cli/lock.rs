//! `floodway lock`: who holds it, and taking it away.

use super::ends::waiting;
use super::running::leading;
use super::{applied, environment, pool, small};
use crate::support::repository::Repository;
use serde_json::Value;

fn shown(repository: &Repository) -> Value {
    let said = repository.run(&["lock", "show", "small", "--json"]).exits(0);
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn a_lock_that_nobody_holds_is_said_and_not_broken() {
    let repository = applied(&pool("a", "1"));
    repository.run(&["lock", "show", "small"]).exits(0).says("Nobody holds the lock of small");
    repository.run(&["lock", "break", "small", "--yes"]).exits(0).says("Nobody holds the lock");
    assert_eq!(shown(&repository)["held"].as_array().unwrap().len(), 0);
    repository.run(&["lock", "break", "small"]).exits(64).says("--yes");
}

#[test]
fn an_apply_whose_lock_is_broken_stops_before_its_next_write_and_says_why() {
    let (repository, apply) = waiting();
    let held = shown(&repository);
    let holder = held["held"][0]["holder"].as_str().unwrap().to_owned();
    assert!(holder.contains("process"), "{held}");
    assert_eq!(held["held"][0]["expired"], false);
    repository.run(&["lock", "show", "small"]).exits(0).says(&format!("{holder} applies"));
    let broken = repository.run(&["lock", "break", "small", "--yes"]).exits(0);
    broken.says(&format!("Broken: it was {holder}'s")).says("at its next heartbeat");
    // Free at once, also while the first one has not noticed yet.
    repository.run(&["lock", "show", "small"]).exits(0).says("Nobody holds");
    let said = apply.end().exits(13).says("Stopped early: the lock was lost: it was broken");
    assert!(said.out.contains("skipped"), "what was left was not begun: {}", said.out);
}

#[test]
fn an_environment_whose_places_keep_no_lock_says_so() {
    let repository = Repository::new(None);
    let cloud = environment("").replace("[onprem]\nprovider = \"sim\"\n", "")
        + "[aws]\nprovider = \"aws\"\nregion = \"us-east-1\"\n[aws.pools.g6e]\nsize = 1\n\
           stage = \"inference\"\njoin = \"standalone\"\nimage = { name = \"i\" }\nsubnets = { ids = [\"subnet-1\"] }\n\
           instance_types = [\"g6e.12xlarge\"]\ncapacity = { \"g6e.12xlarge\" = \"9 req/s\" }\n";
    repository.write("small", &cloud);
    repository.run(&["lock", "show", "small"]).exits(0).says("small has nothing to lock");
    repository.run(&["lock", "break", "small", "--yes"]).exits(0).says("nothing to lock");
    assert_eq!(shown(&repository)["lockable"], false);
}

#[test]
fn a_lock_is_shown_where_it_lies() {
    let repository = small(&pool("a", "1"));
    repository.run(&["plan", "small"]).exits(0);
    let lease = repository.path().join(".floodway/sim/small.lease");
    std::fs::write(&lease, "ada@build\n2026-03-02T10:00:00Z\n").unwrap();
    let held = std::fs::File::open(&lease).unwrap();
    fs4::FileExt::lock(&held).unwrap();
    let said = repository.run(&["lock", "show", "small"]).exits(0);
    said.says("ada@build applies").says("since 2026-03-02T10:00:00Z").says("sim/small.lease");
    drop(held);
    repository.run(&["lock", "show", "small"]).exits(0).says("Nobody holds");
}

#[test]
fn the_controller_that_leads_is_shown_apart_from_applies_and_its_lease_is_taken_away() {
    let repository = applied(&pool("a", "1"));
    let show = ["lock", "show", "small", "--lead"];
    repository.run(&show).exits(0).says("No controller leads small.");
    let (controller, leader) = leading(&repository);
    repository.run(&show).exits(0).says(&format!("{leader} leads small.")).says("small.run.lease");
    repository.run(&["lock", "show", "small"]).exits(0).says("Nobody holds the lock");
    let broken = repository.run(&["lock", "break", "small", "--lead", "--yes"]).exits(0);
    broken.says(&format!("Broken: it was {leader}'s. If that controller still runs"));
    repository.run(&show).exits(0).says("No controller leads small.");
    controller.signal("TERM");
    controller.end().exits(0);
}
