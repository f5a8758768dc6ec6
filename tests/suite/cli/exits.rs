use super::{BURST, applied, declare, environment, image, pool, scenario, settled, small};
use crate::support::repository::Repository;

#[test]
fn changes_are_exit_code_2_only_when_asked_for() {
    let repository = small(&pool("a", "1"));
    repository.run(&["plan", "small"]).exits(0);
    repository.run(&["plan", "small", "--detailed-exitcode"]).exits(2);
}

#[test]
fn wrong_usage_is_exit_code_64() {
    let repository = small(&pool("a", "1"));
    repository.run(&["plan", "small", "--colour"]).exits(64);
    repository.run(&["paln", "small"]).exits(64).says("plan");
    repository.run(&["plan", "smal"]).exits(64).says("did you mean `small`?");
    repository.run(&["apply", "small"]).exits(64).says("--yes");
    repository.run(&["destroy", "small"]).exits(64).says("--confirm");
    repository
        .run(&["plan", "small", "--adopt", "nothing"])
        .exits(64)
        .says("write it like Deployment/NAME, or AutoScalingGroup/REGION/NAME");
    repository.run(&["plan", "small", "--target", "b"]).exits(64).says("matches nothing");
    repository.run(&["--help"]).exits(0).says("13 partly applied");
}

#[test]
fn an_invalid_environment_is_exit_code_65_with_its_place() {
    let repository = small(&pool("a", "1").replace("replicas", "replica"));
    repository
        .run(&["plan", "small"])
        .exits(65)
        .says("environments/small.toml:18:1")
        .says("replicas");
    repository.run(&["validate", "small", "--json"]).exits(65).says("\"line\": 18");
}

#[test]
fn guards_are_exit_code_12() {
    let three = pool("a", "1") + &pool("b", "1") + &pool("c", "1");
    let repository = applied(&three);
    declare(&repository, &pool("a", "1"));
    repository.run(&["apply", "small", "--yes"]).exits(12).says("max_destroy");
    settled_after_only(&repository, &three);
    repository
        .run(&["destroy", "small", "--confirm", "large"])
        .exits(12)
        .says("not the environment's name");
    settled_after_only(&repository, &three);
    repository.run(&["destroy", "small", "--confirm", "small"]).exits(0);
    repository.run(&["orphans", "small"]).exits(0).says("No orphans");
}

fn settled_after_only(repository: &Repository, rest: &str) {
    declare(repository, rest);
    settled(repository);
}

#[test]
fn a_failure_in_one_part_is_exit_code_13_and_the_next_run_finishes() {
    let repository = small(&(pool("a", "1") + &pool("b", "1")));
    let faults = "[[faults]]\nkind = \"rejected\"\nname = \"llm-inference-b\"\ncalls = 1\n";
    let file = scenario(&repository, faults);
    repository
        .run(&["apply", "small", "--yes", "--scenario", &file])
        .exits(13)
        .says("refused by the scenario")
        .says("floodway apply small");
    repository.run(&["apply", "small", "--yes"]).exits(0);
    settled(&repository);
}

#[test]
fn calls_that_are_throttled_or_lost_are_made_again() {
    let repository = small(&pool("a", "1"));
    let faults = "[[faults]]\nkind = \"throttled\"\ncalls = 3\n\
                  [[faults]]\nkind = \"timeout_after_effect\"\nname = \"inference-a\"\ncalls = 2\n";
    let file = scenario(&repository, faults);
    repository.run(&["apply", "small", "--yes", "--scenario", &file]).exits(0);
    settled(&repository);
}

#[test]
fn a_change_that_was_written_and_did_not_finish_is_exit_code_13() {
    let repository = small(&pool("a", "1"));
    let file = scenario(&repository, &format!("missing_images = [\"{}\"]\n", image('1')));
    repository.run(&["apply", "small", "--yes", "--scenario", &file]).exits(0);
    let text = environment(&pool("a", "1")).replace(&image('0'), &image('1'));
    repository.write("small", &text);
    repository.run(&["apply", "small", "--yes"]).exits(13).says("0 done, 1 failed");
}

#[test]
fn nothing_written_is_exit_code_1() {
    let repository = small(&pool("a", "1"));
    let file = scenario(&repository, "[[faults]]\nkind = \"denied\"\ncalls = 99\n");
    repository
        .run(&["apply", "small", "--yes", "--scenario", &file])
        .exits(1)
        .says("forbidden by the scenario");
}

#[test]
fn a_protected_environment_is_destroyed_only_when_confirmed() {
    let guarded = |rest: &str| environment(rest).replace("[slo]", "protected = true\n[slo]");
    let repository = Repository::new(None);
    repository.write("small", &guarded(&(pool("a", "1") + &pool("b", "1"))));
    repository.run(&["apply", "small", "--yes"]).exits(0);
    repository.write("small", &guarded(&pool("a", "1")));
    repository.run(&["apply", "small", "--yes"]).exits(12).says("--confirm small");
    repository.run(&["apply", "small", "--yes", "--confirm", "large"]).exits(12);
    repository.run(&["apply", "small", "--yes", "--confirm", "small"]).exits(0);
    settled(&repository);
    repository.run(&["destroy", "small", "--confirm", "small"]).exits(0);
}

#[test]
fn a_file_that_was_renamed_goes_on_with_what_it_had_applied() {
    let repository = applied(&(pool("h100", "2") + BURST));
    let text = std::fs::read_to_string(repository.path().join("environments/small.toml")).unwrap();
    std::fs::remove_file(repository.path().join("environments/small.toml")).unwrap();
    repository.write("renamed", &text);
    let help = "it was moved or renamed), apply with --adopt ConfigMap/floodway-small";
    repository.run(&["plan", "renamed"]).exits(12).says("is applied from").says(help);
    let adopt = ["--adopt", "ConfigMap/floodway-small"];
    repository
        .run(&[["apply", "renamed", "--yes"].as_slice(), &adopt].concat())
        .exits(0)
        // The template and the group: the parent's bookkeeping is not counted.
        .says("0 added, 2 changed, 0 destroyed");
    repository.run(&["plan", "renamed", "--detailed-exitcode"]).exits(0).says("No changes");
    repository.write("small", &text);
    repository.run(&["plan", "small"]).exits(12).says("is applied from environments/renamed.toml");
}

#[test]
fn what_is_written_never_takes_the_place_of_what_is_read() {
    let repository = small(&pool("a", "1"));
    let file = "environments/small.toml";
    for option in ["--out", "--json-into"] {
        repository.run(&["plan", "small", option, file]).exits(64).says("overwrite a TOML file");
    }
    let same = ["plan", "small", "--out", "p", "--json-into", "p"];
    repository.run(&same).exits(64).says("the same file");
    repository.run(&["validate", "small"]).exits(0);
}

#[test]
fn a_plan_of_some_targets_does_not_speak_for_the_others() {
    let repository = applied(&(pool("a", "1") + &pool("b", "1")));
    declare(&repository, &(pool("a", "1") + &pool("b", "2")));
    let said = repository.run(&["plan", "small", "--target", "a"]).exits(0);
    said.says("No changes to a").says("was not looked at");
}

#[test]
fn a_file_with_the_name_of_an_environment_is_not_taken_for_a_plan() {
    let repository = small(&pool("a", "1"));
    std::fs::write(repository.path().join("small"), "notes").unwrap();
    repository.run(&["apply", "small", "--yes"]).exits(0);
}
