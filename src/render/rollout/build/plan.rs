//! From the plan of a phase, what readers are told about it.

use crate::id::Name;
use crate::plan::Plan;
use crate::render::plan::{ActionView, ChangeView, FieldView, PlanView, TotalsView, symbol};
use crate::render::rollout::view::{
    FieldChangeView, PhaseChangeView, PhasePlanView, ReachView, StageReachView, StartView,
};
use crate::render::text::count;
use crate::rollout::{AtMax, PhasePlan};
use crate::units::Rate;
use serde_json::Value;

/// More changes than these are folded.
const LONG: usize = 8;
/// Longer values are shortened, in characters.
const LONG_VALUE: usize = 64;

/// The file before the first phase.
pub(super) fn start_view(plans: &[PhasePlan]) -> StartView {
    let missing = || "it was not planned".to_owned();
    let start = plans.iter().find(|plan| plan.phase.is_none());
    match start.map(|start| &start.plan) {
        Some(Ok(plan)) => {
            let view = PlanView::brief(plan);
            let failure = start.and_then(|start| start.stuck.clone());
            let reach = start.map(|start| reach(plan, &start.at_max)).unwrap_or_default();
            StartView { pools: view.pools, totals: view.totals, reach, failure }
        }
        Some(Err(why)) => nothing(why.clone()),
        None => nothing(missing()),
    }
}

fn nothing(why: String) -> StartView {
    StartView {
        pools: Vec::new(),
        totals: TotalsView::default(),
        reach: ReachView::default(),
        failure: Some(why),
    }
}

/// What there is after `plan`, and at most.
fn reach(plan: &Plan, at_max: &AtMax) -> ReachView {
    let stage = |(stage, most): (&String, &Rate)| {
        let after = plan.totals.capacity.get(stage).map(|flow| flow.after);
        StageReachView {
            stage: stage.clone(),
            requests_per_second: after.unwrap_or_default().as_f64(),
            at_max: most.as_f64(),
        }
    };
    ReachView {
        gpus: plan.totals.gpus.after,
        gpus_at_max: at_max.gpus,
        capacity: at_max.capacity.iter().map(stage).collect(),
    }
}

/// What the phase `name` changes.
pub(super) fn plan_view(plans: &[PhasePlan], name: &Name) -> PhasePlanView {
    let Some(planned) = plans.iter().find(|plan| plan.phase.as_ref() == Some(name)) else {
        return failed(None, "it was not planned".to_owned());
    };
    let from = planned.from.as_ref().map(Name::to_string);
    let plan = match &planned.plan {
        Ok(plan) => plan,
        Err(why) => return failed(from, why.clone()),
    };
    let view = PlanView::brief(plan);
    let empty = view.is_empty() && view.refusals.is_empty();
    PhasePlanView {
        from,
        summary: match view.summary.strip_prefix("Plan: ") {
            _ if empty => "nothing changes.".to_owned(),
            Some(rest) => rest.to_owned(),
            None => view.summary,
        },
        long: view.changes.len() > LONG,
        pools: view.pools,
        changes: view.changes.into_iter().map(change_view).collect(),
        unchanged: view.unchanged,
        warnings: view.warnings,
        failure: planned.stuck.clone().filter(|_| view.refusals.is_empty()),
        refusals: view.refusals,
        totals: view.totals,
        reach: reach(plan, &planned.at_max),
    }
}

fn failed(from: Option<String>, why: String) -> PhasePlanView {
    PhasePlanView {
        from,
        summary: "there is no plan.".to_owned(),
        long: false,
        pools: Vec::new(),
        changes: Vec::new(),
        unchanged: 0,
        warnings: Vec::new(),
        refusals: Vec::new(),
        totals: TotalsView::default(),
        reach: ReachView::default(),
        failure: Some(why),
    }
}

fn change_view(change: ChangeView) -> PhaseChangeView {
    let differs = matches!(change.action, ActionView::Update | ActionView::Replace);
    let fields = if differs { change.fields } else { Vec::new() };
    PhaseChangeView {
        symbol: symbol(change.action).0.to_owned(),
        action: change.action,
        address: change.address,
        kind: change.kind,
        pool: change.pool,
        wave: change.wave,
        reason: change.reason,
        highlights: change.highlights,
        fields: fields.into_iter().map(field_view).collect(),
        notes: change.notes,
    }
}

fn field_view(field: FieldView) -> FieldChangeView {
    let text = |value: &Option<Value>| value.as_ref().map(shortened);
    let (before, mut after) = (text(&field.before), text(&field.after));
    if before == after {
        // What differs has no room here.
        after = after.map(|after| format!("{after} (changed)"));
    }
    FieldChangeView { path: field.path, before, after }
}

/// A value in one short line.
fn shortened(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let lines = text.trim_end().lines().count();
    if lines > 1 {
        return count(lines, "line");
    }
    if text.chars().count() <= LONG_VALUE {
        return text;
    }
    match value {
        Value::Array(entries) => return count(entries.len(), "entry"),
        Value::Object(entries) => return count(entries.len(), "key"),
        _ => {}
    }
    text.chars().take(LONG_VALUE - 1).chain(['…']).collect()
}
