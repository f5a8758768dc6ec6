//! Samples over time.

use crate::clock::Timestamp;
use crate::units::Span;

/// One measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it was measured.
    pub at: Timestamp,
    /// What was measured.
    pub value: f64,
}

/// Values at a fixed step. A gap is a value that is not there, never a zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The time of the first value.
    start: Timestamp,
    /// From one value to the next; not zero.
    step: Span,
    /// In the order of their times.
    values: Vec<Option<f64>>,
}

impl Series {
    /// Nothing yet; the first value will be of `start`. A `step` of zero counts
    /// as a millisecond.
    pub fn empty(start: Timestamp, step: Span) -> Self {
        Self::new(start, step, Vec::new())
    }

    /// See the fields.
    pub fn new(start: Timestamp, step: Span, values: Vec<Option<f64>>) -> Self {
        let step = step.max(Span::from_millis(1));
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        Self { start, step, values: values.into_iter().map(finite).collect() }
    }

    /// The time of the first value.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// From one value to the next.
    pub fn step(&self) -> Span {
        self.step
    }

    /// How many values and gaps there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is neither a value nor a gap.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Every value and gap, in order.
    pub fn values(&self) -> &[Option<f64>] {
        &self.values
    }

    /// The time of value `index`, which need not be there yet.
    pub fn time(&self, index: usize) -> Timestamp {
        let millis = self.step.millis().saturating_mul(index as u64);
        let ahead = std::time::Duration::from_millis(millis);
        self.start.saturating_add(ahead).unwrap_or(self.start)
    }

    /// Adds the next value, or a gap; what is not finite is a gap.
    pub fn push(&mut self, value: Option<f64>) {
        self.values.push(value.filter(|value| value.is_finite()));
    }

    /// The last value that is there, and its index.
    pub fn last(&self) -> Option<(usize, f64)> {
        let last = self.values.iter().enumerate().rev();
        last.filter_map(|(index, value)| Some((index, (*value)?))).next()
    }

    /// With its gaps filled by what `other` has of the same times.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let millis = |step: Span| i64::try_from(step.millis()).unwrap_or(i64::MAX);
        let ahead = self.start.as_millisecond().saturating_sub(other.start.as_millisecond());
        let (own, step) = (millis(self.step), millis(other.step));
        let theirs = |index: usize| {
            let after = ahead.saturating_add(own.saturating_mul(index as i64));
            let at = usize::try_from(after.div_euclid(step)).ok()?;
            other.values.get(at).copied().flatten()
        };
        let all = self.values.iter().enumerate();
        let values = all.map(|(index, own)| own.or_else(|| theirs(index))).collect();
        Self { start: self.start, step: self.step, values }
    }

    /// The part of it before value `index`, as it was known then.
    #[must_use]
    pub fn before(&self, index: usize) -> Self {
        let values = self.values[..index.min(self.values.len())].to_vec();
        Self { start: self.start, step: self.step, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(start: i64, values: &[Option<f64>]) -> Series {
        let start = Timestamp::from_second(start).unwrap();
        Series::new(start, Span::from_secs(10), values.to_vec())
    }

    #[test]
    fn gaps_are_filled_by_what_another_has_of_the_same_times_and_values_stay() {
        let own = series(100, &[None, Some(1.0), None, None, None]);
        let other = series(90, &[Some(7.0), Some(8.0), Some(9.0), None, Some(6.0)]);
        let filled = series(100, &[Some(8.0), Some(1.0), None, Some(6.0), None]);
        assert_eq!(own.or(&other), filled);
        assert_eq!(own.or(&series(500, &[Some(2.0)])), own, "of other times");
        let between = series(95, &[Some(3.0), Some(4.0)]);
        assert_eq!(own.or(&between).values()[0], Some(3.0), "the last before it");
    }
}
