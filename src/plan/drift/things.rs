//! Which things are gone, have come, or carry other marks; the others are
//! compared field by field.

use super::super::slots::{self, Pair};
use super::super::target::Selection;
use super::super::{PlanInput, kinds, parent};
use super::{Drift, Finding, What, fields, group};
use crate::desired::Desired;
use crate::observe::{Live, Ownership, ResourceId, Side, marks};
use std::collections::{BTreeMap, BTreeSet};

const NO_COUNT: &str = "the record of how much the last apply left is not there: somebody deleted \
                        it, or the file asks for it only since";
const NO_MARKS: &str = "nothing tells whether it was ever this environment's";
const NO_RECORD: &str = "it carries no record of what was applied";

/// Compares all things.
pub(super) fn compare(input: &PlanInput<'_>, drift: &mut Drift) {
    let resources = &input.inventory.resources;
    let ours = || resources.values().filter(|live| live.ownership == Ownership::Ours);
    drift.applied = input.inventory.last_apply.is_some() || ours().next().is_some();
    if !drift.applied {
        return;
    }
    let mut absent = Vec::new();
    let mut lost = 0;
    let replaced = replaced_groups(input);
    for want in &input.desired.resources {
        match resources.get(&want.id) {
            None => match replaced.get(&want.id) {
                Some(old) => drift.findings.extend(group::compare(want, old)),
                None => absent.push(want),
            },
            Some(live) => {
                let found = existing(input, want, live);
                let unmarked = |finding: &Finding| {
                    finding.doubt.is_none()
                        && matches!(finding.what, What::Unmarked | What::MarkedAnew { .. })
                };
                lost += usize::from(found.iter().any(unmarked));
                drift.findings.extend(found);
            }
        }
    }
    let wanted: BTreeSet<&ResourceId> = input
        .desired
        .resources
        .iter()
        .map(|want| &want.id)
        .chain(replaced.values().map(|old| &old.id))
        .collect();
    let unwanted =
        ours().filter(|live| !wanted.contains(&live.id) && kinds::may_be_pruned(&live.id));
    drift.findings.extend(unwanted.filter_map(appeared));
    let counted = |live: &&Live| {
        is_counted(input, &live.id) && (wanted.contains(&live.id) || was_applied(live))
    };
    let there = ours().filter(counted).count() + lost;
    gone(input, drift, &absent, there);
}

/// The groups that a plan would replace, by the name that is asked for in their
/// place: what is gone has no other name.
fn replaced_groups<'a>(input: &PlanInput<'a>) -> BTreeMap<&'a ResourceId, &'a Live> {
    let pairs = slots::pairs(input, &Selection::Everything);
    let replaced = pairs.iter().filter_map(|pair| match *pair {
        Pair::Wanted { want, replaces: Some(old), .. } => Some((&want.id, old)),
        _ => None,
    });
    replaced.filter(|(_, old)| old.id.side == Side::Aws).collect()
}

/// What was done to a thing that the file asks for and that is there.
fn existing(input: &PlanInput<'_>, want: &Desired, live: &Live) -> Vec<Finding> {
    let one = |what, doubt: Option<&str>| {
        let doubt = doubt.map(str::to_owned);
        vec![Finding { id: live.id.clone(), what, doubt }]
    };
    // A thing that has never been ours has none of them.
    let doubt = live.marks.is_empty().then_some(NO_MARKS);
    match &live.ownership {
        Ownership::Unmarked if live.id.kind == kinds::NAMESPACE => Vec::new(),
        Ownership::Unmarked => one(What::Unmarked, doubt),
        Ownership::Other(owner) => one(What::MarkedAnew { owner: owner.clone() }, doubt),
        Ownership::Ours if live.deleting => one(What::Deleting, None),
        Ownership::Ours if live.id.side == Side::Aws => group::compare(want, live),
        Ownership::Ours if !was_applied(live) => one(What::MadeAnew { by: managers(live) }, None),
        Ownership::Ours => fields::compare(input, want, live),
    }
}

/// A thing with our marks that the file does not ask for: taken out of it, or
/// put there by somebody.
fn appeared(live: &Live) -> Option<Finding> {
    let finding = |what, doubt: Option<&str>| {
        Some(Finding { id: live.id.clone(), what, doubt: doubt.map(str::to_owned) })
    };
    let by = managers(live);
    match live.id.side {
        Side::Kubernetes if was_applied(live) => None,
        Side::Kubernetes => finding(What::Appeared { by }, None),
        Side::Aws => match group::changed_since_applied(live) {
            Some(false) => None,
            Some(true) => finding(What::Mixed { differences: Vec::new() }, None),
            None => finding(What::Appeared { by }, Some(NO_RECORD)),
        },
    }
}

/// What the file asks for and is not there: deleted, or new in the file. The
/// last apply has left its count.
fn gone(input: &PlanInput<'_>, drift: &mut Drift, absent: &[&Desired], there: usize) {
    if input.inventory.gaps.iter().any(|gap| gap.hides_members) {
        return;
    }
    let mut tell = |want: &Desired, doubt: Option<String>| {
        drift.findings.push(Finding { id: want.id.clone(), what: What::Deleted, doubt });
    };
    let namespace = input.inventory.capabilities.namespace_exists;
    let (members, others): (Vec<&Desired>, Vec<&Desired>) =
        absent.iter().partition(|want| is_counted(input, &want.id));
    // A parent is never taken out of a file; a place may be new in it.
    let in_cluster = input
        .inventory
        .resources
        .values()
        .any(|live| live.id.side == Side::Kubernetes && live.ownership == Ownership::Ours);
    for want in others {
        // A namespace that is there is not listed.
        if want.id.kind != kinds::NAMESPACE || !namespace {
            tell(want, (!in_cluster).then(|| NO_COUNT.to_owned()));
        }
    }
    let Some(last) = &input.inventory.last_apply else {
        members.iter().for_each(|want| tell(want, Some(NO_COUNT.to_owned())));
        return;
    };
    let deleted = (last.members as usize).saturating_sub(there);
    let doubt = (deleted < members.len()).then(|| {
        format!(
            "{deleted} of these {} were deleted, and the others are new in the file",
            members.len()
        )
    });
    if deleted > 0 {
        members.iter().for_each(|want| tell(want, doubt.clone()));
    }
    drift.more_deleted = deleted.saturating_sub(members.len());
}

/// Whether the count that an apply leaves has it in it.
fn is_counted(input: &PlanInput<'_>, id: &ResourceId) -> bool {
    kinds::may_be_pruned(id) && !parent::is_parent(input.mark, id)
}

/// Whether Floodway has applied any of it: it always applies labels.
fn was_applied(live: &Live) -> bool {
    match live.id.side {
        Side::Kubernetes => live.fields.at("/metadata").is_some(),
        Side::Aws => true,
    }
}

/// Who owns fields of it beside Floodway.
fn managers(live: &Live) -> Vec<String> {
    let names = live.taken.values().map(|taken| taken.manager.as_str());
    let names: BTreeSet<&str> = names.filter(|name| !name.starts_with(marks::MANAGER)).collect();
    names.into_iter().map(str::to_owned).collect()
}
