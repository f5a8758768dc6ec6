use crate::support::repository::{Repository, Said};
use std::fs;

/// What a screen says, without the folder it was said in.
fn screen(said: Said) -> String {
    said.out
}

#[test]
fn the_main_job() {
    let repository = Repository::new(None);
    let run = |arguments: &[&str]| {
        let mut command = repository.command(arguments);
        command.env("COLUMNS", "80");
        Said::from(command.output().unwrap()).exits(0)
    };
    insta::assert_snapshot!("plan", screen(run(&["plan", "demo"])));
    insta::assert_snapshot!("apply", run(&["apply", "demo", "--yes"]).err);
    insta::assert_snapshot!("plan_again", screen(run(&["plan", "demo"])));
    insta::assert_snapshot!("status", screen(run(&["status", "demo"])));
    insta::assert_snapshot!("destroy", screen(run(&["destroy", "demo", "--confirm", "demo"])));
}

#[test]
fn the_demonstration_runs_to_its_end() {
    let repository = Repository::new(None);
    let said = repository.run(&["demo"]).exits(0).says("No changes").says("All pools are ready");
    assert!(!repository.path().join(".floodway").exists());
    // The whole day: the same seed makes the same day.
    let day = said.out.split_once("$ floodway run day").unwrap().1;
    let day = day.split_once("$ floodway why day").unwrap().0;
    insta::assert_snapshot!("demo_day", day);
    said.says("g5.12xlarge on demand").says("no capacity, left alone");
}

#[test]
fn what_shells_and_pagers_need_is_there() {
    let repository = Repository::new(None);
    repository.run(&["completions", "bash"]).exits(0).says("_floodway");
    repository.run(&["man"]).exits(0).says(".TH floodway");
    repository.run(&["config", "demo", "--origins"]).exits(0).says("# environments/base.toml:");
    let pages = repository.path().join("pages");
    fs::create_dir(&pages).unwrap();
    repository.run(&["man", "--into", "pages"]).exits(0);
    assert!(pages.join("floodway-plan.1").exists());
}
