//! Applies that do not come to their end, and those that meet another one.

use super::{applied, declare, environment, image, pool, scenario, settled, small};
use crate::support::repository::Repository;
use crate::support::running::Running;
use std::fs;
use std::path::Path;

/// An apply that waits: nothing has the image, and that may last.
pub(super) fn waiting() -> (Repository, Running) {
    let repository = Repository::new(None);
    let patient = environment(&pool("a", "1")).replace("gpus = 1", "gpus = 1\nstartup = \"24h\"");
    repository.write("small", &patient);
    let file = scenario(&repository, &format!("missing_images = [\"{}\"]\n", image('0')));
    let mut apply =
        Running::start(repository.command(&["apply", "small", "--yes", "--scenario", &file]));
    assert!(apply.says("cannot be pulled"));
    (repository, apply)
}

fn journal(repository: &Repository) -> String {
    fs::read_to_string(repository.path().join(".floodway/journal/small.ndjson")).unwrap()
}

#[test]
fn an_interrupted_apply_says_so_and_what_it_wrote() {
    for signal in ["INT", "TERM"] {
        let (repository, apply) = waiting();
        apply.signal(signal);
        apply
            .end()
            .exits(13)
            .says("Stopped early: interrupted")
            .says("it is written, and was not waited for until it is ready: interrupted");
        assert!(journal(&repository).contains("\"entry\":\"end\""));
    }
}

#[test]
fn the_second_of_two_applies_is_exit_code_11_and_leaves_the_first_ones_journal() {
    let (repository, first) = waiting();
    let before = journal(&repository);
    let second = repository.run(&["apply", "small", "--yes"]).exits(11).says("process");
    assert!(!second.err.contains("cut off"), "{}", second.err);
    assert!(journal(&repository).starts_with(&before));
    first.signal("INT");
    first.end().exits(13);
}

#[test]
fn a_stale_plan_leaves_the_journal_alone() {
    let repository = small(&pool("a", "1"));
    repository.run(&["plan", "small", "--out", "p"]).exits(0);
    repository.run(&["apply", "p"]).exits(0);
    let before = journal(&repository);
    repository.run(&["apply", "p"]).exits(10);
    assert_eq!(journal(&repository), before);
}

#[test]
fn what_an_apply_was_cut_off_at_is_told_by_the_next_one() {
    let (repository, apply) = waiting();
    assert!(apply.kill());
    // One more pool: else nothing is left to write.
    repository.write("small", &environment(&(pool("a", "1") + &pool("b", "1"))));
    let next = Running::start(repository.command(&["apply", "small", "--yes"]));
    next.end().exits(13).says("the last apply was cut off at: apply");
}

#[test]
fn a_held_lock_names_its_holder() {
    let repository = applied(&pool("a", "1"));
    declare(&repository, &pool("a", "2"));
    let held = hold(&repository.path().join(".floodway/sim/small.lease"));
    repository.run(&["apply", "small", "--yes"]).exits(11).says("ada@build");
    repository.run(&["plan", "small"]).exits(0);
    drop(held);
    repository.run(&["apply", "small", "--yes"]).exits(0);
}

#[test]
fn an_environment_on_aws_alone_has_a_lock_too() {
    let repository = Repository::new(None);
    let cloud = environment("").replace("[onprem]\nprovider = \"sim\"\n", "")
        + "[aws]\nprovider = \"sim\"\nregion = \"us-east-1\"\n[aws.pools.g6e]\nsize = 1\n\
           stage = \"inference\"\njoin = \"standalone\"\nimage = { name = \"i\" }\n\
           instance_types = [\"g6e.12xlarge\"]\ncapacity = { \"g6e.12xlarge\" = \"9 req/s\" }\n";
    repository.write("small", &cloud);
    repository.run(&["plan", "small"]).exits(0);
    let held = hold(&repository.path().join(".floodway/sim/small.lease"));
    repository.run(&["apply", "small", "--yes"]).exits(11).says("ada@build");
    drop(held);
    repository.run(&["apply", "small", "--yes"]).exits(0);
}

/// Holds a lease as another process would.
fn hold(lease: &Path) -> fs::File {
    fs::write(lease, "ada@build").unwrap();
    let held = fs::File::open(lease).unwrap();
    fs4::FileExt::lock(&held).unwrap();
    held
}

#[test]
fn an_apply_that_is_killed_anywhere_is_finished_by_the_next_one() {
    let rest = pool("a", "2") + &pool("b", "{ min = 1, max = 3 }");
    let lines = small(&rest).run(&["apply", "small", "--yes"]).exits(0).err.lines().count();
    let mut hit = 0;
    for eighth in 0..8 {
        let repository = small(&rest);
        let mut apply = Running::start(repository.command(&["apply", "small", "--yes"]));
        apply.lines(lines * eighth / 8);
        hit += usize::from(apply.kill());
        repository.run(&["apply", "small", "--yes"]).exits(0);
        settled(&repository);
        // One more pool is waited for, and in that time the others must come up.
        declare(&repository, &(rest.clone() + &pool("c", "1")));
        repository.run(&["apply", "small", "--yes"]).exits(0);
        repository.run(&["status", "small"]).exits(0).says("All pools are ready");
        let left = fs::read_dir(repository.path().join(".floodway/sim")).unwrap();
        let left = left
            .filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().contains(".tmp"));
        assert_eq!(left.count(), 0);
        repository.run(&["destroy", "small", "--confirm", "small"]).exits(0);
        repository.run(&["orphans", "small"]).exits(0).says("No orphans");
    }
    assert!(hit >= 6, "only {hit} of 8 were killed before their end");
}
