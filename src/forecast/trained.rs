//! Forecasters that were trained before, from their weights.

use super::weights::{Provenance, WeightsError, model_of};
use super::{Forecaster, Linear, Planned, RaceConfig};
use crate::units::Span;
use std::sync::Arc;

/// Weights for one horizon and one set of inputs, known to fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    bytes: Arc<[u8]>,
    provenance: Provenance,
}

impl Trained {
    /// The weights in `bytes`, for a context of `inputs` and a look ahead as far as
    /// `horizon`.
    ///
    /// # Errors
    /// Where they are none, of something else, or of a forecaster that this build
    /// does not have.
    pub fn of(bytes: Arc<[u8]>, inputs: &[String], horizon: Span) -> Result<Self, WeightsError> {
        let provenance = model_of(&bytes)?;
        let asked = RaceConfig { horizon, quantile: 0.5 };
        if asked.steps(provenance.step) != provenance.steps {
            let of = format!("{} steps of {}", provenance.steps, provenance.step);
            return Err(WeightsError::Other { of, here: format!("a horizon of {horizon}") });
        }
        let trained = Self { bytes, provenance };
        trained.forecaster(inputs)?;
        Ok(trained)
    }

    /// From step to step, as they were trained: the history that they read must have
    /// the same.
    pub fn step(&self) -> Span {
        self.provenance.step
    }

    /// Whether they are for these steps: from one to the next, and how many ahead.
    pub fn fits(&self, of: (Span, usize)) -> bool {
        (self.provenance.step, self.provenance.steps) == of
    }

    /// The forecaster.
    ///
    /// # Errors
    /// Where it reads other inputs.
    pub fn forecaster(&self, inputs: &[String]) -> Result<Box<dyn Forecaster>, WeightsError> {
        let Provenance { step, steps, .. } = self.provenance;
        forecaster(&self.bytes, inputs, (step, steps))
    }
}

/// The forecaster of the weights in `bytes`, for a history and a horizon of these
/// steps and a context of these inputs.
///
/// # Errors
/// Where they are none, of something else, or of a forecaster that this build does
/// not have.
pub fn forecaster(
    bytes: &[u8],
    inputs: &[String],
    of: (Span, usize),
) -> Result<Box<dyn Forecaster>, WeightsError> {
    let one: Box<dyn Forecaster> = match model_of(bytes)?.model.as_str() {
        #[cfg(feature = "lstm")]
        "lstm" => Box::new(super::Lstm::from_bytes(bytes, inputs, of)?),
        #[cfg(not(feature = "lstm"))]
        "lstm" => return Err(WeightsError::Absent("lstm")),
        _ => Box::new(Linear::from_bytes(bytes, inputs, of)?),
    };
    Ok(Box::new(Planned::new(one)))
}
