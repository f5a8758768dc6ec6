//! Pods whose nodes go: they start anew on the nodes that stay.

use super::steps::{self, Limits};
use super::{Action, Change, PlanInput, kinds};
use crate::decide::DesiredOwner;
use std::collections::BTreeSet;

/// Lets apply wait for Deployments that do not change themselves, and whose
/// pool loses a group with instances: an apply that ended before would leave
/// less capacity than its plan says. Where the runtime sets how many pods there
/// are, it alone knows how many still fit.
pub(super) fn wait_for_pods(input: &PlanInput<'_>, changes: &mut [Change]) {
    let runs = |change: &Change| {
        let live = input.inventory.resources.get(&change.id);
        live.and_then(|live| live.workload.as_ref()).is_some_and(|workload| workload.existing > 0)
    };
    let goes = |change: &&Change| {
        change.id.kind == kinds::GROUP && change.action == Action::Delete && runs(change)
    };
    let losing: BTreeSet<String> =
        changes.iter().filter(goes).filter_map(|change| change.pool.clone()).collect();
    let by_git = |pool: &str| {
        input.decision.pools.get(pool).is_some_and(|decided| decided.owner == DesiredOwner::Git)
    };
    let limits = Limits { environment: input.environment };
    let stays = |change: &&mut Change| {
        let pool = change.pool.as_deref();
        follows(change) && pool.is_some_and(|pool| losing.contains(pool) && by_git(pool))
    };
    for change in changes.iter_mut().filter(stays) {
        let want = input.desired.resources.iter().find(|want| want.id == change.id);
        if let Some(want) = want {
            change.steps = steps::wait(limits, want);
        }
    }
}

/// Whether it is a Deployment for which apply at most waits: then after the
/// nodes that its pods leave.
pub(super) fn follows(change: &Change) -> bool {
    change.id.kind == kinds::DEPLOYMENT && change.action == Action::NoOp
}
