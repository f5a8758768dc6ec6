//! Whatever others did meanwhile, an apply ends where the environment says.

use super::declared::declared;
use super::heal::World;
use super::history::*;
use super::place::Place;
use floodway::observe::{Inventory, Live, ResourceId};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

/// What happens between two applies, in its order.
type Round = (Vec<Edit>, Vec<Drift>);

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let edits = prop::collection::vec(edit(), 0..3);
    let drifts = prop::collection::vec(drift(), 0..5);
    prop::collection::vec((edits, drifts), 1..3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_of_drift_ends_as_if_there_had_been_none(
        declared in declared(), rounds in rounds(),
    ) {
        let mut drifted = Place::new(declared.clone());
        let mut calm = Place::new(declared);
        drifted.converge(World::Undisturbed);
        calm.converge(World::Undisturbed);
        for (edits, drifts) in &rounds {
            drifts.iter().for_each(|drift| drifted.drift(drift));
            let before = drifted.seen(&theirs());
            for place in [&mut drifted, &mut calm] {
                place.edit(edits);
            }
            drifted.converge(World::Drifted);
            calm.converge(World::Undisturbed);
            assert_theirs_is_untouched(&before, &drifted.seen(&theirs()));
            assert_holds(&drifted.settled(), &calm.settled());
        }
    }
}

/// Things and fields of others are as they were.
fn assert_theirs_is_untouched(before: &Inventory, after: &Inventory) {
    let things = theirs();
    let of = |inventory: &Inventory, id: &ResourceId| {
        let live = inventory.resources.get(id).cloned();
        live.map(|live| Live { workload: None, ..live })
    };
    for id in &things {
        assert_eq!(of(before, id), of(after, id), "{id}");
    }
    for (id, live) in &before.resources {
        let Some(after) = after.resources.get(id).filter(|after| after.uid == live.uid) else {
            continue;
        };
        let note = |taken: &BTreeMap<String, _>| {
            taken.keys().any(|path| path.contains("example.com/note"))
        };
        assert_eq!(note(&live.taken), note(&after.taken), "{id}");
    }
}

/// All of `calm` is in `drifted`, and nothing of another kind or name; fields
/// that others added may be there too.
fn assert_holds(drifted: &BTreeMap<String, Value>, calm: &BTreeMap<String, Value>) {
    let keys = |of: &BTreeMap<String, Value>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(drifted), keys(calm));
    for (key, wanted) in calm {
        let missing = missing(wanted, &drifted[key]);
        assert!(missing.is_none(), "{key}: {missing:?}");
    }
}

/// The first value of `wanted` that is not in `there`; lists in whatever order.
pub fn missing(wanted: &Value, there: &Value) -> Option<String> {
    match (wanted, there) {
        (Value::Object(wanted), Value::Object(there)) => wanted.iter().find_map(|(key, value)| {
            let found = missing(value, there.get(key).unwrap_or(&Value::Null));
            found.map(|found| format!("{key}.{found}"))
        }),
        (Value::Array(wanted), Value::Array(there)) => wanted.iter().find_map(|value| {
            let first = missing(value, there.first().unwrap_or(&Value::Null));
            let found = there.iter().any(|other| missing(value, other).is_none());
            first.filter(|_| !found)
        }),
        _ => (wanted != there).then(|| format!(" is {there}, not {wanted}")),
    }
}
