//! The alert rules of the operations team, judged by Prometheus' own tool: each
//! fires when it should, as soon as it should, saying what it should; and each
//! stays silent when it should.

use crate::support::programs::program;
use floodway::clock::Timestamp;
use floodway::decide::{PlanningInput, Supply, decide};
use floodway::desired::{DesiredInput, Templates, alert_rules, render};
use floodway::observe::{Inventory, Mark};
use floodway::spec::model::{
    Burst, Count, Environment, ForecastPolicy, Hpa, Identity, OnPrem, OnPremPool, OnPremProvider,
    Resources, Rollout, ScaleIn, Service, Slo, Stage,
};
use floodway::spec::{Catalog, Origins};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

/// Unit tests of the rules, by file; each is about the alerts it names.
const TESTS: [(&str, &str); 8] = [
    ("at-max", include_str!("alerts/at-max.yaml")),
    ("budget", include_str!("alerts/budget.yaml")),
    ("completion", include_str!("alerts/completion.yaml")),
    ("cpu", include_str!("alerts/cpu.yaml")),
    ("down", include_str!("alerts/down.yaml")),
    ("latency", include_str!("alerts/latency.yaml")),
    ("memory", include_str!("alerts/memory.yaml")),
    ("missing", include_str!("alerts/missing.yaml")),
];

fn unit<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// One stage on one autoscaled pool, with every objective that there is.
fn environment() -> Environment {
    let stage = Stage {
        image: "registry.example/inference".into(),
        gpus: 1,
        resources: Resources { cpu: unit("8"), memory: unit("64Gi") },
        next: None,
        demand: None,
        port: 50051,
        max_message: unit("100Mi"),
        startup: unit("15m"),
        drain: unit("2m"),
        args: Vec::new(),
        env: BTreeMap::new(),
    };
    let pool = OnPremPool {
        stage: unit("inference"),
        replicas: Count::Between { min: 3, max: 20 },
        capacity: unit("18 req/s"),
        hpa: Some(Hpa { cpu: Some(unit("70%")), requests_per_second: None }),
        node_selector: BTreeMap::new(),
        tolerations: Vec::new(),
    };
    Environment {
        environment: Identity { name: unit("prod"), phase: None, protected: false, max_destroy: 0 },
        slo: Slo {
            availability: unit("99.95%"),
            ttft_p99: Some(unit("500ms")),
            tpot_p99: Some(unit("50ms")),
            e2e_p99: Some(unit("30s")),
            error_rate: unit("0.5%"),
        },
        service: Service {
            name: unit("deepseek"),
            namespace: unit("inference"),
            model: "deepseek-ai/DeepSeek-R1-Distill-Llama-8B".into(),
            stages: BTreeMap::from([(unit("inference"), stage)]),
        },
        onprem: Some(OnPrem {
            provider: OnPremProvider::Sim,
            context: None,
            cluster_uid: None,
            pools: BTreeMap::from([(unit("h100"), pool)]),
        }),
        aws: None,
        burst: Burst {
            target_utilization: unit("80%"),
            forecast: ForecastPolicy { horizon: unit("15m"), quantile: unit("95%") },
            scale_in: ScaleIn { stabilization: unit("15m"), drain: unit("10m") },
            budget: None,
        },
        signals: None,
        rollout: Rollout::default(),
        moved: Vec::new(),
    }
}

/// The rules' text, as a file and as the ConfigMap ships them.
fn rules() -> (String, String) {
    let environment = environment();
    let inventory = Inventory::empty(Timestamp::UNIX_EPOCH);
    let decision = decide(&PlanningInput {
        environment: &environment,
        origins: &Origins::default(),
        catalog: &Catalog::default(),
        supply: &Supply::default(),
    });
    let mark = Mark {
        environment: "prod".into(),
        repository: "local".into(),
        file: "environments/prod.toml".into(),
    };
    let input = DesiredInput {
        environment: &environment,
        origins: &Origins::default(),
        decision: &decision,
        inventory: &inventory,
        mark: &mark,
    };
    let templates = Templates::embedded().unwrap();
    let world = render(&input, &templates).unwrap();
    let shipped = world
        .resources
        .iter()
        .find(|desired| desired.id.name == "floodway-prod-alerts")
        .and_then(|desired| desired.body["data"]["rules.yaml"].as_str())
        .unwrap();
    (alert_rules(&input, &templates).unwrap(), shipped.to_owned())
}

/// Runs promtool in `dir` and returns what it said; it must succeed.
fn promtool(dir: &Path, arguments: &[&str]) -> String {
    let out = Command::new(program("promtool")).args(arguments).current_dir(dir).output().unwrap();
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "promtool {arguments:?}:\n{said}");
    said
}

fn alert_names() -> BTreeSet<String> {
    let rules: Value = serde_saphyr::from_str(&rules().0).unwrap();
    let groups = rules["groups"].as_array().unwrap().clone();
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
        let expected = format!("{} rules found", alert_names().len());
        assert!(said.contains(&expected), "{expected}: {said}");
    }
}

#[test]
fn each_alert_fires_and_stays_silent_as_its_unit_tests_say() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rules.yaml"), rules().0).unwrap();
    let mut arguments = vec!["test".to_owned(), "rules".to_owned()];
    for (name, text) in TESTS {
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
    assert_eq!(fires, alert_names());
    assert_eq!(silent, alert_names());
}
