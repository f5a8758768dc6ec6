//! From what an apply says to what readers are told.

use super::view::{EventLine, EventView, MadeView, OutcomeView, ReportView, ThingView};
use crate::clock::Timestamp;
use crate::execute::{Event, Outcome, Report};
use crate::observe::ResourceId;
use crate::plan::{Action, Change, Plan};
use crate::render::error::ErrorView;
use crate::render::name::address;
use crate::render::plan::{ActionView, PlanView};
use crate::render::status::ProblemView;
use std::collections::BTreeMap;

/// The version of the NDJSON.
pub const FORMAT_VERSION: &str = "1.1";

impl EventLine {
    /// An event at its time. Serialise it in one line.
    pub fn new(at: Timestamp, event: EventView) -> Self {
        Self { format_version: FORMAT_VERSION.into(), at: at.to_string(), event }
    }
}

/// Tells an apply's events with what the plan knows of their changes, and how
/// long each has taken.
#[derive(Debug)]
pub struct Narrator<'p> {
    plan: &'p Plan,
    begun: BTreeMap<usize, Timestamp>,
    steps: BTreeMap<usize, String>,
}

impl<'p> Narrator<'p> {
    /// For an apply of `plan`.
    pub fn new(plan: &'p Plan) -> Self {
        Self { plan, begun: BTreeMap::new(), steps: BTreeMap::new() }
    }

    /// `event`, which happened at `at`.
    pub fn line(&mut self, at: Timestamp, event: &Event) -> EventLine {
        EventLine::new(at, self.view(at, event))
    }

    fn view(&mut self, at: Timestamp, event: &Event) -> EventView {
        match event {
            Event::Started { changes } => EventView::ApplyStarted { changes: *changes },
            Event::ChangeStarted { change, id } => {
                self.begun.insert(*change, at);
                EventView::ChangeStarted { thing: self.thing(*change, id) }
            }
            Event::StepStarted { change, id, step } => {
                self.steps.insert(*change, step.clone());
                let thing = self.thing(*change, id);
                EventView::StepStarted { thing, step: step.clone(), target: id.name.clone() }
            }
            Event::Waiting { change, id, ready, of, problems } => EventView::Waiting {
                thing: self.thing(*change, id),
                step: self.steps.get(change).cloned().unwrap_or_default(),
                ready: *ready,
                of: *of,
                problems: problems.iter().map(ProblemView::from).collect(),
                elapsed_s: self.elapsed(*change, at),
            },
            Event::Retrying { change, id, because, after_ms } => EventView::Retrying {
                thing: self.thing(*change, id),
                because: because.clone(),
                retry_in_s: *after_ms as f64 / 1000.0,
            },
            Event::ChangeEnded { change, id, outcome } => {
                let thing = self.thing(*change, id);
                match outcome {
                    Outcome::Done => {
                        EventView::ChangeDone { thing, elapsed_s: self.elapsed(*change, at) }
                    }
                    Outcome::Failed { .. } => {
                        EventView::ChangeFailed { thing, error: error(outcome) }
                    }
                    Outcome::Unknown { .. } => {
                        EventView::ChangeUnknown { thing, error: error(outcome) }
                    }
                    Outcome::Skipped { because } => {
                        EventView::ChangeSkipped { thing, why: because.clone() }
                    }
                }
            }
            Event::WaveStarted { wave, of, pools, changes } => EventView::WaveStarted {
                wave: *wave,
                of: *of,
                pools: pools.clone(),
                changes: *changes,
            },
            Event::WaveWaiting { wave, of, wait } => {
                EventView::WaveWaiting { wave: *wave, of: *of, wait_s: wait.as_secs_f64() }
            }
            Event::WavePassed { wave, of } => EventView::WavePassed { wave: *wave, of: *of },
            Event::Noted { message } => EventView::Warning { message: message.clone() },
            Event::Stopping { because } => EventView::Stopping { because: because.clone() },
            Event::Ended { done, failed, skipped, unknown } => EventView::ApplyEnded {
                done: *done,
                failed: *failed,
                skipped: *skipped,
                unknown: *unknown,
            },
        }
    }

    /// The change's own thing; a step may be about another (the old one of a
    /// replacement).
    fn thing(&self, change: usize, id: &ResourceId) -> ThingView {
        match self.plan.changes.get(change) {
            Some(change) => change.into(),
            None => thing(id, ActionView::NoOp),
        }
    }

    fn elapsed(&self, change: usize, at: Timestamp) -> f64 {
        self.begun.get(&change).map_or(0.0, |begun| at.duration_since(*begun).as_secs_f64())
    }
}

impl From<&Change> for ThingView {
    fn from(change: &Change) -> Self {
        thing(&change.id, change.action.into())
    }
}

fn thing(id: &ResourceId, action: ActionView) -> ThingView {
    ThingView {
        address: address(id),
        kind: id.kind.clone(),
        name: match &id.scope {
            Some(scope) => format!("{scope}/{}", id.name),
            None => id.name.clone(),
        },
        action,
    }
}

fn error(outcome: &Outcome) -> ErrorView {
    match outcome {
        Outcome::Done => ErrorView::message("done"),
        Outcome::Failed { message, help } => {
            let view = ErrorView::message(message);
            match help {
                Some(help) => view.help(help),
                None => view,
            }
        }
        Outcome::Skipped { because } => ErrorView::message(because),
        Outcome::Unknown { message } => {
            let help = "the next plan sees what is there; run it before anything else";
            ErrorView::message(message).help(help)
        }
    }
}

impl EventView {
    /// What a finished plan says in the stream: each change, then the sums.
    pub fn of_plan(plan: &Plan) -> Vec<Self> {
        let view = PlanView::new(plan);
        let changing = plan.changes.iter().filter(|change| change.action != Action::NoOp);
        let mut events: Vec<Self> = changing
            .map(|change| Self::PlannedChange {
                thing: change.into(),
                reason: change.reason.to_string(),
            })
            .collect();
        let PlanView { totals, summary, applicable, .. } = view;
        events.push(Self::Planned { totals, summary, applicable });
        events
    }
}

impl ReportView {
    /// What became of `plan`, and the exact command to run next, if any is left.
    pub fn new(plan: &Plan, report: &Report, next_command: Option<String>) -> Self {
        let actions: BTreeMap<&ResourceId, Action> =
            plan.changes.iter().map(|change| (&change.id, change.action)).collect();
        let totals = &plan.totals;
        let made = report.is_done().then_some(MadeView {
            added: totals.create,
            changed: totals.update,
            replaced: totals.replace,
            destroyed: totals.delete,
        });
        let stopped = report.stopped.clone();
        let mut view = Self { made, stopped, next_command, ..Self::default() };
        for (id, outcome) in &report.changes {
            let action = actions.get(id).copied().unwrap_or(Action::NoOp);
            let thing = thing(id, action.into());
            let not_done = |thing| OutcomeView { thing, error: error(outcome) };
            match outcome {
                Outcome::Done => view.done.push(thing),
                Outcome::Failed { .. } => view.failed.push(not_done(thing)),
                Outcome::Skipped { .. } => view.skipped.push(not_done(thing)),
                Outcome::Unknown { .. } => view.unknown.push(not_done(thing)),
            }
        }
        view
    }
}
