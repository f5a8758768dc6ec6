//! `floodway drift` on the simulator.

use super::{BURST, applied, declare, environment, image, pool, scenario, small};
use crate::support::repository::Repository;
use serde_json::Value;

/// Applied while somebody else does this 20 s on, while the apply still waits.
fn disturbed(rest: &str, events: &str) -> Repository {
    let repository = small(rest);
    let file = scenario(&repository, events);
    repository.run(&["apply", "small", "--yes", "--scenario", &file]).exits(0);
    repository
}

fn set(kind: &str, name: &str, path: &str, value: &str) -> String {
    format!(
        "[[events]]\nat = \"20s\"\nset = {{ kind = \"{kind}\", name = \"{name}\", path = \"{path}\", \
         value = {value}, by = \"kubectl-edit\" }}\n"
    )
}

fn edited(name: &str) -> String {
    let path = "/spec/template/spec/containers/\\u0001server/image";
    set("Deployment", name, path, "\"edited\"")
}

fn json(repository: &Repository) -> Value {
    serde_json::from_str(&repository.run(&["drift", "small", "--json"]).exits(0).out).unwrap()
}

#[test]
fn without_drift_the_exit_code_is_0_whatever_the_file_asks_for() {
    let repository = small(&pool("a", "1"));
    repository.run(&["drift", "small", "--detailed-exitcode"]).exits(0).says("was never applied");
    let repository = applied(&pool("a", "1"));
    repository.run(&["drift", "small", "--detailed-exitcode"]).exits(0).says("No drift");
    let changed =
        environment(&(pool("a", "3") + &pool("b", "1"))).replace(&image('0'), &image('1'));
    repository.write("small", &changed);
    repository.run(&["plan", "small", "--detailed-exitcode"]).exits(2);
    repository.run(&["drift", "small", "--detailed-exitcode"]).exits(0).says("No drift");
}

#[test]
fn the_same_change_of_many_things_is_told_once() {
    let names = ["a", "b", "c", "d", "e"];
    let pools: String = names.iter().map(|name| pool(name, "1")).collect();
    let events: String =
        names.iter().map(|name| edited(&format!("llm-inference-{name}"))).collect();
    let repository = disturbed(&pools, &events);
    let said = repository.run(&["drift", "small", "--detailed-exitcode"]).exits(2);
    let said = said.says(&format!(
        "spec.template.spec.containers[server].image was \"{}\", is \"edited\", by kubectl-edit: \
         Deployment ns/llm-inference-a, ns/llm-inference-b and 3 more",
        image('0')
    ));
    said.says("Drift of small: 1 difference.").says("floodway plan small");
    repository.run(&["drift", "small"]).exits(0);
    let json = json(&repository);
    assert_eq!((&json["drift"], &json["changes"][0]["kind"]), (&true.into(), &"field".into()));
    assert_eq!(json["changes"][0]["things"].as_array().unwrap().len(), 5);
    assert_eq!(json["changes"].as_array().unwrap().len(), 1);
    repository.run(&["apply", "small", "--yes", "--force-conflicts"]).exits(0);
    repository.run(&["drift", "small", "--detailed-exitcode"]).exits(0).says("No drift");
}

#[test]
fn deleted_things_and_lost_fields_are_told_apart_by_how_certain_they_are() {
    let events = "[[events]]\nat = \"20s\"\ndelete = { kind = \"Service\", name = \"llm-inference\" }\n\
                  [[events]]\nat = \"20s\"\nunset = { kind = \"ServiceAccount\", \
                  name = \"llm-inference\", path = \"/metadata/labels/app.kubernetes.io~1managed-by\" }\n";
    let repository = disturbed(&pool("a", "1"), events);
    let said = repository.run(&["drift", "small", "--detailed-exitcode"]).exits(2);
    said.says("deleted: Service ns/llm-inference")
        .says("Not certain: ? metadata.labels[\"app.kubernetes.io/managed-by\"] was")
        .says("is gone: ServiceAccount ns/llm-inference")
        .says("Drift of small: 1 difference, 1 that may be one.");
}

#[test]
fn a_group_that_somebody_changed_is_told_by_what_was_applied() {
    let rest = pool("a", "1") + BURST;
    let group = "small-g6e-od-g6e.12xlarge";
    let repository = disturbed(&rest, &set("AutoScalingGroup", group, "/warm_pool", "2"));
    let said = repository.run(&["drift", "small", "--detailed-exitcode"]).exits(2);
    said.says(&format!("warm_pool was 0, is 2: AutoScalingGroup us-east-1/{group}"));
    declare(&repository, &rest.replace("max = 3", "max = 5"));
    let said = repository.run(&["drift", "small", "--detailed-exitcode"]).exits(2);
    said.says("the file has changed too: whose these differences are cannot be told apart")
        .says("max is 3, and the file, edited since, says 5")
        .says("warm_pool is 2");
}

#[test]
fn what_could_not_be_read_is_told_and_is_not_taken_for_no_drift() {
    let repository = small(&pool("a", "1"));
    let faults = "[[faults]]\nkind = \"denied\"\nlist = \"Deployment\"\ncalls = 3\n";
    let file = scenario(&repository, faults);
    // The first list is that of the plan: it holds everything back.
    repository.run(&["apply", "small", "--yes", "--scenario", &file]).exits(12);
    let said = repository.run(&["drift", "small", "--detailed-exitcode"]).exits(1);
    said.says("Could not be read:").says("forbidden by the scenario").says("is not known");
    repository.run(&["apply", "small", "--yes"]).exits(0);
    repository.run(&["drift", "small", "--detailed-exitcode"]).exits(0).says("No drift");
}
