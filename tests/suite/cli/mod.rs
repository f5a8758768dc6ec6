//! The command line on the simulator: screens, exit codes, files.

use crate::support::repository::{Repository, Said};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A repository whose environment `small` is one inference stage with these
/// lines under it.
fn small(rest: &str) -> Repository {
    let repository = Repository::new(None);
    declare(&repository, rest);
    repository
}

fn declare(repository: &Repository, rest: &str) {
    repository.write(
        "small",
        &format!(
            "[environment]\nname = \"small\"\nmax_destroy = 1\n[slo]\navailability = \"99.9%\"\n\
             [service]\nname = \"llm\"\nnamespace = \"ns\"\nmodel = \"m\"\n\
             [service.stages.inference]\nimage = \"registry.example/i@sha256:{}\"\ngpus = 1\n\
             resources = {{ cpu = \"1\", memory = \"1Gi\" }}\n[onprem]\nprovider = \"sim\"\n{rest}",
            "0".repeat(64)
        ),
    );
}

fn pool(name: &str, replicas: &str) -> String {
    format!(
        "[onprem.pools.{name}]\nstage = \"inference\"\nreplicas = {replicas}\ncapacity = \"10 req/s\"\n"
    )
}

fn applied(rest: &str) -> Repository {
    let repository = small(rest);
    repository.run(&["apply", "small", "--yes"]).exits(0);
    repository
}

fn settled(repository: &Repository) {
    repository.run(&["plan", "small", "--detailed-exitcode"]).exits(0).says("No changes");
}

/// A scenario file in the repository.
fn scenario(repository: &Repository, text: &str) -> PathBuf {
    let path = repository.path().join("scenario.toml");
    fs::write(&path, text).unwrap();
    path
}

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
    repository.run(&["demo"]).exits(0).says("No changes").says("All pools are ready");
    assert!(!repository.path().join(".floodway").exists());
}

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
        .says("--adopt Deployment/NAME");
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
fn a_saved_plan_is_private_whole_and_exact() {
    let repository = small(&pool("a", "1"));
    repository.run(&["plan", "small", "--out", "p"]).exits(0).says("floodway apply p");
    let file = repository.path().join("p");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    repository.run(&["show", "p"]).exits(0).says("Plan: ");
    let shown = repository.run(&["show", "p", "--json"]).exits(0).out;
    assert_eq!(shown, repository.run(&["plan", "small", "--json"]).exits(0).out);

    let whole = fs::read(&file).unwrap();
    for (text, said) in [
        (&whole[..whole.len() / 2], "cut off"),
        (b"floodway-plan 99.0\nfloodway 9.9\n".as_slice(), "plan"),
        (b"".as_slice(), "cut off"),
    ] {
        fs::write(repository.path().join("q"), text).unwrap();
        repository.run(&["show", "q"]).exits(1).says(said);
    }
    let mut damaged = whole.clone();
    let last = damaged.len() - 9;
    damaged[last] ^= 1;
    fs::write(repository.path().join("q"), damaged).unwrap();
    repository.run(&["apply", "q"]).exits(1).says("damaged");

    repository.run(&["apply", "p"]).exits(0);
    settled(&repository);
    repository.run(&["apply", "p"]).exits(10).says("stale");
}

#[test]
fn a_plan_is_stale_when_the_file_has_changed_and_names_the_key() {
    let repository = small(&pool("a", "1"));
    repository.run(&["plan", "small", "--out", "p"]).exits(0);
    declare(&repository, &pool("a", "2"));
    repository.run(&["apply", "p"]).exits(10).says("onprem.pools.a.replicas was 1, is 2");
    assert!(repository.run(&["status", "small", "--json"]).exits(0).out.contains("\"ready\": 0"));
}

#[test]
fn a_held_lock_is_exit_code_11_and_names_its_holder() {
    use fs4::FileExt;
    let repository = applied(&pool("a", "1"));
    declare(&repository, &pool("a", "2"));
    let lease = repository.path().join(".floodway/sim/small.lease");
    fs::write(&lease, "ada@build").unwrap();
    let held = fs::File::open(&lease).unwrap();
    FileExt::lock(&held).unwrap();
    repository.run(&["apply", "small", "--yes"]).exits(11).says("ada@build");
    repository.run(&["plan", "small"]).exits(0);
    FileExt::unlock(&held).unwrap();
    repository.run(&["apply", "small", "--yes"]).exits(0);
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
    let file = file.to_string_lossy();
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
    repository.run(&["apply", "small", "--yes", "--scenario", &file.to_string_lossy()]).exits(0);
    settled(&repository);
}

/// An apply that waits for ever: nothing has the image.
fn endless() -> (Repository, std::process::Child) {
    let repository = small(&pool("a", "1"));
    let image = format!("registry.example/i@sha256:{}", "0".repeat(64));
    let file = scenario(&repository, &format!("missing_images = [\"{image}\"]\n"));
    let child = repository
        .command(&["apply", "small", "--yes", "--scenario", &file.to_string_lossy()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (repository, child)
}

#[test]
fn an_interrupted_apply_reports_what_it_did() {
    let (_repository, child) = endless();
    std::thread::sleep(Duration::from_millis(700));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let said: Said = child.wait_with_output().unwrap().into();
    // A fast machine may have reached the wait's own limit.
    said.exits(13).says("done");
}

#[test]
fn an_apply_that_is_killed_anywhere_is_finished_by_the_next_one() {
    for milliseconds in [30, 80, 150, 250, 400, 600] {
        let repository = small(&(pool("a", "2") + &pool("b", "{ min = 1, max = 3 }")));
        let mut child = repository
            .command(&["apply", "small", "--yes"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        let _ = child.kill();
        child.wait().unwrap();
        repository.run(&["apply", "small", "--yes"]).exits(0);
        settled(&repository);
        repository.run(&["destroy", "small", "--confirm", "small"]).exits(0);
        repository.run(&["orphans", "small"]).exits(0).says("No orphans");
    }
}

#[test]
fn every_document_is_as_its_schema_says() {
    let repository = small(&pool("a", "1"));
    let schema = |of: &str| -> jsonschema::Validator {
        let text = repository.run(&["schema", of]).exits(0).out;
        jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
    };
    let check = |schema: &jsonschema::Validator, text: &str| {
        let document = serde_json::from_str(text).unwrap();
        let wrong: Vec<_> = schema.iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?}\n{text}");
    };
    check(&schema("plan"), &repository.run(&["plan", "small", "--json"]).exits(0).out);
    repository.run(&["apply", "small", "--yes", "--json-into", "events"]).exits(0);
    let events = fs::read_to_string(repository.path().join("events")).unwrap();
    let of_events = schema("events");
    assert!(events.lines().count() > 20);
    events.lines().for_each(|line| check(&of_events, line));
    check(&schema("status"), &repository.run(&["status", "small", "--json"]).exits(0).out);
    check(&schema("orphans"), &repository.run(&["orphans", "small", "--json"]).exits(0).out);
}

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
    repository.run(&["apply", "small", "--yes", "--scenario", &file.to_string_lossy()]).exits(0);
    repository
        .run(&["plan", "small"])
        .exits(1)
        .says("image is owned by kubectl-edit")
        .says("--force-conflicts");
    repository
        .run(&["apply", "small", "--yes", "--force-conflicts"])
        .exits(0)
        .says("1 to add, 1 to change, 0 to destroy");
    settled(&repository);
}

#[test]
fn a_damaged_world_and_a_place_without_room_are_clear_errors() {
    let repository = applied(&pool("a", "1"));
    fs::write(repository.path().join(".floodway/sim/small.json"), "{").unwrap();
    repository.run(&["plan", "small"]).exits(1).says("is damaged").says("delete the file");

    let repository = small(&pool("a", "1"));
    fs::write(repository.path().join(".floodway"), "in the way").unwrap();
    repository.run(&["plan", "small"]).exits(1).says("cannot be made");
    repository
        .run(&["plan", "small", "--json-into", "/nowhere/events"])
        .exits(1)
        .says("/nowhere/events");
}

#[test]
fn init_writes_a_valid_environment_and_never_over_another() {
    let repository = Repository::new(None);
    repository.run(&["init", "mine"]).exits(0).says("floodway plan mine");
    repository.run(&["validate", "mine"]).exits(0);
    repository.run(&["apply", "mine", "--yes"]).exits(0);
    repository.run(&["init", "mine"]).exits(64).says("is left as it is");
    repository.run(&["validate"]).exits(0).says("environments/prod.toml is valid");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let repository = small(&pool("a", "1"));
    let mut child = repository
        .command(&["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let said: Said = child.wait_with_output().unwrap().into();
    said.exits(0);
}

#[test]
fn output_that_cannot_be_written_fails_the_command_and_stops_no_work() {
    let repository = small(&pool("a", "1"));
    let into_full = |arguments: &[&str]| {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        Said::from(repository.command(arguments).stdout(full).output().unwrap())
    };
    into_full(&["plan", "small", "--detailed-exitcode"]).exits(1).says("standard output");
    into_full(&["apply", "small", "--yes"]).exits(1).says("standard output");
    settled(&repository);
    repository.write("broken", "x");
    into_full(&["validate", "broken", "--json"]).exits(65);
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
