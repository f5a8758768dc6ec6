//! What is kept of a phase, and how it is shown.

use super::*;

#[test]
fn a_record_is_a_new_file_that_is_never_written_over() {
    let ground = Ground::new(good);
    ground.repository.run(&["apply", "small", "--yes"]).exits(0);
    let before = ["record", "small", "--moment", "before"];
    let path = "environments/small/record/2026-12-01-short-before.toml";
    ground.at(&before).exits(0).says(&format!("written to {path}. Commit it."));
    let text = || fs::read_to_string(ground.repository.path().join(path)).unwrap();
    let kept = text();
    for line in [
        "phase = \"short\"",
        "moment = \"before\"",
        "name = \"exit.slo\"",
        "measured = \"sum(slo)\"",
        "value = 1.0  # 100%",
        "verdict = \"met\"",
        "name = \"a\"",
        "ready = 1",
        "requests_per_second = 10.0",
    ] {
        assert!(kept.lines().any(|kept| kept == line), "{line}\n{kept}");
    }
    ground.at(&before).exits(12).says("is never written over");
    assert_eq!(text(), kept);
    ground.run(&["record", "small"]).exits(64).says("--moment");
    ground.at(&["record", "small", "--moment", "before", "--phase", "x"]).exits(64);
}

#[test]
fn before_and_after_are_shown_side_by_side_over_all_phases() {
    let ground = Ground::new(|query, at| match query {
        "sum(slo)" => Some(if at <= SECOND { 0.9 } else { 0.999 }),
        _ => None,
    });
    ground.run(&["record", "small", "--show"]).exits(0).says("Nothing is recorded yet");
    ground.at(&["record", "small", "--moment", "before"]).exits(0);
    let later = ["--at", "2026-12-14T08:00:00Z"];
    ground.run(&[&["record", "small", "--moment", "after"], &later[..]].concat()).exits(0);
    let next = ["record", "small", "--moment", "before", "--phase", "medium"];
    ground.run(&[&next[..], &later[..]].concat()).exits(0);
    let said = ground.run(&["record", "small", "--show"]).exits(0);
    said.says("phase short: before 2026-12-01 08:00 UTC, after 2026-12-14 08:00 UTC")
        .says("phase medium: before 2026-12-14 08:00 UTC, after not recorded")
        .says("2 phases, 1 before and after.");
    let said = ground.run(&["record", "small", "--show", "--json"]).exits(0);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    let schema = ground.repository.run(&["schema", "rollout-records"]).exits(0);
    let schema: Value = serde_json::from_str(&schema.out).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&document), "{document:#}");
    let numbers = document["phases"][0]["numbers"].as_array().unwrap();
    let slo = numbers.iter().find(|number| number["name"] == "exit.slo").unwrap();
    assert_eq!(slo["shown"]["change"], "+9.9%", "{slo}");
}

#[test]
fn what_is_no_record_is_named_and_a_link_out_of_the_repository_is_not_followed() {
    let ground = Ground::new(good);
    let folder = ground.repository.path().join("environments/small");
    fs::create_dir_all(folder.join("record")).unwrap();
    fs::write(folder.join("record/2026-01-01-short-after.toml"), "format = 7\n").unwrap();
    ground
        .run(&["record", "small", "--show"])
        .exits(65)
        .says("record/2026-01-01-short-after.toml: it has the format 7");
    fs::remove_dir_all(folder.join("record")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), folder.join("record")).unwrap();
    ground
        .at(&["record", "small", "--moment", "before"])
        .exits(12)
        .says("leads out of the repository");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
