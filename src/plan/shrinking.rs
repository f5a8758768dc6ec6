//! A group that is asked for fewer instances than it runs (law 13): AWS would
//! choose which end, so a plan names them.

use super::{Change, Step, kinds};
use crate::desired::Desired;
use crate::observe::{Live, Unit};

/// The instances that end when `live` becomes `want`, and so by name: what does
/// not serve before what does.
pub(super) fn ending(want: &Desired, live: &Live) -> Vec<String> {
    if want.id.kind != kinds::GROUP {
        return Vec::new();
    }
    let mut there: Vec<&Unit> = live.units().iter().filter(|unit| !unit.ending).collect();
    let fewer = there.len().saturating_sub(most(want));
    there.sort_by_key(|unit| (unit.ready, &unit.name));
    there.into_iter().take(fewer).map(|unit| unit.name.clone()).collect()
}

/// How many it may run: git's number, else its max.
fn most(want: &Desired) -> usize {
    let number = |at: &str| want.body.at(at).and_then(|number| number.as_u64());
    let most = number("/desired").or(number("/max"));
    most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}

/// Instances that end because a max is lowered: what `max_destroy` and
/// `protected` are about, beside whole workloads.
pub(super) fn destroyed_units(changes: &[Change]) -> usize {
    let lowered = |change: &&Change| change.fields.iter().any(|field| field.path == "max");
    let units = |step: &Step| match step {
        Step::DrainUnits { units, .. } => units.len(),
        _ => 0,
    };
    changes.iter().filter(lowered).flat_map(|change| &change.steps).map(units).sum()
}

/// Whether it takes units away, though it is an update.
pub(super) fn takes_units(change: &Change) -> bool {
    change.steps.iter().any(|s| matches!(s, Step::DrainUnits { .. } | Step::Refresh { .. }))
}
