//! What the network reads.

use super::super::fill::level;
use super::super::seasons::{WEEK, steps_in};
use super::super::{Context, NotFit};
use crate::signal::Series;
use crate::units::Span;

/// The last steps that it reads one by one.
pub(super) const FINE: usize = 12;

/// What a week is read in: means of two hours.
const SLOT: Span = Span::from_secs(2 * 3600);

/// Inputs of each row beside those of the context: the value, whether it is
/// there, whether it is a step or a mean.
pub(super) const OWN: usize = 3;

/// How many deviations from its mean an input may be.
const FARTHEST: f64 = 4.0;

/// How values and inputs are brought around zero.
#[derive(Debug, Clone)]
pub(super) struct Scaling {
    /// The mean load.
    pub(super) scale: f64,
    /// Of each input of the context.
    pub(super) means: Vec<f64>,
    /// Zero for an input that never changed.
    pub(super) deviations: Vec<f64>,
}

impl Scaling {
    pub(super) fn of(history: &Series, values: &[f64], context: &Context) -> Result<Self, NotFit> {
        let scale = level(values);
        if scale == 0.0 {
            return Err(NotFit::new("there is nothing but zeros to learn from"));
        }
        let moments = |column: usize| {
            let of = (0..history.len()).filter_map(|index| context.at(index, column));
            let of: Vec<f64> = of.collect();
            let count = of.len().max(1) as f64;
            let mean = of.iter().sum::<f64>() / count;
            let deviation = (of.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
            (mean, if deviation > 1e-9 * (1.0 + mean.abs()) { deviation } else { 0.0 })
        };
        // As precise as their file keeps them, so that what is read back is the same.
        let kept = |number: f64| f64::from(number as f32);
        let moments = (0..context.inputs.len()).map(moments);
        let (means, deviations) = moments.map(|(m, d)| (kept(m), kept(d))).unzip();
        Ok(Self { scale: kept(scale), means, deviations })
    }

    fn input(&self, column: usize, value: Option<f64>) -> f32 {
        let input = value.map(|value| (value - self.means[column]) / self.deviations[column]);
        // What is not known, or never changed, is at its mean.
        input.filter(|input| input.is_finite()).map_or(0.0, |i| i.clamp(-FARTHEST, FARTHEST)) as f32
    }
}

/// The windows of a history.
pub(super) struct Windows<'w> {
    pub(super) values: &'w [f64],
    /// Of `values` in the history.
    offset: usize,
    context: &'w Context,
    pub(super) scaling: &'w Scaling,
    /// Steps of a mean, and how many means there are.
    slot: usize,
    slots: usize,
}

impl<'w> Windows<'w> {
    pub(super) fn new(
        history: &Series,
        values: &'w [f64],
        context: &'w Context,
        scaling: &'w Scaling,
    ) -> Self {
        let slot = steps_in(SLOT, history);
        let slots = steps_in(WEEK, history).div_ceil(slot).min(84);
        Self { values, offset: history.len() - values.len(), context, scaling, slot, slots }
    }

    /// How many rows a window has.
    pub(super) fn len(&self) -> usize {
        self.slots + FINE
    }

    /// Where `values` begin in the history.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// How many inputs a row has.
    pub(super) fn width(&self) -> usize {
        OWN + self.context.inputs.len()
    }

    /// The window that ends at step `at`, row after row.
    pub(super) fn rows(&self, at: usize) -> Vec<f32> {
        let mut rows = Vec::with_capacity(self.len() * self.width());
        let end = (at + 1).saturating_sub(FINE);
        for slot in (0..self.slots).rev() {
            let last = end.checked_sub(slot * self.slot);
            let steps = last.map(|last| last.saturating_sub(self.slot)..last);
            self.row(&mut rows, steps.filter(|steps| !steps.is_empty()), false);
        }
        for step in (0..FINE).rev() {
            self.row(&mut rows, at.checked_sub(step).map(|step| step..step + 1), true);
        }
        rows
    }

    /// The mean of `steps`, with the inputs of the last of them.
    fn row(&self, rows: &mut Vec<f32>, steps: Option<std::ops::Range<usize>>, fine: bool) {
        let Some(steps) = steps else {
            // Before the history: nothing, and said so.
            rows.extend(std::iter::repeat_n(0.0, self.width()));
            return;
        };
        let last = self.offset + steps.end - 1;
        let mean = level(&self.values[steps]) / self.scaling.scale - 1.0;
        rows.extend([mean.clamp(-10.0, 10.0) as f32, 1.0, f32::from(u8::from(fine))]);
        let inputs = (0..self.context.inputs.len())
            .map(|column| self.scaling.input(column, self.context.at(last, column)));
        rows.extend(inputs);
    }

    /// The inputs of the horizon's last step, as they are known at step `at`.
    pub(super) fn ahead(&self, at: usize, steps: usize) -> Vec<f32> {
        let known = self.context.known(self.offset + at, self.offset + at + steps);
        known.into_iter().enumerate().map(|(at, value)| self.scaling.input(at, value)).collect()
    }
}
