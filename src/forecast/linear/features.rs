//! What a linear forecaster looks at.

use super::super::Context;
use super::periods;
use crate::signal::Series;

/// How many steps back it looks one by one.
pub(super) const LAGS: usize = 12;

/// Inputs of its own: the level, the steps back, a short and a long mean, a day
/// and a week before.
const OWN: usize = 1 + LAGS + 2 + 2;

/// The inputs of every step, made when they are asked for. All are relative to
/// the value at the origin and in units of the scale.
pub(super) struct Features<'f> {
    values: &'f [f64],
    /// Of `values` in the history.
    offset: usize,
    context: &'f Context,
    scale: f64,
    /// A day and a week, in steps.
    periods: [usize; 2],
    /// Sums of the values before each step.
    sums: Vec<f64>,
}

impl<'f> Features<'f> {
    pub(super) fn new(
        values: &'f [f64],
        offset: usize,
        history: &Series,
        context: &'f Context,
        scale: f64,
    ) -> Self {
        let mut sums = Vec::with_capacity(values.len() + 1);
        sums.push(0.0);
        for value in values {
            sums.push(sums[sums.len() - 1] + value);
        }
        Self { values, offset, context, scale, periods: periods(history), sums }
    }

    /// How many inputs there are beside those of the context.
    pub(super) fn width(of_context: usize) -> usize {
        OWN + of_context
    }

    /// The inputs for the step `lead` after step `at`; NaN where one is not known.
    pub(super) fn row(&self, at: usize, lead: usize) -> Vec<f64> {
        let now = self.values[at];
        let change = |value: f64| (value - now) / self.scale;
        let mean = |steps: usize| {
            let from = (at + 1).saturating_sub(steps);
            (self.sums[at + 1] - self.sums[from]) / (at + 1 - from) as f64
        };
        let mut row = Vec::with_capacity(OWN + self.context.inputs.len());
        row.push(now / self.scale);
        row.extend((1..=LAGS).map(|back| change(self.values[at.saturating_sub(back)])));
        row.extend([3 * LAGS, self.periods[0]].map(|steps| change(mean(steps))));
        for period in self.periods {
            let before = (at + lead).checked_sub(period).filter(|index| *index <= at);
            // How much it had changed a period before, from the same step to the same.
            let then = before.zip(at.checked_sub(period));
            row.push(then.map_or(f64::NAN, |(target, origin)| {
                (self.values[target] - self.values[origin]) / self.scale
            }));
        }
        let known = self.context.known(self.offset + at, self.offset + at + lead);
        row.extend(known.into_iter().map(|value| value.unwrap_or(f64::NAN)));
        row
    }
}
