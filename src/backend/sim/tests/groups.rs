//! Groups and their instances.

use super::*;

#[test]
fn instances_become_nodes_that_only_their_own_workload_may_use() {
    let mut world = world(Scenario::default());
    write(&mut world, &group_id(), group(3, Some(2)));
    let boots = units(&world, &group_id());
    assert_eq!((boots.ready, boots.pending), (0, 2));
    write(&mut world, &server(), deployment(Some(1), "i"));
    world.advance(minutes(20));
    assert_eq!(units(&world, &group_id()).ready, 2);
    assert_eq!(world.observed_nodes().len(), 2);
    assert_eq!(units(&world, &server()).problems[0].kind, ProblemKind::Unschedulable);
    let mut pinned = deployment(Some(1), "i");
    pinned["spec"]["template"]["spec"]["nodeSelector"] = json!({"floodway.dev/workload": "burst"});
    pinned["spec"]["template"]["spec"]["tolerations"] = json!([{"key": "floodway.dev/workload", "operator": "Equal", "value": "burst", "effect": "NoSchedule"}]);
    write(&mut world, &server(), pinned);
    world.advance(minutes(20));
    assert!(units(&world, &server()).is_settled());
}

#[test]
fn capacity_that_aws_does_not_have_stays_away_and_is_named() {
    let capacity = vec![CapacityLimit {
        instance_type: "g6e.12xlarge".into(),
        capacity_type: None,
        instances: 1,
    }];
    let mut world = world(Scenario { capacity, ..scenario() });
    write(&mut world, &group_id(), group(3, Some(3)));
    world.advance(minutes(60));
    let seen = units(&world, &group_id());
    assert_eq!((seen.desired, seen.ready), (3, 1));
    assert_eq!(seen.problems[0].kind, ProblemKind::InsufficientCapacity);
}

#[test]
fn where_the_first_type_is_used_up_the_next_of_the_group_is_started() {
    let limit = |name: &str, instances| CapacityLimit {
        instance_type: name.into(),
        capacity_type: None,
        instances,
    };
    let capacity = vec![limit("g6e.12xlarge", 1), limit("g5.12xlarge", 1)];
    let mut world = world(Scenario { capacity, ..scenario() });
    let mut body = group(3, Some(3));
    body["instance_types"] = json!(["g6e.12xlarge", "g5.12xlarge"]);
    write(&mut world, &group_id(), body);
    world.advance(minutes(60));
    let seen = units(&world, &group_id());
    let mut types: Vec<_> = seen.units.iter().flat_map(|u| u.instance_type.clone()).collect();
    types.sort();
    assert_eq!(types, ["g5.12xlarge", "g6e.12xlarge"]);
    assert_eq!((seen.desired, seen.ready), (3, 2));
    let message = &seen.problems[0].message;
    assert!(message.ends_with("no g6e.12xlarge or g5.12xlarge to be had"), "{message}");
}

#[test]
fn a_group_with_instances_is_only_deleted_after_its_drain() {
    let mut world = world(scenario());
    write(&mut world, &group_id(), group(3, Some(2)));
    world.advance(minutes(20));
    let uid = world.objects[&group_id()].uid.clone();
    let delete = Step::Delete { id: group_id(), uid, ends: 0 };
    assert_eq!(kind(world.write(&scope(), &delete)), FailureKind::Transient);
    let (id, uid) = (group_id(), world.objects[&group_id()].uid.clone());
    world.write(&scope(), &Step::Drain { id, uid, limit: Span::from_secs(60) }).unwrap();
    world.advance(minutes(20));
    world.write(&scope(), &delete).unwrap();
    assert!(world.units(&group_id()).is_none());
}

#[test]
fn a_groups_desired_follows_its_bounds() {
    let mut world = world(scenario());
    write(&mut world, &group_id(), group(5, Some(1)));
    let mut body = group(5, None);
    body["min"] = json!(3);
    write(&mut world, &group_id(), body);
    assert_eq!(units(&world, &group_id()).desired, 3);
    write(&mut world, &group_id(), group(2, None));
    assert_eq!(units(&world, &group_id()).desired, 2);
}
