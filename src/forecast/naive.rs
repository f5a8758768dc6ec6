//! What was, again: the forecasters that every other one has to beat.

use super::fill::{filled, mostly_known};
use super::seasons::{DAY, WEEK, steps_in};
use super::{Context, Forecaster, NotFit};
use crate::signal::Series;
use crate::units::Span;

/// The last value stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Persistence;

impl Forecaster for Persistence {
    fn name(&self) -> &'static str {
        "persistence"
    }

    fn path(&self, history: &Series, _: &Context, steps: usize) -> Result<Vec<f64>, NotFit> {
        let (_, value) = history.last().ok_or_else(|| NotFit::new("there is no value yet"))?;
        Ok(vec![value; steps])
    }
}

/// It is as it was one period before (seasonal naive).
#[derive(Debug, Clone, Copy)]
pub struct Seasonal {
    name: &'static str,
    period: Span,
}

impl Seasonal {
    /// As a day before.
    pub fn day() -> Self {
        Self { name: "seasonal-day", period: DAY }
    }

    /// As a week before.
    pub fn week() -> Self {
        Self { name: "seasonal-week", period: WEEK }
    }
}

impl Forecaster for Seasonal {
    fn name(&self) -> &'static str {
        self.name
    }

    fn path(&self, history: &Series, _: &Context, steps: usize) -> Result<Vec<f64>, NotFit> {
        let period = steps_in(self.period, history);
        let short = || NotFit::new(format!("there is less than {} of history", self.period));
        let values = filled(history);
        let from = values.len().checked_sub(period).ok_or_else(short)?;
        if !mostly_known(history, period) {
            return Err(NotFit::new(format!("over half of the last {} is gaps", self.period)));
        }
        Ok((0..steps).map(|step| values[from + step % period]).collect())
    }
}
