//! A plan in one line.

use crate::render::plan::view::{AmountView, PlanView, PoolView};
use crate::render::text::{clock_time, count, plural, signed, signed_money, signed_rate};

/// `Plan: 3 to add, … +3 nodes, +24 GPUs, +54 req/s inference, +$31.48/h …`
pub(super) fn summary(view: &PlanView) -> String {
    let environment = &view.environment;
    if view.is_empty() && !view.applicable {
        return format!("Refused, and incomplete: {} may not match.", environment.name);
    }
    if view.is_empty() && !view.targets.is_empty() {
        return format!(
            "No changes to {} (as of {}); the rest of {} was not looked at.",
            view.targets.join(", "),
            view.as_of,
            environment.file
        );
    }
    if view.is_empty() {
        return format!(
            "No changes. {} matches {} (as of {}).",
            environment.name, environment.file, view.as_of
        );
    }
    let totals = &view.totals;
    let mut actions =
        vec![format!("{} to add", totals.add), format!("{} to change", totals.change)];
    if totals.replace > 0 {
        actions.push(format!("{} to replace", totals.replace));
    }
    actions.push(format!("{} to destroy", totals.destroy));
    let mut parts = differences(view);
    parts.extend(view.pools.iter().filter(|pool| pool.uncounted > 0).map(|pool| {
        if pool.uncounted == pool.units.before && pool.units.after == 0 {
            format!("less what {} carried", pool.pool)
        } else {
            let noun = pool.unit.trim_end_matches('s');
            let gone = usize::try_from(pool.uncounted).unwrap_or(usize::MAX);
            format!("less what {} of {} carried", count(gone, noun), pool.pool)
        }
    }));
    let capacity = match parts.is_empty() {
        true => "Capacity stays as it is.".to_owned(),
        false => format!("{}.", parts.join(", ")),
    };
    let at_max = match totals.burst.at_max {
        none if none == AmountView::from_dollars(0.0) => String::new(),
        at_max => format!(" Burst at max: {}.", at_max.per_hour()),
    };
    format!("Plan: {}. {capacity}{at_max}", actions.join(", "))
}

/// At which prices the sum is.
fn basis(view: &PlanView) -> String {
    let none = AmountView::from_dollars(0.0);
    let spot = |pool: &&PoolView| {
        let spot = pool.markets.iter().find(|market| market.capacity_type == "spot");
        spot.is_some_and(|spot| spot.cost.before != none || spot.cost.after != none)
    };
    let prices = view.pools.iter().filter(spot).flat_map(|pool| &pool.prices);
    let newest = prices.filter_map(|price| Some(price.spot.as_ref()?.at.as_str())).max();
    match newest {
        None => "at on-demand list prices".to_owned(),
        Some(at) => format!("with spot as of {}", clock_time(at, &view.as_of)),
    }
}

fn differences(view: &PlanView) -> Vec<String> {
    let totals = &view.totals;
    let mut parts = Vec::new();
    let counted = |before: u32, after: u32, noun: &str| {
        let difference = usize::try_from(before.abs_diff(after)).unwrap_or(usize::MAX);
        signed(before, after).map(|text| format!("{text} {}", plural(difference, noun)))
    };
    parts.extend(counted(totals.nodes.before, totals.nodes.after, "node"));
    parts.extend(counted(totals.gpus.before, totals.gpus.after, "GPU"));
    for stage in &totals.capacity {
        let flow = stage.requests_per_second;
        let text = signed_rate(flow.before, flow.after);
        parts.extend(text.map(|text| format!("{text} req/s {}", stage.stage)));
    }
    let price = totals.usd_per_hour;
    let moves = view.pools.iter().any(|pool| {
        let cost = pool.cost;
        totals.unpriced.contains(&pool.pool) && cost.before != cost.after
    });
    if let Some(text) = signed_money(price.before, price.after) {
        let without = match totals.unpriced.as_slice() {
            [] => String::new(),
            pools => format!(" (without {}: price unknown)", pools.join(", ")),
        };
        parts.push(format!("{text}/h {}{without}", basis(view)));
    } else if !totals.unpriced.is_empty() && (totals.nodes.before != totals.nodes.after || moves) {
        parts.push(format!("at an unknown price ({})", totals.unpriced.join(", ")));
    }
    parts
}
