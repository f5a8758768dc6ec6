//! `floodway rollout status`, `check`, `promote`, `rollback` and `record`, with a server
//! that answers what the test says.

mod built_in;
mod files;
mod records;
mod server;

use super::{environment, pool};
use crate::support::repository::{Repository, Said};
use serde_json::Value;
use server::Answers;
use std::fs;

/// When everything is measured.
const NOW: &str = "2026-12-01T08:00:00Z";
/// The same, in seconds.
const SECOND: i64 = 1_796_112_000;

const ROLLOUT: &str = r#"
# How it goes out.
[rollout.phases.short]
order  = 1                    # first
owner  = "platform"
[rollout.phases.short.steps.scale]
summary = "nothing yet"
[rollout.phases.short.exit.slo]
query    = "sum(slo)"         # of the gateway
at_least = "99%"
window   = "10m"
[rollout.phases.short.abort.errors]
query  = "sum(errors)"
above  = "5%"
[rollout.phases.medium]
order = 2
[rollout.phases.medium.steps.more]
summary = "two replicas"
set.onprem.pools.a.replicas = 2
[rollout.phases.medium.exit.slo]
query    = "sum(slo)"
at_least = "99.9%"
[rollout.phases.long]
order = 3
"#;

/// An environment whose phase `short` is live, and whose server answers so.
struct Ground {
    repository: Repository,
    answers: Answers,
}

impl Ground {
    fn new(answer: impl Fn(&str, i64) -> Option<f64> + Send + Sync + 'static) -> Self {
        let answers = Answers::start(answer);
        let ground = Self { repository: Repository::new(None), answers };
        ground.declare("short", &ground.answers.url());
        ground
    }

    fn declare(&self, phase: &str, url: &str) {
        let live = format!("name = \"small\"\nphase = \"{phase}\"   # is live\n");
        let rest = pool("a", "1");
        let text = environment(&rest).replacen("name = \"small\"\n", &live, 1);
        let text = format!("# ours\n{text}[signals]\nprometheus = \"{url}\"\n{ROLLOUT}");
        self.repository.write("small", &text);
    }

    fn run(&self, arguments: &[&str]) -> Said {
        self.repository.run(&[&["rollout"], arguments].concat())
    }

    /// As of a fixed time.
    fn at(&self, arguments: &[&str]) -> Said {
        self.run(&[arguments, &["--at", NOW]].concat())
    }

    fn file(&self) -> String {
        fs::read_to_string(self.repository.path().join("environments/small.toml")).unwrap()
    }
}

/// Good, and without errors.
fn good(query: &str, _: i64) -> Option<f64> {
    Some(if query == "sum(errors)" { 0.0 } else { 1.0 })
}

#[test]
fn a_pipeline_is_told_by_the_exit_code() {
    let met = Ground::new(good);
    met.at(&["check", "small"]).exits(0).says("Phase short: 1 of 1 exit criterion met.");
    let not_yet = Ground::new(|query, at| good(query, at).map(|value| value * 0.98));
    not_yet.at(&["check", "small"]).exits(3).says("not yet: slo 98%, at least 99% over 10m");
    let aborted = Ground::new(|_, _| Some(0.07));
    aborted
        .at(&["check", "small"])
        .exits(4)
        .says("abort: errors 7%, above 5% over 5m")
        .says("not yet: slo 7%");
    // A part of the window is missing: not met, and no reason to abort.
    let gaps = Ground::new(|_, at| (at < SECOND - 240).then_some(1.0));
    gaps.at(&["check", "small"]).exits(3).says("no data: slo").says("50% of its window is known");
    met.declare("long", "http://127.0.0.1:9");
    met.at(&["check", "small"]).exits(3).says("it has no exit criteria");
    met.at(&["check", "small", "--phase", "mediun"]).exits(64).says("did you mean `medium`?");
    met.run(&["check", "small", "--at", "noon"]).exits(64).says("2026-12-01T08:00:00Z");
}

#[test]
fn a_server_that_cannot_be_reached_or_is_not_declared_is_no_data() {
    let ground = Ground::new(good);
    ground.declare("short", "http://127.0.0.1:9");
    ground.at(&["check", "small"]).exits(3).says("http://127.0.0.1:9");
    let before = ground.file();
    ground.at(&["promote", "small"]).exits(3).says("too little data").says("nothing was written");
    assert_eq!(ground.file(), before);
    let text = before.replace("[signals]\nprometheus = \"http://127.0.0.1:9\"\n", "");
    ground.repository.write("small", &text);
    ground.at(&["check", "small"]).exits(3).says("no Prometheus is declared");
    ground.at(&["status", "small"]).exits(0).says("no data: no Prometheus is declared");
}

#[test]
fn a_status_tells_each_criterion_since_when_it_stands_so_and_keeps_to_its_schema() {
    // Good since eight minutes.
    let ground = Ground::new(|query, at| match query {
        "sum(slo)" => Some(if at > SECOND - 8 * 60 { 1.0 } else { 0.95 }),
        _ => Some(0.01),
    });
    let said = ground.at(&["status", "small", "--json"]).exits(0);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    let schema = ground.repository.run(&["schema", "rollout-status"]).exits(0);
    let schema: Value = serde_json::from_str(&schema.out).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&document), "{document:#}");
    let slo = &document["phase"]["exit"][0];
    assert_eq!((&slo["verdict"], &slo["value"]), (&"met".into(), &"99%".into()));
    // With eight good minutes of ten the mean is 0.99.
    assert_eq!(slo["since"], NOW);
    let errors = &document["phase"]["abort"][0];
    assert_eq!((&errors["verdict"], &errors["value"]), (&"clear".into(), &"1%".into()));
    let screen = ground.at(&["status", "small"]).exits(0);
    screen
        .says("Rollout of small")
        .says("slo 99% at least 99% 10m 08:00 UTC met")
        .says("scale platform manual")
        .says("next: floodway rollout promote small");
    let ahead = ground.at(&["status", "small", "--phase", "medium"]).exits(0);
    ahead.says("phase medium, not live yet").says("more floodway not yet");
}

#[test]
fn a_phase_that_takes_too_long_is_shown_as_overdue() {
    let ground = Ground::new(good);
    let text = ground.file().replace(
        "order  = 1                    # first\n",
        "order = 1\nwindow = \"1-2 weeks\"\nstart = \"2026-11-10\"\n",
    );
    ground.repository.write("small", &text);
    ground.at(&["status", "small"]).exits(0).says("overdue by 7.4 days");
}

#[test]
fn a_pause_is_shown_until_it_is_over() {
    let ground = Ground::new(good);
    ground.repository.run(&["apply", "small", "--yes"]).exits(0);
    ground.run(&["pause", "small", "--reason", "a look at the gateway"]).exits(0);
    ground.at(&["status", "small"]).exits(0).says("a look at the gateway");
    ground.run(&["resume", "small"]).exits(0);
    let after = ground.at(&["status", "small"]).exits(0);
    assert!(!after.out.contains("a look"), "{}", after.out);
}

#[test]
fn before_the_first_phase_nothing_must_hold() {
    let ground = Ground::new(|_, _| None);
    let text = ground.file().replace("phase = \"short\"   # is live\n", "");
    ground.repository.write("small", &text);
    ground.at(&["check", "small"]).exits(0).says("before the first of 3 phases");
    ground.at(&["status", "small"]).exits(0).says("next: floodway rollout promote small");
    ground.at(&["promote", "small"]).exits(0).says("to phase short");
    let file = ground.file();
    assert!(file.contains("\nphase = \"short\"\n"), "{file}");
    assert!(!file.contains("from ="), "{file}");
    ground.repository.run(&["validate", "small"]).exits(0);
}

#[test]
fn what_promtool_complains_of_is_shown_where_it_stands() {
    let ground = Ground::new(good);
    // Newer than the promtool of Debian.
    let newer = "double_exponential_smoothing(slo[5m], 0.5, 0.5)";
    let text = ground.file().replacen("sum(slo)", newer, 1);
    ground.repository.write("small", &text);
    let bin = crate::support::programs::program("promtool");
    let bin = bin.parent().unwrap();
    let validate = |path: &std::path::Path| -> Said {
        let mut command = ground.repository.command(&["validate", "small"]);
        command.env("PATH", path).output().unwrap().into()
    };
    validate(bin)
        .exits(65)
        .says("environments/small.toml:")
        .says("unknown function with name \"double_exponential_smoothing\"")
        .says("query    = \"double_exponential_smoothing(slo[5m], 0.5, 0.5)\"");
    // Without it, what the parser says is all there is to say.
    let nothing = tempfile::tempdir().unwrap();
    validate(nothing.path()).exits(0);
}
