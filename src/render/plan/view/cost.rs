//! What readers are told about costs.

use schemars::JsonSchema;
use serde::Serialize;

/// What an hour costs, in dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct AmountView {
    /// The sum of what has a price; absent where nothing of it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    /// Something in it has no price: it costs more.
    pub at_least: bool,
}

/// What an hour costs, at three times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct CostView {
    /// Now.
    pub before: AmountView,
    /// After the apply, as far as git decides it.
    pub after: AmountView,
    /// With every pool at its max, of its dearest type, at on-demand prices.
    pub at_max: AmountView,
}

/// A pool's cost in one market.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MarketCostView {
    /// `on-demand` or `spot`.
    pub capacity_type: String,
    /// What it costs there; at max: with all of the pool in this market. The
    /// pool's own cost at max is no sum of these.
    pub cost: CostView,
}

/// A price that costs are made of.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PriceView {
    /// Instance type; absent for a replica on-prem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// `on-demand` or `spot`; absent for a replica on-prem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_type: Option<String>,
    /// AWS region; absent for a replica on-prem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// On demand, or as declared; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<f64>,
    /// The day that it was true on; absent for what is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// Who says so: a file, with the line where it is the environment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Of spot: what the market says. Absent where that is not known; then the
    /// price on demand counts, as an upper bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot: Option<SpotView>,
}

/// What the market says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SpotView {
    /// An hour of an instance.
    pub usd_per_hour: f64,
    /// The dearest of the zones that were asked about.
    pub zone: String,
    /// Since when (RFC 3339).
    pub at: String,
}
