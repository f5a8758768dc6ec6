//! The table of pools, and what to know to read it.

use crate::render::plan::view::{OwnerView, PlanView, PoolView, ReasonView};
use crate::render::style::Ink;
use crate::render::text::{Line, Screen, Table, count, flow_count, flow_rate};
use std::collections::BTreeSet;

/// With more pools than this, only those that change are shown.
const MANY: usize = 20;

/// Reasons of one pool that are shown, the deciding one first.
const FEW_REASONS: usize = 3;

/// Prints the pools.
pub(super) fn pools(screen: &mut Screen<'_>, view: &PlanView, whole: bool) {
    if view.pools.is_empty() {
        return;
    }
    let touched: BTreeSet<&str> = view.changes.iter().filter_map(|c| c.pool.as_deref()).collect();
    let shown: Vec<&PoolView> = view
        .pools
        .iter()
        .filter(|pool| whole || view.pools.len() <= MANY || touched.contains(pool.pool.as_str()))
        .collect();
    let mut table = Table::new(&["POOL", "UNITS", "MIN–MAX", "OWNER", ">REQ/S", ">GPUS"]);
    let mut stage = None;
    for pool in &shown {
        if stage != Some(&pool.stage) {
            stage = Some(&pool.stage);
            table.across(0, Line::of(Ink::Dim, "stage ").ink(Ink::Strong, &pool.stage));
        }
        table.row(row(pool));
        let reasons = if whole { usize::MAX } else { FEW_REASONS };
        for reason in pool.reasons.iter().take(reasons) {
            table.across(4, Line::of(Ink::Dim, reason_text(reason)));
        }
    }
    screen.blank();
    screen.table(&table);
    let hidden = view.pools.len() - shown.len();
    if hidden > 0 {
        let text = format!("({} without changes; --verbose shows them)", count(hidden, "pool"));
        screen.line(2, Line::of(Ink::Dim, text));
    }
    legend(screen, &shown);
    super::costs::costs(screen, view, &shown);
}

fn row(pool: &PoolView) -> [Line; 6] {
    let ink = |before: f64, after: f64| match after.total_cmp(&before) {
        std::cmp::Ordering::Greater => Ink::Add,
        std::cmp::Ordering::Less => Ink::Remove,
        std::cmp::Ordering::Equal => Ink::Plain,
    };
    let units = pool.units;
    let unit = match (units.before, units.after) {
        (1, 1) => pool.unit.trim_end_matches('s'),
        _ => &pool.unit,
    };
    let rates = pool.requests_per_second;
    let bounds = match pool.min == pool.max {
        true => pool.max.to_string(),
        false => format!("{}–{}", pool.min, pool.max),
    };
    [
        Line::from("  ").ink(Ink::Strong, &pool.pool),
        Line::of(
            ink(units.before.into(), units.after.into()),
            format!("{} {unit}", flow_count(units.before, units.after)),
        ),
        Line::from(bounds),
        Line::from(pool.owner.short()),
        Line::of(ink(rates.before, rates.after), flow_rate(rates.before, rates.after)),
        Line::of(
            ink(pool.gpus.before.into(), pool.gpus.after.into()),
            flow_count(pool.gpus.before, pool.gpus.after),
        ),
    ]
}

/// What the owners in the table do, once each.
fn legend(screen: &mut Screen<'_>, shown: &[&PoolView]) {
    let has =
        |owner, unit| shown.iter().any(|p| p.owner == owner && (p.unit == "instances") == unit);
    let mut say = |text: &str| screen.hanging(0, 2, &Line::of(Ink::Dim, text));
    if has(OwnerView::Hpa, false) {
        say("HPA: it moves replicas between min and max; plan and apply leave them alone.");
    }
    if has(OwnerView::Controller, true) {
        say("controller: `floodway run` raises burst pools when load outgrows on-prem, and \
             drains them when it falls.");
    } else if has(OwnerView::Controller, false) {
        say("controller: `floodway run` moves replicas between min and max.");
    }
}

/// `environments/prod.toml:41: set to 14`.
pub(super) fn reason_text(reason: &ReasonView) -> String {
    match (&reason.at, &reason.key) {
        (Some(at), _) => format!("{at}: {}", reason.text),
        (None, Some(key)) => format!("{key} (by default): {}", reason.text),
        (None, None) => reason.text.clone(),
    }
}

impl OwnerView {
    /// In a table.
    pub(in crate::render) fn short(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Hpa => "HPA",
            Self::Controller => "controller",
        }
    }

    /// In a sentence.
    pub(in crate::render) fn long(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Hpa => "the HPA",
            Self::Controller => "the controller",
        }
    }
}
