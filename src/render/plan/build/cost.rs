//! From a plan's costs, what readers are told about them.

use crate::observe::SpotPrice;
use crate::plan::{Cost, Costs, MarketCost, Priced};
use crate::render::plan::view::{AmountView, CostView, MarketCostView, PriceView, SpotView};

impl From<Cost> for AmountView {
    fn from(cost: Cost) -> Self {
        let usd = (!cost.is_unknown()).then(|| cost.known.as_f64());
        Self { usd, at_least: cost.is_partial }
    }
}

impl From<Costs> for CostView {
    fn from(costs: Costs) -> Self {
        Self { before: costs.before.into(), after: costs.after.into(), at_max: costs.at_max.into() }
    }
}

impl From<&MarketCost> for MarketCostView {
    fn from(market: &MarketCost) -> Self {
        let capacity_type = market.capacity_type.as_str().to_owned();
        Self { capacity_type, cost: market.costs.into() }
    }
}

impl From<&Priced> for PriceView {
    fn from(priced: &Priced) -> Self {
        let offering = priced.offering.as_ref();
        let price = priced.price.as_ref();
        Self {
            instance_type: offering.map(|offering| offering.instance_type.clone()),
            capacity_type: offering.map(|offering| offering.capacity_type.as_str().to_owned()),
            region: offering.map(|offering| offering.region.clone()),
            usd_per_hour: price.map(|price| price.usd_per_hour.as_f64()),
            as_of: price.and_then(|price| price.as_of).map(|day| day.to_string()),
            source: price.map(|price| price.source.clone()),
            spot: priced.spot.as_ref().map(SpotView::from),
        }
    }
}

impl From<&SpotPrice> for SpotView {
    fn from(spot: &SpotPrice) -> Self {
        Self {
            usd_per_hour: spot.usd_per_hour.as_f64(),
            zone: spot.zone.clone(),
            at: spot.at.to_string(),
        }
    }
}
