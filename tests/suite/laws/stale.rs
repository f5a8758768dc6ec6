//! A saved plan is good exactly as long as what it read is as it was.

use super::declared::declared;
use super::heal::World;
use super::history::*;
use super::place::{Place, remove};
use floodway::observe::{Inventory, Live, Ownership, ResourceId};
use floodway::pipeline::Error;
use floodway::plan::{Action, Change, Plan, saved};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_is_stale_exactly_when_what_it_read_has_changed(
        declared in declared(),
        edits in prop::collection::vec(edit(), 0..4),
        drifts in prop::collection::vec(drift(), 1..4),
    ) {
        let mut place = Place::new(declared);
        place.converge(World::Undisturbed);
        place.edit(&edits);
        let plan = place.plan();
        let read = saved::decode(&saved::encode(&plan));
        prop_assert_eq!(read.as_ref(), Ok(&plan));
        prop_assert!(!place.is_stale(&plan));

        let before = read_by(&plan, &place.seen(&[]));
        drifts.iter().for_each(|drift| place.drift(drift));
        let after = read_by(&plan, &place.seen(&[]));
        let stale = place.is_stale(&plan);
        prop_assert_eq!(before != after, stale, "{:?}", differing(&before, &after));
        if stale && plan.refusals.is_empty() {
            let world = place.simulator.world().unwrap();
            prop_assert!(matches!(place.apply(&plan), Err(Error::Stale(_))));
            prop_assert_eq!(world, place.simulator.world().unwrap(), "a stale plan wrote");
        }
    }
}

/// What a plan reads of one thing: identity, marks, owned fields, and the facts
/// that its guards rely on.
type Read = (String, BTreeMap<String, String>, Value, bool);

fn read_by(plan: &Plan, seen: &Inventory) -> BTreeMap<ResourceId, Read> {
    let ours = seen.resources.values().filter(|live| live.ownership == Ownership::Ours);
    ours.map(|live| (live.id.clone(), read(plan, live))).collect()
}

fn read(plan: &Plan, live: &Live) -> Read {
    let subject = |change: &&Change| change.replaces.as_ref().unwrap_or(&change.id) == &live.id;
    let change = plan.changes.iter().find(subject);
    let (mut fields, mut fact) = (live.fields.value(), false);
    let units = live.workload.clone().unwrap_or_default();
    if let Some(change) = change {
        let body = |path: &str| change.body.as_ref().and_then(|body| body.at(path)?.as_u64());
        let group = live.id.kind == "AutoScalingGroup";
        let replaced = change.action == Action::Replace;
        // A number that git does not set is its runtime owner's to move.
        match &change.owned_by {
            _ if group && body("/desired").is_none() => remove(&mut fields, "/desired"),
            Some((path, ..)) if !replaced => remove(&mut fields, path),
            _ => {}
        }
        fact = match change.action {
            Action::Delete | Action::Replace => units.existing > 0,
            _ => group && body("/max").is_some_and(|max| u64::from(units.desired) > max),
        };
    }
    (live.uid.clone(), live.marks.clone(), fields, fact)
}

/// Things of which something else is read, for what a failed test says.
fn differing<'a>(
    before: &'a BTreeMap<ResourceId, Read>,
    after: &'a BTreeMap<ResourceId, Read>,
) -> Vec<(&'a ResourceId, Option<&'a Read>, Option<&'a Read>)> {
    let ids = before.keys().chain(after.keys());
    let pairs = ids.map(|id| (id, before.get(id), after.get(id)));
    pairs.filter(|(_, before, after)| before != after).collect()
}
