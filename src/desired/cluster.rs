//! What stands once per environment: namespace, parent, priority class,
//! default policies, alert rules; and everything else around them.

use super::scene::{About, Scene};
use super::view::{Parent, Plain, PriorityClass};
use super::{Desired, DesiredError, alerts, network, stages, workloads};
use crate::observe::{ResourceId, marks};
use std::collections::BTreeSet;

/// Above ordinary pods (0), far below what the cluster itself needs (2·10⁹).
const SERVING_PRIORITY: i32 = 100_000;

/// The members of the ApplySet.
pub(super) fn members(scene: &Scene<'_>) -> Result<Vec<Desired>, DesiredError> {
    let mut members = vec![priority_class(scene)?];
    members.extend(network::environment_policies(scene)?);
    members.extend(stages::members(scene)?);
    members.extend(workloads::members(scene)?);
    members.push(alerts::member(scene)?);
    Ok(members)
}

/// What is no member but must be there: the parent, and the namespace where
/// nobody made one yet.
pub(super) fn frame(scene: &Scene<'_>, members: &[Desired]) -> Result<Vec<Desired>, DesiredError> {
    let mut frame = Vec::new();
    let mut after = Vec::new();
    if !scene.input.inventory.capabilities.namespace_exists {
        let namespace = namespace(scene)?;
        after.push(namespace.id.clone());
        frame.push(namespace);
    }
    frame.push(parent(scene, members, after)?);
    Ok(frame)
}

fn namespace(scene: &Scene<'_>) -> Result<Desired, DesiredError> {
    let id = ResourceId::kubernetes("v1", "Namespace", None, scene.namespace());
    let view = Plain { meta: scene.stranger(&id), environment: scene.environment_name() };
    let about = About {
        reason: scene.because("service.namespace", "the namespace does not exist yet"),
        after: Vec::new(),
    };
    let desired = scene.render("templates/kubernetes/namespace.yaml", id, &view, about)?;
    Ok(Desired { member: false, ..desired })
}

fn parent(
    scene: &Scene<'_>,
    members: &[Desired],
    after: Vec<ResourceId>,
) -> Result<Desired, DesiredError> {
    let id = scene.parent_id();
    let mut meta = scene.stranger(&id);
    meta.labels.insert(marks::APPLYSET_ID.to_owned(), scene.applyset().to_owned());
    let kinds: BTreeSet<_> = members.iter().map(|member| member.id.group_kind()).collect();
    let view = Parent {
        meta,
        tooling: concat!("floodway/v", env!("CARGO_PKG_VERSION")).to_owned(),
        group_kinds: kinds.into_iter().collect::<Vec<_>>().join(","),
        members: members.len(),
        repository: scene.input.mark.repository.clone(),
        file: scene.input.mark.file.clone(),
    };
    let about = About {
        reason: scene.because("environment.name", "marks what this environment owns"),
        after,
    };
    let desired = scene.render("templates/kubernetes/parent.yaml", id, &view, about)?;
    Ok(Desired { member: false, ..desired })
}

fn priority_class(scene: &Scene<'_>) -> Result<Desired, DesiredError> {
    let id = scene.priority_class_id();
    let environment = scene.environment_name();
    let view = PriorityClass {
        meta: scene.member(&id, &[(marks::NAMESPACE, scene.namespace())]),
        priority: SERVING_PRIORITY,
        description: format!("Inference serving of environment {environment}, by Floodway"),
    };
    let about = About {
        reason: scene.because("environment.name", "serving goes before batch work"),
        after: vec![scene.parent_id()],
    };
    let desired = scene.render("templates/kubernetes/priorityclass.yaml", id, &view, about)?;
    Ok(Desired { immutable: vec!["/value", "/preemptionPolicy"], ..desired })
}
