mod drain;
mod groups;

use super::scenario::{CapacityLimit, Fault};
use super::*;
use crate::observe::{Mark, ProblemKind, ResourceId, Workload};
use crate::plan::{FailureKind, PortError, Precondition, Step, Takes};
use crate::port::Scope;
use crate::units::Span;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

fn scope() -> Scope {
    let mark = Mark {
        environment: "t".into(),
        repository: "r".into(),
        file: "environments/t.toml".into(),
    };
    Scope::of(mark, "ns")
}

fn scenario() -> Scenario {
    let nodes = vec![NodeSet { name: "n".into(), count: 2, gpus: 8, ..NodeSet::default() }];
    Scenario { nodes, ..Scenario::default() }
}

fn world(scenario: Scenario) -> World {
    let mut world = World::new("t", scenario);
    let namespace = ResourceId::kubernetes("v1", "Namespace", None, "ns");
    write(
        &mut world,
        &namespace,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}}),
    );
    world
}

fn step(id: &ResourceId, body: Value) -> Step {
    let precondition = Precondition::Absent;
    let body = body.into();
    Step::Apply { id: id.clone(), body, seed: None, precondition, takes: Takes::Nothing }
}

fn write(world: &mut World, id: &ResourceId, body: Value) {
    world.write(&scope(), &step(id, body)).unwrap();
}

fn server() -> ResourceId {
    ResourceId::kubernetes("apps/v1", "Deployment", Some("ns"), "server")
}

fn deployment(replicas: Option<u32>, image: &str) -> Value {
    let part_of = scope().mark.applyset_id("ns");
    let mut body = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "server", "namespace": "ns",
            "labels": {"applyset.kubernetes.io/part-of": part_of}},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "10%"}},
            "template": {"spec": {"containers": [{
                "name": "server", "image": image,
                "resources": {"requests": {"nvidia.com/gpu": "2"}},
            }]}},
        },
    });
    if let Some(replicas) = replicas {
        body["spec"]["replicas"] = json!(replicas);
    }
    body
}

fn group_id() -> ResourceId {
    ResourceId::group("us-east-1", "t-g6e")
}

fn group(max: u32, desired: Option<u32>) -> Value {
    let mut body = json!({
        "instance_types": ["g6e.12xlarge"], "capacity_type": "on-demand", "min": 0, "max": max,
        "tags": {"floodway.dev/gpus": "4", "floodway.dev/join": "kubernetes",
            "floodway.dev/workload": "burst",
            "floodway.dev/environment": "t", "floodway.dev/repository": "r",
            "floodway.dev/file": "environments/t.toml"},
    });
    if let Some(desired) = desired {
        body["desired"] = json!(desired);
    }
    body
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn units(world: &World, id: &ResourceId) -> Workload {
    world.units(id).unwrap()
}

fn kind(result: Result<(), PortError>) -> FailureKind {
    result.unwrap_err().kind
}

#[test]
fn pods_start_where_there_are_gpus_and_say_why_they_cannot() {
    let mut world = world(scenario());
    write(&mut world, &server(), deployment(Some(9), "i"));
    assert_eq!(units(&world, &server()).ready, 0);
    world.advance(minutes(10));
    let seen = units(&world, &server());
    assert_eq!((seen.desired, seen.ready), (9, 8));
    assert_eq!(seen.problems[0].kind, ProblemKind::Unschedulable);
    assert!(seen.problems[0].message.contains("2 Insufficient nvidia.com/gpu"));
    assert!(world.observed_nodes().iter().all(|node| node.gpus_used == 8));
}

#[test]
fn a_rollout_keeps_serving_and_ends_in_the_new_shape() {
    let mut world = world(scenario());
    write(&mut world, &server(), deployment(Some(8), "i"));
    world.advance(minutes(10));
    write(&mut world, &server(), deployment(Some(8), "j"));
    for _ in 0..200 {
        world.advance(Duration::from_secs(10));
        assert!(units(&world, &server()).ready >= 7);
    }
    assert!(units(&world, &server()).is_settled());
}

#[test]
fn dropping_replicas_without_a_hold_falls_to_one_and_with_it_does_not() {
    let mut without = world(scenario());
    write(&mut without, &server(), deployment(Some(6), "i"));
    let mut with = without.clone();
    write(&mut without, &server(), deployment(None, "i"));
    assert_eq!(units(&without, &server()).desired, 1);

    let uid = with.objects[&server()].uid.clone();
    let hold = Step::Hold { id: server(), path: "/spec/replicas".into(), uid };
    with.write(&scope(), &hold).unwrap();
    write(&mut with, &server(), deployment(None, "i"));
    assert_eq!(units(&with, &server()).desired, 6);
}

#[test]
fn a_conflict_names_manager_and_field_and_force_takes_over() {
    let mut world = world(scenario());
    write(&mut world, &server(), deployment(Some(2), "i"));
    let path = super::keyed::pointer("/spec/template/spec/containers/\u{1}server/image");
    world.objects.get_mut(&server()).unwrap().update("kubectl-edit", &path, json!("edited"));
    let error = world.write(&scope(), &step(&server(), deployment(Some(2), "j"))).unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict);
    assert!(error.message.contains("containers[server].image is owned by kubectl-edit"));
    let Step::Apply { id, body, seed, precondition, .. } =
        step(&server(), deployment(Some(2), "j"))
    else {
        unreachable!()
    };
    let forced = Step::Apply { id, body, seed, precondition, takes: Takes::Everything };
    world.write(&scope(), &forced).unwrap();
    assert_eq!(world.objects[&server()].owned_by("floodway"), deployment(Some(2), "j"));
}

#[test]
fn writes_are_refused_as_the_places_would() {
    let mut world = world(scenario());
    let elsewhere = ResourceId::kubernetes("v1", "ConfigMap", Some("nowhere"), "x");
    let body = json!({"metadata": {"name": "x"}});
    assert_eq!(kind(world.write(&scope(), &step(&elsewhere, body))), FailureKind::Rejected);
    write(&mut world, &server(), deployment(Some(1), "i"));
    let mut other = deployment(Some(1), "i");
    other["spec"]["selector"] = json!({"matchLabels": {"a": "c"}});
    assert_eq!(kind(world.write(&scope(), &step(&server(), other))), FailureKind::Rejected);
    let stale = Step::Delete { id: server(), uid: "another".into(), ends: 0 };
    assert_eq!(kind(world.write(&scope(), &stale)), FailureKind::Stale);
    let beyond = step(&group_id(), group(3, Some(4)));
    assert_eq!(kind(world.write(&scope(), &beyond)), FailureKind::Rejected);
}

#[test]
fn faults_are_met_so_often_and_no_more() {
    let faults =
        vec![Fault { kind: FaultKind::Throttled, name: "serv".into(), list: None, calls: 2 }];
    let mut world = world(Scenario { faults, ..scenario() });
    assert_eq!(world.take_fault(&group_id()), None);
    assert_eq!(world.take_fault(&server()), Some(FaultKind::Throttled));
    assert_eq!(world.take_fault(&server()), Some(FaultKind::Throttled));
    assert_eq!(world.take_fault(&server()), None);
}

#[test]
fn a_world_survives_its_file() {
    let mut world = world(scenario());
    write(&mut world, &server(), deployment(Some(3), "i"));
    write(&mut world, &group_id(), group(3, Some(1)));
    world.advance(minutes(3));
    let text = serde_json::to_string(&world).unwrap();
    assert_eq!(serde_json::from_str::<World>(&text).unwrap(), world);
}

fn autoscaler(min: u32, max: u32) -> (ResourceId, Value) {
    let id = ResourceId::kubernetes("autoscaling/v2", "HorizontalPodAutoscaler", Some("ns"), "h");
    let body = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h", "namespace": "ns",
            "labels": {"applyset.kubernetes.io/part-of": scope().mark.applyset_id("ns")}},
        "spec": {"minReplicas": min, "maxReplicas": max,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"}},
    });
    (id, body)
}

#[test]
fn an_autoscaler_keeps_its_deployment_between_its_bounds() {
    let mut world = world(scenario());
    write(&mut world, &server(), deployment(None, "i"));
    for (min, max, replicas) in [(2, 5, 2), (4, 5, 4), (1, 3, 3), (1, 1, 1)] {
        let (id, body) = autoscaler(min, max);
        write(&mut world, &id, body);
        assert_eq!(units(&world, &server()).desired, replicas);
    }
    let owners = world.objects[&server()].managers_of(&super::keyed::pointer("/spec/replicas"));
    assert_eq!(owners, ["kube-controller-manager"]);
}

fn happens(world: &mut World, what: Actor) {
    let at = Span::from_millis(world.now);
    world.scenario.events.insert(world.happened, Event { at, what });
    world.settle();
}

#[test]
fn what_somebody_deletes_takes_what_is_in_it_along() {
    let mut world = world(scenario());
    write(&mut world, &server(), deployment(Some(2), "i"));
    write(&mut world, &group_id(), group(3, Some(2)));
    world.advance(minutes(20));
    let delete = |kind: &str, name: &str| {
        Actor::Delete(Delete { kind: kind.to_owned(), name: name.to_owned() })
    };
    happens(&mut world, delete("AutoScalingGroup", "t-g6e"));
    happens(&mut world, delete("Namespace", "ns"));
    world.advance(minutes(5));
    assert!(world.objects.is_empty() && world.instances.is_empty() && world.pods.is_empty());
    assert_eq!(world.nodes.len(), 2, "the instances' nodes are gone");
}

#[test]
fn two_environments_live_in_two_places() {
    let (a, b) = (World::new("a", scenario()), World::new("b", scenario()));
    assert_ne!(a.identity(), b.identity());
    assert_eq!(a.identity(), World::new("a", scenario()).identity());
}

fn list_fault(kind: FaultKind, list: &str) -> Fault {
    Fault { kind, name: String::new(), list: Some(list.to_owned()), calls: 1 }
}

#[test]
fn a_list_that_is_denied_is_a_gap_and_one_that_is_throttled_an_error() {
    use crate::observe::Side;
    let faults = vec![
        list_fault(FaultKind::Denied, "Deployment"),
        list_fault(FaultKind::Throttled, "AutoScalingGroup"),
    ];
    let mut world = world(Scenario { faults, ..scenario() });
    write(&mut world, &server(), deployment(Some(1), "i"));
    let (kubernetes, aws) = (Side::Kubernetes, Side::Aws);
    assert!(world.lists_badly(kubernetes) && world.lists_badly(aws));
    let seen = world.list_badly(&scope(), kubernetes).unwrap();
    assert!(!seen.resources.contains_key(&server()) && seen.gaps[0].hides_members);
    let error = world.list_badly(&scope(), aws).unwrap_err();
    assert_eq!(error.kind, FailureKind::Transient);
    assert!(!world.lists_badly(kubernetes) && !world.lists_badly(aws));
    assert!(world.inventory(&scope(), kubernetes).resources.contains_key(&server()));
}

#[test]
fn a_name_that_somebody_else_has_is_taken() {
    let create = Create {
        kind: "Deployment".into(),
        name: "server".into(),
        namespace: "ns".into(),
        content: json!({"spec": {"replicas": 1}}),
        by: "kubectl".into(),
    };
    let mut world = World::new("t", scenario());
    happens(&mut world, Actor::Create(create));
    let error = world.write(&scope(), &step(&server(), deployment(Some(1), "i"))).unwrap_err();
    assert_eq!(error.kind, FailureKind::Stale);
    assert!(error.message.contains("AlreadyExists"), "{}", error.message);
}

#[test]
fn a_world_is_bounded_and_says_so() {
    let mut world = world(scenario());
    let error = world.write(&scope(), &step(&server(), deployment(Some(100_001), "i")));
    assert!(error.unwrap_err().message.contains("100001"));
    let error = world.write(&scope(), &step(&group_id(), group(20_000, Some(10_001))));
    assert!(error.unwrap_err().message.contains("10001"));
}

#[test]
fn many_pods_are_placed_and_started_in_no_time() {
    let nodes = vec![NodeSet { name: "n".into(), count: 2_500, gpus: 8, ..NodeSet::default() }];
    let mut world = world(Scenario { nodes, ..Scenario::default() });
    write(&mut world, &server(), deployment(Some(12_000), "i"));
    world.advance(minutes(20));
    let seen = units(&world, &server());
    assert_eq!((seen.ready, seen.pending), (10_000, 2_000));
}

#[tokio::test]
async fn waiting_ends_with_an_error_where_time_cannot_pass() {
    use crate::clock::Clock;
    use crate::observe::Side;
    let folder = tempfile::tempdir().unwrap();
    let environment = crate::desired::fixture::environment();
    let simulator =
        Simulator::on_disk(folder.path(), &environment, scope(), Scenario::default()).unwrap();
    let backend = simulator.backend(Side::Kubernetes);
    let namespace = ResourceId::kubernetes("v1", "Namespace", None, "ns");
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}});
    backend.act.act(&step(&namespace, body)).await.unwrap();
    // In the way of every write, and of no read.
    let in_the_way = folder.path().join("t.json.new");
    std::fs::create_dir(&in_the_way).unwrap();
    simulator.sleep(minutes(1)).await;
    let error = backend.progress.progress(&namespace).await.unwrap_err();
    assert!(error.message.contains("cannot be written"), "{}", error.message);
    std::fs::remove_dir(&in_the_way).unwrap();
    simulator.sleep(minutes(1)).await;
    assert!(backend.progress.progress(&namespace).await.unwrap().is_some());
}

#[test]
fn a_world_of_another_version_is_not_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.json");
    let open = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let environment = crate::desired::fixture::environment();
        let opened = Simulator::on_disk(folder.path(), &environment, scope(), Scenario::default());
        opened.map(drop).unwrap_err()
    };
    let newer = open(r#"{"floodway_simulated_world": 9, "world": {"unheard": "of"}}"#);
    assert!(newer.message.contains("is of version 9"), "{}", newer.message);
    assert!(newer.help.unwrap().contains("use the Floodway that wrote it"));
    assert!(open("{").message.contains("is damaged"));
}

#[test]
fn a_world_says_when_another_scenario_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let environment = crate::desired::fixture::environment();
    let open = |seed| {
        let scenario = Scenario { seed, ..Scenario::default() };
        let on_disk = Simulator::on_disk(folder.path(), &environment, scope(), scenario.clone());
        on_disk.unwrap().kept_from_another(&scenario).unwrap().is_some()
    };
    assert_eq!([open(7), open(7), open(8)], [false, false, true]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn two_steps_in_time_are_one(seed in 0u64..99, replicas in 0u32..12, a in 0u64..900, b in 0u64..900) {
        let mut whole = world(Scenario { seed, ..scenario() });
        write(&mut whole, &server(), deployment(Some(replicas), "i"));
        write(&mut whole, &group_id(), group(5, Some(replicas % 5)));
        let mut parts = whole.clone();
        whole.advance(Duration::from_secs(a + b));
        parts.advance(Duration::from_secs(a));
        parts.advance(Duration::from_secs(b));
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn applying_twice_is_applying_once(replicas in proptest::option::of(0u32..9), image in "[a-c]") {
        let mut once = world(scenario());
        write(&mut once, &server(), deployment(replicas, &image));
        let mut twice = once.clone();
        write(&mut twice, &server(), deployment(replicas, &image));
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn nodes_never_give_more_gpus_than_they_have(counts in proptest::collection::vec(0u32..20, 1..6)) {
        let mut world = world(scenario());
        for count in counts {
            write(&mut world, &server(), deployment(Some(count), "i"));
            world.advance(Duration::from_secs(45));
            prop_assert!(world.observed_nodes().iter().all(|n| n.gpus_used <= n.gpus_allocatable));
        }
    }
}

#[test]
fn what_others_apply_is_shared_where_it_is_the_same_and_theirs_where_it_is_not() {
    let mut world = world(scenario());
    write(&mut world, &server(), deployment(Some(2), "i"));
    let image = "/spec/template/spec/containers/\u{1}server/image";
    let set = |world: &mut World, path: &str, value: &str| {
        let (kind, name, by) = ("Deployment".into(), "server".into(), "somebody".into());
        world.act_out(Actor::Set(Set { kind, name, path: path.into(), value: json!(value), by }));
    };
    let owners = |world: &World| world.objects[&server()].managers_of(&keyed::pointer(image));
    set(&mut world, image, "i");
    assert_eq!(owners(&world), ["floodway", "somebody"]);
    set(&mut world, image, "j");
    assert_eq!(owners(&world), ["somebody"]);

    set(&mut world, "/spec/selector/matchLabels/a", "c");
    set(&mut world, "/metadata/name", "other");
    set(&mut world, "/spec/template/spec/containers/\u{1}server/name", "other");
    let kept = world.objects[&server()].manifest();
    assert_eq!(kept["spec"]["selector"]["matchLabels"]["a"], "b", "it is immutable");
    assert_eq!(kept["metadata"]["name"], "server");

    let (kind, name) = ("Deployment".into(), "server".into());
    world.act_out(Actor::Unset(Unset { kind, name, path: image.into() }));
    assert_eq!(owners(&world), [""; 0]);
    assert!(world.owned_fields(&server()).iter().all(|(path, _)| path != image));
}

#[tokio::test]
async fn an_apply_that_is_dropped_in_its_midst_leaves_no_lock_behind() {
    let environment = crate::desired::fixture::environment();
    let simulator = Simulator::in_memory(&environment, scope(), scenario());
    let lock = simulator.backend(crate::observe::Side::Aws).lock.unwrap();
    let held = lock.acquire(&scope(), "a").await.unwrap_or_else(|_| panic!("it is free"));
    assert!(lock.acquire(&scope(), "b").await.is_err());
    drop(held);
    assert!(lock.acquire(&scope(), "b").await.is_ok());
}
