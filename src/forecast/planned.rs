//! Planned events, as the factor that they are expected to have.

use super::{Context, EVENT, Forecaster, NotFit};
use crate::signal::Series;
use crate::units::Span;

/// A forecaster that sees the load without the events: their factor is taken out
/// of its history and put back on its path. Without events it is the forecaster
/// itself.
pub struct Planned {
    inner: Box<dyn Forecaster>,
}

impl Planned {
    /// Around `inner`.
    pub fn new(inner: Box<dyn Forecaster>) -> Self {
        Self { inner }
    }
}

/// The factor at each step; `None` where there is nothing but ordinary steps.
fn factors(context: &Context) -> Option<impl Fn(usize) -> f64> {
    let values = context.values(context.column(EVENT)?);
    let sound = |value: Option<f64>| value.filter(|f| f.is_finite() && *f > 0.0).unwrap_or(1.0);
    let planned = values.iter().any(|value| *value != Some(1.0) && sound(*value) != 1.0);
    planned.then_some(move |index: usize| sound(values.get(index).copied().flatten()))
}

fn ordinary(history: &Series, factor: &impl Fn(usize) -> f64) -> Series {
    let values = history.values().iter().enumerate();
    let values = values.map(|(index, value)| value.map(|value| value / factor(index)));
    Series::new(history.start(), history.step(), values.collect())
}

impl Forecaster for Planned {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn path(&self, history: &Series, context: &Context, steps: usize) -> Result<Vec<f64>, NotFit> {
        let Some(factor) = factors(context) else {
            return self.inner.path(history, context, steps);
        };
        let path = self.inner.path(&ordinary(history, &factor), context, steps)?;
        let ahead = path.iter().enumerate();
        Ok(ahead.map(|(step, value)| value * factor(history.len() + step)).collect())
    }

    fn refit_every(&self) -> Option<Span> {
        self.inner.refit_every()
    }

    fn refit(&mut self, history: &Series, context: &Context) -> Result<(), NotFit> {
        match factors(context) {
            Some(factor) => self.inner.refit(&ordinary(history, &factor), context),
            None => self.inner.refit(history, context),
        }
    }
}
