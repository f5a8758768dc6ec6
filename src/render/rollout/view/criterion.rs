//! What readers are told about a criterion.

use schemars::JsonSchema;
use serde::Serialize;

/// By what a phase is known to be done, or given up.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CriterionView {
    /// Its name in the phase.
    pub name: String,
    /// What it means, in words.
    pub summary: Option<String>,
    /// What is measured: a name that Floodway knows, or a PromQL query.
    pub measured: String,
    /// What it is held against: `at least 99.9%`.
    pub target: String,
    /// Over how long: `24h`.
    pub window: String,
    /// The value as people read it; null: nothing is known of it.
    pub value: Option<String>,
    /// The value as it was measured, in the unit of the query.
    pub number: Option<f64>,
    /// Since when it stands so (RFC 3339), as far back as was looked.
    pub since: Option<String>,
    /// How it stands.
    pub verdict: VerdictView,
    /// Why there is no data.
    pub why: Option<String>,
}

/// How a criterion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictView {
    /// An exit criterion holds.
    Met,
    /// An exit criterion does not hold yet.
    NotYet,
    /// An abort criterion does not hold.
    Clear,
    /// An abort criterion holds.
    Abort,
    /// There is too little to tell.
    NoData,
}
