//! A burst pool's groups: one per capacity type and for what carries the same and
//! boots alike.
//!
//! Inside one mixed group AWS alone picks type and market, and a group never
//! falls back from spot to on-demand; so only types between which there is
//! nothing to choose share a group, and every other choice stays here.

use super::legacies::{legacies, own_numbers};
use super::{BurstGroup, CapacityType, Decision, GroupType, PlanningInput, PoolKind, SupplyGroup};
use crate::id::Name;
use crate::spec::{BootMode, BurstPool, Catalog, Price, Spot};
use crate::units::Rate;

/// The groups of `pool` in order of preference, with nothing in them yet.
pub(super) fn groups(input: &PlanningInput<'_>, name: &Name, pool: &BurstPool) -> Vec<BurstGroup> {
    let Some(aws) = &input.environment.aws else { return Vec::new() };
    let markets = if pool.block().is_some() {
        &[CapacityType::CapacityBlock][..]
    } else if pool.spot.is_some() {
        &[CapacityType::OnDemand, CapacityType::Spot][..]
    } else {
        &[CapacityType::OnDemand][..]
    };
    let region = pool.region.as_ref().unwrap_or(&aws.region);
    let mut groups = Vec::new();
    let price = |of: &str| match pool.block() {
        Some(block) => block.usd_per_hour.map(|usd_per_hour| {
            let key = format!("aws.pools.{name}.reservation.usd_per_hour");
            let place = input.origins.origin(&key);
            let source = place.map_or(key, |place| format!("{}:{}", place.file, place.line));
            Price { usd_per_hour, as_of: None, source }
        }),
        None => input.catalog.price(Some(aws), input.origins, of, region),
    };
    for (node, names) in by_node(input, name, pool) {
        let types = names.iter().map(|&name| GroupType {
            name: name.to_owned(),
            vcpus: input.catalog.get(name).map(|known| known.vcpus),
            price: price(name),
        });
        let mut types: Vec<GroupType> = types.collect();
        if pool.requirements.is_some() {
            let price = |one: &GroupType| (one.price.is_none(), one.usd_per_hour());
            types.sort_by_key(|one| (price(one), one.name.clone()));
        }
        for &capacity_type in markets {
            groups.push(BurstGroup {
                by_requirements: pool.requirements.is_some(),
                types: types.clone(),
                boot_mode: node.boot_mode,
                capacity_type,
                region: region.clone(),
                max: 0,
                desired: 0,
                replicas_per_node: node.replicas,
                capacity_per_node: node.capacity.times(node.replicas),
                gpus_per_node: node.gpus.unwrap_or(0),
            });
        }
    }
    groups
}

/// What a node of some instance type is worth.
#[derive(PartialEq, Eq)]
struct Node {
    /// Per replica.
    capacity: Rate,
    replicas: u32,
    /// None: not known.
    gpus: Option<u32>,
    /// An instance starts from an image that boots as it does.
    boot_mode: BootMode,
}

/// The types of `pool` by what a node of them is worth, in the file's order.
/// One whose GPUs are not known is like no other; all that meet requirements
/// are alike.
fn by_node<'a>(
    input: &PlanningInput<'a>,
    name: &Name,
    pool: &'a BurstPool,
) -> Vec<(Node, Vec<&'a str>)> {
    let stage = input.environment.service.stages.get(&pool.stage);
    let gpus_per_replica = stage.map_or(0, |stage| stage.gpus);
    if let Some(required) = &pool.requirements {
        let types = input.supply.matching.get(name).into_iter().flatten();
        let types: Vec<&str> = types.map(String::as_str).collect();
        let node = Node {
            capacity: pool.capacity_on(BurstPool::ANY),
            replicas: pool.replicas_on(required.gpus, gpus_per_replica),
            gpus: Some(required.gpus),
            boot_mode: all_boot_by(input.catalog, &types),
        };
        return vec![(node, types)];
    }
    let mut nodes: Vec<(Node, Vec<&str>)> = Vec::new();
    for name in &pool.instance_types {
        let gpus = input.catalog.get(name).map(|known| known.gpus);
        let node = Node {
            capacity: pool.capacity_on(name),
            replicas: pool.replicas_on(gpus.unwrap_or(0), gpus_per_replica),
            gpus,
            boot_mode: input.catalog.boot_mode(name),
        };
        match nodes.iter_mut().find(|(like, _)| gpus.is_some() && *like == node) {
            Some((_, names)) => names.push(name),
            None => nodes.push((node, vec![name])),
        }
    }
    nodes
}

/// How types boot of which AWS chooses: by a BIOS where all of them know nothing else.
/// Where only some do, AWS starts the others.
fn all_boot_by(catalog: &Catalog, types: &[&str]) -> BootMode {
    let by_bios = |name: &&str| catalog.boot_mode(name) == BootMode::LegacyBios;
    match !types.is_empty() && types.iter().all(by_bios) {
        true => BootMode::LegacyBios,
        false => BootMode::Uefi,
    }
}

/// Which of `groups` each of `live` goes on as: the one of its market that is
/// named for the same type, or has requirements too; else one that shares a type
/// with it and that nothing else goes on as. None: it goes.
pub fn successors(groups: &[BurstGroup], live: &[SupplyGroup]) -> Vec<Option<usize>> {
    let beside = |seen: &SupplyGroup, group: &BurstGroup| {
        seen.capacity_type == group.capacity_type
            && seen.region == group.region
            && seen.by_requirements == group.by_requirements
    };
    let first = |seen: &SupplyGroup, group: &BurstGroup| {
        let first = seen.instance_types.first().map(String::as_str);
        beside(seen, group) && (group.by_requirements || first == Some(group.label()))
    };
    let named = |seen| groups.iter().position(|group| first(seen, group));
    let mut found: Vec<Option<usize>> = live.iter().map(named).collect();
    for (index, group) in groups.iter().enumerate() {
        if found.contains(&Some(index)) {
            continue;
        }
        let free = (0..live.len()).filter(|&at| found[at].is_none() && beside(&live[at], group));
        let sharing = free.map(|at| (shared(&live[at], group), at)).filter(|(types, _)| *types > 0);
        let most = sharing.min_by_key(|&(types, at)| (std::cmp::Reverse(types), at));
        if let Some((_, at)) = most {
            found[at] = Some(index);
        }
    }
    found
}

/// How many types they have in common.
pub(super) fn shared(seen: &SupplyGroup, group: &BurstGroup) -> usize {
    seen.instance_types.iter().filter(|name| group.has_type(name)).count()
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
        let first = groups.first().map(|group| group.label().to_owned());
        for group in groups.iter_mut().filter(|group| Some(group.label()) == first.as_deref()) {
            group.desired = match group.capacity_type {
                CapacityType::OnDemand | CapacityType::CapacityBlock => on_demand,
                CapacityType::Spot => spot,
            };
        }
    }
}

/// Each group keeps what it has, up to its max: what is above drains. What goes is
/// replaced, not lost.
fn keep(groups: &mut [BurstGroup], live: &[SupplyGroup]) {
    let own = own_numbers(groups, live);
    for (group, own) in groups.iter_mut().zip(own) {
        group.desired = own.min(group.max);
    }
    for legacy in legacies(groups, live) {
        groups[legacy.to].desired = legacy.number;
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
