//! What matters of a decision, and beside it, told beside the things that it is about.

mod news;

pub(super) use news::News;

use super::index::Index;
use super::report::Done;
use crate::decide::scaling::{Event, EventKind, Scaling};
use crate::id::Name;
use crate::observe::ResourceId;
use crate::pipeline::Session;
use crate::plan::Step;
use crate::port::Notice;

/// Tells the events of a decision, of which so much was `done`, where there is somebody
/// to hear them. What cannot be told is in the log all the same.
pub(super) async fn events(
    session: &Session,
    index: &Index<'_>,
    (scaling, done): (&Scaling, &[Done]),
) {
    let backends = &session.backends;
    let sides = [&backends.kubernetes, &backends.aws];
    let Some(teller) = sides.into_iter().flatten().find_map(|side| side.tell.clone()) else {
        return;
    };
    let scope = session.scope([]);
    for event in &scaling.events {
        if came_to_nothing(event, scaling, done) {
            continue;
        }
        let (about, message) = beside(session, index, (&event.about, &event.text));
        let (reason, warning) = (reason(event.kind), event.kind.is_warning());
        let notice = Notice { reason, message, about, warning };
        let _ = teller.tell(&scope, &notice).await;
    }
}

/// Whether an event says that a pool was moved, and all writes that were to do it have
/// failed: the next turn tries it again.
fn came_to_nothing(event: &Event, scaling: &Scaling, done: &[Done]) -> bool {
    let moves = |step: &Step| match (event.kind, step) {
        (EventKind::ScaledOut, Step::SetUnits { from, to, .. }) => to > from,
        (EventKind::ScaledIn, Step::SetUnits { from, to, .. }) => to < from,
        _ => false,
    };
    let own =
        |done: &&Done| done.pool == event.about && moves(&done.step) && !done.follows(scaling);
    let mut writes = done.iter().filter(own).peekable();
    writes.peek().is_some() && writes.all(|done| matches!(done.outcome, Some(Err(_))))
}

/// The Deployment of the pool that an event is `about`, with its words; where there is
/// none, the environment, and words that name what it is about.
fn beside(
    session: &Session,
    index: &Index<'_>,
    (about, text): (&Name, &str),
) -> (ResourceId, String) {
    let environment = &session.resolved.environment;
    if let Some(live) = index.by_pool.of("Deployment", about.as_str()).first() {
        return (live.id.clone(), text.to_owned());
    }
    let namespace = environment.service.namespace.as_str();
    let parent = session.mark.parent_name();
    let parent = ResourceId::kubernetes("v1", "ConfigMap", Some(namespace), &parent);
    let own = *about == environment.environment.name;
    (parent, if own { text.to_owned() } else { format!("{about}: {text}") })
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
        EventKind::BudgetReached => "BudgetReached",
        EventKind::BudgetFree => "BudgetFree",
        EventKind::SpotNotice => "SpotNotice",
        EventKind::LeaderElected => "LeaderElected",
        EventKind::LeaderLost => "LeaderLost",
        EventKind::OperatorHold => "OperatorHold",
        EventKind::OperatorNumber => "OperatorNumber",
        EventKind::OperatorResumed => "OperatorResumed",
    }
}
