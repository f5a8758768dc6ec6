//! In which waves changes go out.

use schemars::JsonSchema;
use serde::Serialize;

/// The waves of a plan: one begins when all of the one before is done, has been
/// waited for, and nothing speaks against it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WavesView {
    /// Seconds of wait after each.
    pub wait_s: f64,
    /// The waves, the first one first; those too that nothing is left to do in.
    pub waves: Vec<WaveView>,
}

/// One wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WaveView {
    /// Which, counted from 1.
    pub wave: u32,
    /// Its pools.
    pub pools: Vec<String>,
    /// How many changes are in it.
    pub changes: usize,
}
