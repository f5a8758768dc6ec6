//! What an hour costs, as far as it is known. What has no price is never taken
//! for free.

use crate::decide::CapacityType;
use crate::observe::SpotPrice;
use crate::spec::Price;
use crate::units::UsdPerHour;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// A sum over prices of which some may be unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The sum of what has a price.
    pub known: UsdPerHour,
    /// Something in it has no price: it is more than `known`.
    pub is_partial: bool,
}

impl Cost {
    /// So many units at `price`; none of an unknown price cost nothing.
    pub fn of(price: Option<UsdPerHour>, units: u32) -> Self {
        match price {
            Some(price) => Self { known: price.times(units), is_partial: false },
            None => Self { known: UsdPerHour::default(), is_partial: units > 0 },
        }
    }

    /// The cost, where all of it is known.
    pub fn exact(self) -> Option<UsdPerHour> {
        (!self.is_partial).then_some(self.known)
    }

    /// Nothing of it is known.
    pub fn is_unknown(self) -> bool {
        self.is_partial && self.known == UsdPerHour::default()
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { known: self.known + other.known, is_partial: self.is_partial || other.is_partial }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_partial {
            _ if self.is_unknown() => f.write_str("an unknown price"),
            true => write!(f, "at least {}", self.known),
            false => write!(f, "{}", self.known),
        }
    }
}

/// What an hour costs at three times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costs {
    /// Now.
    pub before: Cost,
    /// After the apply, as far as git decides it.
    pub after: Cost,
    /// With every pool at its max, at on-demand prices.
    pub at_max: Cost,
}

impl Costs {
    /// The same, of what is taken away.
    pub(super) fn then_nothing(self) -> Self {
        Self { before: self.before, ..Self::default() }
    }

    /// The same, of what is left as it is; `stays`: with its max, too.
    pub(super) fn unchanged(self, stays: bool) -> Self {
        let at_max = if stays { self.at_max } else { self.before };
        Self { before: self.before, after: self.before, at_max }
    }
}

impl Add for Costs {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            before: self.before + other.before,
            after: self.after + other.after,
            at_max: self.at_max + other.at_max,
        }
    }
}

/// A pool's part in one market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketCost {
    /// Spot or on-demand.
    pub capacity_type: CapacityType,
    /// What it costs there; at max: with all of the pool in this market, of its
    /// dearest type. A pool's own max is no sum of these.
    pub costs: Costs,
}

/// A price that sums were made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// What it is of; none: a replica on-prem.
    pub offering: Option<Offering>,
    /// On demand, or as declared; none: it is not known.
    pub price: Option<Price>,
    /// What the market says, of spot where it does; it counts instead then.
    pub spot: Option<SpotPrice>,
}

/// What can be bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offering {
    /// Instance type.
    pub instance_type: String,
    /// Spot or on-demand.
    pub capacity_type: CapacityType,
    /// AWS region.
    pub region: String,
}

impl Priced {
    /// What counts in the sums of now and after.
    pub fn counts(&self) -> Option<UsdPerHour> {
        let spot = self.spot.as_ref().map(|spot| spot.usd_per_hour);
        spot.or_else(|| self.on_demand())
    }

    /// What counts at max: an upper bound for spot.
    pub fn on_demand(&self) -> Option<UsdPerHour> {
        self.price.as_ref().map(|price| price.usd_per_hour)
    }
}

/// `units` of the dearest of `prices`: at least that, where one is unknown.
pub(super) fn dearest(prices: impl Iterator<Item = Option<UsdPerHour>>, units: u32) -> Cost {
    let mut prices = prices.peekable();
    // Of nothing that is known, no price is.
    let (mut most, mut is_partial) = (UsdPerHour::default(), prices.peek().is_none());
    for price in prices {
        match price {
            Some(price) => most = most.max(price),
            None => is_partial = true,
        }
    }
    Cost { known: most.times(units), is_partial: is_partial && units > 0 }
}

/// `units` of a group: first the dearest of those that run, of which price and
/// number are known; the rest are the dearest of what it may start.
pub fn of_group(
    mut running: Vec<(Option<UsdPerHour>, u32)>,
    startable: impl Iterator<Item = Option<UsdPerHour>>,
    units: u32,
) -> Cost {
    running.sort_by_key(|&(price, _)| Reverse((price.is_none(), price)));
    let (mut cost, mut left) = (Cost::default(), units);
    for (price, number) in running {
        let number = number.min(left);
        cost = cost + Cost::of(price, number);
        left -= number;
    }
    cost + dearest(startable, left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price() -> impl Strategy<Value = Option<UsdPerHour>> {
        prop::option::of((1u64..200_000_000).prop_map(UsdPerHour::from_micros))
    }

    proptest! {
        #[test]
        fn what_is_unknown_never_reads_as_nothing(
            parts in prop::collection::vec((price(), 0u32..100), 0..8),
        ) {
            let sum: Cost = parts.iter().map(|&(price, units)| Cost::of(price, units)).sum();
            let unknown = parts.iter().any(|(price, units)| price.is_none() && *units > 0);
            prop_assert_eq!(sum.is_partial, unknown);
            prop_assert_eq!(sum.exact().is_some(), !unknown);
            if unknown {
                prop_assert!(!sum.to_string().starts_with('$'), "{}", sum);
            }
        }

        #[test]
        fn the_dearest_bounds_every_split(
            parts in prop::collection::vec((price(), 0u32..100), 1..8),
        ) {
            let units = parts.iter().map(|(_, units)| units).sum();
            let most = dearest(parts.iter().map(|(price, _)| *price), units);
            let sum: Cost = parts.iter().map(|&(price, units)| Cost::of(price, units)).sum();
            prop_assert!(most.known >= sum.known);
            prop_assert!(most.is_partial || !sum.is_partial);
        }

        #[test]
        fn a_group_costs_at_least_what_runs_and_never_more_than_the_dearest(
            parts in prop::collection::vec((price(), 0u32..100), 1..8),
            more in 0u32..100,
        ) {
            let runs = parts.iter().map(|(_, units)| units).sum::<u32>();
            let startable = || parts.iter().map(|(price, _)| *price);
            let sum: Cost = parts.iter().map(|&(price, units)| Cost::of(price, units)).sum();
            prop_assert_eq!(of_group(parts.clone(), startable(), runs), sum);
            let cost = of_group(parts.clone(), startable(), runs + more);
            let most = dearest(startable(), runs + more);
            prop_assert!(sum.known <= cost.known && cost.known <= most.known);
            prop_assert!(most.is_partial || !cost.is_partial);
            let fewer = of_group(parts.clone(), startable(), runs.saturating_sub(more));
            prop_assert!(fewer.known <= sum.known);
        }
    }
}
