//! NetworkPolicies: nothing flows but what the stages need.

use super::scene::{About, Scene};
use super::stages::{about, metrics_port};
use super::view::{NextStage, Plain, Reach, StagePolicy};
use super::{Desired, DesiredError, names};
use crate::id::{Name, Namespace};
use crate::observe::{ResourceId, marks};
use crate::spec::Environment;
use crate::spec::model::{Egress, Join, Stage};
use std::collections::BTreeSet;

const API: &str = "networking.k8s.io/v1";
const KIND: &str = "NetworkPolicy";

/// Private address ranges (RFC 1918) and shared address space (RFC 6598): where
/// a VPC's instances can be.
pub(super) const PRIVATE_RANGES: [&str; 4] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

/// The policies of the whole environment: template suffix, and why.
const ENVIRONMENT_POLICIES: [(&str, &str); 2] = [
    ("default-deny", "nothing flows that no policy allows"),
    ("dns", "stages find each other by DNS"),
];

/// Deny all, and allow DNS, for every pod of the environment.
pub(super) fn environment_policies(scene: &Scene<'_>) -> Result<Vec<Desired>, DesiredError> {
    let policy = |(suffix, why): (&str, &str)| {
        let id = environment_policy_id(scene, suffix);
        let view = Plain { meta: scene.member(&id, &[]), environment: scene.environment_name() };
        let about = About {
            reason: scene.because("environment.name", why),
            after: vec![scene.parent_id()],
        };
        scene.render(&format!("templates/kubernetes/networkpolicy-{suffix}.yaml"), id, &view, about)
    };
    ENVIRONMENT_POLICIES.into_iter().map(policy).collect()
}

/// Every policy that a stage's pods must find in force when they start.
pub(super) fn policy_ids(scene: &Scene<'_>, stage: &Name) -> Vec<ResourceId> {
    let environment = ENVIRONMENT_POLICIES.into_iter();
    environment
        .map(|(suffix, _)| environment_policy_id(scene, suffix))
        .chain([scene.stage_id(API, KIND, stage)])
        .collect()
}

fn environment_policy_id(scene: &Scene<'_>, suffix: &str) -> ResourceId {
    scene.id(API, KIND, &format!("{}-{suffix}", scene.input.mark.parent_name()))
}

/// What one stage needs.
pub(super) fn stage_policy(
    scene: &Scene<'_>,
    name: &Name,
    stage: &Stage,
) -> Result<Desired, DesiredError> {
    let environment = scene.environment();
    let stages = &environment.service.stages;
    let id = scene.stage_id(API, KIND, name);
    let callers: Vec<&Name> = stages
        .iter()
        .filter(|(_, caller)| caller.next.as_ref() == Some(name))
        .map(|(caller, _)| caller)
        .collect();
    let view = StagePolicy {
        meta: scene.member(&id, &[(marks::STAGE, name.as_str())]),
        environment: scene.environment_name(),
        stage: name.to_string(),
        callers: callers.iter().map(ToString::to_string).collect(),
        callers_outside: outside(environment, &callers),
        port: stage.port,
        metrics_port: metrics_port(stage),
        prometheus_namespaces: prometheus_namespaces(environment),
        next: stage.next.as_ref().and_then(|next| {
            let port = stages.get(next)?.port;
            let outside = outside(environment, &[next]);
            Some(NextStage { stage: next.to_string(), port, outside })
        }),
        egress: stage.egress.iter().map(reach).collect(),
    };
    scene.render("templates/kubernetes/networkpolicy-stage.yaml", id, &view, about(scene, name))
}

/// Where a stage's callers find it: every ready replica, for the client to
/// choose from.
pub(super) fn dns_target(environment: &Environment, stage: &Name, port: u16) -> String {
    let service = names::of_stage(environment, stage);
    format!("dns:///{service}.{}.svc:{port}", environment.service.namespace)
}

fn reach(egress: &Egress) -> Reach {
    Reach { cidr: egress.cidr.clone(), except: egress.except(), port: egress.port }
}

/// Where replicas of `stages` can be outside the cluster: nowhere, or wherever an
/// instance can.
fn outside(environment: &Environment, stages: &[&Name]) -> Vec<&'static str> {
    if stages.iter().any(|stage| has_standalone_pool(environment, stage)) {
        PRIVATE_RANGES.to_vec()
    } else {
        Vec::new()
    }
}

fn has_standalone_pool(environment: &Environment, stage: &Name) -> bool {
    let pools = environment.aws.iter().flat_map(|aws| aws.pools.values());
    pools.into_iter().any(|pool| pool.join == Join::Standalone && &pool.stage == stage)
}

/// The namespaces that Prometheus' URLs name, each once.
pub(super) fn prometheus_namespaces(environment: &Environment) -> Vec<String> {
    let urls = environment.signals.iter().flat_map(|signals| &signals.prometheus);
    let named: BTreeSet<String> = urls.filter_map(|url| namespace_in(url)).collect();
    named.into_iter().collect()
}

/// The namespace in the URL of a Service: `http://prometheus.monitoring:9090`,
/// `….monitoring.svc`, `….monitoring.svc.cluster.local`.
pub(super) fn namespace_in(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next()?;
    let mut labels = host.split('.');
    let (_service, namespace) = (labels.next()?, labels.next()?);
    let in_cluster = matches!(labels.next(), None | Some("svc"));
    let is_name = namespace.parse::<Namespace>().is_ok();
    let is_address = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (in_cluster && is_name && !is_address).then(|| namespace.to_owned())
}
