//! What each stage has once: ServiceAccount, Service, NetworkPolicy.

use super::scene::{About, Scene};
use super::view::{Plain, Service};
use super::{Desired, DesiredError, network};
use crate::id::Name;
use crate::observe::marks;
use crate::spec::model::Stage;

/// Where a stage's replicas show their metrics, at `/metrics`: the port that
/// OpenTelemetry's Prometheus exporters have by default.
const METRICS_PORT: u16 = 9464;

/// The metrics port of a stage; one further where gRPC is there already.
pub(super) fn metrics_port(stage: &Stage) -> u16 {
    if stage.port == METRICS_PORT { METRICS_PORT + 1 } else { METRICS_PORT }
}

pub(super) fn members(scene: &Scene<'_>) -> Result<Vec<Desired>, DesiredError> {
    let mut members = Vec::new();
    for (name, stage) in &scene.environment().service.stages {
        members.push(service_account(scene, name)?);
        members.push(service(scene, name, stage)?);
        members.push(network::stage_policy(scene, name, stage)?);
    }
    Ok(members)
}

fn service_account(scene: &Scene<'_>, name: &Name) -> Result<Desired, DesiredError> {
    let id = scene.stage_id("v1", "ServiceAccount", name);
    let view = Plain {
        meta: scene.member(&id, &[(marks::STAGE, name.as_str())]),
        environment: scene.environment_name(),
    };
    scene.render("templates/kubernetes/serviceaccount.yaml", id, &view, about(scene, name))
}

fn service(scene: &Scene<'_>, name: &Name, stage: &Stage) -> Result<Desired, DesiredError> {
    let id = scene.stage_id("v1", "Service", name);
    let view = Service {
        meta: scene.member(&id, &[(marks::STAGE, name.as_str())]),
        environment: scene.environment_name(),
        stage: name.to_string(),
        service: id.name.clone(),
        port: stage.port,
    };
    let desired =
        scene.render("templates/kubernetes/service.yaml", id, &view, about(scene, name))?;
    Ok(Desired { immutable: vec!["/spec/clusterIP"], ..desired })
}

/// Why a stage's own objects are there.
pub(super) fn about(scene: &Scene<'_>, stage: &Name) -> About {
    About {
        reason: scene.because(format!("service.stages.{stage}"), format!("stage {stage}")),
        after: vec![scene.parent_id()],
    }
}
