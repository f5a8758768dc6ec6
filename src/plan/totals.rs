//! What a plan means in units, GPUs, requests per second and dollars.

use super::instances::{Instances, add, at_max, beyond, surplus_after, undeclared};
use super::{
    Action, Change, Cost, Costs, Flow, PlanInput, PoolDelta, Priced, Totals, kinds, parent, slots,
    spending,
};
use crate::decide::{
    BurstGroup, DesiredOwner, PoolDecision, PoolKind, Reason, SupplyGroup, successors, todays_pool,
};
use crate::observe::{Live, Mark, Ownership, Workload};
use crate::spec::Price;
use crate::units::{Rate, UsdPerHour};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every pool that is declared, and those that are there no more after it.
pub(super) fn pools(input: &PlanInput<'_>, changes: &[Change]) -> Vec<PoolDelta> {
    let adopted = slots::adopted_units(input);
    let declared = input.decision.pools.iter().map(|(name, pool)| match &pool.kind {
        PoolKind::OnPrem => {
            on_prem(input, name.as_str(), pool, adopted.get(name.as_str()).copied())
        }
        PoolKind::Burst(groups) => burst(input, changes, name.as_str(), pool, groups),
    });
    let mut pools: Vec<_> = declared.collect();
    pools.extend(not_declared(input));
    pools
}

/// A plan that is restricted to targets leaves the pools of the others as they are.
pub(super) fn leave_others(input: &PlanInput<'_>, pools: &mut [PoolDelta], changes: &[Change]) {
    let touched = |pool: &PoolDelta| {
        changes.iter().any(|change| {
            kinds::is_workload(&change.id) && change.pool.as_deref() == Some(pool.pool.as_str())
        })
    };
    for pool in pools.iter_mut().filter(|pool| !touched(pool)) {
        pool.units.after = pool.units.before;
        pool.gpus.after = pool.gpus.before;
        pool.capacity.after = pool.capacity.before;
        let stays = input.decision.pools.contains_key(pool.pool.as_str());
        pool.cost = pool.cost.unchanged(stays);
        for market in &mut pool.markets {
            market.costs = market.costs.unchanged(stays);
        }
    }
}

fn on_prem(
    input: &PlanInput<'_>,
    name: &str,
    pool: &PoolDecision,
    adopted: Option<u32>,
) -> PoolDelta {
    // Bounds that the live number breaks are for its owner to enforce: the HPA
    // does at once, the controller when it runs.
    let live = pool.live.or(adopted);
    let after = match (pool.owner, live) {
        (DesiredOwner::Controller, Some(live)) => live,
        (DesiredOwner::Hpa, Some(live)) => live.max(pool.min).min(pool.max),
        _ => pool.desired,
    };
    let units = Flow { before: live.unwrap_or(0), after };
    let per_replica = price_on_prem(input, name);
    let each = per_replica.as_ref().map_or_else(UsdPerHour::default, |price| price.usd_per_hour);
    let cost = |count| Cost::of(Some(each), count);
    PoolDelta {
        unit: "replicas".to_owned(),
        capacity: units.map(|count| pool.capacity_per_unit.times(count)),
        gpus: units.map(|count| pool.gpus_per_unit.saturating_mul(count)),
        cost: Costs {
            before: cost(units.before),
            after: cost(units.after),
            at_max: cost(pool.max),
        },
        prices: per_replica
            .map(|price| Priced { offering: None, price: Some(price), spot: None })
            .into_iter()
            .collect(),
        units,
        ..delta(name, pool)
    }
}

/// What a replica costs, where it is declared.
fn price_on_prem(input: &PlanInput<'_>, name: &str) -> Option<Price> {
    let pool = input.environment.onprem.as_ref()?.pools.get(name)?;
    let usd_per_hour = pool.usd_per_hour?;
    let key = format!("onprem.pools.{name}.usd_per_hour");
    let place = input.origins.origin(&key);
    let source = place.map_or(key, |place| format!("{}:{}", place.file, place.line));
    Some(Price { usd_per_hour, as_of: None, source })
}

fn burst(
    input: &PlanInput<'_>,
    changes: &[Change],
    name: &str,
    pool: &PoolDecision,
    groups: &[BurstGroup],
) -> PoolDelta {
    let seen = input.supply.burst.get(name).map(Vec::as_slice).unwrap_or_default();
    let go_on_as = successors(groups, seen);
    let mut total = PoolDelta { unit: "instances".to_owned(), ..delta(name, pool) };
    let mut old = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let own = seen.iter().zip(&go_on_as).filter(|(_, as_group)| **as_group == Some(index));
        let own: Vec<&SupplyGroup> = own.map(|(seen, _)| seen).collect();
        let before = own.iter().map(|live| live.runs()).sum();
        let surplus: u32 = own.iter().map(|live| surplus_after(changes, live)).sum();
        let count = Flow { before, after: group.desired.saturating_add(surplus) };
        total.capacity = total.capacity + count.map(|count| group.capacity_per_node.times(count));
        let instances = Instances {
            types: group.types.iter().map(|one| one.name.as_str()).collect(),
            capacity_type: group.capacity_type,
            region: &group.region,
            declared: group.block_price(),
            gpus: group.gpus_per_node,
            running: own.iter().flat_map(|live| &live.running).collect(),
            kept: own.iter().flat_map(|live| &live.kept).collect(),
            count,
        };
        old.extend(undeclared(input, groups, &instances));
        add(input, &mut total, instances);
    }
    at_max(&mut total, pool.max, &old);
    // Groups of types, or in regions, that are not declared any more: their GPUs
    // and price are in the catalog; what they carry is known of a declared type.
    for (gone, _) in seen.iter().zip(&go_on_as).filter(|(_, as_group)| as_group.is_none()) {
        let first = gone.instance_types.first();
        let in_catalog = first.and_then(|name| input.catalog.get(name));
        let instances = Instances {
            types: gone.instance_types.iter().map(String::as_str).collect(),
            capacity_type: gone.capacity_type,
            region: &gone.region,
            declared: None,
            gpus: in_catalog.map_or(0, |known| known.gpus),
            running: gone.running.iter().collect(),
            kept: gone.kept.iter().collect(),
            count: Flow { before: gone.runs(), after: 0 },
        };
        add(input, &mut total, instances);
        let known = groups.iter().find(|group| first.is_some_and(|name| group.has_type(name)));
        match known.map(|group| group.capacity_per_node.times(gone.runs())) {
            Some(carried) => total.capacity.before = total.capacity.before + carried,
            None => total.uncounted = total.uncounted.saturating_add(gone.runs()),
        }
    }
    total
}

fn delta(name: &str, pool: &PoolDecision) -> PoolDelta {
    PoolDelta {
        pool: name.to_owned(),
        stage: pool.stage.to_string(),
        units: Flow::default(),
        unit: String::new(),
        min: pool.min,
        max: pool.max,
        owner: pool.owner,
        capacity: Flow::default(),
        uncounted: 0,
        gpus: Flow::default(),
        cost: Costs::default(),
        markets: Vec::new(),
        prices: Vec::new(),
        reasons: pool.reasons.clone(),
    }
}

/// Pools that are there and declared no more, as far as what is there tells:
/// what a unit carries stood in the TOML only.
fn not_declared(input: &PlanInput<'_>) -> Vec<PoolDelta> {
    let mut gone: BTreeMap<&str, PoolDelta> = BTreeMap::new();
    let ours = || {
        let all = input.inventory.resources.values();
        all.filter(|live| live.ownership == Ownership::Ours && kinds::is_workload(&live.id))
    };
    let of_groups: BTreeSet<&str> =
        ours().filter(|live| live.id.kind == kinds::GROUP).filter_map(Live::pool).collect();
    for live in ours() {
        let Some(pool) = live.pool() else { continue };
        // A burst pool has a Deployment beside its groups, whose GPUs are the same.
        if of_groups.contains(pool) && live.id.kind != kinds::GROUP {
            continue;
        }
        let today = todays_pool(input.environment, pool);
        if input.decision.pools.contains_key(today) {
            continue;
        }
        let delta = gone.entry(pool).or_insert_with(|| PoolDelta {
            pool: pool.to_owned(),
            stage: live.marks.get("stage").cloned().unwrap_or_default(),
            units: Flow::default(),
            unit: "replicas".to_owned(),
            min: 0,
            max: 0,
            owner: DesiredOwner::Git,
            capacity: Flow::default(),
            uncounted: 0,
            gpus: Flow::default(),
            cost: Costs::default(),
            markets: Vec::new(),
            prices: Vec::new(),
            reasons: vec![Reason {
                key: None,
                at: None,
                text: format!("pool {pool} is not in {} any more", input.mark.file),
            }],
        });
        count_undeclared(input, live, delta);
    }
    gone.into_values().collect()
}

fn count_undeclared(input: &PlanInput<'_>, live: &Live, delta: &mut PoolDelta) {
    let runs = |workload: &Workload| workload.desired.saturating_add(workload.surplus);
    let units = live.workload.as_ref().map_or(0, runs);
    let number = |value: Option<Value>| {
        let text = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        value.and_then(|value| value.as_u64().or_else(|| text(&value))).unwrap_or(0)
    };
    let gpus = |units: Option<Value>| u32::try_from(number(units)).unwrap_or(u32::MAX);
    delta.uncounted = delta.uncounted.saturating_add(units);
    let count = Flow { before: units, after: 0 };
    if live.id.kind == kinds::GROUP {
        delta.unit = "instances".to_owned();
        let Some(seen) = SupplyGroup::of(live) else { return };
        let instances = Instances {
            types: seen.instance_types.iter().map(String::as_str).collect(),
            capacity_type: seen.capacity_type,
            region: &seen.region,
            declared: None,
            gpus: gpus(live.fields.at("/tags/floodway.dev~1gpus")),
            running: seen.running.iter().collect(),
            kept: seen.kept.iter().collect(),
            count,
        };
        add(input, delta, instances);
    } else {
        let limit = "/spec/template/spec/containers/0/resources/limits/nvidia.com~1gpu";
        let each = gpus(live.fields.at(limit));
        delta.units = delta.units + count;
        delta.gpus = delta.gpus + count.map(|count| each.saturating_mul(count));
    }
}

/// The sums; of the parent's bookkeeping only what stands alone, so that adding
/// one thing reads as one thing added.
pub(super) fn totals(mark: &Mark, changes: &[Change], pools: &[PoolDelta]) -> Totals {
    let mut totals = Totals::default();
    let active = |change: &&Change| change.action != Action::NoOp;
    let bookkeeping =
        |change: &Change| parent::is_parent(mark, &change.id) && change.action == Action::Update;
    let alone = changes.iter().filter(active).all(bookkeeping);
    let mut seen = None;
    for change in changes.iter().filter(active) {
        if bookkeeping(change) && (!alone || seen.replace(&change.id) == Some(&change.id)) {
            continue;
        }
        match change.action {
            Action::Create => totals.create += 1,
            Action::Update => totals.update += 1,
            Action::Replace => totals.replace += 1,
            Action::Delete => totals.delete += 1,
            Action::NoOp => {}
        }
    }
    for pool in pools {
        if pool.unit == "instances" {
            totals.nodes = totals.nodes + pool.units;
        }
        totals.gpus = totals.gpus + pool.gpus;
        let costs = if pool.unit == "instances" { &mut totals.burst } else { &mut totals.on_prem };
        *costs = *costs + pool.cost;
        let stage = totals.capacity.entry(pool.stage.clone()).or_default();
        *stage = *stage + pool.capacity;
    }
    totals
}

/// What the sums leave out.
pub(super) fn warnings(
    input: &PlanInput<'_>,
    changes: &[Change],
    pools: &[PoolDelta],
) -> Vec<String> {
    let mut warnings = Vec::new();
    let kept = kept(input);
    for pool in pools {
        let cost = pool.cost;
        let is_partial = [cost.before, cost.after, cost.at_max].iter().any(|cost| cost.is_partial);
        let unknown: Vec<String> = spending::unpriced(pool).collect();
        if is_partial && !unknown.is_empty() {
            let help = match (spending::is_paid_in_advance(pool), is_reserved(input, pool)) {
                (true, true) => {
                    "a capacity block is paid in advance: write what an hour of an instance comes \
                     to as `usd_per_hour` in the pool's reservation"
                }
                (true, false) => {
                    "a capacity block is paid in advance, and its price went from the file with \
                     its reservation: nothing is known of what goes, and need not be"
                }
                (false, _) => {
                    "write it in [aws.prices], or read it from AWS's price list with `floodway \
                     prices refresh`"
                }
            };
            warnings.push(format!(
                "what pool {} costs is not known: no price of {}; {help}",
                pool.pool,
                unknown.join(", ")
            ));
        }
        if let Some(kept) = kept.get(pool.pool.as_str()) {
            warnings.push(format!(
                "out of service since a drain was given up, and in the sums until somebody ends \
                 them: {}",
                kept.join(", ")
            ));
        }
        warnings.extend(beyond(input, changes, &pool.pool));
        let (min, max, live) = (pool.min, pool.max, pool.units.after);
        if pool.owner == DesiredOwner::Controller && live > 0 && !(min..=max).contains(&live) {
            warnings.push(format!(
                "pool {} has {live} {}, outside {min}–{max}: only its controller (`floodway run`) \
                 moves it",
                pool.pool, pool.unit
            ));
        }
        if !input.decision.pools.contains_key(pool.pool.as_str()) && pool.units.before > 0 {
            warnings.push(format!(
                "pool {} is not declared any more: what its {} {} carried is not in the sums",
                pool.pool, pool.units.before, pool.unit
            ));
        }
    }
    warnings
}

/// Whether the file has a reservation for it.
fn is_reserved(input: &PlanInput<'_>, pool: &PoolDelta) -> bool {
    let aws = input.environment.aws.as_ref();
    let declared = aws.and_then(|aws| aws.pools.get(pool.pool.as_str()));
    declared.is_some_and(|declared| declared.reservation.is_some())
}

impl<T> Flow<T> {
    pub(super) fn map<U>(self, f: impl Fn(T) -> U) -> Flow<U> {
        Flow { before: f(self.before), after: f(self.after) }
    }
}

/// Adds without overflow: a sum that is too large to hold stays at the largest.
trait Total {
    fn plus(self, other: Self) -> Self;
}

impl Total for u32 {
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

impl Total for Rate {
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

impl<T: Total> std::ops::Add for Flow<T> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { before: self.before.plus(other.before), after: self.after.plus(other.after) }
    }
}

/// The instances that are out of service and paid for, by pool.
fn kept<'a>(input: &PlanInput<'a>) -> BTreeMap<&'a str, Vec<String>> {
    let mut kept: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for live in input.inventory.resources.values() {
        let units = live.workload.iter().flat_map(|workload| &workload.kept);
        let Some(pool) = live.pool().filter(|_| live.ownership == Ownership::Ours) else {
            continue;
        };
        for unit in units {
            kept.entry(todays_pool(input.environment, pool)).or_default().push(
                match &unit.instance_type {
                    Some(name) => format!("{} ({name})", unit.name),
                    None => unit.name.clone(),
                },
            );
        }
    }
    kept
}
