//! From samples in whatever state to a series that can be calculated with. What
//! was wrong with them is counted, and nothing is made up: what cannot be used is
//! a gap.

use super::judge::nothing_less;
use super::{Range, Sample, Series};
use crate::clock::Timestamp;
use crate::units::Span;
use std::fmt;

/// What was wrong with samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blemishes {
    /// Not a number, or infinite.
    pub not_numbers: usize,
    /// Below nothing.
    pub negative: usize,
    /// Came after one that is younger.
    pub out_of_order: usize,
    /// Of a time that another sample is of, with the same value.
    pub twice: usize,
    /// Of a time that another sample is of, with another value.
    pub contradicting: usize,
    /// From the future.
    pub future: usize,
    /// Points without a value.
    pub gaps: usize,
}

impl Blemishes {
    /// What there is to say, worst first.
    pub fn notes(&self) -> Vec<String> {
        let counted = [
            (self.future, "from the future, left out"),
            (self.contradicting, "twice with different values, the greater taken"),
            (self.not_numbers, "not a number, left out"),
            (self.negative, "below nothing, left out"),
            (self.out_of_order, "out of order, put right"),
            (self.twice, "twice"),
            (self.gaps, "missing"),
        ];
        let told = counted.into_iter().filter(|(count, _)| *count > 0);
        told.map(|(count, what)| format!("{count} {what}")).collect()
    }
}

impl fmt::Display for Blemishes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.notes().join(", "))
    }
}

/// `samples` in the order of their times, one for each, none after `now` and
/// `skew`. Of two that contradict each other the greater is kept: to believe in
/// less load than there is would be the worse mistake.
fn ordered(samples: &[Sample], latest: Timestamp, found: &mut Blemishes) -> Vec<Sample> {
    found.out_of_order += samples.windows(2).filter(|two| two[1].at < two[0].at).count();
    let mut kept: Vec<Sample> = Vec::with_capacity(samples.len());
    for sample in samples {
        if !sample.value.is_finite() {
            found.not_numbers += 1;
        } else if nothing_less(sample.value) < 0.0 {
            found.negative += 1;
        } else if sample.at > latest {
            found.future += 1;
        } else {
            kept.push(Sample { value: nothing_less(sample.value), ..*sample });
        }
    }
    // Stable: of a time's samples, the order in which they came.
    kept.sort_by_key(|sample| sample.at);
    kept.dedup_by(|later, earlier| {
        let same_time = later.at == earlier.at;
        if same_time && later.value == earlier.value {
            found.twice += 1;
        } else if same_time {
            found.contradicting += 1;
            earlier.value = earlier.value.max(later.value);
        }
        same_time
    });
    kept
}

/// `samples` on the points of `range`: each point has the last sample since the
/// point before, or is a gap. Nothing is believed to be from later than `skew`
/// after `now`.
pub fn series(
    samples: &[Sample],
    range: &Range,
    skew: Span,
    now: Timestamp,
) -> (Series, Blemishes) {
    let mut found = Blemishes::default();
    let step = i64::try_from(range.step.millis().max(1)).unwrap_or(i64::MAX);
    let start = range.start.as_millisecond();
    let mut values = vec![None; range.points()];
    for sample in ordered(samples, later(now, skew), &mut found) {
        // Up to a step before the point that it is counted to.
        let after = sample.at.as_millisecond().saturating_sub(start);
        let point = after.saturating_add(step - 1).div_euclid(step);
        let slot = usize::try_from(point).ok().and_then(|point| values.get_mut(point));
        if let Some(slot) = slot {
            *slot = Some(sample.value);
        }
    }
    found.gaps = values.iter().filter(|value| value.is_none()).count();
    (Series::new(range.start, range.step, values), found)
}

fn later(now: Timestamp, skew: Span) -> Timestamp {
    now.saturating_add(skew.duration()).unwrap_or(now)
}

#[cfg(test)]
mod tests;
