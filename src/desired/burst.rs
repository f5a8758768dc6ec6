//! The Auto Scaling groups of burst pools.

use super::scene::Scene;
use super::{Desired, Seed, names};
use crate::decide::{BurstGroup, CapacityType, DesiredOwner, PoolDecision, PoolKind};
use crate::id::Name;
use crate::observe::{ResourceId, marks};
use crate::spec::model::{BurstPool, Subnets};
use serde_json::{Map, Value, json};

/// Every group of every burst pool.
pub(super) fn groups(scene: &Scene<'_>) -> Vec<Desired> {
    let mut desired = Vec::new();
    for (name, decided) in &scene.input.decision.pools {
        let aws = scene.environment().aws.as_ref();
        let (PoolKind::Burst(groups), Some(pool)) =
            (&decided.kind, aws.and_then(|aws| aws.pools.get(name)))
        else {
            continue;
        };
        for (index, group) in groups.iter().enumerate() {
            let warm_pool = if warm_group(groups) == Some(index) { pool.warm_pool } else { 0 };
            desired.push(one_group(scene, name, decided, pool, group, warm_pool));
        }
    }
    desired
}

/// The names of a pool's groups; none for an on-prem pool.
pub(super) fn group_ids(scene: &Scene<'_>, pool: &Name, decided: &PoolDecision) -> Vec<ResourceId> {
    match &decided.kind {
        PoolKind::OnPrem => Vec::new(),
        PoolKind::Burst(groups) => {
            groups.iter().map(|group| group_id(scene, pool, group)).collect()
        }
    }
}

fn group_id(scene: &Scene<'_>, pool: &Name, group: &BurstGroup) -> ResourceId {
    let input = scene.input;
    let workload = scene.workloads.get(pool).map(String::as_str).unwrap_or_default();
    let (environment, decision) = (input.environment, input.decision);
    let name = names::group(environment, decision, input.inventory, pool, group, workload);
    ResourceId::group(&group.region, &name)
}

/// AWS keeps no warm pool beside spot instances, and stopped instances of a
/// second choice would be paid for without use: the first on-demand group.
fn warm_group(groups: &[BurstGroup]) -> Option<usize> {
    groups.iter().position(|group| group.capacity_type == CapacityType::OnDemand)
}

fn one_group(
    scene: &Scene<'_>,
    name: &Name,
    decided: &PoolDecision,
    pool: &BurstPool,
    group: &BurstGroup,
    warm_pool: u32,
) -> Desired {
    let workload = scene.workloads.get(name).cloned().unwrap_or_default();
    let mut body = json!({
        "instance_type": group.instance_type,
        "capacity_type": group.capacity_type,
        // The pool's min is a sum over its groups, which Floodway holds; were it
        // each group's, AWS would start it once per group.
        "min": 0,
        "max": group.max,
        "replicas_per_node": group.replicas_per_node,
        "gpus": group.gpus_per_node,
        "image": { "name": pool.image.name, "channel": pool.image.channel },
        "subnets": subnets(&pool.subnets),
        "warm_pool": warm_pool,
        "join": names::join_of(scene.environment(), name),
        "workload": workload,
        "tags": tags(scene, name, &decided.stage, &workload),
    });
    let git = decided.owner == DesiredOwner::Git;
    if git && let Value::Object(body) = &mut body {
        body.insert("desired".to_owned(), json!(group.desired));
    }
    let seed =
        Seed { path: "/desired".to_owned(), value: json!(group.desired), owner: decided.owner };
    let in_cluster = scene.environment().onprem.is_some();
    let market = match group.capacity_type {
        CapacityType::OnDemand => "on demand",
        CapacityType::Spot => "spot",
    };
    let key = match group.capacity_type {
        CapacityType::OnDemand => format!("aws.pools.{name}.instance_types"),
        CapacityType::Spot => format!("aws.pools.{name}.spot"),
    };
    Desired {
        id: group_id(scene, name, group),
        body: body.into(),
        seed: (!git).then_some(seed),
        pool: Some(name.clone()),
        reason: scene.because(key, format!("{} {market} for pool {name}", group.instance_type)),
        // The mark that tells a later run where to look is left first.
        after: in_cluster.then(|| scene.parent_id()).into_iter().collect(),
        immutable: vec!["/instance_type", "/capacity_type", "/workload", "/join"],
        member: true,
    }
}

fn subnets(subnets: &Subnets) -> Value {
    let mut chosen = Map::new();
    if !subnets.ids.is_empty() {
        chosen.insert("ids".to_owned(), json!(subnets.ids));
    }
    if !subnets.tags.is_empty() {
        chosen.insert("tags".to_owned(), json!(subnets.tags));
    }
    Value::Object(chosen)
}

/// Tags play the part that labels and the ApplySet's parent play in a cluster.
fn tags(scene: &Scene<'_>, pool: &Name, stage: &Name, workload: &str) -> Value {
    let mark = scene.input.mark;
    json!({
        marks::MANAGED_BY: marks::MANAGER,
        marks::ENVIRONMENT: mark.environment,
        marks::REPOSITORY: mark.repository,
        marks::FILE: mark.file,
        marks::STAGE: stage,
        marks::POOL: pool,
        marks::WORKLOAD: workload,
    })
}
