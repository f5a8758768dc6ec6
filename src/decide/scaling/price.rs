//! What a unit carries, and what it costs.

use super::input::ScalingInput;
use super::profile;
use crate::decide::{BurstGroup, CapacityType, SupplyGroup};
use crate::id::Name;
use crate::spec::model::Profile;
use crate::units::{Rate, UsdPerHour};

/// What a replica carries: by its engine's profile where the tokens are measured and
/// the SLO bounds it, else as declared.
pub(super) fn declared(
    input: &ScalingInput<'_>,
    stage: &Name,
    declared: Rate,
    profile: Option<&Profile>,
) -> Rate {
    let tokens = input.demand.get(stage).and_then(|demand| demand.tokens);
    let slo = &input.planning.environment.slo;
    let by_profile = profile.zip(tokens).and_then(|(one, mix)| profile::inside_slo(one, slo, mix));
    by_profile.unwrap_or(declared)
}

/// What of `capacity` a replica of `pool` was learned to carry.
pub(super) fn carried(input: &ScalingInput<'_>, pool: &Name, capacity: Rate) -> Rate {
    match input.worth.get(pool) {
        Some(worth) => {
            let millis = u128::from(capacity.millis()) * u128::from(worth.millionths()) / 1_000_000;
            Rate::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
        }
        None => capacity,
    }
}

/// What an instance of `group` costs: of spot what the market asks, and where that
/// is not known the on-demand price, which it does not exceed; of several types
/// the dearest, for AWS chooses.
pub(super) fn of_group(input: &ScalingInput<'_>, group: &BurstGroup) -> Option<UsdPerHour> {
    let of_type = |one: &crate::decide::GroupType| {
        let spot = (group.capacity_type == CapacityType::Spot)
            .then(|| input.market.spot(&one.name, &group.region))
            .flatten();
        spot.map(|spot| spot.usd_per_hour).or_else(|| one.usd_per_hour())
    };
    let prices: Option<Vec<UsdPerHour>> = group.types.iter().map(of_type).collect();
    prices?.into_iter().max()
}

/// What an instance of a group that no pool declares any more carries and costs.
pub(super) fn of_legacy(
    input: &ScalingInput<'_>,
    name: &Name,
    group: &SupplyGroup,
) -> (Rate, Option<UsdPerHour>) {
    let planning = &input.planning;
    let aws = planning.environment.aws.as_ref();
    let first = group.instance_types.first().map(String::as_str).unwrap_or_default();
    let price = planning.catalog.price(aws, planning.origins, first, &group.region);
    let price = price.map(|price| price.usd_per_hour);
    let Some(pool) = aws.and_then(|aws| aws.pools.get(name)) else {
        return (Rate::default(), price);
    };
    let stage = planning.environment.service.stages.get(&pool.stage);
    let gpus = planning.catalog.get(first).map_or(0, |known| known.gpus);
    let replicas = pool.replicas_on(gpus, stage.map_or(0, |stage| stage.gpus));
    (pool.capacity_on(first).times(replicas), price)
}

/// Micro-dollars for 1,000 requests per second and hour; none where the price or
/// the capacity is not known.
pub(super) fn per_capacity(price: Option<UsdPerHour>, capacity: Rate) -> Option<u128> {
    let capacity = Some(u128::from(capacity.millis())).filter(|capacity| *capacity > 0)?;
    Some(u128::from(price?.micros()) * 1_000_000 / capacity)
}
