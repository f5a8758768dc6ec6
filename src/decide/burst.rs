//! A burst pool's groups: one per capacity type and instance type.
//!
//! Inside one mixed group AWS alone picks type and market, and a group never
//! falls back from spot to on-demand; so each offering is a group of its own
//! and the choice between them stays here.

use super::{BurstGroup, CapacityType, Decision, PlanningInput, PoolKind, SupplyGroup};
use crate::id::Name;
use crate::spec::{BurstPool, Price, Spot};

/// The groups of `pool` in order of preference, with nothing in them yet.
pub(super) fn groups(input: &PlanningInput<'_>, name: &Name, pool: &BurstPool) -> Vec<BurstGroup> {
    let Some(aws) = &input.environment.aws else { return Vec::new() };
    let stage = input.environment.service.stages.get(&pool.stage);
    let gpus_per_replica = stage.map_or(0, |stage| stage.gpus);
    let markets = if pool.block().is_some() {
        &[CapacityType::CapacityBlock][..]
    } else if pool.spot.is_some() {
        &[CapacityType::OnDemand, CapacityType::Spot][..]
    } else {
        &[CapacityType::OnDemand][..]
    };
    let mut groups = Vec::new();
    for instance_type in &pool.instance_types {
        let known = input.catalog.get(instance_type);
        let gpus = known.map_or(0, |known| known.gpus);
        let replicas = pool.replicas_on(gpus, gpus_per_replica);
        let capacity = pool.capacity.get(instance_type).copied().unwrap_or_default();
        let region = pool.region.as_ref().unwrap_or(&aws.region);
        let price = match pool.block() {
            Some(block) => block.usd_per_hour.map(|usd_per_hour| {
                let key = format!("aws.pools.{name}.reservation.usd_per_hour");
                let place = input.origins.origin(&key);
                let source = place.map_or(key, |place| format!("{}:{}", place.file, place.line));
                Price { usd_per_hour, as_of: None, source }
            }),
            None => input.catalog.price(Some(aws), input.origins, instance_type, region),
        };
        for &capacity_type in markets {
            groups.push(BurstGroup {
                instance_type: instance_type.clone(),
                capacity_type,
                region: region.clone(),
                max: 0,
                desired: 0,
                replicas_per_node: replicas,
                capacity_per_node: capacity.times(replicas),
                gpus_per_node: gpus,
                vcpus_per_node: known.map(|known| known.vcpus),
                price: price.clone(),
            });
        }
    }
    groups
}

/// Gives every group its number. A new pool, or one that git owns, goes to the
/// first instance type, split between the markets; one that a runtime owner
/// moves keeps what each group has.
pub(super) fn spread_over_groups(input: &PlanningInput<'_>, decision: &mut Decision) {
    let Some(aws) = &input.environment.aws else { return };
    for (name, pool) in &mut decision.pools {
        let (PoolKind::Burst(groups), Some(spec)) = (&mut pool.kind, aws.pools.get(name)) else {
            continue;
        };
        let live = input.supply.burst.get(name).map(Vec::as_slice).unwrap_or_default();
        if pool.owner != super::DesiredOwner::Git && !live.is_empty() {
            keep(groups, live);
            continue;
        }
        let (on_demand, spot) = split(pool.desired, spec.spot.as_ref());
        let first = groups.first().map(|group| group.instance_type.clone());
        for group in groups.iter_mut().filter(|g| Some(&g.instance_type) == first.as_ref()) {
            group.desired = match group.capacity_type {
                CapacityType::OnDemand | CapacityType::CapacityBlock => on_demand,
                CapacityType::Spot => spot,
            };
        }
    }
}

/// Each group keeps what it has. Instances of a type that is not declared any
/// more are what a group that is yet to be made starts with, of the same market
/// before the other: they are replaced, not lost.
fn keep(groups: &mut [BurstGroup], live: &[SupplyGroup]) {
    let is = |seen: &SupplyGroup, group: &BurstGroup| {
        seen.instance_type == group.instance_type && seen.capacity_type == group.capacity_type
    };
    for group in groups.iter_mut() {
        let seen = live.iter().filter(|seen| is(seen, group));
        group.desired = seen.map(|seen| seen.desired).sum();
    }
    let old = |seen: &&SupplyGroup| !groups.iter().any(|group| is(seen, group));
    let gone: Vec<SupplyGroup> = live.iter().filter(old).cloned().collect();
    for gone in gone {
        let new: Vec<&mut BurstGroup> =
            groups.iter_mut().filter(|group| !live.iter().any(|seen| is(seen, group))).collect();
        let heir = new.into_iter().min_by_key(|group| group.capacity_type != gone.capacity_type);
        if let Some(heir) = heir {
            heir.desired = heir.desired.saturating_add(gone.desired);
        }
    }
}

/// On-demand and spot instances of `total`: the base is on-demand, of the rest
/// the share is spot, rounded in favour of on-demand as EC2 Auto Scaling does.
pub(crate) fn split(total: u32, spot: Option<&Spot>) -> (u32, u32) {
    let Some(spot) = spot else { return (total, 0) };
    let above_base = total.saturating_sub(spot.base_on_demand);
    let spot_count = spot.share.of(above_base);
    (total - spot_count, spot_count)
}
