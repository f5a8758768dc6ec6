//! What scenario files make of the simulated world.

use super::{applied, pool, scenario, settled, small};
use crate::support::repository::Repository;

#[test]
fn drift_is_repaired_and_a_missing_object_comes_back() {
    let repository = small(&pool("a", "2"));
    // While the apply still waits for the replicas.
    let events = r#"
        [[events]]
        at = "20s"
        set = { kind = "Deployment", name = "llm-inference-a", path = "/spec/template/spec/containers/\u0001server/image", value = "edited", by = "kubectl-edit" }
        [[events]]
        at = "25s"
        delete = { kind = "Service", name = "llm-inference" }
    "#;
    let file = scenario(&repository, events);
    repository.run(&["apply", "small", "--yes", "--scenario", &file]).exits(0);
    repository
        .run(&["plan", "small"])
        .exits(12)
        .says("image is owned by kubectl-edit")
        .says("--force-conflicts");
    repository
        .run(&["apply", "small", "--yes", "--force-conflicts"])
        .exits(0)
        .says("1 to add, 1 to change, 0 to destroy");
    settled(&repository);
}

#[test]
fn a_scenario_that_comes_too_late_is_said() {
    let repository = applied(&pool("a", "1"));
    let file = scenario(&repository, "seed = 7\n");
    repository
        .run(&["plan", "small", "--scenario", &file])
        .exits(0)
        .says("delete .floodway/sim/small.json to begin anew with this scenario");

    let repository = small(&pool("a", "1"));
    let file = scenario(&repository, "seed = 7\n");
    for command in [&["plan", "small"][..], &["apply", "small", "--yes"]] {
        let said = repository.run(&[command, &["--scenario", &file]].concat()).exits(0);
        assert!(!said.err.contains("exists already"), "{}", said.err);
    }
}

#[test]
fn a_bad_scenario_is_exit_code_65_with_its_place() {
    let repository = small(&pool("a", "1"));
    let run = |text: &[u8]| {
        std::fs::write(repository.path().join("bad.toml"), text).unwrap();
        repository.run(&["plan", "small", "--scenario", "bad.toml"]).exits(65)
    };
    run(b"seed = 1\nlanch = 3\n").says("bad.toml:2:1").says("lanch");
    run(b"[[events]]\nat = \"1m\"\nexplode = true\n").says("bad.toml:3:1").says("explode");
    run(b"[[nodes]]\ncount = 3000000\n").says("bad.toml:2:9").says("3000000 nodes");
    run(b"seed = \"\xff\"\n").says("is not UTF-8");
    assert!(!repository.path().join(".floodway/sim/small.json").exists());
}

#[test]
fn a_world_that_would_be_too_large_is_refused() {
    let repository = small(&pool("a", "100001"));
    repository.run(&["apply", "small", "--yes"]).exits(13).says("a simulated world holds 100000");
}

#[test]
fn a_name_that_is_taken_and_a_list_that_is_denied_stop_a_plan() {
    let repository = small(&pool("a", "1"));
    let file = scenario(
        &repository,
        "[[events]]\nat = \"0s\"\n\
         create = { kind = \"Service\", name = \"llm-inference\", namespace = \"ns\", by = \"kubectl\" }\n",
    );
    repository
        .run(&["plan", "small", "--scenario", &file])
        .exits(12)
        .says("Service ns/llm-inference")
        .says("--adopt");

    let repository = small(&pool("a", "1"));
    let file =
        scenario(&repository, "[[faults]]\nkind = \"denied\"\nlist = \"Deployment\"\ncalls = 1\n");
    let said = repository.run(&["plan", "small", "--scenario", &file]);
    said.says("forbidden by the scenario");
    repository.run(&["apply", "small", "--yes"]).exits(0);
    settled(&repository);
}

#[test]
fn an_apply_that_takes_nodes_away_ends_when_their_pods_serve_elsewhere() {
    let repository = Repository::new(None);
    repository.run(&["apply", "demo", "--yes"]).exits(0);
    let file = repository.path().join("environments/demo.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let other = text
        .replace("[\"g6e.12xlarge\", \"g5.12xlarge\"]", "[\"g5.12xlarge\"]")
        .replace("{ \"g6e.12xlarge\" = \"9 req/s\", \"g5", "{ \"g5");
    assert_ne!(text, other);
    std::fs::write(&file, other).unwrap();
    let said = repository.run(&["apply", "demo", "--yes"]).exits(0);
    said.says("less what 1 instance of g6e carried").says("1 changed, 1 destroyed");
    repository.run(&["status", "demo"]).exits(0).says("All pools are ready");
    repository.run(&["plan", "demo", "--detailed-exitcode"]).exits(0).says("No changes");
}
