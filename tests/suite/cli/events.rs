use super::{pool, scenario, settled, small};
use crate::support::repository::Repository;
use serde_json::Value;
use std::fs;

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
    check(&schema("drift"), &repository.run(&["drift", "small", "--json"]).exits(0).out);
    check(&schema("journal"), &repository.run(&["journal", "small", "--json"]).exits(0).out);
    let lock = repository.run(&["lock", "show", "small", "--json"]).exits(0).out;
    check(&schema("lock"), &lock);
    check(&schema("orphans"), &repository.run(&["orphans", "small", "--json"]).exits(0).out);
}

fn events(repository: &Repository) -> Vec<Value> {
    let text = fs::read_to_string(repository.path().join("events")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_last_event_says_how_the_command_ended() {
    let repository = small(&pool("a", "1"));
    repository.write("broken", "x");
    let into = |arguments: &[&str], code: i32, error: Option<&str>| {
        repository.run(&[arguments, &["--json-into", "events"]].concat()).exits(code);
        let events = events(&repository);
        let last = events.last().unwrap();
        assert_eq!((&last["type"], &last["exit_code"]), (&"finished".into(), &code.into()));
        let failed: Vec<_> = events.iter().filter(|event| event["type"] == "failed").collect();
        assert_eq!(failed.len(), usize::from(error.is_some()), "{events:?}");
        if let Some(error) = error {
            let message = failed[0]["error"]["message"].as_str().unwrap();
            assert!(message.contains(error), "{message}");
        }
        events
    };
    into(&["plan", "broken"], 65, Some("1 error"));
    into(&["plan", "nowhere"], 64, Some("no environment `nowhere`"));
    into(&["plan", "small", "--target", "b"], 64, Some("matches nothing"));
    into(&["plan", "small", "--detailed-exitcode"], 2, None);
    let whole = into(&["apply", "small", "--yes"], 0, None);
    assert_eq!((&whole[0]["type"], &whole[0]["command"]), (&"started".into(), &"apply".into()));
    assert!(whole.last().unwrap()["report"]["done"].as_array().unwrap().len() > 5);
    repository.write(
        "small",
        &fs::read_to_string(repository.path().join("environments/small.toml"))
            .unwrap()
            .replace("replicas = 1", "replicas = 2"),
    );
    let lease = fs::File::open(repository.path().join(".floodway/sim/small.lease")).unwrap();
    fs4::FileExt::lock(&lease).unwrap();
    into(&["apply", "small", "--yes"], 11, Some("another apply is under way"));
}

#[test]
fn an_apply_that_fails_ends_its_events_with_its_report() {
    let repository = small(&pool("a", "1"));
    let file = scenario(&repository, "[[faults]]\nkind = \"rejected\"\ncalls = 99\n");
    repository
        .run(&["apply", "small", "--yes", "--scenario", &file, "--json-into", "events"])
        .exits(1);
    let last = events(&repository).pop().unwrap();
    assert_eq!(last["exit_code"], 1);
    assert!(!last["report"]["failed"].as_array().unwrap().is_empty());
}

#[test]
fn events_that_cannot_be_written_are_said_when_all_is_done() {
    let repository = small(&pool("a", "1"));
    let said = repository.run(&["apply", "small", "--yes", "--json-into", "/dev/full"]);
    said.exits(1).says("Apply complete").says("does not hold every event");
    settled(&repository);
}
