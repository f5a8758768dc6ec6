//! What the load will be: forecasters and their scores. No clock, no files.

use crate::clock::Timestamp;
use crate::signal::Series;
use crate::units::Span;

/// What is known about every step of a series and of its horizon, whatever the
/// load was: one row of inputs for each step, the first for the first step of
/// the history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// The names of the inputs: `weekend`, `holiday`, `event`, `upstream/NAME`.
    pub inputs: Vec<String>,
    /// A row for each step, longer than the history by what is known ahead; a gap
    /// is what is not known.
    pub rows: Vec<Vec<Option<f64>>>,
}

/// A forecaster of one series.
pub trait Forecaster: Send + Sync {
    /// How users name it: `persistence`, `lstm`.
    fn name(&self) -> &'static str;

    /// The most likely path of the next `steps` steps after the end of `history`.
    ///
    /// # Errors
    /// [`NotFit`] where the history is too short or has too many gaps for it.
    fn path(&self, history: &Series, context: &Context, steps: usize) -> Result<Vec<f64>, NotFit>;
}

/// Why a forecaster has nothing to say, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFit(pub String);

/// What the load will be, step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The last step of the history that it was made from; the first value is one
    /// step later.
    pub origin: Timestamp,
    /// From one value to the next.
    pub step: Span,
    /// Which forecaster made it.
    pub by: &'static str,
    /// The most likely path.
    pub path: Vec<f64>,
    /// Calibrated quantiles, the lowest first, each as long as the path.
    pub quantiles: Vec<Quantile>,
}

/// A path below which the load stays with a given probability.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantile {
    /// The probability, between 0 and 1.
    pub level: f64,
    /// The load at each step.
    pub path: Vec<f64>,
}
