//! Each pool as declared, before demands are carried.

use super::{DesiredOwner, PlanningInput, PoolDecision, PoolKind, burst};
use crate::id::Name;
use crate::spec::{BurstPool, Count, OnPremPool};
use std::collections::BTreeMap;

/// Every pool with its owner, bounds and the number that its own lines give.
pub(super) fn declared(input: &PlanningInput<'_>) -> BTreeMap<Name, PoolDecision> {
    let environment = input.environment;
    let onprem = environment.onprem.iter().flat_map(|onprem| &onprem.pools);
    let burst = environment.aws.iter().flat_map(|aws| &aws.pools);
    onprem
        .map(|(name, pool)| (name.clone(), on_prem(input, name, pool)))
        .chain(burst.map(|(name, pool)| (name.clone(), burst_pool(input, name, pool))))
        .collect()
}

fn on_prem(input: &PlanningInput<'_>, name: &Name, pool: &OnPremPool) -> PoolDecision {
    let key = format!("onprem.pools.{name}.replicas");
    let live = input.supply.onprem.get(name).map(|supply| supply.desired);
    let gpus = input.environment.service.stages.get(&pool.stage).map_or(0, |stage| stage.gpus);
    let runtime = if pool.hpa.is_some() { DesiredOwner::Hpa } else { DesiredOwner::Controller };
    let mut decided = PoolDecision {
        stage: pool.stage.clone(),
        kind: PoolKind::OnPrem,
        owner: DesiredOwner::Git,
        min: 0,
        max: 0,
        desired: 0,
        live,
        capacity_per_unit: pool.capacity,
        gpus_per_unit: gpus,
        reasons: Vec::new(),
    };
    count(input, &mut decided, pool.replicas, runtime, &key);
    decided
}

fn burst_pool(input: &PlanningInput<'_>, name: &Name, pool: &BurstPool) -> PoolDecision {
    let key = format!("aws.pools.{name}.size");
    let live = input.supply.burst.get(name).map(|groups| groups.iter().map(|g| g.desired).sum());
    let groups = burst::groups(input, name, pool);
    let first = groups.first();
    let mut decided = PoolDecision {
        stage: pool.stage.clone(),
        owner: DesiredOwner::Git,
        min: 0,
        max: 0,
        desired: 0,
        live,
        capacity_per_unit: first.map(|group| group.capacity_per_node).unwrap_or_default(),
        gpus_per_unit: first.map_or(0, |group| group.gpus_per_node),
        reasons: Vec::new(),
        kind: PoolKind::Burst(groups),
    };
    count(input, &mut decided, pool.size, DesiredOwner::Controller, &key);
    if let PoolKind::Burst(groups) = &mut decided.kind {
        for group in groups {
            group.max = decided.max;
        }
    }
    decided
}

fn count(
    input: &PlanningInput<'_>,
    pool: &mut PoolDecision,
    count: Count,
    runtime: DesiredOwner,
    key: &str,
) {
    match count {
        Count::Fixed(number) => {
            (pool.min, pool.max, pool.desired) = (number, number, number);
            pool.reasons.push(input.because(key, format!("set to {number}")));
        }
        Count::Between { min, max } => {
            (pool.min, pool.max, pool.owner) = (min, max, runtime);
            pool.desired = pool.live.map_or(min, |live| live.max(min).min(max));
            let text = match pool.live {
                None => format!("starts at min {min}; then owned by {runtime} up to {max}"),
                Some(_) => format!("owned by {runtime} between {min} and {max}"),
            };
            pool.reasons.push(input.because(key, text));
        }
    }
}
