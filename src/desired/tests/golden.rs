//! The whole of it, for the eye: one object of each kind as it is applied.

use super::super::fixture::{self, decision, environment, mark};
use crate::desired::{DesiredInput, Templates, alert_rules};
use crate::spec::Origins;

/// Everything of these kinds, as YAML documents.
fn documents(wanted: impl Fn(&crate::desired::Desired) -> bool) -> String {
    let world = fixture::world(&environment(), &fixture::empty());
    let chosen: Vec<_> = world.resources.iter().filter(|desired| wanted(desired)).collect();
    assert!(!chosen.is_empty());
    let texts: Vec<_> =
        chosen.iter().map(|desired| serde_saphyr::to_string(&desired.body).unwrap()).collect();
    texts.join("---\n")
}

#[test]
fn deployments() {
    for name in ["deepseek-inference-h100", "deepseek-preprocess-front", "deepseek-inference-g6e"] {
        let text = documents(|d| d.id.kind == "Deployment" && d.id.name == name);
        insta::assert_snapshot!(format!("deployment-{name}"), text);
    }
}

#[test]
fn what_stands_once() {
    let once = ["Namespace", "PriorityClass", "ServiceAccount", "Service"];
    let parent = |name: &str| name == "floodway-prod";
    insta::assert_snapshot!(documents(|d| {
        (once.contains(&d.id.kind.as_str()) && !d.id.name.contains("process"))
            || (d.id.kind == "ConfigMap" && parent(&d.id.name))
    }));
}

#[test]
fn what_stands_beside_a_deployment() {
    let beside = ["HorizontalPodAutoscaler", "PodDisruptionBudget", "EndpointSlice"];
    insta::assert_snapshot!(documents(|d| {
        beside.contains(&d.id.kind.as_str()) && !d.id.name.contains("inference-h100")
    }));
}

#[test]
fn network_policies() {
    insta::assert_snapshot!(documents(|d| d.id.kind == "NetworkPolicy"));
}

#[test]
fn groups() {
    insta::assert_snapshot!(documents(|d| d.id.kind == "AutoScalingGroup"));
}

#[test]
fn reasons_and_order() {
    let world = fixture::world(&environment(), &fixture::empty());
    let lines: Vec<_> = world
        .resources
        .iter()
        .map(|d| {
            let after: Vec<_> = d.after.iter().map(|id| id.kind.as_str()).collect();
            let key = d.reason.key.as_deref().unwrap_or_default();
            format!("{}\n  {} [{key}]\n  after {}", d.id, d.reason, after.join(", "))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn rules() {
    let environment = environment();
    let inventory = fixture::empty();
    let input = DesiredInput {
        environment: &environment,
        origins: &Origins::default(),
        catalog: &fixture::catalog(),
        decision: &decision(&environment, &inventory),
        inventory: &inventory,
        mark: &mark(),
    };
    insta::assert_snapshot!(alert_rules(&input, &Templates::embedded().unwrap()).unwrap());
}
