//! How a phase stands, for readers.

mod print;
#[cfg(test)]
mod tests;

pub use print::{brief, text};

use super::view::{CriterionView, NextView, PhaseState, RolloutView, StepView, VerdictView};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::observe::Hands;
use crate::render::hands::SaidView;
use crate::rollout::{Finding, Standing};
use crate::spec::Environment;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

/// What it is told from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The file that declares it.
    pub file: &'a str,
    /// The environment, with all of its rollout.
    pub environment: &'a Environment,
    /// The phase to tell of; none: none is live.
    pub phase: Option<&'a Name>,
    /// How its criteria stand.
    pub findings: &'a [Finding],
    /// When they were measured.
    pub now: Timestamp,
    /// How the live phase stands in its time.
    pub standing: Option<&'a Standing>,
    /// What keeps the environment from being applied; none: it was not looked for.
    pub halts: Option<&'a Halts>,
}

/// What keeps the environment from being applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halts {
    /// What operators, and applies that have stopped themselves, say of it.
    Seen(Box<Hands>),
    /// It could not be seen, and why.
    Unseen(String),
}

/// How a phase stands. Also the document that `rollout status --json` prints, and
/// `rollout check --json`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Floodway rollout status")]
pub struct RolloutStatusView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The environment's name.
    pub environment: String,
    /// The file that declares it.
    pub file: String,
    /// When it was measured (RFC 3339).
    pub as_of: String,
    /// The phase that is live; absent: none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// The phase that is told of; absent: none is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<PhaseStatusView>,
    /// What keeps the environment from being applied; absent: nothing, or it was not
    /// looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halted: Option<SaidView>,
    /// Why it is not known whether something keeps it from being applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// What to do next.
    pub next: NextView,
    /// All of it in one line.
    pub summary: String,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PhaseStatusView {
    /// Its name.
    pub name: String,
    /// Where it is on the way.
    pub state: PhaseState,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// How long it is meant to take: `1-2 weeks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Of the live phase, since when (RFC 3339), where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began: Option<String>,
    /// Of the live phase, when it is meant to be done at the earliest (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_earliest: Option<String>,
    /// Of the live phase, when it is meant to be done at the latest (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_latest: Option<String>,
    /// Of the live phase, by how many days it is overdue; absent: it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue_days: Option<f64>,
    /// What is done in it, in order.
    pub steps: Vec<StepView>,
    /// By what it is known to be done.
    pub exit: Vec<CriterionView>,
    /// By what it is given up.
    pub abort: Vec<CriterionView>,
}

impl RolloutStatusView {
    /// What readers are told about `input`.
    pub fn new(input: &Input<'_>) -> Self {
        let whole = RolloutView::new(&super::Input {
            file: input.file,
            environment: input.environment,
            plans: &[],
            findings: input.findings,
            measured_at: Some(input.now),
            unmeasured: None,
            records: &[],
            only: input.phase,
        });
        let standing = input.standing.filter(|standing| Some(&standing.phase) == input.phase);
        let told = whole.phases.into_iter().next().filter(|_| input.phase.is_some());
        let phase = told.map(|phase| PhaseStatusView {
            name: phase.name,
            state: phase.state,
            owner: phase.owner,
            summary: phase.summary,
            window: phase.window,
            began: standing.and_then(|standing| standing.began).map(|at| at.to_string()),
            ends_earliest: standing.and_then(|s| s.ends).map(|(earliest, _)| earliest.to_string()),
            ends_latest: standing.and_then(|s| s.ends).map(|(_, latest)| latest.to_string()),
            overdue_days: standing
                .and_then(|standing| standing.overdue)
                .map(|span| (span.as_secs_f64() / 8640.0).ceil() / 10.0),
            steps: phase.steps,
            exit: phase.exit,
            abort: phase.abort,
        });
        let (halted, unseen) = match input.halts {
            None => (None, None),
            Some(Halts::Seen(hands)) => ((!hands.is_empty()).then(|| hands.as_ref().into()), None),
            Some(Halts::Unseen(why)) => (None, Some(why.clone())),
        };
        let summary = summary(phase.as_ref(), &whole.summary.standing);
        Self {
            format_version: FORMAT_VERSION.into(),
            environment: whole.environment,
            file: whole.file,
            as_of: input.now.to_string(),
            live: whole.summary.live,
            phase,
            halted,
            unseen,
            next: whole.summary.next,
            summary,
        }
    }
}

/// `Phase short: 1 of 2 exit criteria met, 1 without data.`
fn summary(phase: Option<&PhaseStatusView>, standing: &str) -> String {
    let Some(phase) = phase else { return standing.to_owned() };
    let count = |all: &[CriterionView], verdict: VerdictView| {
        all.iter().filter(|criterion| criterion.verdict == verdict).count()
    };
    let mut parts = Vec::new();
    match count(&phase.abort, VerdictView::Abort) {
        0 => {}
        1 => parts.push("1 abort criterion is met".to_owned()),
        more => parts.push(format!("{more} abort criteria are met")),
    }
    match phase.exit.len() {
        0 => parts.push("it has no exit criteria".to_owned()),
        all => parts.push(format!(
            "{} of {} met",
            count(&phase.exit, VerdictView::Met),
            crate::render::text::count(all, "exit criterion").replace("criterions", "criteria"),
        )),
    }
    match count(&phase.exit, VerdictView::NoData) {
        0 => {}
        none => parts.push(format!("{none} without data")),
    }
    if let Some(days) = phase.overdue_days {
        parts.push(format!("overdue by {days} days"));
    }
    format!("Phase {}: {}.", phase.name, parts.join(", "))
}
