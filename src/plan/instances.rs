//! What the instances of a pool's groups cost.

use super::{Cost, Costs, Flow, MarketCost, Offering, PlanInput, PoolDelta, Priced, cost};
use crate::decide::CapacityType;
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

/// A pool at its max, beside what is kept: which of its groups it is in is for its owner to say, so
/// the dearest counts, at the price on demand.
pub(super) fn at_max(total: &mut PoolDelta, max: u32) {
    total.cost.at_max =
        total.cost.at_max + cost::dearest(total.prices.iter().map(Priced::on_demand), max);
    for market in &mut total.markets {
        let of_market = total.prices.iter().filter(|priced| {
            let offering = priced.offering.as_ref();
            offering.is_some_and(|offering| offering.capacity_type == market.capacity_type)
        });
        market.costs.at_max =
            market.costs.at_max + cost::dearest(of_market.map(Priced::counts), max);
    }
}
