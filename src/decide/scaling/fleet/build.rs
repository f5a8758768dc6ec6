//! The pools of an environment, as they were seen and are remembered.

use super::{Legacy, Pool, Source};
use crate::clock::Timestamp;
use crate::decide::scaling::input::{Delays, PoolSeen, ScalingInput, Units};
use crate::decide::scaling::memory::SourceMemory;
use crate::decide::scaling::outcome::Event;
use crate::decide::scaling::time::between;
use crate::decide::scaling::{asides, price};
use crate::decide::{BurstGroup, CapacityType, Decision, PoolDecision, PoolKind, successors};
use crate::id::Name;
use crate::spec::model::{Join, QuotaFamily};
use crate::units::{Rate, UsdPerHour};

/// All pools of the environment.
pub(in crate::decide::scaling) fn pools<'a>(
    input: &ScalingInput<'a>,
    decision: &'a Decision,
    events: &mut Vec<Event>,
) -> Vec<Pool<'a>> {
    let absent = PoolSeen::default();
    let mut pools = Vec::with_capacity(decision.pools.len());
    for (name, decided) in &decision.pools {
        let seen = input.seen.pools.get(name).unwrap_or(&absent);
        let mut pool = pool(input, name, decided, seen);
        asides::update(input, &mut pool, events);
        for source in &mut pool.sources {
            source.coming = asides::counted_on(source);
            source.wanted = source.coming;
        }
        pools.push(pool);
    }
    pools
}

fn pool<'a>(
    input: &ScalingInput<'a>,
    name: &'a Name,
    decided: &'a PoolDecision,
    seen: &PoolSeen,
) -> Pool<'a> {
    let environment = input.planning.environment;
    let burst = environment.aws.as_ref().and_then(|aws| aws.pools.get(name));
    let startup = environment.service.stages.get(&decided.stage).map(|stage| stage.startup);
    let delays = input.delays.get(name).copied();
    let declared = || Delays::declared(startup.unwrap_or_default(), burst.is_some());
    let onprem = environment.onprem.as_ref();
    let lost_after = onprem.map(|onprem| onprem.lost_after).unwrap_or_default();
    let is_lost = |now: Timestamp| match seen.at {
        _ if seen.visible || !matches!(decided.kind, PoolKind::OnPrem) => false,
        Some(at) => between(at, now) > lost_after,
        None => seen.since.is_none_or(|since| between(since, now) > lost_after),
    };
    let lost = is_lost(input.now);
    let mut legacy = Legacy::default();
    let sources = match &decided.kind {
        PoolKind::OnPrem => vec![on_prem(input, name, decided, seen)],
        PoolKind::Burst(groups) => of_groups(input, name, groups, seen, &mut legacy),
    };
    Pool {
        name,
        stage: &decided.stage,
        decided,
        spot: burst.and_then(|pool| pool.spot.as_ref()),
        joins_cluster: burst.is_some_and(|pool| pool.join == Join::Kubernetes),
        visible: seen.visible,
        seen_at: seen.at,
        lost,
        newly_lost: lost && !input.memory.at.is_some_and(is_lost),
        delays: delays.unwrap_or_else(declared),
        floor: (decided.min, None),
        set_to: None,
        sources,
        legacy,
        hindrance: seen.autoscaler.clone().filter(|_| seen.visible),
        unraised_since: None,
        closed: None,
        drain_given_up: None,
        holds: Vec::new(),
        reasons: Vec::new(),
        stands_in: None,
    }
}

fn on_prem(
    input: &ScalingInput<'_>,
    name: &Name,
    decided: &PoolDecision,
    seen: &PoolSeen,
) -> Source {
    let onprem = input.planning.environment.onprem.as_ref();
    let spec = onprem.and_then(|onprem| onprem.pools.get(name));
    let profile = spec.and_then(|pool| pool.profile.as_ref());
    let declared = price::declared(input, &decided.stage, decided.capacity_per_unit, profile);
    let key = "replicas".to_owned();
    let memory = remembered(input, name, &key);
    // Never seen by this controller: as the one before it has left it.
    let unseen = (!seen.visible && seen.at.is_none()).then_some(memory.asked).flatten();
    let units = seen.replicas.clone().or_else(|| unseen.map(Units::serving));
    Source {
        memory,
        label: key.clone(),
        key,
        exists: units.is_some(),
        capacity: price::carried(input, name, declared),
        declared,
        price: spec.and_then(|pool| pool.usd_per_hour),
        replicas_per_node: 1,
        units: units.unwrap_or_default(),
        apart: input.mode.is_apart(),
        ..Source::default()
    }
}

fn of_groups(
    input: &ScalingInput<'_>,
    name: &Name,
    groups: &[BurstGroup],
    seen: &PoolSeen,
    legacy: &mut Legacy,
) -> Vec<Source> {
    let live = input.planning.supply.burst.get(name).map(Vec::as_slice).unwrap_or_default();
    let goes_on_as = successors(groups, live);
    let mut sources: Vec<Source> =
        groups.iter().map(|group| of_group(input, name, group)).collect();
    for (group, goes_on_as) in live.iter().zip(goes_on_as) {
        let units = seen.groups.get(&group.name).cloned().unwrap_or_else(|| {
            let ready = group.ready;
            Units { desired: group.desired, ..Units::serving(ready) }
        });
        let kept: u32 = group.kept.values().sum();
        match goes_on_as.map(|at| &mut sources[at]) {
            // Of two that go on as one, the plan ends the one with fewer.
            Some(source) if !source.exists || source.units.asked() < units.asked() => {
                if source.exists {
                    legacy.add(source.capacity, source.price, &source.units, source.kept);
                }
                source.exists = true;
                source.group = Some(group.name.clone());
                source.units = units;
                source.kept = kept;
                source.group_max = group.max;
            }
            Some(source) => {
                let (capacity, price) = (source.capacity, source.price);
                legacy.add(capacity, price, &units, kept);
            }
            None => {
                let (capacity, price) = price::of_legacy(input, name, group);
                legacy.add(capacity, price, &units, kept);
            }
        }
    }
    sources
}

impl Legacy {
    fn add(&mut self, capacity: Rate, price: Option<UsdPerHour>, units: &Units, kept: u32) {
        self.units = self.units.saturating_add(units.asked());
        self.standing = self.standing.saturating_add(units.desired);
        self.serving = self.serving + capacity.times(units.serving);
        // What of it does not serve is not waited for: it goes.
        self.coming = self.coming + capacity.times(units.serving);
        let paid = units.desired.max(units.existing).saturating_add(kept);
        match price {
            Some(price) => self.cost = self.cost + price.times(paid),
            None => self.unpriced = self.unpriced.saturating_add(paid),
        }
    }
}

fn of_group(input: &ScalingInput<'_>, name: &Name, group: &BurstGroup) -> Source {
    let aws = input.planning.environment.aws.as_ref();
    let spec = aws.and_then(|aws| aws.pools.get(name));
    let profile = spec.and_then(|pool| pool.profile.get(group.label()));
    let per_replica = spec.map(|pool| pool.capacity_on(group.label())).unwrap_or_default();
    let stage = spec.map(|pool| &pool.stage);
    let per_replica =
        stage.map_or(per_replica, |stage| price::declared(input, stage, per_replica, profile));
    let declared = per_replica.times(group.replicas_per_node);
    let is_spot = group.capacity_type == CapacityType::Spot;
    let key = format!("{}/{}", group.label(), group.capacity_type.as_str());
    let first = group.types.first().map(|one| one.name.as_str()).unwrap_or_default();
    // A capacity block counts against no quota of what runs at once.
    let family = QuotaFamily::of(first, is_spot)
        .filter(|_| group.capacity_type != CapacityType::CapacityBlock);
    Source {
        memory: remembered(input, name, &key),
        key,
        label: group.label().to_owned(),
        market: Some(group.capacity_type),
        capacity: price::carried(input, name, declared),
        declared,
        price: price::of_group(input, group),
        replicas_per_node: group.replicas_per_node,
        vcpus: group.types.iter().filter_map(|one| one.vcpus).max().unwrap_or(0),
        family: family.map(|family| (group.region.clone(), family)),
        apart: input.mode.is_apart(),
        ..Source::default()
    }
}

fn remembered(input: &ScalingInput<'_>, pool: &Name, key: &str) -> SourceMemory {
    let pool = input.memory.sources.get(pool);
    pool.and_then(|sources| sources.get(key)).cloned().unwrap_or_default()
}
