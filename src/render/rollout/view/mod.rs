//! What readers are told about a rollout: the one model that Markdown, HTML, Mermaid
//! and JSON print, and that the templates of an environment are given.

mod criterion;
mod phase;
mod plan;
mod timeline;

pub use criterion::{CriterionView, VerdictView};
pub use phase::{
    ExpectedSloView, GoalView, PhaseState, PhaseView, RecordRowView, RecordView, RiskView,
    SettingView, StepView,
};
pub use plan::{
    FieldChangeView, PhaseChangeView, PhasePlanView, ReachView, StageReachView, StartView,
};
pub use timeline::{
    BarView, BoxView, FlowPhaseView, FlowchartView, LinkView, MilestoneView, TickView, TimelineView,
};

use schemars::JsonSchema;
use serde::Serialize;

/// An environment's way, as readers see it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RolloutView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The version of Floodway that wrote it.
    pub floodway_version: String,
    /// The environment's name.
    pub environment: String,
    /// The file that declares it.
    pub file: String,
    /// What it runs: the service's name.
    pub service: String,
    /// When the criteria were measured (RFC 3339); null: they were not.
    pub measured_at: Option<String>,
    /// Why nothing was measured; null: something was.
    pub unmeasured: Option<String>,
    /// Where it stands, and what comes next.
    pub summary: SummaryView,
    /// The phases on a line of time.
    pub timeline: TimelineView,
    /// The steps, and which come before which.
    pub steps: FlowchartView,
    /// What the file asks for before the first phase.
    pub start: StartView,
    /// The phases that were asked for, earliest first.
    pub phases: Vec<PhaseView>,
    /// Every promotion and rollback, oldest first.
    pub history: Vec<PassageView>,
}

/// Where an environment stands.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SummaryView {
    /// In one sentence.
    pub standing: String,
    /// The phase that is live; null: none yet.
    pub live: Option<String>,
    /// Since when, as the file's history says.
    pub since: Option<String>,
    /// Exit criteria of the live phase that hold.
    pub met: usize,
    /// Exit criteria of the live phase.
    pub criteria: usize,
    /// What to do next.
    pub next: NextView,
    /// The most important numbers.
    pub tiles: Vec<TileView>,
}

/// A number, and what to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TileView {
    /// What it is.
    pub title: String,
    /// The number.
    pub value: String,
    /// What else to know.
    pub note: String,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NextView {
    /// How it stands: `good`, `wait` or `bad`.
    pub tone: Tone,
    /// In words.
    pub text: String,
    /// The command; null: there is none.
    pub command: Option<String>,
}

/// How good something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// As it should be.
    Good,
    /// Not there yet, or not known.
    Wait,
    /// Something must be done.
    Bad,
}

/// A promotion or a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PassageView {
    /// When (RFC 3339).
    pub at: String,
    /// `promoted` or `rolled back`.
    pub what: String,
    /// The phase before; null: the file before the first one.
    pub from: Option<String>,
    /// The phase since; null: the file before the first one.
    pub to: Option<String>,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// Criteria that stood against it.
    pub overridden: Vec<String>,
}
