//! Which live thing each wanted one continues. A thing of the same name is the
//! same thing; a pool's workload under another name is what a new one replaces.

use super::{PlanError, PlanInput, kinds, parent, target::Selection};
use crate::decide::todays_pool;
use crate::desired::Desired;
use crate::observe::{Body, Live, Ownership, ResourceId};
use crate::spec::Environment;
use std::collections::{BTreeMap, BTreeSet};

/// One thing's past and future.
#[derive(Debug)]
pub(super) enum Pair<'a> {
    /// It should exist.
    Wanted {
        want: &'a Desired,
        /// What has its name now.
        live: Option<&'a Live>,
        /// What it replaces: the pool's workload under another name.
        replaces: Option<&'a Live>,
    },
    /// It is ours and nobody wants it any more.
    Unwanted {
        live: &'a Live,
        /// The workload that is there already and carries on for it.
        successor: Option<&'a Desired>,
    },
}

/// Everything selected, wanted or ours.
pub(super) fn pairs<'a>(input: &PlanInput<'a>, selection: &Selection) -> Vec<Pair<'a>> {
    let resources = &input.inventory.resources;
    let wanted: BTreeSet<&ResourceId> =
        input.desired.resources.iter().map(|want| &want.id).collect();
    let unwanted = || {
        resources.values().filter(|live| {
            !wanted.contains(&live.id)
                && live.ownership == Ownership::Ours
                && kinds::may_be_pruned(&live.id)
        })
    };
    let mut old_by_slot: BTreeMap<Slot, &'a Live> = BTreeMap::new();
    for live in unwanted().filter(|live| !live.deleting) {
        if let Some(slot) = Slot::of_live(input.environment, live) {
            old_by_slot.entry(slot).or_insert(live);
        }
    }
    let mut replaced = BTreeSet::new();
    let mut carries_on: BTreeMap<Slot, &'a Desired> = BTreeMap::new();
    let mut pairs = Vec::new();
    for want in &input.desired.resources {
        let live = resources.get(&want.id);
        let slot = Slot::of_wanted(want);
        let replaces = match (&slot, live) {
            (Some(slot), None) => {
                old_by_slot.get(slot).copied().or_else(|| adopted(input, want, &wanted))
            }
            _ => None,
        };
        if let Some(slot) = slot {
            carries_on.entry(slot).or_insert(want);
        }
        let asked = selection.has(&want.id) || replaces.is_some_and(|old| selection.has(&old.id));
        if asked {
            replaced.extend(replaces.map(|old| &old.id));
            pairs.push(Pair::Wanted { want, live, replaces });
        }
    }
    for live in unwanted() {
        if selection.has(&live.id) && !replaced.contains(&live.id) {
            let slot = Slot::of_live(input.environment, live);
            let successor = slot.and_then(|slot| carries_on.get(&slot).copied());
            pairs.push(Pair::Unwanted { live, successor });
        }
    }
    pairs
}

/// Whether each thing that `--adopt` names is one that the environment would have.
pub(super) fn all_can_be_adopted(input: &PlanInput<'_>) -> Result<(), PlanError> {
    let wanted: BTreeSet<&ResourceId> = input.desired.resources.iter().map(|w| &w.id).collect();
    let replaced = replaced_by_adoption(input);
    for id in &input.options.adopt {
        // Without a cluster there is no parent, and the file may have moved all the same.
        let moved = parent::is_parent(input.mark, id);
        if !moved && !wanted.contains(id) && !replaced.iter().any(|(old, _)| *old == id) {
            let known = input.desired.resources.iter().filter(|want| want.id.kind == id.kind);
            let known = known.map(|want| want.id.name.clone()).collect();
            return Err(PlanError::NothingToAdopt { id: Box::new(id.clone()), known });
        }
    }
    Ok(())
}

/// The unmarked things that this plan adopts and cannot keep, each with what
/// takes its place.
pub(super) fn replaced_by_adoption<'a>(
    input: &PlanInput<'a>,
) -> Vec<(&'a ResourceId, &'a ResourceId)> {
    if input.options.adopt.is_empty() {
        return Vec::new();
    }
    let wanted: BTreeSet<&ResourceId> = input.desired.resources.iter().map(|w| &w.id).collect();
    let pair = |want: &'a Desired| Some((&adopted(input, want, &wanted)?.id, &want.id));
    input.desired.resources.iter().filter_map(pair).collect()
}

/// Units of the unmarked workloads that this plan adopts, by pool.
pub(super) fn adopted_units(input: &PlanInput<'_>) -> BTreeMap<String, u32> {
    let wanted: BTreeSet<&ResourceId> = input.desired.resources.iter().map(|w| &w.id).collect();
    let units = |want: &Desired| {
        let same = input.inventory.resources.get(&want.id);
        let same = same.filter(|live| {
            live.ownership == Ownership::Unmarked && input.options.adopt.contains(&live.id)
        });
        let live = same.or_else(|| adopted(input, want, &wanted))?;
        Some((want.pool.as_ref()?.to_string(), live.workload.as_ref()?.desired))
    };
    input.desired.resources.iter().filter_map(units).collect()
}

/// An unmarked workload that may be adopted and whose name `want` would have
/// if it could keep it: `x` for the wanted `x-2`.
fn adopted<'a>(
    input: &PlanInput<'a>,
    want: &Desired,
    wanted: &BTreeSet<&ResourceId>,
) -> Option<&'a Live> {
    let (base, number) = want.id.name.rsplit_once('-')?;
    number.parse::<u32>().ok()?;
    let id = ResourceId { name: base.to_owned(), ..want.id.clone() };
    let live = input.inventory.resources.get(&id)?;
    let may = input.options.adopt.contains(&id) && live.ownership == Ownership::Unmarked;
    (may && !wanted.contains(&id)).then_some(live)
}

/// The part a workload plays, whatever its name: a pool's Deployment, or the
/// pool's group that is named for one type, for one workload. What a group's nodes run
/// moves before they go, so that one for another workload is no successor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    kind: String,
    scope: Option<String>,
    pool: String,
    offering: Option<[Option<String>; 4]>,
}

impl Slot {
    fn of_wanted(want: &Desired) -> Option<Self> {
        let pool = want.pool.as_ref()?.to_string();
        Self::new(&want.id, pool, &want.body, want.body.text_at("/capacity_type"))
    }

    fn of_live(environment: &Environment, live: &Live) -> Option<Self> {
        let pool = todays_pool(environment, live.pool()?).to_owned();
        Self::new(&live.id, pool, &live.fields, live.market())
    }

    fn new(id: &ResourceId, pool: String, body: &Body, market: Option<String>) -> Option<Self> {
        let offering = match id.kind.as_str() {
            kinds::DEPLOYMENT => None,
            kinds::GROUP => {
                let told = |field: &str| body.at(field).map(|value| value.to_string());
                Some([
                    told("/instance_types/0"),
                    market,
                    told("/tags/floodway.dev~1workload"),
                    told("/tags/floodway.dev~1join"),
                ])
            }
            _ => return None,
        };
        Some(Self { kind: id.kind.clone(), scope: id.scope.clone(), pool, offering })
    }
}
