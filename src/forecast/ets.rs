//! Exponential smoothing with error and trend chosen by their fit (ETS; Hyndman
//! et al., 2008), which has Holt's and Holt's damped method in it. Seasons are
//! [`super::Mstl`]'s: a season of a day in minutes has more states than ETS can
//! be fitted with.

use super::fill::{filled, level, mostly_known};
use super::{Context, Forecaster, NotFit};
use crate::signal::Series;
use augurs_core::{Fit as _, Predict as _};
use augurs_ets::AutoETS;

/// The steps that it is fitted to: older ones have no weight left.
pub(super) const LAST: usize = 120;

/// The fewest values that it is fitted to.
const FEWEST: usize = 16;

/// Exponential smoothing of the last 120 steps, fitted anew each time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ets {}

impl Forecaster for Ets {
    fn name(&self) -> &'static str {
        "ets"
    }

    fn path(&self, history: &Series, _: &Context, steps: usize) -> Result<Vec<f64>, NotFit> {
        if !mostly_known(history, LAST) {
            return Err(NotFit::new(format!("over half of the last {LAST} steps is gaps")));
        }
        let values = filled(history);
        let path = smoothed(&values[values.len().saturating_sub(LAST)..], steps)?;
        Ok(path.into_iter().map(|value| value.max(0.0)).collect())
    }
}

/// The smoothed path after `values`.
pub(super) fn smoothed(values: &[f64], steps: usize) -> Result<Vec<f64>, NotFit> {
    if values.len() < FEWEST {
        return Err(NotFit::new(format!("{} values, where it needs {FEWEST}", values.len())));
    }
    // The fit divides by the variance, and is best conditioned around one.
    let scale = level(values);
    let last = values[values.len() - 1];
    if scale == 0.0 || values.iter().all(|value| (value - last).abs() < 1e-9 * scale) {
        return Ok(vec![last; steps]);
    }
    let scaled: Vec<f64> = values.iter().map(|value| value / scale).collect();
    let fitted = AutoETS::new(1, "AAN").and_then(|model| model.damped(true)?.fit(&scaled));
    let path = fitted.and_then(|fitted| fitted.predict(steps, None));
    let path = path.map_err(|error| NotFit::new(format!("it could not be fitted: {error}")))?;
    Ok(path.point.into_iter().map(|value| value * scale).collect())
}
