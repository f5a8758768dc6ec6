//! What the instances of a pool's groups cost.

use super::{
    Change, Cost, Costs, Flow, MarketCost, Offering, PlanInput, PoolDelta, Priced, Step, cost,
    refresh,
};
use crate::decide::{BurstGroup, CapacityType, SupplyGroup};
use crate::observe::{ResourceId, Unit};
use crate::spec::Price;

/// The instances of a group.
pub(super) struct Instances<'a> {
    /// What it may start.
    pub(super) types: Vec<&'a str>,
    pub(super) capacity_type: CapacityType,
    pub(super) region: &'a str,
    /// What is declared of a capacity block.
    pub(super) declared: Option<&'a Price>,
    /// Of each.
    pub(super) gpus: u32,
    /// How many of a type run.
    pub(super) running: Vec<(&'a String, &'a u32)>,
    /// How many of a type are out of service, and paid for until somebody ends them.
    pub(super) kept: Vec<(&'a String, &'a u32)>,
    pub(super) count: Flow<u32>,
}

/// What an instance costs, of a type that may be declared no more; of spot
/// beside it the market's price, where that is known.
fn priced(
    input: &PlanInput<'_>,
    instance_type: &str,
    capacity_type: CapacityType,
    region: &str,
    declared: Option<&Price>,
) -> Priced {
    let aws = input.environment.aws.as_ref();
    let price = match declared {
        Some(price) => Some(price.clone()),
        // What was paid in advance for a block, no list has.
        None if capacity_type == CapacityType::CapacityBlock => None,
        None => input.catalog.price(aws, input.origins, instance_type, region),
    };
    let spot = match capacity_type {
        CapacityType::OnDemand | CapacityType::CapacityBlock => None,
        CapacityType::Spot => input.inventory.market.spot(instance_type, region).cloned(),
    };
    let (instance_type, region) = (instance_type.to_owned(), region.to_owned());
    Priced { offering: Some(Offering { instance_type, capacity_type, region }), price, spot }
}

/// Adds a group's instances to its pool.
pub(super) fn add(input: &PlanInput<'_>, total: &mut PoolDelta, group: Instances<'_>) {
    let (capacity_type, count) = (group.capacity_type, group.count);
    total.units = total.units + count;
    total.gpus = total.gpus + count.map(|count| group.gpus.saturating_mul(count));
    let priced = |name: &str| priced(input, name, capacity_type, group.region, group.declared);
    let startable: Vec<Priced> = group.types.iter().map(|name| priced(name)).collect();
    let running: Vec<(Priced, u32)> =
        group.running.iter().map(|&(name, units)| (priced(name), *units)).collect();
    let cost = |units| {
        let running = running.iter().map(|(priced, units)| (priced.counts(), *units));
        cost::of_group(running.collect(), startable.iter().map(Priced::counts), units)
    };
    let kept = group.kept.iter().map(|&(name, units)| Cost::of(priced(name).counts(), *units));
    let kept: Cost = kept.sum();
    let part =
        Costs { before: cost(count.before) + kept, after: cost(count.after) + kept, at_max: kept };
    total.cost = total.cost + part;
    match total.markets.iter_mut().find(|market| market.capacity_type == capacity_type) {
        Some(market) => market.costs = market.costs + part,
        None => total.markets.push(MarketCost { capacity_type, costs: part }),
    }
    for priced in startable.into_iter().chain(running.into_iter().map(|(priced, _)| priced)) {
        if !total.prices.contains(&priced) {
            total.prices.push(priced);
        }
    }
}

/// The instances of `group` whose type its pool does not declare any more, and
/// which stay until they end.
pub(super) fn undeclared(
    input: &PlanInput<'_>,
    groups: &[BurstGroup],
    group: &Instances<'_>,
) -> Vec<(Priced, u32)> {
    let old = |name: &str| !groups.iter().any(|declared| declared.has_type(name));
    let running = group.running.iter().filter(|(name, _)| old(name));
    let priced = |name| priced(input, name, group.capacity_type, group.region, group.declared);
    running.map(|&(name, units)| (priced(name), *units)).collect()
}

/// A pool at its max, or with what runs beyond that, and beside what is kept: which
/// of its groups it is in is for its owner to say, so the dearest that they start
/// counts, at the price on demand; but what is of `old` types stays as it is.
pub(super) fn at_max(total: &mut PoolDelta, max: u32, old: &[(Priced, u32)]) {
    let units = max.max(total.units.after);
    let new = || total.prices.iter().filter(|one| old.iter().all(|(priced, _)| priced != *one));
    let running = old.iter().map(|(priced, units)| (priced.on_demand(), *units)).collect();
    let of_all = cost::of_group(running, new().map(Priced::on_demand), units);
    total.cost.at_max = total.cost.at_max + of_all;
    for market in &mut total.markets {
        let within = |priced: &Priced| {
            let offering = priced.offering.as_ref();
            offering.is_some_and(|offering| offering.capacity_type == market.capacity_type)
        };
        let running = old.iter().filter(|(priced, _)| within(priced));
        let running = running.map(|(priced, units)| (priced.counts(), *units)).collect();
        let new = new().filter(|priced| within(priced)).map(Priced::counts);
        market.costs.at_max = market.costs.at_max + cost::of_group(running, new, units);
    }
}

/// How much of what runs in a group beyond what is asked for stays after `changes`:
/// it ends when it is named, or with its group.
pub(super) fn surplus_after(changes: &[Change], group: &SupplyGroup) -> u32 {
    if group.surplus == 0 {
        return 0;
    }
    let id = ResourceId::group(&group.region, &group.name);
    let ended = |step: &Step| match step {
        Step::Drain { .. } | Step::Delete { .. } => u32::MAX,
        Step::DrainUnits { units, .. } => u32::try_from(units.len()).unwrap_or(u32::MAX),
        _ => 0,
    };
    let own = changes.iter().flat_map(|change| &change.steps).filter(|step| *step.id() == id);
    own.fold(group.surplus, |left, step| left.saturating_sub(ended(step)))
}

/// The instances of which `changes` leave more than is asked for, by group.
pub(super) fn beyond(input: &PlanInput<'_>, changes: &[Change], pool: &str) -> Vec<String> {
    let groups = input.supply.burst.get(pool);
    let text = |group: &SupplyGroup| {
        let live = input.inventory.resources.get(&ResourceId::group(&group.region, &group.name))?;
        let there: Vec<&Unit> = live.units().iter().filter(|unit| !unit.ending).collect();
        (surplus_after(changes, group) > 0).then(|| {
            format!(
                "{}: {} run, {} asked for; what is beyond that is protected, and in the sums \
                 until it is ended by its name: {}",
                live.id,
                group.runs(),
                group.desired,
                refresh::names(&there)
            )
        })
    };
    groups.into_iter().flatten().filter_map(text).collect()
}
