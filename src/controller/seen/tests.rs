use super::*;
use crate::desired::fixture::{self, environment, inventory, live_thing};
use crate::observe::{Health, ResourceId};
use serde_json::json;
use std::sync::Arc;

fn group(name: &str, ownership: Ownership, units: &[&str]) -> Live {
    let unit = |name: &&str| Unit { name: (*name).to_owned(), ..Unit::default() };
    let units = units.iter().map(unit).collect();
    let workload = Some(Workload { units, ..Workload::default() });
    let id = ResourceId::group("us-east-1", name);
    Live { workload, ownership, ..live_thing(id, "inference", "g6e", json!({})) }
}

fn node(instance: &str, health: Health) -> Arc<Node> {
    fixture::node(&format!("node-{instance}"), Some(instance), health).into()
}

#[test]
fn what_has_joined_is_remembered_of_our_groups_and_of_no_other_node() {
    let mut world = inventory(vec![
        group("ours", Ownership::Ours, &["i-1", "i-2", "i-3"]),
        group("theirs", Ownership::Other("another".to_owned()), &["i-4"]),
    ]);
    let ready = ["i-1", "i-4", "i-5"].map(|instance| node(instance, Health::Ready));
    let lost = ["i-2", "i-3"].map(|instance| node(instance, Health::NotReady));
    world.nodes = ready.into_iter().chain(lost).collect();
    // One that had joined stays while it is there; one that is gone does not.
    let before: HashSet<String> = ["i-3", "i-5", "i-6"].map(str::to_owned).into();
    let expected: HashSet<String> = ["i-1", "i-3"].map(str::to_owned).into();
    let environment = environment();
    assert_eq!(joined(&Index::of(&environment, &world), &before), expected);
}

#[test]
fn what_is_taken_back_is_told_of_instances_that_join_and_of_those_that_stand_alone() {
    let environment = environment();
    let mut taken = group("ours", Ownership::Ours, &["i-1", "i-2", "i-3"]);
    for unit in taken.workload.iter_mut().flat_map(|workload| &mut workload.units[..2]) {
        unit.taken_back = Some(Timestamp::UNIX_EPOCH);
    }
    let mut world = inventory(vec![taken.clone()]);
    world.nodes = ["i-1", "i-2", "i-3"].map(|instance| node(instance, Health::Ready)).into();
    let index = Index::of(&environment, &world);
    let draining = BTreeSet::from(["i-1".to_owned()]);
    let beside = Beside {
        before: &Seen::default(),
        seen_at: &BTreeMap::new(),
        since: Timestamp::UNIX_EPOCH,
        visible: &BTreeSet::new(),
        draining: &draining,
        closed: &BTreeSet::new(),
        going: &BTreeMap::new(),
        stuck: &BTreeMap::new(),
        had_joined: &HashSet::new(),
        alone: &Alone::default(),
    };
    let mut joins = Serving { nodes: &index, gpus: None, left: 0 };
    for serving in [Some(&mut joins), None] {
        let units = instances(&taken, serving, &beside);
        assert_eq!((units.taken_back, units.cannot_stay), (1, 1), "one is named for its end");
    }
}
