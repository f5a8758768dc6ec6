//! How a phase stands, on a screen.

use super::{PhaseStatusView, RolloutStatusView};
use crate::render::rollout::view::{CriterionView, PhaseState, StepView, VerdictView};
use crate::render::style::{Ink, Style};
use crate::render::text::{Line, Screen, Table, clock_time};

/// All of it.
pub fn text(view: &RolloutStatusView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    header(&mut screen, view);
    if let Some(phase) = &view.phase {
        criteria(&mut screen, phase, &view.as_of);
        steps(&mut screen, phase);
    }
    if let Some(halted) = &view.halted {
        screen.blank();
        for line in halted.lines() {
            screen.hanging(0, 2, &line);
        }
    }
    if let Some(why) = &view.unseen {
        screen.blank();
        let head = Line::of(Ink::Warn, "not seen: ").text("whether applies are paused: ");
        screen.hanging(0, 2, &head.prose(why));
    }
    screen.blank();
    closing(&mut screen, view);
    screen.finish()
}

/// What is not as it must be, and the summary: for a pipeline's log.
pub fn brief(view: &RolloutStatusView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    let phases = view.phase.iter();
    for criterion in phases.flat_map(|phase| phase.abort.iter().chain(&phase.exit)) {
        if [VerdictView::Met, VerdictView::Clear].contains(&criterion.verdict) {
            continue;
        }
        let line = Line::of(ink(criterion.verdict), format!("{}: ", word(criterion.verdict)));
        let line = line.ink(Ink::Strong, &criterion.name);
        let value = criterion.value.as_ref().map(|value| format!(" {value},"));
        let line = line.text(format!("{} {}", value.unwrap_or_default(), criterion.target));
        let line = line.ink(Ink::Dim, format!(" over {}", criterion.window));
        screen.hanging(0, 2, &line);
        if let Some(why) = &criterion.why {
            screen.hanging(2, 2, &Line::new().prose(why));
        }
    }
    closing(&mut screen, view);
    screen.finish()
}

fn closing(screen: &mut Screen<'_>, view: &RolloutStatusView) {
    let told_of_live = view.phase.as_ref().is_none_or(|phase| phase.state == PhaseState::Live);
    screen.unwrapped(&Line::of(Ink::Strong, &view.summary));
    if let Some(command) = view.next.command.as_ref().filter(|_| told_of_live) {
        screen.hanging(0, 2, &Line::of(Ink::Dim, "next: ").text(command));
    }
}

fn header(screen: &mut Screen<'_>, view: &RolloutStatusView) {
    let head = Line::of(Ink::Strong, format!("Rollout of {}", view.environment));
    let head = head.ink(Ink::Dim, format!("  {}, as of {}", view.file, view.as_of));
    screen.hanging(0, 2, &head);
    let Some(phase) = &view.phase else { return };
    let state = match phase.state {
        PhaseState::Live => "live",
        PhaseState::Past => "past",
        PhaseState::Ahead => "not live yet",
    };
    let line = Line::from("phase ").ink(Ink::Strong, &phase.name).text(format!(", {state}"));
    let line = match &phase.summary {
        Some(summary) => line.text(": ").prose(summary),
        None => line,
    };
    screen.hanging(2, 2, &line);
    if let Some(owner) = &phase.owner {
        screen.hanging(2, 2, &Line::of(Ink::Dim, "owner   ").text(owner));
    }
    if let Some(line) = time(phase) {
        screen.hanging(2, 2, &line);
    }
}

/// `window  1-2 weeks, since 2026-12-01, to be done by 2026-12-15`
fn time(phase: &PhaseStatusView) -> Option<Line> {
    let day = |at: &String| at.get(..10).unwrap_or(at).to_owned();
    let mut parts: Vec<String> = phase.window.iter().cloned().collect();
    parts.extend(phase.began.as_ref().map(|at| format!("since {}", day(at))));
    parts.extend(phase.ends_latest.as_ref().map(|at| format!("to be done by {}", day(at))));
    let line = Line::of(Ink::Dim, "window  ").text(parts.join(", "));
    let line = match phase.overdue_days {
        Some(days) => line.ink(Ink::Fail, format!(": overdue by {days} days")),
        None => line,
    };
    (!parts.is_empty()).then_some(line)
}

fn criteria(screen: &mut Screen<'_>, phase: &PhaseStatusView, now: &str) {
    for (what, all) in [("EXIT", &phase.exit), ("ABORT", &phase.abort)] {
        if all.is_empty() {
            continue;
        }
        screen.blank();
        let mut table = Table::new(&[what, "VALUE", "TARGET", "OVER", "SINCE", "VERDICT"]);
        for criterion in all {
            row(&mut table, criterion, now);
        }
        screen.table(&table);
    }
}

fn row(table: &mut Table, criterion: &CriterionView, now: &str) {
    let dash = || "–".to_owned();
    table.row([
        Line::of(Ink::Strong, &criterion.name),
        Line::from(criterion.value.clone().unwrap_or_else(dash)),
        Line::from(criterion.target.as_str()),
        Line::of(Ink::Dim, &criterion.window),
        Line::from(criterion.since.as_ref().map_or_else(dash, |since| clock_time(since, now))),
        Line::of(ink(criterion.verdict), word(criterion.verdict)),
    ]);
    if let Some(summary) = &criterion.summary {
        table.across(2, Line::of(Ink::Dim, "").prose(summary));
    }
    if let Some(why) = &criterion.why {
        table.across(2, Line::of(Ink::Warn, "no data: ").prose(why));
    }
}

fn steps(screen: &mut Screen<'_>, phase: &PhaseStatusView) {
    if phase.steps.is_empty() {
        return;
    }
    screen.blank();
    let mut table = Table::new(&["STEP", "BY", "STATE"]);
    for step in &phase.steps {
        let by = match (step.manual, &step.owner) {
            (true, Some(owner)) => owner.as_str(),
            (true, None) => "nobody is named",
            (false, _) => "floodway",
        };
        table.row([
            Line::of(Ink::Strong, &step.name),
            Line::from(by),
            Line::of(Ink::Dim, state(step)),
        ]);
        table.across(2, Line::of(Ink::Dim, "").prose(&step.summary));
    }
    screen.table(&table);
}

/// What is done by hand is never known to be done.
const fn state(step: &StepView) -> &'static str {
    match (step.manual, step.in_force) {
        (true, _) => "manual",
        (false, true) => "in force",
        (false, false) => "not yet",
    }
}

const fn word(verdict: VerdictView) -> &'static str {
    match verdict {
        VerdictView::Met => "met",
        VerdictView::NotYet => "not yet",
        VerdictView::Clear => "clear",
        VerdictView::Abort => "abort",
        VerdictView::NoData => "no data",
    }
}

const fn ink(verdict: VerdictView) -> Ink {
    match verdict {
        VerdictView::Met | VerdictView::Clear => Ink::Add,
        VerdictView::NotYet => Ink::Change,
        VerdictView::NoData => Ink::Warn,
        VerdictView::Abort => Ink::Fail,
    }
}
