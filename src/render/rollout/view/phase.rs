//! What readers are told about one phase.

use super::{CriterionView, PhasePlanView};
use schemars::JsonSchema;
use serde::Serialize;

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PhaseView {
    /// Its name.
    pub name: String,
    /// Which one it is, from 1.
    pub number: usize,
    /// Where it is on the way.
    pub state: PhaseState,
    /// How long it is meant to take: `1-2 weeks`.
    pub window: Option<String>,
    /// The day on which it is meant to begin, or began, as the file says.
    pub start: Option<String>,
    /// The day by which it is meant to be done.
    pub end: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is for.
    pub summary: Option<String>,
    /// What it is to reach.
    pub goals: Vec<GoalView>,
    /// What is done, in order.
    pub steps: Vec<StepView>,
    /// What it changes.
    pub plan: PhasePlanView,
    /// What a backtest expects of the SLO; null: none was made.
    pub expected_slo: Option<ExpectedSloView>,
    /// What may go wrong.
    pub risks: Vec<RiskView>,
    /// By what it is known to be done.
    pub exit: Vec<CriterionView>,
    /// By what it is given up.
    pub abort: Vec<CriterionView>,
    /// What undoing it means.
    pub undo: Option<String>,
    /// What was recorded before and after it; null: nothing.
    pub record: Option<RecordView>,
}

/// Where a phase is on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PhaseState {
    /// Behind.
    Past,
    /// Here.
    Live,
    /// Ahead.
    Ahead,
}

/// What a phase is to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GoalView {
    /// `availability`, `ttft_p99`, …
    pub name: String,
    /// In words: `availability`, `time to first token, p99`.
    pub title: String,
    /// `at least 99.9%`.
    pub target: String,
}

/// What is done in a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StepView {
    /// Its name in the phase.
    pub name: String,
    /// What it is.
    pub summary: String,
    /// Nobody but its owner does it: Floodway does not, and does not know whether it is
    /// done.
    pub manual: bool,
    /// Floodway does it, and the environment is where it has been declared.
    pub in_force: bool,
    /// Who does it, or answers for it.
    pub owner: Option<String>,
    /// Steps that come before it: `hpa`, `short.hpa`.
    pub after: Vec<String>,
    /// Whether readers want the keys folded.
    pub long: bool,
    /// The keys that it sets.
    pub set: Vec<SettingView>,
    /// The keys that it does without.
    pub unset: Vec<String>,
}

/// A key that a step sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SettingView {
    /// `onprem.pools.h100.hpa.cpu`.
    pub key: String,
    /// As it is written.
    pub value: String,
}

/// What a backtest expects of the SLO.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExpectedSloView {
    /// Share of good minutes, from 0 to 1.
    pub good_minutes: f64,
    /// On which load it was tried.
    pub source: String,
}

/// What may go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RiskView {
    /// What.
    pub risk: String,
    /// What stands against it.
    pub guard: String,
}

/// What was recorded before and after a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RecordView {
    /// When, before it (RFC 3339).
    pub before: Option<String>,
    /// When, after it (RFC 3339).
    pub after: Option<String>,
    /// Number by number.
    pub rows: Vec<RecordRowView>,
}

/// A number before and after a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RecordRowView {
    /// What was measured.
    pub name: String,
    /// As people read it; null: it was not measured.
    pub before: Option<String>,
    /// The same, after.
    pub after: Option<String>,
}
