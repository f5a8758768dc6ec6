//! What readers are told about a plan: the one model that text and JSON (and
//! later Markdown and HTML) print. Its JSON is an interface, so it has types of
//! its own; the plan's may change beneath it.

mod change;
mod cost;
mod image;
mod waves;

pub use change::{ActionView, ChangeView, FieldView, OwnedView, OwnerView, ReasonView};
pub use cost::{AmountView, CostView, MarketCostView, PriceView, SpotView};
pub use image::{DiffersView, ImageView, PackageView};
pub use waves::{WaveView, WavesView};

use schemars::JsonSchema;
use serde::Serialize;

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
    /// What was not read, and is taken to be as it was last written; and what
    /// reads it.
    pub believed: Vec<String>,
    /// What `--target` restricted it to; empty: the whole environment.
    pub targets: Vec<String>,
    /// Whether it may be applied: there are no refusals.
    pub applicable: bool,
    /// Capacity, pool by pool, grouped by stage.
    pub pools: Vec<PoolView>,
    /// What changes, in the order of applying.
    pub changes: Vec<ChangeView>,
    /// In which waves they go out over pools; absent: all at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waves: Option<WavesView>,
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
    /// Units that go and whose capacity is not known any more.
    pub uncounted: u32,
    /// GPUs.
    pub gpus: FlowView<u32>,
    /// What an hour costs; absent where a price is unknown. [`Self::cost`] says
    /// more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<FlowView<f64>>,
    /// What an hour costs: of spot the market's price where it is known.
    pub cost: CostView,
    /// The same by capacity type, of a burst pool.
    pub markets: Vec<MarketCostView>,
    /// The prices that these costs are made of.
    pub prices: Vec<PriceView>,
    /// Why this many, the deciding reason first.
    pub reasons: Vec<ReasonView>,
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
    /// The burst pools whose prices are known, before and after.
    pub usd_per_hour: FlowView<f64>,
    /// What an hour of burst costs.
    pub burst: CostView,
    /// What an hour of on-prem replicas costs, as declared.
    pub on_prem: CostView,
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
