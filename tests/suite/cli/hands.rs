//! `floodway hold`, `scale` and `resume`, in a simulated world.

use super::{BURST, applied, pool, settled};
use serde_json::Value;

const MOVED: &str = "{ min = 1, max = 3 }";

#[test]
fn a_hold_is_shown_until_it_is_resumed_and_changes_no_plan() {
    let repository = applied(&(pool("a", MOVED) + BURST));
    let held = repository.run(&["hold", "small/g6e", "--scale-out", "--reason", "no spot"]);
    held.exits(0)
        .says("held: pool g6e, no scale-out until it is resumed: no spot")
        .says("small/g6e is not scaled out until it is resumed.");
    repository.run(&["hold", "small", "--for", "2h", "--reason", "incident 7"]).exits(0);
    repository.run(&["scale", "small", "a", "2", "--for", "1h", "--reason", "launch"]).exits(0);
    let status = repository.run(&["status", "small"]).exits(0);
    status
        .says("held: everything, no scale-in and no scale-out until 2026-01-01T")
        .says("incident 7")
        .says("set: pool a to 2 until");
    settled(&repository);
    let json = repository.run(&["status", "small", "--json"]).exits(0);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["hands"]["holds"].as_array().unwrap().len(), 2);
    assert_eq!(json["hands"]["overrides"][0]["units"], 2);
    let left = repository.run(&["resume", "small"]).exits(0);
    left.says("small is moved by the controller again. What is listed here still counts.");
    for name in ["small/g6e", "small/a"] {
        repository.run(&["resume", name]).exits(0).says("moved by the controller again");
    }
    repository.run(&["resume", "small"]).exits(0).says("Nothing was held or set in small.");
    let json = repository.run(&["status", "small", "--json"]).exits(0);
    assert!(!json.out.contains("\"hands\""));
}

#[test]
fn why_tells_of_a_hold_that_keeps_nothing_too() {
    let repository = applied(&(pool("a", MOVED) + BURST));
    let hold = ["hold", "small/g6e", "--scale-out", "--reason", "no spot"];
    repository.run(&hold).exits(0);
    repository.run(&["run", "small", "--once"]).exits(0);
    let why = repository.run(&["why", "small"]).exits(0).says("hold of scale-out by");
    why.says("until it is resumed: nothing to hold (no spot)");
    repository.run(&["resume", "small/g6e"]).exits(0);
    repository.run(&["run", "small", "--once"]).exits(0);
    let why = repository.run(&["why", "small"]).exits(0);
    assert!(!why.out.contains("nothing to hold"), "{}", why.out);
}

#[test]
fn what_is_printed_as_json_keeps_to_its_schema() {
    let repository = applied(&pool("a", MOVED));
    let schema = repository.run(&["schema", "hands"]).exits(0);
    let schema: Value = serde_json::from_str(&schema.out).unwrap();
    let hold = ["hold", "small/a", "--scale-in", "--for", "1h", "--reason", "x", "--json"];
    let scale = ["scale", "small", "a", "2", "--for", "1h", "--reason", "x", "--json"];
    for command in [&hold[..], &scale[..], &["resume", "small/a", "--json"]] {
        let said = repository.run(command).exits(0);
        let document: Value = serde_json::from_str(&said.out).unwrap();
        assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&document), "{document}");
    }
}

#[test]
fn a_hand_that_would_reach_nothing_is_refused() {
    let rest = pool("h100", MOVED) + &pool("fixed", "2") + &pool("auto", MOVED);
    let repository = applied(&(rest + "hpa = { cpu = \"70%\" }\n"));
    let refused = |command: &[&str], says: &str| {
        repository.run(&[command, &["--reason", "x"]].concat()).exits(64).says(says);
    };
    refused(&["hold", "small/h10"], "did you mean `h100`?");
    refused(&["hold", "small/nothing"], "there are: auto, fixed, h100");
    refused(&["hold", "smal"], "did you mean `small`?");
    refused(&["hold", "environments/small.toml/h1000"], "did you mean `h100`?");
    refused(&["hold", "small/fixed"], "git sets the number of pool fixed");
    refused(&["scale", "small", "auto", "2", "--for", "1h"], "its HPA moves pool auto");
    refused(&["scale", "small", "h100", "4", "--for", "1h"], "4 is not within the 1 to 3");
    refused(&["scale", "small", "h100", "0", "--for", "1h"], "0 is not within the 1 to 3");
    refused(&["scale", "small", "h100", "2"], "needs an end");
    refused(&["hold", "small", "--until", "2020-01-01T00:00:00Z"], "is over");
    refused(&["hold", "small", "--until", "18:00"], "write it like 2026-03-02T18:00:00Z");
    refused(&["hold", "small", "--for", "soon"], "duration");
    refused(&["hold", "small", "--for", "1h", "--until", "2030-01-01T00:00:00Z"], "cannot be used");
    refused(&["hold", "small", "--scale-in", "--scale-out"], "cannot be used");
    repository.run(&["hold", "small"]).exits(64).says("--reason");
    repository.run(&["hold", "small", "--reason", "a\nb"]).exits(64).says("on one line");
    repository.run(&["hold", "small", "--reason", " "]).exits(64).says("on one line");
    let status = repository.run(&["status", "small", "--json"]).exits(0);
    assert!(!status.out.contains("\"hands\""), "nothing was said by any of it");
    repository
        .run(&[
            "hold",
            "environments/small.toml/h100",
            "--until",
            "2030-01-01T01:00:00+01:00",
            "--reason",
            "x",
        ])
        .exits(0)
        .says("until 2030-01-01T00:00:00Z");
}
