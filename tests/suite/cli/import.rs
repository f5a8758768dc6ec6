//! `floodway import`: what somebody else made becomes the environment's where
//! it stands, or not at all.

use super::{environment, image, pool, scenario, settled, small};
use crate::support::repository::{Repository, Said};
use serde_json::{Value, json};

const NAME: &str = "llm-inference-a";

/// A Deployment of 2 that somebody has made, with these labels on it and its pods.
fn theirs(repository: &Repository, labels: &Value, pods: &Value) -> String {
    let content = json!({
        "metadata": {"labels": labels},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": pods},
            "template": {"metadata": {"labels": pods}, "spec": {"containers": [
                {"name": "server", "image": "registry.example/theirs"},
            ]}},
        },
    });
    scenario(repository, &create("Deployment", NAME, "ns", &content))
}

fn create(kind: &str, name: &str, namespace: &str, content: &Value) -> String {
    let what = json!({
        "kind": kind, "name": name, "namespace": namespace, "content": content, "by": "kubectl",
    });
    format!("[[events]]\nat = \"0s\"\ncreate = {}\n", toml(&what))
}

/// As TOML in one line.
fn toml(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Object(map) => {
            let entry = |(key, value)| format!("{key:?} = {}", toml(value));
            format!("{{ {} }}", joined(map.iter().map(entry).collect()))
        }
        Value::Array(list) => format!("[{}]", joined(list.iter().map(toml).collect())),
        leaf => leaf.to_string(),
    }
}

fn import(repository: &Repository, rest: &[&str]) -> Said {
    repository.run(&[&["import", "small"], rest].concat())
}

fn world(repository: &Repository) -> String {
    std::fs::read_to_string(repository.path().join(".floodway/sim/small.json")).unwrap()
}

#[test]
fn a_deployment_is_adopted_where_it_stands_and_nothing_else_is_touched() {
    let repository = small(&(pool("a", "2") + &pool("b", "1")));
    let file = theirs(&repository, &json!({}), &json!({"floodway.dev/workload": NAME}));
    let thing = "deployment/llm-inference-a";
    let look = import(&repository, &[thing, "--dry-run", "--scenario", &file]).exits(0);
    look.says("~ Deployment ns/llm-inference-a")
        .says("adopted: it carries no marks yet")
        .says("registry.example/theirs →")
        .says("this plan is partial");
    let before = world(&repository);
    assert!(!before.contains("floodway.dev/pool"), "a dry run writes nothing");
    let json = import(&repository, &[thing, "--dry-run", "--json"]).exits(0).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["applicable"], true);
    import(&repository, &[thing]).exits(64).says("--dry-run");
    import(&repository, &[thing, "--yes"]).exits(0).says("1 changed, 0 destroyed");
    let after = world(&repository);
    assert!(after.contains(&image('0')), "it runs what the file says");
    assert!(!after.contains("llm-inference-b"), "nothing else is touched");
    let again = import(&repository, &[thing, "--yes"]).exits(0);
    again.says("Deployment ns/llm-inference-a is small's already").says("Nothing to import");
    repository.run(&["apply", "small", "--yes"]).exits(0);
    settled(&repository);
}

#[test]
fn what_would_have_to_be_replaced_is_refused_and_stays() {
    let repository = small(&pool("a", "2"));
    let file = theirs(&repository, &json!({}), &json!({"app": "theirs"}));
    let thing = "Deployment/llm-inference-a";
    for how in ["--dry-run", "--yes"] {
        import(&repository, &[thing, how, "--scenario", &file])
            .exits(12)
            .says("cannot be adopted in place: llm-inference-a-2 would replace it")
            .says("floodway apply small --adopt Deployment/llm-inference-a");
    }
    assert!(world(&repository).contains("registry.example/theirs"));
    assert!(!world(&repository).contains("llm-inference-a-2"));
}

#[test]
fn what_carries_other_marks_is_refused() {
    let repository = small(&pool("a", "2"));
    let labels = json!({"applyset.kubernetes.io/part-of": "applyset-other-v1"});
    let file = theirs(&repository, &labels, &json!({"floodway.dev/workload": NAME}));
    import(&repository, &["Deployment/llm-inference-a", "--yes", "--scenario", &file])
        .exits(12)
        .says("belongs to ApplySet applyset-other-v1");
}

#[test]
fn what_the_environment_would_not_have_is_refused_with_the_nearest_name() {
    let repository = small(&pool("a", "2"));
    import(&repository, &["Deployment/llm-inference-aa", "--yes"])
        .exits(64)
        .says("did you mean `Deployment/llm-inference-a`?");
    import(&repository, &["Deployment/llm-inference-a", "--yes"])
        .exits(64)
        .says("does not exist, so there is nothing to import");
    import(&repository, &["Gateway/x", "--yes"]).exits(64).says("AutoScalingGroup/REGION/NAME");
    import(&repository, &[]).exits(64);
}

#[test]
fn a_group_is_adopted_with_its_instances() {
    let repository = Repository::new(None);
    let burst = "[aws]\nprovider = \"sim\"\nregion = \"us-east-1\"\n[aws.pools.g6e]\n\
                 size = { min = 0, max = 3 }\nstage = \"inference\"\njoin = \"standalone\"\n\
                 image = { name = \"i\" }\nsubnets = { ids = [\"subnet-1\"] }\n\
                 instance_types = [\"g6e.12xlarge\"]\ncapacity = { \"g6e.12xlarge\" = \"9 req/s\" }\n";
    repository.write("small", &environment(&(pool("a", "1") + burst)));
    let name = "small-g6e-od-g6e.12xlarge";
    let content = json!({
        "min": 0, "max": 5, "desired": 2,
        "instance_type": "g6e.12xlarge", "capacity_type": "on-demand",
    });
    let file = scenario(&repository, &create("AutoScalingGroup", name, "us-east-1", &content));
    let thing = format!("AutoScalingGroup/us-east-1/{name}");
    let look = import(&repository, &[&thing, "--dry-run", "--scenario", &file]).exits(0);
    look.says(&format!("~ AutoScalingGroup us-east-1/{name}")).says("max: 5 → 3").says("adopted");
    import(&repository, &[&thing, "--yes"]).exits(0);
    repository.run(&["apply", "small", "--yes"]).exits(0);
    settled(&repository);
    let status = repository.run(&["status", "small", "--json"]).exits(0).out;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert!(status.to_string().contains("\"desired\":2"), "its instances stay: {status:#}");
}
