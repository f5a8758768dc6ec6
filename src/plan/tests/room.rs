//! Whether nodes have GPUs for what a plan starts.

use super::H100;
use super::world::World;
use crate::desired::fixture;
use crate::observe::{Health, Node, Taint};
use crate::spec::model::Count;
use serde_json::json;
use std::sync::Arc;

fn node(product: &str, used: u32) -> Node {
    Node {
        labels: [("nvidia.com/gpu.product".to_owned(), product.to_owned())].into(),
        gpus_allocatable: 8,
        gpus_used: used,
        ..fixture::node("n", None, Health::Ready)
    }
}

fn tainted(key: &str, value: &str) -> Node {
    let taint = Taint { key: key.into(), value: value.into(), effect: "NoSchedule".into() };
    Node { taints: vec![taint], ..node("H100", 0) }
}

fn warnings(world: &World) -> Vec<String> {
    world.plan().warnings.into_iter().filter(|text| text.contains("GPUs")).collect()
}

/// Eight replicas of one GPU each have to be made anew beside the old ones.
fn replacing() -> World {
    let mut world = World::applied();
    world.scale("Deployment", H100, 8, "floodway-run");
    world
        .live("Deployment", H100)
        .fields
        .edit(|fields| fields["spec"]["selector"]["matchLabels"] = json!({"app": "x"}));
    assert_eq!(world.plan().totals.replace, 1);
    world
}

fn seen<const N: usize>(nodes: [Node; N]) -> Vec<Arc<Node>> {
    nodes.map(Arc::new).into()
}

#[test]
fn what_a_replacement_needs_at_once_and_has_not_is_said() {
    let mut world = replacing();
    assert_eq!(warnings(&world), [""; 0], "where no node can be seen, nothing is known");
    world.inventory.nodes = seen([node("H100", 8), node("H100", 2)]);
    let short = "new replicas of pool h100 ask for 8 GPUs and the nodes that it may use have 6 \
                 free: some will wait for room";
    assert_eq!(warnings(&world), [short]);
    world.inventory.nodes.push(node("H100", 0).into());
    assert_eq!(warnings(&world), [""; 0]);
}

#[test]
fn only_nodes_that_a_pool_selects_and_tolerates_have_room_for_it() {
    let mut world = replacing();
    world.inventory.nodes = seen([node("A100", 0), tainted("team", "other")]);
    let nowhere = "new replicas of pool h100 ask for 8 GPUs and no node that is ready has its \
                   labels and takes its pods: some will wait for room";
    assert_eq!(warnings(&world), [nowhere]);
    world.inventory.nodes = seen([tainted("nvidia.com/gpu", "present")]);
    assert_eq!(warnings(&world), [""; 0]);
    world.inventory.nodes = seen([Node { health: Health::Cordoned, ..node("H100", 0) }]);
    assert_eq!(warnings(&world), [nowhere]);
}

#[test]
fn pools_that_share_nodes_do_not_count_the_same_room_twice() {
    let mut world = World::applied();
    let pools = &mut world.environment.onprem.as_mut().unwrap().pools;
    let mut anywhere = fixture::on_prem_pool("inference", Count::Fixed(6), None);
    anywhere.node_selector.clear();
    pools.insert(fixture::unit("any"), anywhere);
    pools.insert(fixture::unit("more"), fixture::on_prem_pool("inference", Count::Fixed(6), None));
    world.inventory.nodes = seen([node("H100", 0), node("A100", 4)]);
    assert_eq!(warnings(&world), [""; 0], "6 of 8 for one, 2 and 4 for the other");
    Arc::make_mut(&mut world.inventory.nodes[1]).gpus_used = 6;
    let short = "new replicas of pool any ask for 6 GPUs and the nodes that it may use have 4 \
                 free: some will wait for room";
    assert_eq!(warnings(&world), [short]);
}
