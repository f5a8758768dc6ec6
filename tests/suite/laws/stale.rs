//! A saved plan is good exactly as long as what it read is as it was.

use super::declared::declared;
use super::heal::World;
use super::history::*;
use super::place::Place;
use floodway::observe::{Inventory, Live, Ownership, ResourceId};
use floodway::pipeline::Error;
use floodway::plan::saved;
use proptest::prelude::*;
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_is_stale_exactly_when_what_it_read_has_changed(
        declared in declared(),
        edits in prop::collection::vec(edit(), 0..4),
        drifts in prop::collection::vec(drift(), 1..4),
    ) {
        let mut place = Place::new(declared);
        place.converge(World::Undisturbed);
        place.declared = place.declared.edited(&edits);
        let plan = place.plan();
        let read = saved::decode(&saved::encode(&plan));
        prop_assert_eq!(read.as_ref(), Ok(&plan));
        prop_assert!(!place.is_stale(&plan));

        let before = read_by_plans(&place.seen(&[]));
        drifts.iter().for_each(|drift| place.drift(drift));
        let after = read_by_plans(&place.seen(&[]));
        let stale = place.is_stale(&plan);
        if before == after {
            prop_assert!(!stale, "nothing that a plan reads has changed");
        }
        let world = place.simulator.world().unwrap();
        if stale && plan.refusals.is_empty() {
            prop_assert!(matches!(place.apply(&plan), Err(Error::Stale(_))));
            prop_assert_eq!(world, place.simulator.world().unwrap(), "a stale plan wrote");
        }
        // Fields of whatever git owns, its marks and its identity are read.
        let owned = |read: &BTreeMap<ResourceId, Read>| -> BTreeMap<ResourceId, Owned> {
            read.iter().map(|(id, read)| (id.clone(), read.owned.clone())).collect()
        };
        if owned(&before) != owned(&after) {
            prop_assert!(stale, "what git owns has changed");
        }
    }
}

/// What a plan may read of a thing.
#[derive(Debug, PartialEq)]
struct Read {
    owned: Owned,
    /// Whether anything runs in it, and more than its declared max may be:
    /// what guards may rely on.
    runs: u32,
}

/// What every plan reads of it.
type Owned = (String, BTreeMap<String, String>, Option<String>, serde_json::Value);

fn read_by_plans(seen: &Inventory) -> BTreeMap<ResourceId, Read> {
    let ours = seen.resources.values().filter(|live| live.ownership == Ownership::Ours);
    ours.map(|live| (live.id.clone(), read(live))).collect()
}

fn read(live: &Live) -> Read {
    let mut fields = live.fields.value();
    // Of groups, whose fields have no owners, the number may be a runtime owner's.
    let desired = live.id.kind == "AutoScalingGroup";
    if desired {
        super::place::remove(&mut fields, "/desired");
    }
    let owned = (live.uid.clone(), live.marks.clone(), None, fields);
    Read { owned, runs: live.workload.as_ref().map_or(0, |workload| workload.existing) }
}
