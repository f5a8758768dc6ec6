//! What the load will be: forecasters and their scores. No clock, no files.
//!
//! The one who asks keeps a [`Race`] and calls it once per tick. Everything here
//! is a function of the history and of the [`Context`] that it is given.

mod calendar;
mod conformal;
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

pub use calendar::{CalendarInputs, ContextError, EventWindow, build as context, inputs};
pub use conformal::{Calibration, FIRST_RESIDUALS, WINDOW};
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

/// Inputs with this beginning are measured: nothing is known of them ahead.
pub const UPSTREAM: &str = "upstream/";

/// The input that holds the expected factor of the events that are on.
pub const EVENT: &str = "event";

impl Context {
    /// Where the input `name` is in each row.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|input| input == name)
    }

    /// Input `column` at step `index`; a gap also where there is no such row.
    pub fn at(&self, index: usize, column: usize) -> Option<f64> {
        let value = *self.rows.get(index)?.get(column)?;
        value.filter(|value| value.is_finite())
    }

    /// The inputs of step `target` as they are known at step `origin`: what is
    /// measured is that of the origin.
    pub fn known(&self, origin: usize, target: usize) -> Vec<Option<f64>> {
        let of = |(column, input): (usize, &String)| {
            self.at(if input.starts_with(UPSTREAM) { origin } else { target }, column)
        };
        self.inputs.iter().enumerate().map(of).collect()
    }

    /// Whether all that is measured and `counts` is known at step `origin`.
    ///
    /// # Errors
    /// [`NotFit`] with the name of what is not.
    fn measured(&self, origin: usize, counts: impl Fn(usize) -> bool) -> Result<(), NotFit> {
        for (column, input) in self.inputs.iter().enumerate() {
            let Some(service) = input.strip_prefix(UPSTREAM) else { continue };
            if counts(column) && self.at(origin, column).is_none() {
                return Err(NotFit::new(format!(
                    "it reads the load of {service}, which is not known now"
                )));
            }
        }
        Ok(())
    }

    /// What was known when the history had `len` steps, with `ahead` rows more:
    /// what is measured is not known of those.
    #[must_use]
    pub fn as_of(&self, len: usize, ahead: usize) -> Self {
        let mut known = Self { inputs: self.inputs.clone(), rows: Vec::new() };
        known.rows.extend(self.rows.iter().take(len).cloned());
        known.look_ahead(self, len, ahead);
        known
    }

    /// Puts the rows from `len` on in the place of its own, as they are known
    /// ahead of their time.
    fn look_ahead(&mut self, all: &Self, len: usize, ahead: usize) {
        self.rows.truncate(len);
        self.rows.resize(len, vec![None; self.inputs.len()]);
        for index in len..len + ahead {
            let cell = |(column, input): (usize, &String)| {
                (!input.starts_with(UPSTREAM)).then(|| all.at(index, column)).flatten()
            };
            self.rows.push(self.inputs.iter().enumerate().map(cell).collect());
        }
    }
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
