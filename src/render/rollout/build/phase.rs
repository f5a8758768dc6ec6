//! From one phase, what readers are told about it.

use super::criterion::criterion_views;
use super::{Input, plan, timeline};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::render::redact::{HIDDEN, is_secret_path};
use crate::render::rollout::view::{
    BarView, GoalView, PhaseState, PhaseView, RecordRowView, RecordView, RiskView, SettingView,
    StepView,
};
use crate::rollout::{Comparison, Kind, Row};
use crate::spec::model::{Goals, Overrides, Phase, PhaseStep, PlannedWindow};
use common::document::{Node, Value};

/// More keys than these are folded.
const LONG: usize = 6;

/// What readers are told about `phase`, the one with this number.
pub(super) fn phase_view(
    input: &Input<'_>,
    number: usize,
    name: &Name,
    phase: &Phase,
    bar: &BarView,
) -> PhaseView {
    let state = input.state(name);
    let days = timeline::days(input, name);
    let in_force = state != PhaseState::Ahead;
    let steps = phase.steps_in_order();
    PhaseView {
        name: name.to_string(),
        number,
        state,
        window: phase.window.as_ref().map(PlannedWindow::to_string),
        start: days.as_ref().map(|_| bar.start.clone()),
        end: days.filter(|_| bar.days > 0).and_then(|start| timeline::later(start, bar.days)),
        owner: phase.owner.clone(),
        summary: phase.summary.clone(),
        goals: goal_views(&phase.goals),
        steps: steps.iter().map(|(name, step)| step_view(phase, name, step, in_force)).collect(),
        plan: plan::plan_view(input.plans, name),
        expected_slo: None,
        risks: phase
            .risks
            .iter()
            .map(|risk| RiskView { risk: risk.risk.clone(), guard: risk.guard.clone() })
            .collect(),
        exit: criterion_views(input, name, phase, Kind::Exit),
        abort: criterion_views(input, name, phase, Kind::Abort),
        undo: phase.undo.clone(),
        record: input.records.iter().find(|record| record.phase == *name).map(record_view),
    }
}

fn goal_views(goals: &Goals) -> Vec<GoalView> {
    let goal = |name: &str, title: &str, target: String| GoalView {
        name: name.to_owned(),
        title: title.to_owned(),
        target,
    };
    let at_least = |text: String| format!("at least {text}");
    let at_most = |text: String| format!("at most {text}");
    [
        goals
            .availability
            .map(|share| goal("availability", "availability", at_least(share.to_string()))),
        goals
            .ttft_p99
            .map(|span| goal("ttft_p99", "time to first token, p99", at_most(span.to_string()))),
        goals
            .e2e_p99
            .map(|span| goal("e2e_p99", "time to last token, p99", at_most(span.to_string()))),
        goals.error_rate.map(|share| goal("error_rate", "error rate", at_most(share.to_string()))),
        goals
            .usd_per_hour
            .map(|price| goal("usd_per_hour", "an hour of burst", at_most(price.to_string()))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn step_view(phase: &Phase, name: &Name, step: &PhaseStep, in_force: bool) -> StepView {
    let manual = step.is_manual();
    StepView {
        name: name.to_string(),
        summary: step.summary.clone(),
        manual,
        in_force: in_force && !manual,
        owner: step.owner.clone().or_else(|| phase.owner.clone()),
        after: step.after.clone(),
        long: step.set.leaves().len() + step.unset.len() > LONG,
        set: setting_views(&step.set),
        unset: step.unset.clone(),
    }
}

fn setting_views(set: &Overrides) -> Vec<SettingView> {
    let setting = |(key, node): (String, &Node)| SettingView {
        value: if is_secret_path(&key) { HIDDEN.to_owned() } else { written(&node.value) },
        key,
    };
    set.leaves().into_iter().map(setting).collect()
}

/// A value as TOML has it.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Datetime(text) | Value::Float(text) => text.clone(),
        Value::Integer(number) => number.map_or_else(|| "…".to_owned(), |n| n.to_string()),
        Value::Boolean(value) => value.to_string(),
        Value::Array(nodes) => {
            let all: Vec<_> = nodes.iter().map(|node| written(&node.value)).collect();
            format!("[{}]", all.join(", "))
        }
        Value::Table(table) => {
            let entry = |(key, entry): (&String, &common::document::Entry)| {
                format!("{key} = {}", written(&entry.node.value))
            };
            let all: Vec<_> = table.entries.iter().map(entry).collect();
            if all.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", all.join(", ")) }
        }
    }
}

fn record_view(record: &Comparison) -> RecordView {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let row = |row: &Row| RecordRowView {
        name: row.name.clone(),
        before: row.before.map(|value| row.unit.show(value)),
        after: row.after.map(|value| row.unit.show(value)),
    };
    RecordView {
        before: time(record.before),
        after: time(record.after),
        rows: record.rows.iter().map(row).collect(),
    }
}
