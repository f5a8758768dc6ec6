//! What matters of a decision, told beside the things that it is about.

use crate::decide::scaling::{EventKind, Scaling};
use crate::decide::todays_pool;
use crate::observe::{Inventory, Ownership, ResourceId};
use crate::pipeline::Session;
use crate::port::Notice;

/// Tells the events of a decision where there is somebody to hear them. What cannot
/// be told is in the log all the same.
pub(super) async fn events(session: &Session, inventory: &Inventory, scaling: &Scaling) {
    let backends = &session.backends;
    let sides = [&backends.kubernetes, &backends.aws];
    let Some(teller) = sides.into_iter().flatten().find_map(|side| side.tell.clone()) else {
        return;
    };
    let scope = session.scope([]);
    for event in &scaling.events {
        let notice = Notice {
            reason: reason(event.kind),
            message: event.text.clone(),
            about: about(session, inventory, event.about.as_str()),
            warning: event.kind.is_warning(),
        };
        let _ = teller.tell(&scope, &notice).await;
    }
}

/// The Deployment of the pool that an event is about; of a stage, the environment.
fn about(session: &Session, inventory: &Inventory, name: &str) -> ResourceId {
    let environment = &session.resolved.environment;
    let workload = inventory.resources.values().find(|live| {
        live.id.kind == "Deployment"
            && live.ownership == Ownership::Ours
            && live.pool().is_some_and(|pool| todays_pool(environment, pool) == name)
    });
    let parent = || {
        let namespace = environment.service.namespace.as_str();
        let parent = session.mark.parent_name();
        ResourceId::kubernetes("v1", "ConfigMap", Some(namespace), &parent)
    };
    workload.map_or_else(parent, |live| live.id.clone())
}

/// One word for programs.
fn reason(kind: EventKind) -> &'static str {
    match kind {
        EventKind::ScaledOut => "ScaledOut",
        EventKind::ScaledIn => "ScaledIn",
        EventKind::SetAside => "InsufficientCapacity",
        EventKind::GivenUp => "NeverReady",
        EventKind::Probe => "Probe",
        EventKind::Recovered => "Recovered",
        EventKind::DrainGivenUp => "DrainGivenUp",
        EventKind::PanicBegan => "PanicBegan",
        EventKind::PanicEnded => "PanicEnded",
        EventKind::Lost => "CapacityLost",
        EventKind::Unmet => "CapacityUnmet",
        EventKind::Met => "CapacityMet",
        EventKind::Shed => "Shedding",
        EventKind::Served => "SheddingEnded",
        EventKind::AutoscalerStuck => "AutoscalerCannotAct",
        EventKind::AutoscalerActs => "AutoscalerActs",
    }
}
