//! All pools as a decision moves them: their sources (a Deployment, or groups),
//! what each carries and costs, and how many of it are counted on.

use super::asides;
use super::hold::Hold;
use super::input::{Delays, Mode, PoolSeen, ScalingInput, Units};
use super::memory::{Aside, SourceMemory};
use super::outcome::Event;
use super::price;
use crate::clock::Timestamp;
use crate::decide::{
    BurstGroup, CapacityType, Decision, DesiredOwner, PoolDecision, PoolKind, Reason, successors,
};
use crate::id::Name;
use crate::spec::Spot;
use crate::spec::model::{Join, QuotaFamily};
use crate::units::{Rate, UsdPerHour};

/// A Deployment, or a group of instances that carry the same.
#[derive(Debug)]
pub(super) struct Source {
    /// By which it is remembered: `g6e.12xlarge/spot`, on-prem `replicas`.
    pub(super) key: String,
    pub(super) label: String,
    pub(super) market: Option<CapacityType>,
    /// The group's own name.
    pub(super) group: Option<String>,
    /// It is there, so that a number can be written.
    pub(super) exists: bool,
    /// Of a unit, as it was learned.
    pub(super) capacity: Rate,
    /// Of a unit, as it is declared, or follows from its profile.
    pub(super) declared: Rate,
    /// Of a unit, of its own market.
    pub(super) price: Option<UsdPerHour>,
    /// Units out of service that are paid for.
    pub(super) kept: u32,
    pub(super) replicas_per_node: u32,
    pub(super) vcpus: u32,
    pub(super) family: Option<(String, QuotaFamily)>,
    pub(super) units: Units,
    pub(super) memory: SourceMemory,
    /// Units that are counted on: pending ones once, and none that is given up.
    pub(super) coming: u32,
    /// Units that carry nothing, for their nodes do not answer.
    pub(super) away: u32,
    /// Units wanted.
    pub(super) wanted: u32,
    /// Another may decide at the same time, and remember other things of it: nothing
    /// that is remembered counts.
    pub(super) apart: bool,
    /// So many at most, where another may decide at the same time.
    pub(super) most: Option<u32>,
    /// Its place takes it back before what is launched now would serve.
    pub(super) ends_soon: bool,
    /// Why no unit more; at most one says so.
    pub(super) closed: Option<Hold>,
    /// Those of it that drain stay after all.
    pub(super) stays: bool,
}

impl Source {
    pub(super) fn aside(&self) -> Option<&Aside> {
        self.memory.aside.as_ref().filter(|_| !self.apart)
    }

    /// Units on their way out that stay, instead of a launch, when more are wanted.
    pub(super) fn comes_back(&self) -> u32 {
        match self.wanted.checked_sub(self.units.asked()) {
            Some(more) => self.may_stay().saturating_sub(more),
            None => 0,
        }
    }

    fn may_stay(&self) -> u32 {
        self.units.draining.saturating_sub(self.units.cannot_stay)
    }

    /// Units that stand while so many are wanted, those on their way out too.
    pub(super) fn standing(&self, wanted: u32) -> u32 {
        let (asked, draining) = (self.units.asked(), self.units.draining);
        match wanted.checked_sub(asked) {
            Some(more) => wanted.saturating_add(draining - more.min(self.may_stay())),
            // What is there and not wanted is on its way out from now on.
            None => wanted.max(self.units.there().min(asked)).saturating_add(draining),
        }
    }

    /// Units that are counted on and do not serve yet.
    pub(super) fn pending(&self) -> u32 {
        let settled = self.units.serving.saturating_add(self.units.partly);
        self.coming.saturating_sub(settled.saturating_add(self.memory.stuck))
    }

    /// Warm instances that nothing was asked of yet.
    pub(super) fn warm_left(&self) -> u32 {
        // What is asked for and not there yet starts from them first.
        let asked = self.wanted.saturating_sub(self.units.there());
        self.units.warm.saturating_sub(asked)
    }
}

/// A pool.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    pub(super) name: &'a Name,
    pub(super) stage: &'a Name,
    pub(super) decided: &'a PoolDecision,
    pub(super) spot: Option<&'a Spot>,
    pub(super) joins_cluster: bool,
    pub(super) visible: bool,
    pub(super) seen_at: Option<Timestamp>,
    /// It cannot be seen for so long that scale-out counts it as lost.
    pub(super) lost: bool,
    pub(super) delays: Delays,
    /// At least so many, and who says so.
    pub(super) floor: (u32, Option<Reason>),
    /// An operator's number.
    pub(super) set_to: Option<(u32, Hold)>,
    pub(super) sources: Vec<Source>,
    /// Groups that another plan will end: they carry, and are not moved.
    pub(super) legacy: Legacy,
    /// Since when its autoscaler has not raised it, where it is not expected to any more.
    pub(super) unraised_since: Option<Timestamp>,
    /// Why nothing is added to any of its sources.
    pub(super) closed: Option<Hold>,
    pub(super) holds: Vec<Hold>,
    pub(super) reasons: Vec<Reason>,
}

/// What the groups are that a plan ends.
#[derive(Debug, Default)]
pub(super) struct Legacy {
    pub(super) units: u32,
    pub(super) standing: u32,
    pub(super) serving: Rate,
    pub(super) coming: Rate,
    pub(super) cost: UsdPerHour,
    pub(super) unpriced: u32,
}

impl<'a> Pool<'a> {
    pub(super) fn is_onprem(&self) -> bool {
        matches!(self.decided.kind, PoolKind::OnPrem)
    }

    /// Whether the controller sets its number, and can write it now.
    pub(super) fn is_ours(&self) -> bool {
        self.decided.owner == DesiredOwner::Controller
    }

    /// Whether an autoscaler sets its number.
    pub(super) fn is_autoscaled(&self) -> bool {
        self.decided.owner == DesiredOwner::Hpa
    }

    pub(super) fn total(&self) -> u32 {
        let own = self.sources.iter().map(|source| source.wanted);
        own.fold(self.legacy.units, u32::saturating_add)
    }

    /// Units that stand as it is wanted, those on their way out too.
    pub(super) fn standing(&self) -> u32 {
        let own = self.sources.iter().map(|source| source.standing(source.wanted));
        own.fold(self.legacy.standing, u32::saturating_add)
    }

    /// Units asked for now.
    pub(super) fn now(&self) -> u32 {
        let own = self.sources.iter().map(|source| source.units.asked());
        own.fold(self.legacy.units, u32::saturating_add)
    }

    /// What it will carry as it is wanted.
    pub(super) fn capacity(&self) -> Rate {
        if self.lost {
            return Rate::default();
        }
        let own: Rate = self.sources.iter().map(|one| one.capacity.times(self.counted(one))).sum();
        own + self.legacy.coming
    }

    /// What is counted on now.
    pub(super) fn capacity_coming(&self) -> Rate {
        if self.lost {
            return Rate::default();
        }
        let own: Rate = self
            .sources
            .iter()
            .map(|one| one.capacity.times(one.coming.saturating_sub(one.away)))
            .sum();
        own + self.legacy.coming
    }

    fn counted(&self, source: &Source) -> u32 {
        if source.ends_soon {
            return 0;
        }
        source.wanted.saturating_sub(source.away)
    }

    /// What an autoscaler that is expected to act can still add.
    pub(super) fn headroom(&self) -> Rate {
        if !self.is_autoscaled() || !self.visible || self.unraised_since.is_some() {
            return Rate::default();
        }
        let free = self.sources.iter().filter(|one| one.exists && one.aside().is_none());
        free.map(|one| one.capacity.times(self.decided.max.saturating_sub(one.wanted))).sum()
    }

    pub(super) fn capacity_serving(&self) -> Rate {
        let own: Rate = self.sources.iter().map(|one| one.capacity.times(one.units.serving)).sum();
        own + self.legacy.serving
    }

    /// What serves, as it is declared.
    pub(super) fn declared_serving(&self) -> Rate {
        let own: Rate = self.sources.iter().map(|one| one.declared.times(one.units.serving)).sum();
        own + self.legacy.serving
    }

    /// Replicas that serve, without those of groups that another plan will end.
    pub(super) fn replicas_serving(&self) -> u32 {
        let own = self.sources.iter();
        own.map(|one| one.units.serving.saturating_mul(one.replicas_per_node))
            .fold(0, u32::saturating_add)
    }

    pub(super) fn pending(&self) -> u32 {
        self.sources.iter().map(Source::pending).fold(0, u32::saturating_add)
    }

    pub(super) fn draining(&self) -> u32 {
        self.sources.iter().map(|one| one.units.draining).fold(0, u32::saturating_add)
    }
}

/// All pools of the environment.
pub(super) fn pools<'a>(
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
    let unseen = match seen.at {
        _ if seen.visible => false,
        Some(at) => super::time::between(at, input.now) > lost_after,
        None => true,
    };
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
        lost: matches!(decided.kind, PoolKind::OnPrem) && unseen,
        delays: delays.unwrap_or_else(declared),
        floor: (decided.min, None),
        set_to: None,
        sources,
        legacy,
        unraised_since: None,
        closed: None,
        holds: Vec::new(),
        reasons: Vec::new(),
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
    Source {
        memory: remembered(input, name, &key),
        label: key.clone(),
        key,
        market: None,
        group: None,
        exists: seen.replicas.is_some(),
        capacity: price::carried(input, name, declared),
        declared,
        price: spec.and_then(|pool| pool.usd_per_hour),
        kept: 0,
        replicas_per_node: 1,
        vcpus: 0,
        family: None,
        units: seen.replicas.clone().unwrap_or_default(),
        coming: 0,
        away: 0,
        wanted: 0,
        apart: input.mode == Mode::KubernetesUnreachable,
        most: None,
        ends_soon: false,
        closed: None,
        stays: false,
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
        group: None,
        exists: false,
        capacity: price::carried(input, name, declared),
        declared,
        price: price::of_group(input, group),
        kept: 0,
        replicas_per_node: group.replicas_per_node,
        vcpus: group.types.iter().filter_map(|one| one.vcpus).max().unwrap_or(0),
        family: family.map(|family| (group.region.clone(), family)),
        units: Units::default(),
        coming: 0,
        away: 0,
        wanted: 0,
        apart: input.mode == Mode::KubernetesUnreachable,
        most: None,
        ends_soon: false,
        closed: None,
        stays: false,
    }
}

fn remembered(input: &ScalingInput<'_>, pool: &Name, key: &str) -> SourceMemory {
    let pool = input.memory.sources.get(pool);
    pool.and_then(|sources| sources.get(key)).cloned().unwrap_or_default()
}
