//! What the load will be: forecasters and their scores. No clock, no files.
//!
//! The one who asks keeps a [`Race`] and calls it once per tick. Everything here
//! is a function of the history and of the [`Context`] that it is given.

mod calendar;
mod conformal;
mod context;
mod ets;
mod fill;
mod linear;
mod loss;
#[cfg(feature = "lstm")]
mod lstm;
mod mstl;
mod naive;
mod planned;
mod race;
mod score;
mod seasons;
#[cfg(test)]
mod tests;
mod trained;
mod weights;

pub use calendar::{Almanac, CalendarInputs, ContextError, EventWindow, context, inputs};
pub use conformal::{Calibration, FIRST_RESIDUALS, WINDOW};
pub use context::{Context, EVENT, UPSTREAM};
pub use ets::Ets;
pub use fill::{LONGEST_LINE, filled};
pub use linear::Linear;
pub use loss::{coverage, pinball, wape};
#[cfg(feature = "lstm")]
pub use lstm::{Lstm, Training};
pub use mstl::Mstl;
pub use naive::{Persistence, Seasonal};
pub use planned::Planned;
pub use race::{Issued, MOST_STEPS, Race, RaceConfig, RaceState, Standing};
pub use score::{CHOSEN, LeadScore, Score, Scored, score};
pub use trained::{Trained, forecaster};
pub use weights::{Provenance, WeightsError, model_of};

use crate::clock::Timestamp;
use crate::signal::Series;
use crate::units::Span;

/// A forecaster of one series.
pub trait Forecaster: Send + Sync {
    /// How users name it: `persistence`, `lstm`.
    fn name(&self) -> &'static str;

    /// The most likely path of the next `steps` steps after the end of `history`.
    ///
    /// # Errors
    /// [`NotFit`] where the history is too short or has too many gaps for it.
    fn path(&self, history: &Series, context: &Context, steps: usize) -> Result<Vec<f64>, NotFit>;

    /// How often it wants [`Self::refit`]; `None` where it learns nothing.
    fn refit_every(&self) -> Option<Span> {
        None
    }

    /// Learns from `history`; costly, so it is called rarely.
    ///
    /// # Errors
    /// [`NotFit`] where the history is too short; what it knew before stays.
    fn refit(&mut self, history: &Series, context: &Context) -> Result<(), NotFit> {
        let _ = (history, context);
        Ok(())
    }
}

/// Why a forecaster has nothing to say, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFit(pub String);

impl NotFit {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// Every forecaster that needs no weights of its own: what a race begins with.
pub fn standard() -> Vec<Box<dyn Forecaster>> {
    let planned = |inner: Box<dyn Forecaster>| Box::new(Planned::new(inner)) as Box<dyn Forecaster>;
    vec![
        Box::new(Persistence),
        planned(Box::new(Seasonal::day())),
        planned(Box::new(Seasonal::week())),
        planned(Box::<Ets>::default()),
        planned(Box::<Mstl>::default()),
        planned(Box::<Linear>::default()),
    ]
}

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
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Quantile {
    /// The probability, between 0 and 1.
    pub level: f64,
    /// The load at each step.
    pub path: Vec<f64>,
}
