//! What readers are told about the plan of a phase.

use crate::render::plan::{ActionView, PoolView, ReasonView, RefusalView, TotalsView};
use schemars::JsonSchema;
use serde::Serialize;

/// The file before the first phase: what every phase is measured by.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StartView {
    /// Capacity, pool by pool.
    pub pools: Vec<PoolView>,
    /// Sums.
    pub totals: TotalsView,
    /// How far it reaches.
    pub reach: ReachView,
    /// Why there is none; null: there is.
    pub failure: Option<String>,
}

/// What a phase changes, planned in a simulated world.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PhasePlanView {
    /// The phase that it is compared with; null: the file before the first one.
    pub from: Option<String>,
    /// All of it in one line.
    pub summary: String,
    /// Whether readers want it folded.
    pub long: bool,
    /// Capacity, pool by pool.
    pub pools: Vec<PoolView>,
    /// What changes, in the order of applying.
    pub changes: Vec<PhaseChangeView>,
    /// How many things stay as they are.
    pub unchanged: usize,
    /// What users should know.
    pub warnings: Vec<String>,
    /// Why it may not be applied.
    pub refusals: Vec<RefusalView>,
    /// Sums.
    pub totals: TotalsView,
    /// How far it reaches.
    pub reach: ReachView,
    /// Why there is no plan, or why the simulated world did not get there; null: there
    /// is, and it did.
    pub failure: Option<String>,
}

/// What there is at first, and with every pool at its max.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ReachView {
    /// GPUs at first.
    pub gpus: u32,
    /// GPUs at most.
    pub gpus_at_max: u32,
    /// By stage.
    pub capacity: Vec<StageReachView>,
}

/// What one stage carries inside the SLO.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StageReachView {
    /// The stage.
    pub stage: String,
    /// At first.
    pub requests_per_second: f64,
    /// With every pool at its max, of a burst pool of the type that it prefers.
    pub at_max: f64,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PhaseChangeView {
    /// What happens.
    pub action: ActionView,
    /// `+`, `~`, `-/+`, `-`.
    pub symbol: String,
    /// Its unique name: `kubernetes_deployment.inference/deepseek-h100`.
    pub address: String,
    /// `Deployment`, `AutoScalingGroup`.
    pub kind: String,
    /// The pool it serves.
    pub pool: Option<String>,
    /// The wave it goes out in, from 1; null: there are none.
    pub wave: Option<u32>,
    /// Why.
    pub reason: ReasonView,
    /// Of a create, what matters most about it.
    pub highlights: Vec<String>,
    /// Of an update or a replacement, what differs.
    pub fields: Vec<FieldChangeView>,
    /// What else to know.
    pub notes: Vec<String>,
}

/// One field's difference, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldChangeView {
    /// `spec.minReplicas`.
    pub path: String,
    /// Null: the field is not there.
    pub before: Option<String>,
    /// Null: the field goes.
    pub after: Option<String>,
}
