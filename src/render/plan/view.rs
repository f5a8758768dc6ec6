//! What readers are told about a plan: the one model that text and JSON (and
//! later Markdown and HTML) print. Its JSON is an interface, so it has types of
//! its own; the plan's may change beneath it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A plan, as readers see it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlanView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The version of Floodway that wrote it.
    pub floodway_version: String,
    /// Whose plan it is.
    pub environment: EnvironmentView,
    /// When the world that it was computed from was seen (RFC 3339).
    pub as_of: String,
    /// The places it was computed for.
    pub places: Vec<PlaceView>,
    /// What `--target` restricted it to; empty: the whole environment.
    pub targets: Vec<String>,
    /// Whether it may be applied: there are no refusals.
    pub applicable: bool,
    /// Capacity, pool by pool, grouped by stage.
    pub pools: Vec<PoolView>,
    /// What changes, in the order of applying.
    pub changes: Vec<ChangeView>,
    /// How many things stay as they are.
    pub unchanged: usize,
    /// Changes that the server has not checked, by reason.
    pub unchecked: Vec<UncheckedView>,
    /// What users should know.
    pub warnings: Vec<String>,
    /// Why it may not be applied.
    pub refusals: Vec<RefusalView>,
    /// Sums.
    pub totals: TotalsView,
    /// All of it in one line.
    pub summary: String,
}

/// Whose plan it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EnvironmentView {
    /// The environment's name.
    pub name: String,
    /// The file that declares it.
    pub file: String,
    /// The repository; `local` without one.
    pub repository: String,
    /// SHA-256 of the resolved environment.
    pub digest: String,
}

/// A place, known by what cannot be renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlaceView {
    /// `kubernetes` or `aws`.
    pub side: String,
    /// For people.
    pub title: String,
    /// What cannot be renamed: a UID, an account and region.
    pub identity: String,
}

/// How much of something there was, and will be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct FlowView<T> {
    /// Now.
    pub before: T,
    /// After the apply, as far as git decides it.
    pub after: T,
}

/// One pool's capacity.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PoolView {
    /// The pool.
    pub pool: String,
    /// Its stage.
    pub stage: String,
    /// `replicas` or `instances`.
    pub unit: String,
    /// How many of them.
    pub units: FlowView<u32>,
    /// The fewest.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// Who sets the number.
    pub owner: OwnerView,
    /// Inside the SLO.
    pub requests_per_second: FlowView<f64>,
    /// GPUs.
    pub gpus: FlowView<u32>,
    /// At on-demand list prices; absent where a price is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<FlowView<f64>>,
    /// Why this many, the deciding reason first.
    pub reasons: Vec<ReasonView>,
}

/// Who sets a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnerView {
    /// The TOML file.
    Git,
    /// The HorizontalPodAutoscaler.
    Hpa,
    /// `floodway run`.
    Controller,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReasonView {
    /// In words.
    pub text: String,
    /// Key in the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// File and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionView {
    /// Nothing: it is as it should be. Not in a plan's `changes`.
    NoOp,
    /// `+`
    Create,
    /// `~`
    Update,
    /// `-/+`: the new one first, then drain and delete the old one.
    Replace,
    /// `-`
    Delete,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChangeView {
    /// Its unique name: `kubernetes_deployment.inference/deepseek-h100`.
    pub address: String,
    /// `Deployment`, `AutoScalingGroup`.
    pub kind: String,
    /// Namespace or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Its name there; of a replacement, the new one.
    pub name: String,
    /// Of a replacement, the old name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// What happens.
    pub action: ActionView,
    /// Why.
    pub reason: ReasonView,
    /// Of a create, what matters most about it, in words.
    pub highlights: Vec<String>,
    /// What differs; of a create, all that comes; of a delete, all that goes.
    pub fields: Vec<FieldView>,
    /// How many owned fields stay.
    pub unchanged_fields: usize,
    /// The field that git does not own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<OwnedView>,
    /// The pool it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Whether the server has accepted it in a dry run; absent where there is
    /// nothing to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_by_server: Option<bool>,
    /// What else to know.
    pub notes: Vec<String>,
    /// Exactly what apply does, in this order.
    pub steps: Vec<String>,
    /// Whether there is more to the steps than one write and a wait.
    #[serde(skip)]
    pub stepwise: bool,
    /// Addresses of changes that are done first.
    pub after: Vec<String>,
}

/// One field's difference.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FieldView {
    /// `spec.template.spec.containers[server].image`.
    pub path: String,
    /// Absent: the field is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Absent: the field goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// The values are not shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
}

/// A field that git leaves alone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OwnedView {
    /// The field.
    pub path: String,
    /// Its live value; of a create, the one it starts with; absent where there
    /// is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Who owns it.
    pub owner: OwnerView,
}

/// Changes that the server has not checked, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UncheckedView {
    /// Why it could not be asked.
    pub why: String,
    /// Which changes.
    pub addresses: Vec<String>,
}

/// Why a plan may not be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RefusalView {
    /// Which guard.
    pub guard: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Sums over a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct TotalsView {
    /// `+`
    pub add: usize,
    /// `~`
    pub change: usize,
    /// `-/+`
    pub replace: usize,
    /// `-`
    pub destroy: usize,
    /// Burst nodes.
    pub nodes: FlowView<u32>,
    /// On-prem and burst.
    pub gpus: FlowView<u32>,
    /// By stage, in its name's order.
    pub capacity: Vec<StageCapacityView>,
    /// Burst, at on-demand list prices.
    pub usd_per_hour: FlowView<f64>,
    /// Pools whose price is unknown and not in the sum.
    pub unpriced: Vec<String>,
}

/// One stage's capacity.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StageCapacityView {
    /// The stage.
    pub stage: String,
    /// Inside the SLO.
    pub requests_per_second: FlowView<f64>,
}
