//! What an hour costs, pool by pool, and the prices that say so.

use crate::render::plan::view::{
    AmountView, CostView, MarketCostView, PlanView, PoolView, PriceView,
};
use crate::render::style::Ink;
use crate::render::text::{Line, Screen, Table, clock_time, money};
use std::collections::BTreeMap;

/// Prints the costs of `shown`, and their sum.
pub(super) fn costs(screen: &mut Screen<'_>, view: &PlanView, shown: &[&PoolView]) {
    let priced: Vec<&PoolView> = shown.iter().copied().filter(|pool| has_cost(pool)).collect();
    if priced.is_empty() {
        return;
    }
    let mut table = Table::new(&["COST PER HOUR", ">NOW", ">AFTER", ">AT MAX"]);
    for pool in &priced {
        let name = Line::of(Ink::Strong, &pool.pool);
        match &pool.markets[..] {
            [] => table.row(row(name.ink(Ink::Dim, " on-prem"), &pool.cost)),
            [one] => table.row(row(name.text(format!(" {}", one.capacity_type)), &pool.cost)),
            markets if markets.iter().all(|market| says_nothing(pool, market)) => {
                let types: Vec<&str> = markets.iter().map(|m| m.capacity_type.as_str()).collect();
                table.row(row(name.text(format!(" {}", types.join(", "))), &pool.cost));
            }
            markets => {
                table.row(row(name, &pool.cost));
                for market in markets {
                    let name = Line::of(Ink::Dim, format!("  {}", market.capacity_type));
                    table.row(row(name, &market.cost));
                }
            }
        }
    }
    let burst = view.pools.iter().filter(|pool| !pool.markets.is_empty() && has_cost(pool));
    if burst.count() > 1 {
        table.row(row(Line::of(Ink::Strong, "all burst"), &view.totals.burst));
    }
    screen.blank();
    screen.table(&table);
    for line in price_lines(&priced, &view.as_of) {
        screen.hanging(0, 2, &Line::of(Ink::Dim, line));
    }
}

/// What burst costs, in a line: for where nothing changes.
pub(super) fn cost_now(screen: &mut Screen<'_>, view: &PlanView) {
    let CostView { after, at_max, .. } = view.totals.burst;
    if after != AmountView::from_dollars(0.0) || at_max != AmountView::from_dollars(0.0) {
        let text = format!("burst costs {} now, {} at max", after.per_hour(), at_max.per_hour());
        screen.hanging(2, 2, &Line::of(Ink::Dim, text));
    }
}

/// Whether a market's own line would say no more than its pool's.
fn says_nothing(pool: &PoolView, market: &MarketCostView) -> bool {
    let nothing = AmountView::from_dollars(0.0);
    let idle = market.cost.before == nothing && market.cost.after == nothing;
    idle && market.cost.at_max == pool.cost.at_max
}

/// An on-prem pool costs something only where that is declared.
fn has_cost(pool: &PoolView) -> bool {
    !pool.markets.is_empty() || !pool.prices.is_empty()
}

fn row(name: Line, cost: &CostView) -> [Line; 4] {
    let ink = match cost.after.usd.unwrap_or(0.0).total_cmp(&cost.before.usd.unwrap_or(0.0)) {
        std::cmp::Ordering::Greater => Ink::Remove,
        std::cmp::Ordering::Less => Ink::Add,
        std::cmp::Ordering::Equal => Ink::Plain,
    };
    [
        name,
        amount(cost.before, Ink::Plain),
        amount(cost.after, ink),
        amount(cost.at_max, Ink::Plain),
    ]
}

fn amount(amount: AmountView, ink: Ink) -> Line {
    let ink = if amount.at_least { Ink::Warn } else { ink };
    Line::of(ink, amount.text(""))
}

/// A line for each type and region, and for each pool on-prem.
fn price_lines(pools: &[&PoolView], as_of: &str) -> Vec<String> {
    let mut types: BTreeMap<(&str, &str, bool), Vec<&PriceView>> = BTreeMap::new();
    let mut lines = Vec::new();
    for pool in pools {
        for price in &pool.prices {
            match (&price.instance_type, &price.region) {
                (Some(instance_type), Some(region)) => {
                    let block = price.capacity_type.as_deref() == Some("capacity-block");
                    types.entry((instance_type, region, block)).or_default().push(price);
                }
                _ => lines.push(format!("a replica of {}: {}", pool.pool, listed(price))),
            }
        }
    }
    lines.extend(types.into_iter().filter_map(|((instance_type, region, block), prices)| {
        let listed = listed(prices.first()?);
        let market = if block { " in a capacity block" } else { "" };
        let spot = prices.iter().find(|price| price.capacity_type.as_deref() == Some("spot"));
        let spot = match spot.map(|price| &price.spot) {
            None => String::new(),
            Some(None) => "; spot at most that: no spot price is known".to_owned(),
            Some(Some(spot)) => format!(
                "; spot ${}, as of {} in {}",
                money(spot.usd_per_hour),
                clock_time(&spot.at, as_of),
                spot.zone
            ),
        };
        Some(format!("{instance_type} in {region}{market}: {listed}{spot}"))
    }));
    lines
}

/// `$10.49 (list price shipped with Floodway, 2026-07-20)`.
fn listed(price: &PriceView) -> String {
    let Some(usd) = price.usd_per_hour else { return "price unknown".to_owned() };
    let source = price.source.as_deref().unwrap_or_default();
    match &price.as_of {
        Some(day) => format!("${} ({source}, {day})", money(usd)),
        None => format!("${} ({source})", money(usd)),
    }
}

impl AmountView {
    /// So many dollars, known to the cent.
    pub(in crate::render) fn from_dollars(usd: f64) -> Self {
        Self { usd: Some(usd), at_least: false }
    }

    /// `$10.49/h`, `at least $10.49/h`, `an unknown price`.
    pub(in crate::render) fn per_hour(self) -> String {
        match self.usd {
            None => "an unknown price".to_owned(),
            Some(_) => format!("{}/h", self.text("$")),
        }
    }

    /// `$10.49`, `at least $10.49`, `unknown`.
    pub(in crate::render) fn text(self, sign: &str) -> String {
        match (self.usd, self.at_least) {
            (None, _) => "unknown".to_owned(),
            (Some(usd), true) => format!("at least {sign}{}", money(usd)),
            (Some(usd), false) => format!("{sign}{}", money(usd)),
        }
    }
}
