//! A rollout, written down: the same text each time, nothing of a file taken for more
//! than text, and templates of the environment that can do nothing but make text.

mod hostile;
mod page;

use crate::support::repository::{Repository, Said};
use std::fs;

/// Three phases: what Floodway does, what people do, one that no budget allows, and
/// texts that would be more than text anywhere else.
const ENVIRONMENT: &str = r#"
[environment]
name = "small"
phase = "short"
max_destroy = 1
[slo]
availability = "99.9%"
[service]
name = "llm"
namespace = "ns"
model = "m"
[service.stages.inference]
image = "registry.example/i@sha256:0000000000000000000000000000000000000000000000000000000000000000"
gpus = 1
resources = { cpu = "1", memory = "1Gi" }
[onprem]
provider = "sim"
[onprem.pools.h100]
stage = "inference"
replicas = 2
capacity = "10 req/s"
[aws]
provider = "sim"
region = "us-east-1"
[burst]
budget = { usd_per_hour = 25 }

[rollout.phases.short]
order = 1
window = "1-2 weeks"
start = "2026-12-01"
owner = "platform"
summary = "The load decides | <script>alert(1)</script> & **nothing** else"
undo = "Take the steps out: the pool is 2 again."
goals = { availability = "99.9%", usd_per_hour = 0 }
[[rollout.phases.short.risks]]
risk = "The autoscaler | flaps"
guard = "`stabilization`"
[rollout.phases.short.steps.hpa]
summary = "the load sets the number"
unset = ["onprem.pools.h100.replicas"]
set.onprem.pools.h100.replicas = { min = 2, max = 6 }
set.onprem.pools.h100.hpa = { cpu = "70%" }
[rollout.phases.short.steps.boards]
summary = "dashboards: \"who\" looks; at what"
owner = "sre"
after = ["hpa"]
[rollout.phases.short.exit.slo]
summary = "the promise is kept"
measure = "availability"
at_least = "99.9%"
window = "7d"
[rollout.phases.short.abort.errors]
query = "sum(rate(errors[5m])) or vector(0)"
above = 4

[rollout.phases.medium]
order = 2
window = "1-3 months"
[rollout.phases.medium.steps.burst]
summary = "a burst pool"
after = ["short.hpa"]
set.aws.pools.g6e = { stage = "inference", size = { min = 0, max = 2 }, join = "kubernetes", instance_types = ["g6e.12xlarge"], capacity = { "g6e.12xlarge" = "9 req/s" }, subnets = { ids = ["subnet-1"] }, image = { name = "i" } }

[rollout.phases.long]
order = 3
[rollout.phases.long.steps.more]
summary = "more of it"
set.aws.pools.g6e.size = { min = 0, max = 5 }

[[rollout.history]]
at = "2026-12-02T08:00:00Z"
to = "short"
by = "ada"
reason = "we | begin"
overridden = ["phase x: left out"]
"#;

fn repository() -> Repository {
    let repository = Repository::new(None);
    repository.write("small", ENVIRONMENT);
    repository
}

fn rendered(repository: &Repository, format: &str) -> String {
    said(repository, format).exits(0).out
}

fn said(repository: &Repository, format: &str) -> Said {
    repository.run(&["rollout", "render", "small", "--format", format])
}

/// Puts a template in place of the shipped one.
fn own(repository: &Repository, name: &str, text: &str) {
    let folder = repository.path().join("environments/small/rollout");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

/// Without what changes with every version.
fn settled(text: &str) -> String {
    text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn each_document_is_as_it_was() {
    let repository = repository();
    insta::assert_snapshot!("rollout_md", settled(&rendered(&repository, "md")));
    insta::assert_snapshot!("rollout_mermaid", rendered(&repository, "mermaid"));
    insta::assert_snapshot!("rollout_steps", rendered(&repository, "mermaid-steps"));
    insta::assert_snapshot!("rollout_json", settled(&rendered(&repository, "json")));
}

#[test]
fn the_same_file_makes_the_same_text() {
    let repository = repository();
    for format in ["md", "html", "json", "mermaid", "mermaid-steps", "svg"] {
        let first = rendered(&repository, format);
        assert!(!first.is_empty());
        assert!(first == rendered(&repository, format), "{format} differs from itself");
    }
}

#[test]
fn the_json_keeps_to_its_schema() {
    let repository = repository();
    let schema = repository.run(&["schema", "rollout"]).exits(0).out;
    let schema = serde_json::from_str(&schema).unwrap();
    let document = serde_json::from_str(&rendered(&repository, "json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
    assert_eq!(errors, [""; 0]);
}

#[test]
fn a_phase_that_cannot_be_applied_says_so_and_the_others_are_told_all_the_same() {
    let document = rendered(&repository(), "json");
    let view: serde_json::Value = serde_json::from_str(&document).unwrap();
    let plan = |number: usize| &view["phases"][number]["plan"];
    assert_eq!(plan(1)["refusals"], serde_json::json!([]));
    assert_eq!(plan(1)["from"], "short");
    assert_eq!(plan(2)["from"], "medium");
    assert_eq!(plan(2)["refusals"][0]["guard"], "budget");
}

#[test]
fn one_phase_may_be_told_of_alone() {
    let repository = repository();
    let arguments = ["rollout", "render", "small", "--phase", "medium", "--out", "medium.html"];
    repository.run(&arguments).exits(0);
    let page = fs::read_to_string(repository.path().join("medium.html")).unwrap();
    assert!(page.starts_with("<!doctype html>"), "the name says what it is");
    assert!(page.contains("id=\"phase-medium\"") && !page.contains("id=\"phase-long\""));
    let wrong = ["rollout", "render", "small", "--phase", "medum"];
    repository.run(&wrong).exits(64).says("did you mean `medium`?");
}

#[test]
fn a_template_of_the_environment_stands_in_for_the_shipped_one() {
    let repository = repository();
    own(&repository, "report.md", "{{ environment }} {% include \"_end.md\" %}\n");
    own(&repository, "_end.md", "in {{ summary.live }}");
    assert_eq!(rendered(&repository, "md"), "small in short\n");
    // What is not replaced is as it was, rendered beside it or not.
    assert!(rendered(&repository, "html").starts_with("<!doctype html>"));
    own(
        &repository,
        "report.html",
        "{% extends \"templates/rollout/report.html\" %}{% block title %}ours{% endblock %}",
    );
    let page = rendered(&repository, "html");
    assert!(page.contains("<title>ours</title>") && page.contains("id=\"phase-long\""));
}
