//! Draining instances by name.

use super::*;

/// Two instances that have joined as nodes of four GPUs, and the pods on them.
fn joined(replicas: u32, budget: Option<Value>) -> (World, Vec<String>) {
    let mut world = world(Scenario::default());
    write(&mut world, &group_id(), group(3, Some(2)));
    world.advance(minutes(20));
    let mut pinned = deployment(Some(replicas), "i");
    pinned["spec"]["template"]["metadata"] = json!({"labels": {"a": "b"}});
    pinned["spec"]["template"]["spec"]["nodeSelector"] = json!({"floodway.dev/workload": "burst"});
    pinned["spec"]["template"]["spec"]["tolerations"] = json!([{"key": "floodway.dev/workload", "operator": "Equal", "value": "burst", "effect": "NoSchedule"}]);
    write(&mut world, &server(), pinned);
    if let Some(spec) = budget {
        let id = ResourceId::kubernetes("policy/v1", "PodDisruptionBudget", Some("ns"), "server");
        let body = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "server", "namespace": "ns"}, "spec": spec});
        write(&mut world, &id, body);
    }
    world.advance(minutes(20));
    let nodes = world.observed_nodes().into_iter().map(|node| node.name).collect();
    (world, nodes)
}

fn on(world: &World, node: &str) -> usize {
    let here = |pod: &&super::super::pods::Pod| pod.node.as_deref() == Some(node);
    world.pods.iter().filter(here).count()
}

#[test]
fn a_drained_node_loses_its_pods_and_gets_no_new_ones() {
    let (mut world, nodes) = joined(2, None);
    assert_eq!((on(&world, &nodes[0]), on(&world, &nodes[1])), (2, 0));
    let left = world.begin_drain(&nodes[0]);
    assert_eq!((left.known, left.pods, left.is_nothing()), (true, 2, false));
    world.advance(minutes(5));
    let left = world.begin_drain(&nodes[0]);
    assert!(left.known && left.is_nothing(), "{left:?}");
    assert_eq!((on(&world, &nodes[0]), on(&world, &nodes[1])), (0, 2));
    assert!(units(&world, &server()).is_settled());
}

#[test]
fn a_disruption_budget_holds_pods_until_others_are_ready() {
    let selector = json!({"matchLabels": {"a": "b"}});
    let (mut world, nodes) =
        joined(2, Some(json!({"maxUnavailable": 1, "selector": selector.clone()})));
    let left = world.begin_drain(&nodes[0]);
    assert_eq!(left.held.len(), 1, "{left:?}");
    assert_eq!((left.held[0].pods, left.pods), (1, 2));
    assert_eq!(left.held[0].by, "PodDisruptionBudget ns/server");
    let mut fewest = 2;
    for _ in 0..60 {
        world.advance(minutes(1) / 4);
        fewest = fewest.min(units(&world, &server()).ready);
        world.begin_drain(&nodes[0]);
    }
    assert!(world.begin_drain(&nodes[0]).is_nothing());
    assert_eq!(fewest, 1, "one at a time");
}

#[test]
fn fewer_replicas_go_from_closed_nodes_first() {
    let (mut world, nodes) = joined(4, None);
    assert_eq!((on(&world, &nodes[0]), on(&world, &nodes[1])), (2, 2));
    for node in 0..2 {
        let mut world = world.clone();
        assert_eq!(world.close(&nodes[node]).pods, 2);
        let object = world.objects.get_mut(&server()).unwrap();
        object.update("someone", &super::super::keyed::pointer("/spec/replicas"), json!(2));
        world.settle();
        world.advance(minutes(5));
        assert_eq!((on(&world, &nodes[node]), on(&world, &nodes[1 - node])), (0, 2));
    }
    // What is closed and taken back takes new pods again.
    world.close(&nodes[0]);
    world.undo_drain(&nodes[0]);
    assert!(world.observed_nodes().iter().all(|node| node.health == crate::observe::Health::Ready));
    assert_eq!(world.draining.len(), 0);
}

#[test]
fn an_instance_that_stands_alone_finishes_what_it_has_and_then_ends_at_once() {
    let mut world = world(Scenario::default());
    let mut body = group(3, Some(1));
    body["tags"]["floodway.dev/join"] = json!("standalone");
    write(&mut world, &group_id(), body);
    assert!(!world.begin_drain("i-unknown").known);
    let booting = world.instances[0].id.clone();
    assert!(!world.begin_drain(&booting).known, "it has nothing yet");
    world.advance(minutes(20));
    let instance = world.instances[0].id.clone();
    assert_eq!(world.begin_drain(&instance).in_flight, 1);
    world.advance(minutes(1));
    assert!(world.begin_drain(&instance).is_nothing());
    let group = group_id();
    world.end_units(&group, std::slice::from_ref(&instance));
    world.advance(Duration::from_millis(1));
    assert_eq!(units(&world, &group).existing, 0);
    assert!(world.draining.is_empty(), "nothing of it is kept");
}
