//! What a plan means in units, GPUs, requests per second and dollars.

use super::{Action, Change, Flow, PlanInput, PoolDelta, Totals, kinds, parent, slots};
use crate::decide::{BurstGroup, DesiredOwner, PoolDecision, PoolKind, Reason, todays_pool};
use crate::observe::{Live, Mark, Ownership};
use crate::units::{Rate, UsdPerHour};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every pool that is declared, and those that are there no more after it.
pub(super) fn pools(input: &PlanInput<'_>) -> Vec<PoolDelta> {
    let adopted = slots::adopted_units(input);
    let declared = input.decision.pools.iter().map(|(name, pool)| match &pool.kind {
        PoolKind::OnPrem => on_prem(name.as_str(), pool, adopted.get(name.as_str()).copied()),
        PoolKind::Burst(groups) => burst(input, name.as_str(), pool, groups),
    });
    let mut pools: Vec<_> = declared.collect();
    pools.extend(undeclared(input));
    pools
}

/// A plan that is restricted to targets leaves the pools of the others as they are.
pub(super) fn leave_others(pools: &mut [PoolDelta], changes: &[Change]) {
    let touched = |pool: &PoolDelta| {
        changes.iter().any(|change| {
            kinds::is_workload(&change.id) && change.pool.as_deref() == Some(pool.pool.as_str())
        })
    };
    for pool in pools.iter_mut().filter(|pool| !touched(pool)) {
        pool.units.after = pool.units.before;
        pool.gpus.after = pool.gpus.before;
        pool.capacity.after = pool.capacity.before;
        pool.usd_per_hour = pool.usd_per_hour.map(|usd| Flow { after: usd.before, ..usd });
    }
}

fn on_prem(name: &str, pool: &PoolDecision, adopted: Option<u32>) -> PoolDelta {
    // Bounds that the live number breaks are for its owner to enforce: the HPA
    // does at once, the controller when it runs.
    let live = pool.live.or(adopted);
    let after = match (pool.owner, live) {
        (DesiredOwner::Controller, Some(live)) => live,
        (DesiredOwner::Hpa, Some(live)) => live.max(pool.min).min(pool.max),
        _ => pool.desired,
    };
    let units = Flow { before: live.unwrap_or(0), after };
    PoolDelta {
        unit: "replicas".to_owned(),
        capacity: units.map(|count| pool.capacity_per_unit.times(count)),
        gpus: units.map(|count| pool.gpus_per_unit.saturating_mul(count)),
        usd_per_hour: Some(Flow::default()),
        units,
        ..delta(name, pool)
    }
}

fn burst(
    input: &PlanInput<'_>,
    name: &str,
    pool: &PoolDecision,
    groups: &[BurstGroup],
) -> PoolDelta {
    let seen = input.supply.burst.get(name).map(Vec::as_slice).unwrap_or_default();
    let mut total = PoolDelta {
        unit: "instances".to_owned(),
        usd_per_hour: Some(Flow::default()),
        ..delta(name, pool)
    };
    let mut add = |group: &BurstGroup, count: Flow<u32>| {
        total.units = total.units + count;
        total.capacity = total.capacity + count.map(|count| group.capacity_per_node.times(count));
        total.gpus = total.gpus + count.map(|count| group.gpus_per_node.saturating_mul(count));
        let idle = count == Flow::default();
        total.usd_per_hour = match (total.usd_per_hour, group.usd_per_hour) {
            (Some(sum), Some(price)) => Some(sum + count.map(|count| price.times(count))),
            (sum, None) if idle => sum,
            _ => None,
        };
    };
    for group in groups {
        let before = seen.iter().filter(|live| {
            live.instance_type == group.instance_type && live.capacity_type == group.capacity_type
        });
        add(group, Flow { before: before.map(|live| live.desired).sum(), after: group.desired });
    }
    // Groups of types that are not declared any more: their GPUs and price are
    // in the catalog, what they carry was declared and is not known now.
    for gone in seen.iter().filter(|live| {
        !groups.iter().any(|group| {
            group.instance_type == live.instance_type && group.capacity_type == live.capacity_type
        })
    }) {
        let known = input.catalog.get(&gone.instance_type);
        let group = BurstGroup {
            instance_type: gone.instance_type.clone(),
            capacity_type: gone.capacity_type,
            region: String::new(),
            max: 0,
            desired: 0,
            replicas_per_node: 0,
            capacity_per_node: Rate::default(),
            gpus_per_node: known.map_or(0, |known| known.gpus),
            usd_per_hour: known.map(|known| known.usd_per_hour),
        };
        add(&group, Flow { before: gone.desired, after: 0 });
        total.uncounted = total.uncounted.saturating_add(gone.desired);
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
        usd_per_hour: None,
        reasons: pool.reasons.clone(),
    }
}

/// Pools that are there and declared no more, as far as what is there tells:
/// what a unit carries stood in the TOML only.
fn undeclared(input: &PlanInput<'_>) -> Vec<PoolDelta> {
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
            usd_per_hour: Some(Flow::default()),
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
    let units = live.workload.as_ref().map_or(0, |workload| workload.desired);
    let number = |value: Option<Value>| {
        let text = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        value.and_then(|value| value.as_u64().or_else(|| text(&value))).unwrap_or(0)
    };
    let gpus = if live.id.kind == kinds::GROUP {
        delta.unit = "instances".to_owned();
        let known = live.fields.text_at("/instance_types/0");
        let price = known.and_then(|name| input.catalog.get(&name)).map(|known| known.usd_per_hour);
        let sum = delta.usd_per_hour.zip(price);
        delta.usd_per_hour = sum.map(|(sum, price)| {
            sum + Flow { before: price.times(units), after: UsdPerHour::default() }
        });
        number(live.fields.at("/tags/floodway.dev~1gpus"))
    } else {
        let limit = "/spec/template/spec/containers/0/resources/limits/nvidia.com~1gpu";
        number(live.fields.at(limit))
    };
    let gpus = u32::try_from(gpus).unwrap_or(u32::MAX).saturating_mul(units);
    delta.units.before = delta.units.before.saturating_add(units);
    delta.uncounted = delta.units.before;
    delta.gpus.before = delta.gpus.before.saturating_add(gpus);
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
        totals.usd_per_hour = totals.usd_per_hour + pool.usd_per_hour.unwrap_or_default();
        let stage = totals.capacity.entry(pool.stage.clone()).or_default();
        *stage = *stage + pool.capacity;
    }
    totals
}

/// What the sums leave out.
pub(super) fn warnings(input: &PlanInput<'_>, pools: &[PoolDelta]) -> Vec<String> {
    let mut warnings = Vec::new();
    for pool in pools {
        if pool.usd_per_hour.is_none() {
            let name = &pool.pool;
            warnings.push(format!(
                "what pool {name} costs is not known; add its instance types to [aws.prices]"
            ));
        }
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

impl<T> Flow<T> {
    fn map<U>(self, f: impl Fn(T) -> U) -> Flow<U> {
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

impl Total for UsdPerHour {
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
