//! What readers are told about what runs now.

use crate::render::hands::SaidView;
use crate::render::plan::{OwnerView, PlaceView, SpotView};
use schemars::JsonSchema;
use serde::Serialize;

/// What runs now, stage by stage. Also the document that `status --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Floodway status")]
pub struct StatusView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The environment's name.
    pub environment: String,
    /// The file that declares it.
    pub file: String,
    /// The service's name.
    pub service: String,
    /// The model that it serves.
    pub model: String,
    /// Where it runs.
    pub namespace: String,
    /// The rollout phase that is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// When this was seen (RFC 3339).
    pub as_of: String,
    /// The places it was seen in.
    pub places: Vec<PlaceView>,
    /// By stage.
    pub stages: Vec<StageStatus>,
    /// What operators have said by hand, and still counts; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hands: Option<SaidView>,
    /// What the controller decided last, where it was looked for: of environments
    /// whose pools it scales.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionView>,
    /// What could not be seen: numbers above may be too low by it.
    pub gaps: Vec<GapView>,
    /// What users should know.
    pub notes: Vec<String>,
    /// Sums.
    pub totals: StatusTotals,
    /// All of it in one line.
    pub summary: String,
}

/// What the controller decided last, as far as it is on record on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecisionView {
    /// The decision log that was read.
    pub looked_in: String,
    /// When it was decided (RFC 3339); absent where the log has no decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The pools whose number is the controller's.
    pub pools: Vec<DecidedPool>,
}

/// What was decided of one pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecidedPool {
    /// Its name.
    pub pool: String,
    /// Units that were asked for.
    pub now: u32,
    /// Units that were wanted.
    pub wanted: u32,
    /// Why, the deciding reason first.
    pub why: Vec<String>,
    /// What was held, and by what.
    pub held: Vec<String>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StageStatus {
    /// Its name.
    pub stage: String,
    /// What the ready units carry inside the SLO.
    pub requests_per_second: f64,
    /// What they would carry with every pool at its max.
    pub requests_per_second_at_max: f64,
    /// The demand that git declares for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_demand: Option<f64>,
    /// Its pools.
    pub pools: Vec<PoolStatus>,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PoolStatus {
    /// Its name.
    pub pool: String,
    /// `replicas` on-prem, `instances` in a burst pool.
    pub unit: String,
    /// Whether there is anything of it.
    pub exists: bool,
    /// Units asked for.
    pub desired: u32,
    /// Units that serve.
    pub ready: u32,
    /// Units that are asked for, or exist, and do not serve yet.
    pub pending: u32,
    /// The fewest.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// Who sets desired.
    pub owner: OwnerView,
    /// Of a burst pool whose instances join the cluster: pods on them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodsView>,
    /// Its nodes.
    pub nodes: NodesView,
    /// Its nodes' GPUs; absent for a stage without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpus: Option<GpusView>,
    /// What the ready units carry inside the SLO.
    pub requests_per_second: f64,
    /// What its instances cost: spot as the market says, where it says so, and
    /// else at on-demand prices. On-prem what its replicas cost, where that is
    /// declared. Absent where a price is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<f64>,
    /// Of a burst pool.
    pub groups: Vec<GroupStatus>,
    /// Why units do not serve.
    pub problems: Vec<ProblemView>,
}

/// Pods of a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PodsView {
    /// Asked for.
    pub desired: u32,
    /// Serving.
    pub ready: u32,
}

/// Nodes that a pool's units run on. Pools may share nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NodesView {
    /// Ready and open to new pods.
    pub ready: u32,
    /// In any state.
    pub total: u32,
}

/// GPUs of a set of nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GpusView {
    /// May be asked for.
    pub allocatable: u32,
    /// Pods have them.
    pub used: u32,
    /// The nodes have them and do not offer them.
    pub unhealthy: u32,
}

/// One group of instances of a burst pool.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GroupStatus {
    /// Its name on AWS; absent where it does not exist yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The instance types that it may start, the best first.
    pub instance_types: Vec<String>,
    /// `on-demand` or `spot`.
    pub capacity_type: String,
    /// AWS region.
    pub region: String,
    /// Asked for.
    pub desired: u32,
    /// In service.
    pub ready: u32,
    /// Not in service yet.
    pub pending: u32,
    /// On-demand price of an instance, of the dearest type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour_each: Option<f64>,
    /// Of spot: what the market says of the dearest type. Absent where that is not
    /// known of each; then the price on demand counts, as an upper bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot: Option<SpotView>,
}

/// Why units do not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProblemView {
    /// `image_pull`, `crash_loop`, `unschedulable`, `refused`,
    /// `insufficient_capacity`, `starting`, `other`.
    pub kind: String,
    /// How many units.
    pub units: u32,
    /// What the place itself says.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Something that could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GapView {
    /// `kubernetes` or `aws`.
    pub side: String,
    /// What.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
    /// Whether owned things may be hidden by it.
    pub hides_members: bool,
}

/// Sums.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct StatusTotals {
    /// Burst instances in service.
    pub burst_instances: u32,
    /// GPUs of all nodes that serve a pool, each node once.
    pub gpus: GpusView,
    /// Burst, as far as prices are known.
    pub usd_per_hour: f64,
    /// Burst pools of which a price is unknown, and whose instances cost more.
    pub unpriced: Vec<String>,
}
