//! The alert rules of the operations team, judged by Prometheus' own tool: each
//! fires when it should, as soon as it should, saying what it should; and each
//! stays silent when it should.

use crate::support;
use crate::support::environment::{environment, world};
use crate::support::programs::program;
use floodway::clock::Timestamp;
use floodway::controller::lead::Standing;
use floodway::controller::{Counts, Load, Turn};
use floodway::render::turn::{Around, metrics};
use floodway::signal::{Answer, Observation, Policy, declared, judge};
use floodway::spec::model::{Budget, Engine, Signals};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Unit tests of the rules, by file; each is about the alerts it names.
const TESTS: [(&str, &str); 10] = [
    ("at-max", include_str!("alerts/at-max.yaml")),
    ("budget", include_str!("alerts/budget.yaml")),
    ("completion", include_str!("alerts/completion.yaml")),
    ("controller", include_str!("alerts/controller.yaml")),
    ("cpu", include_str!("alerts/cpu.yaml")),
    ("down", include_str!("alerts/down.yaml")),
    ("gone", include_str!("alerts/gone.yaml")),
    ("latency", include_str!("alerts/latency.yaml")),
    ("memory", include_str!("alerts/memory.yaml")),
    ("missing", include_str!("alerts/missing.yaml")),
];

/// The rules' text, as a file and as the ConfigMap ships them.
fn rules() -> (String, String) {
    let mut environment = environment("prod", "inference");
    let (usd_per_hour, usd_per_day, usd_per_month) = ("$120/h".parse().ok(), None, None);
    environment.burst.budget = Some(Budget { usd_per_hour, usd_per_day, usd_per_month });
    let world = world(&environment);
    let shipped = world
        .resources
        .iter()
        .find(|desired| desired.id.name == "floodway-prod-alerts")
        .and_then(|desired| desired.body.text_at("/data/rules.yaml"))
        .unwrap();
    (support::environment::rules(&environment), shipped)
}

/// What the controller tells of a latency, as `floodway_signal_good`, while nobody asks for
/// what it would be of: there is no such series then.
fn told_while_nobody_asks() -> f64 {
    let (signal, server) = ("engine/inference/ttft_p99", "http://prometheus:9090");
    let mut environment = environment("prod", "inference");
    let mut signals = Signals::of(server);
    signals.engine = [("inference".parse().unwrap(), Engine::Vllm)].into();
    environment.signals = Some(signals);
    let query = declared(&environment).into_iter().find(|query| query.signal == signal).unwrap();
    let nothing = Observation {
        server: server.to_owned(),
        answer: Ok(Answer::default()),
        facts: Ok(None),
        last: None,
        started: None,
        window: None,
    };
    let policy = Policy::new("2m".parse().unwrap());
    let readings = vec![judge(&query, &nothing, policy, Timestamp::UNIX_EPOCH)];
    let turn = Turn { load: Load { readings, ..Load::default() }, ..Turn::default() };
    let around = Around {
        environment: &environment,
        standing: &Standing::Leads,
        took_seconds: 0.0,
        counts: &Counts::default(),
        calls: &[],
    };
    let all = metrics(&turn, &around);
    let good = all.iter().find(|metric| metric.name == "floodway_signal_good").unwrap();
    let label = ("signal", signal.to_owned());
    good.samples.iter().find(|sample| sample.labels.contains(&label)).unwrap().value
}

/// Runs promtool in `dir` and returns what it said; it must succeed.
fn promtool(dir: &Path, arguments: &[&str]) -> String {
    let out = Command::new(program("promtool")).args(arguments).current_dir(dir).output().unwrap();
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "promtool {arguments:?}:\n{said}");
    said
}

/// The alert of each rule, stage after stage.
fn alerts() -> Vec<String> {
    let rules: Value = serde_saphyr::from_str(&rules().0).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
        .map(|rule| rule["alert"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_rules_are_what_prometheus_reads_as_a_file_and_as_shipped() {
    let (text, shipped) = rules();
    for text in [text, shipped] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("rules.yaml"), text).unwrap();
        let said =
            promtool(dir.path(), &["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"]);
        let expected = format!("{} rules found", alerts().len());
        assert!(said.contains(&expected), "{expected}: {said}");
    }
}

#[test]
fn each_alert_fires_and_stays_silent_as_its_unit_tests_say() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rules.yaml"), rules().0).unwrap();
    let mut arguments = vec!["test".to_owned(), "rules".to_owned()];
    let told = told_while_nobody_asks().to_string();
    for (name, text) in TESTS {
        let text = text.replace("TOLD", &told);
        fs::write(dir.path().join(format!("{name}.yaml")), text).unwrap();
        arguments.push(format!("{name}.yaml"));
    }
    promtool(dir.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn no_alert_is_without_a_case_in_which_it_fires_and_one_in_which_it_does_not() {
    let (mut fires, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for (_, text) in TESTS {
        let file: Value = serde_saphyr::from_str(text).unwrap();
        for case in file["tests"].as_array().unwrap() {
            for check in case["alert_rule_test"].as_array().unwrap() {
                let name = check["alertname"].as_str().unwrap().to_owned();
                let expected = check["exp_alerts"].as_array().unwrap();
                if expected.is_empty() {
                    silent.insert(name)
                } else {
                    fires.insert(name)
                };
            }
        }
    }
    let all: BTreeSet<_> = alerts().into_iter().collect();
    assert_eq!(fires, all);
    assert_eq!(silent, all);
}
