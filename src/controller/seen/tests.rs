use super::*;
use crate::desired::fixture::{inventory, live_thing};
use crate::observe::ResourceId;
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
    Arc::new(Node {
        name: format!("node-{instance}"),
        instance: Some(instance.to_owned()),
        draining: None,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        health,
        gpus_allocatable: 4,
        gpus_used: 0,
        gpus_ready: 0,
        gpus_unhealthy: 0,
    })
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
    let before: BTreeSet<String> = ["i-3", "i-5", "i-6"].map(str::to_owned).into();
    let expected: BTreeSet<String> = ["i-1", "i-3"].map(str::to_owned).into();
    assert_eq!(joined(&world, &before), expected);
}
