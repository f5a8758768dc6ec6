//! What stands on the live environment against applying anything to it.

use super::Refusal;
use crate::id::Name;
use crate::observe::{Aborted, Hands};
use crate::spec::Environment;

/// Why nothing may be applied to `environment`, called `name`, for now: it is
/// paused, or the phase that is live has been given up. A phase before that one
/// may be applied: that is how it is rolled back.
pub fn halted(name: &str, environment: &Environment, hands: &Hands) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if let Some(pause) = &hands.pause {
        let said = format!("{} ({}, {})", pause.reason, pause.by, pause.since);
        refusals.push(Refusal::new(
            "paused",
            format!("the rollout of {name} is paused: {said}"),
            format!("when it may go on: floodway rollout resume {name}"),
        ));
    }
    let aborted = hands.aborted.as_ref().filter(|aborted| aborted.stands());
    if let Some(aborted) = aborted.filter(|aborted| !is_behind(environment, &aborted.phase)) {
        let Aborted { phase, criterion, value, target, since, .. } = aborted;
        refusals.push(Refusal::new(
            "aborted",
            format!(
                "phase {phase} of {name} was given up at {since}: {criterion} was {value}, which \
                 is {target}"
            ),
            format!(
                "go back to the phase before: floodway rollout rollback {name} --reason \"…\"; or \
                 go on all the same: floodway rollout resume {name} --reason \"…\""
            ),
        ));
    }
    refusals
}

/// Whether the phase that is live is an earlier one than `aborted`.
fn is_behind(environment: &Environment, aborted: &Name) -> bool {
    let phases = &environment.rollout.phases;
    let order = |name: &Name| phases.get(name).map(|phase| phase.order);
    match (&environment.environment.phase, order(aborted)) {
        // Before the first of all.
        (None, _) => true,
        // It is not known where it was.
        (Some(_), None) => false,
        (Some(live), Some(aborted)) => order(live).is_some_and(|live| live < aborted),
    }
}
