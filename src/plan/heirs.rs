//! A group that carries on for others that go (law 13): it has their number
//! before they drain, and each of them is noted to have passed its own on, so that
//! a repeat after a kill passes nothing on twice.

use super::{PlanInput, Step, kinds};
use crate::decide::{BurstGroup, DesiredOwner, Legacy, PoolKind, legacies};
use crate::desired::Desired;
use crate::observe::{Body, Live, ResourceId};

/// Notes on the groups that go in favour of `want`, as far as none says so yet.
pub(super) fn notes(input: &PlanInput<'_>, want: &Desired) -> Vec<Step> {
    let gone = left_to(input, want).into_iter().filter(|(_, legacy)| !legacy.is_noted);
    let note = |(live, legacy): (&Live, Legacy)| Step::PassOn {
        id: live.id.clone(),
        uid: live.uid.clone(),
        to: want.id.name.clone(),
        number: legacy.number,
    };
    gone.map(note).collect()
}

/// How many `live` has to have as `want`, where that is more than it has: with
/// what others leave to it.
pub(super) fn least(input: &PlanInput<'_>, want: &Desired, live: &Live) -> Option<u32> {
    let least = left_to(input, want).into_iter().map(|(_, legacy)| legacy.number).max()?;
    let has = live.workload.as_ref().map_or(0, |workload| workload.desired);
    (least > has).then_some(least)
}

/// What carries on for `live`, which goes.
pub(super) fn of<'a>(input: &PlanInput<'a>, live: &Live) -> Option<&'a Desired> {
    let left = |want: &&Desired| left_to(input, want).iter().any(|(from, _)| from.id == live.id);
    input.desired.resources.iter().filter(|_| live.id.kind == kinds::GROUP).find(left)
}

/// What is left to `want`, and by whom.
fn left_to<'a>(input: &PlanInput<'a>, want: &Desired) -> Vec<(&'a Live, Legacy)> {
    let of = || {
        let pool = want.pool.as_ref().filter(|_| want.id.kind == kinds::GROUP)?;
        let decided = input.decision.pools.get(pool)?;
        let PoolKind::Burst(groups) = &decided.kind else { return None };
        let own = groups.iter().position(|group| is(group, &want.id, &want.body))?;
        // Git's number is a whole, and no sum of what there was.
        let live = input.supply.burst.get(pool).filter(|_| decided.owner != DesiredOwner::Git)?;
        let left = legacies(groups, live).into_iter().filter(|legacy| legacy.to == own);
        let by = |legacy: Legacy| {
            let from = &live[legacy.from];
            let id = ResourceId::group(&from.region, &from.name);
            Some((input.inventory.resources.get(&id)?, legacy))
        };
        Some(left.filter_map(by).collect())
    };
    of().unwrap_or_default()
}

/// Whether a group that shall be is the one that was decided.
fn is(group: &BurstGroup, id: &ResourceId, body: &Body) -> bool {
    let first = body.at("/instance_types/0");
    let first = first.as_ref().and_then(|name| name.as_str());
    id.scope.as_deref() == Some(group.region.as_str())
        && body.text_at("/capacity_type").as_deref() == Some(group.capacity_type.as_str())
        && (group.by_requirements || first == Some(group.label()))
}
