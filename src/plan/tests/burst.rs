//! Burst pools: nodes and what runs on them move together.

use super::world::{World, of};
use super::{active, place};
use crate::plan::*;

#[test]
fn a_pool_that_moves_to_another_region_is_counted_in_both() {
    let mut world = World::applied();
    world.scale("AutoScalingGroup", "prod-g6e-od-g6e.12xlarge", 3, "floodway-run");
    let aws = world.environment.aws.as_mut().unwrap();
    aws.regions = vec!["us-west-2".into()];
    aws.pools.get_mut("g6e").unwrap().region = Some("us-west-2".into());
    let plan = world.draft().plan().clone();
    let pool = plan.pools.iter().find(|pool| pool.pool == "g6e").unwrap();
    assert_eq!((pool.units.before, pool.units.after), (3, 3));
    assert_eq!((pool.capacity.before, pool.uncounted), (pool.capacity.after, 0));
    assert!(!pool.cost.before.is_partial, "the old region has its own price");
}

#[test]
fn a_burst_pool_that_changes_its_stage_moves_to_nodes_of_its_own() {
    let mut world = World::applied();
    let (old_group, old) = ("prod-g6e-od-g6e.12xlarge", "deepseek-inference-g6e");
    world.scale("AutoScalingGroup", old_group, 2, "floodway-run");
    world.scale("Deployment", old, 8, "floodway-run");
    let pools = &mut world.environment.aws.as_mut().unwrap().pools;
    let pool = pools.get_mut("g6e").unwrap();
    (pool.stage, pool.replicas_per_node) = ("postprocess".parse().unwrap(), Some(4));

    let plan = world.plan();
    let (new_group, new) = (format!("{old_group}-2"), "deepseek-postprocess-g6e");
    let nodes = of(&plan, "AutoScalingGroup", &new_group);
    assert_eq!(nodes.action, Action::Create);
    let pods = of(&plan, "Deployment", new);
    assert_eq!(pods.action, Action::Replace);
    assert!(pods.after.contains(&place(&plan, "AutoScalingGroup", &new_group)));
    let gone = of(&plan, "AutoScalingGroup", old_group);
    assert_eq!(gone.action, Action::Delete);
    assert!(gone.after.contains(&place(&plan, "Deployment", new)), "its pods move first");

    world.execute(&plan);
    assert!(!world.plan().has_work(), "{:?}", active(&world.plan()));
    assert_eq!(world.live("AutoScalingGroup", &new_group).workload.as_ref().unwrap().ready, 2);
    assert_eq!(world.live("Deployment", new).workload.as_ref().unwrap().ready, 8);
}
