//! Everything goes, in an order that nobody notices before they must.

use super::world::{World, of};
use super::{FRONT, H100, place};
use crate::decide::Supply;
use crate::desired::{DesiredWorld, fixture};
use crate::observe::{Gap, Live, ResourceId, Side};
use crate::plan::*;
use crate::spec::Origins;

fn destroy(world: &World, namespace: bool) -> Plan {
    let origins = Origins::default();
    let input = PlanInput {
        mark: &fixture::mark(),
        environment: &world.environment,
        origins: &origins,
        environment_digest: "digest",
        environment_text: "",
        catalog: &World::catalog(),
        decision: &world.decision(),
        supply: &Supply::from_inventory(&world.environment, &world.inventory),
        desired: &DesiredWorld::default(),
        inventory: &world.inventory,
        options: &world.options,
    };
    destroy_plan(&input, namespace).unwrap()
}

fn add_namespace(world: &mut World, kind: &str) {
    let template = world.live("Service", "deepseek-inference").clone();
    let id = ResourceId::kubernetes("v1", kind, None, "inference");
    world.inventory.resources.insert(id.clone(), Live { id, ..template });
}

#[test]
fn all_that_is_owned_goes_drained_first_and_the_parent_last() {
    let mut world = World::applied();
    world.scale("Deployment", H100, 3, "floodway-run");
    let plan = destroy(&world, false);
    assert_eq!(plan.refusals, []);
    assert_eq!(plan.totals.delete, world.inventory.resources.len());
    assert_eq!(plan.changes.last().unwrap().id.name, "floodway-prod");
    assert_eq!(plan.changes.last().unwrap().after.len(), plan.changes.len() - 1);
    assert!(place(&plan, "HorizontalPodAutoscaler", FRONT) < place(&plan, "Deployment", FRONT));
    let service = of(&plan, "Service", "deepseek-inference");
    assert!(service.after.contains(&place(&plan, "Deployment", H100)));
    assert!(matches!(
        &of(&plan, "Deployment", H100).steps[..],
        [Step::Drain { .. }, Step::Delete { .. }]
    ));
    assert_eq!(plan.totals.gpus.after, 0);
    assert!(plan.totals.gpus.before > 0);
    world.execute(&plan);
    assert!(world.inventory.resources.is_empty());
    assert!(destroy(&world, false).is_empty());
}

#[test]
fn a_destroy_that_was_cut_off_can_be_repeated() {
    let mut world = World::applied();
    world.inventory.resources.retain(|id, _| id.name == "floodway-prod" && id.kind == "ConfigMap");
    let plan = destroy(&world, false);
    assert_eq!(plan.refusals, [], "an empty set that is still marked is what is left of one");
    assert_eq!(plan.totals.delete, 1);
}

#[test]
fn protection_asks_for_the_name_and_max_destroy_does_not_count() {
    let mut world = World::applied();
    world.environment.environment.max_destroy = 0;
    assert_eq!(destroy(&world, false).refusals, []);
    world.environment.environment.protected = true;
    assert_eq!(destroy(&world, false).refusals[0].guard, "protected");
}

#[test]
fn the_namespace_goes_only_when_asked_for_and_nothing_foreign_is_in_it() {
    let mut world = World::applied();
    assert_eq!(destroy(&world, true).refusals[0].guard, "namespace", "it was not found");
    add_namespace(&mut world, "Namespace");
    world.inventory.capabilities.namespace_foreign = None;
    let plan = destroy(&world, false);
    assert!(!plan.changes.iter().any(|change| change.id.kind == "Namespace"));
    let plan = destroy(&world, true);
    assert_eq!(plan.changes.last().unwrap().id.kind, "Namespace");
    assert_eq!(plan.changes.last().unwrap().notes, ["only if nothing else is left in it then"]);
    world.inventory.capabilities.namespace_foreign =
        Some(vec!["Pod debug".into(), "PVC data".into()]);
    let plan = destroy(&world, true);
    assert!(plan.refusals[0].message.ends_with("Pod debug and 1 more"));
    assert!(!plan.changes.iter().any(|change| change.id.kind == "Namespace"));
}

#[test]
fn instances_end_at_once_only_where_that_is_asked_for_and_counted() {
    let mut world = World::applied();
    let group = "prod-g6e-od-g6e.12xlarge";
    world.scale("AutoScalingGroup", group, 3, "floodway-run");
    assert_eq!(destroy(&world, false).ends_at_once(), 0);
    world.options.force_instances = true;
    let plan = destroy(&world, false);
    let change = of(&plan, "AutoScalingGroup", group);
    assert!(matches!(&change.steps[..], [Step::Delete { ends: 3, .. }]), "{:?}", change.steps);
    assert_eq!(change.notes, ["ends 3 instances at once, without their drain"]);
    let others = plan.ends_at_once() - 3;
    assert_eq!(others, 1, "the other pool's");
    // Pods finish their work, and an empty group has nothing to force.
    let drained = |kind: &str| {
        let steps = plan.changes.iter().filter(|c| c.id.kind == kind).map(|c| &c.steps);
        steps.filter(|steps| matches!(steps[..], [Step::Drain { .. }, Step::Delete { .. }])).count()
    };
    assert!(drained("Deployment") > 0 && drained("AutoScalingGroup") > 0);
    world.execute(&plan);
    assert!(world.inventory.resources.is_empty());
}

#[test]
fn claims_stay_and_are_named() {
    let mut world = World::applied();
    add_namespace(&mut world, "PersistentVolumeClaim");
    let plan = destroy(&world, false);
    assert!(!plan.changes.iter().any(|change| change.id.kind == "PersistentVolumeClaim"));
    assert_eq!(plan.warnings, ["PersistentVolumeClaim inference stays: it holds data"]);
}

#[test]
fn behind_a_gap_nothing_is_destroyed() {
    let mut world = World::applied();
    world.inventory.gaps = vec![Gap {
        side: Side::Aws,
        what: "groups in us-east-1".into(),
        why: "throttled".into(),
        hides_members: true,
    }];
    let plan = destroy(&world, false);
    assert!(plan.is_empty());
    assert_eq!(plan.refusals[0].guard, "gap");
}
