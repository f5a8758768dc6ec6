//! What must be done before what.

use super::{Action, Change, Step, kinds, moving, parent};
use crate::desired::DesiredWorld;
use crate::observe::{Mark, ResourceId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// For each change, those that must be done first. Things that there is nothing
/// to do for wait for nothing and keep nothing waiting. `closing` is done last of all.
pub(super) fn edges(
    mark: &Mark,
    desired: &DesiredWorld,
    changes: &[Change],
    stages: &[Option<String>],
    closing: Option<usize>,
) -> Vec<Vec<usize>> {
    let mut after = vec![BTreeSet::new(); changes.len()];
    let active = |&index: &usize| changes[index].has_work();
    let others: Vec<usize> =
        (0..changes.len()).filter(active).filter(|&index| Some(index) != closing).collect();
    as_declared(desired, changes, &others, &mut after);
    foundations(mark, changes, &others, &mut after);
    deletions(changes, stages, &others, &mut after);
    refreshes(changes, &others, &mut after);
    if let Some(closing) = closing {
        after[closing].extend(others);
    }
    after.into_iter().map(|set| set.into_iter().collect()).collect()
}

fn as_declared(
    desired: &DesiredWorld,
    changes: &[Change],
    active: &[usize],
    after: &mut [BTreeSet<usize>],
) {
    let made: BTreeMap<&ResourceId, usize> = active
        .iter()
        .filter(|&&index| changes[index].action != Action::Delete)
        .map(|&index| (&changes[index].id, index))
        .collect();
    for want in &desired.resources {
        let Some(&index) = made.get(&want.id) else { continue };
        for &first in want.after.iter().filter_map(|id| made.get(id)) {
            if first == index || stands_beside(&changes[index], &changes[first]) {
                continue;
            }
            if scales_in(&changes[first]) && kinds::is_workload(&want.id) {
                // Nodes go when the pods on them are gone.
                after[first].insert(index);
            } else {
                after[index].insert(first);
            }
        }
    }
}

/// What guards or scales a new workload need not wait until that is ready, which
/// may take as long as loading the weights.
fn stands_beside(change: &Change, workload: &Change) -> bool {
    let new = workload.action == Action::Create && kinds::is_workload(&workload.id);
    new && matches!(change.id.kind.as_str(), kinds::HPA | kinds::DISRUPTION_BUDGET)
}

/// Whether a group is asked for fewer instances than it has.
fn scales_in(group: &Change) -> bool {
    let number = |field: &Option<Value>| field.as_ref().and_then(Value::as_u64);
    group.id.kind == kinds::GROUP
        && group
            .fields
            .iter()
            .any(|field| field.path == "desired" && number(&field.after) < number(&field.before))
}

/// The namespace before all that is in it, the parent before its members.
fn foundations(mark: &Mark, changes: &[Change], active: &[usize], after: &mut [BTreeSet<usize>]) {
    let made = |index: usize| changes[index].action != Action::Delete;
    for &first in active.iter().filter(|&&index| made(index)) {
        let id = &changes[first].id;
        let namespace = id.kind == kinds::NAMESPACE;
        if !namespace && !parent::is_parent(mark, id) {
            continue;
        }
        for &then in active {
            let within = changes[then].id.scope.as_deref() == Some(id.name.as_str());
            let member = changes[then].id.kind != kinds::NAMESPACE;
            if then != first && ((namespace && within) || (!namespace && member)) {
                after[then].insert(first);
            }
        }
    }
}

/// Instances are replaced when their group and their template are as they shall be.
fn refreshes(changes: &[Change], active: &[usize], after: &mut [BTreeSet<usize>]) {
    for &then in active.iter().filter(|&&index| changes[index].id.kind == kinds::REFRESH) {
        let refresh = &changes[then];
        let group = refresh.id.refreshed_group();
        let first = active.iter().filter(|&&first| {
            let first = &changes[first];
            let template = first.id.kind == kinds::TEMPLATE && first.action != Action::Delete;
            first.id == group || (template && first.pool == refresh.pool)
        });
        after[then].extend(first);
    }
}

/// What is deleted goes when nothing leans on it any more: traffic and
/// autoscalers before the workload, a workload after what carries on in its
/// stage, what workloads use after all of them.
fn deletions(
    changes: &[Change],
    stages: &[Option<String>],
    active: &[usize],
    after: &mut [BTreeSet<usize>],
) {
    let is = |index: usize, action| changes[index].action == action;
    let workloads: Vec<usize> =
        active.iter().copied().filter(|&i| kinds::is_workload(&changes[i].id)).collect();
    let same_pool =
        |a: usize, b: usize| changes[a].pool.is_some() && changes[a].pool == changes[b].pool;
    for &gone in active.iter().filter(|&&index| is(index, Action::Delete)) {
        let kind = changes[gone].id.kind.as_str();
        if kinds::is_workload(&changes[gone].id) {
            let moves = |pods: usize| {
                kind == kinds::GROUP && moving::follows(&changes[pods]) && same_pool(pods, gone)
            };
            for &pods in workloads.iter().filter(|&&pods| moves(pods)) {
                after[pods].insert(gone);
            }
            let carry_on = workloads.iter().filter(|&&other| {
                !is(other, Action::Delete)
                    && !moves(other)
                    && stages[other].is_some()
                    && stages[other] == stages[gone]
            });
            after[gone].extend(carry_on);
            // Nodes go when the pods on them are gone.
            let pods = workloads.iter().filter(|&&pods| {
                kind == kinds::GROUP
                    && changes[pods].id.kind == kinds::DEPLOYMENT
                    && (is(pods, Action::Delete) || is(pods, Action::Replace))
                    && same_pool(pods, gone)
            });
            after[gone].extend(pods);
        } else if kind == kinds::HPA || kind == kinds::ENDPOINT_SLICE {
            for &workload in workloads.iter().filter(|&&workload| same_pool(workload, gone)) {
                if goes_before(changes, workload) {
                    after[workload].insert(gone);
                } else {
                    after[gone].insert(workload);
                }
            }
        } else {
            let own = changes[gone].pool.is_some();
            let users = workloads.iter().filter(|&&user| !own || same_pool(user, gone));
            after[gone].extend(users);
            // The same rules in another kind: there is no moment without alerts.
            let rules = |index: usize| {
                let id = &changes[index].id;
                matches!(id.kind.as_str(), "ConfigMap" | "PrometheusRule")
                    && id.name == changes[gone].id.name
            };
            let heirs = active.iter().filter(|&&heir| is(heir, Action::Create) && rules(heir));
            after[gone].extend(heirs.filter(|_| rules(gone)));
        }
    }
}

/// Whether an autoscaler or endpoint must be gone before its workload changes:
/// always before the workload is drained alone; of an autoscaler, before git
/// takes the number over. A replacement drains when its successor serves, so
/// there what belongs to the old one follows.
fn goes_before(changes: &[Change], workload: usize) -> bool {
    match changes[workload].action {
        Action::Delete => true,
        Action::Update => changes[workload].steps.iter().any(|step| match step {
            Step::Apply { body, .. } => body.at("/spec/replicas").is_some(),
            _ => false,
        }),
        Action::Replace | Action::Create | Action::NoOp => false,
    }
}
