//! What a server of measurements is asked, and what it says.

use super::Sample;
use crate::clock::Timestamp;
use crate::units::Span;
use std::collections::BTreeMap;

/// The most points that one range query may have: Prometheus refuses more than
/// 11,000 for each series.
const MOST_POINTS: u64 = 10_000;

/// One series as a server has it, in whatever state that is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawSeries {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its samples, as they came: perhaps not numbers, twice, or out of order.
    pub samples: Vec<Sample>,
}

/// What a server answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Every series.
    pub series: Vec<RawSeries>,
    /// What it warns of: a part of it may be missing.
    pub warnings: Vec<String>,
}

impl Answer {
    /// One value without labels.
    pub fn of(at: Timestamp, value: f64) -> Self {
        let samples = vec![Sample { at, value }];
        Self { series: vec![RawSeries { labels: BTreeMap::new(), samples }], warnings: Vec::new() }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MeasureError {
    /// What kind of failure.
    pub kind: MeasureFailure,
    /// What is wrong, in a sentence, with the server's name.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

/// The kinds of failure that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasureFailure {
    /// It does not answer, or not in time, or says that it cannot now.
    Unreachable,
    /// It does not let us.
    Denied,
    /// It says that the query is wrong, or too much.
    Refused,
    /// What it answers cannot be read, or is too large.
    Garbage,
}

/// Points in time, evenly spaced, the last not after `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub start: Timestamp,
    /// Until here.
    pub end: Timestamp,
    /// From one to the next.
    pub step: Span,
}

impl Range {
    /// The last `length` before `now`, on whole multiples of `step` since 1970, so
    /// that the same points come again next time.
    pub fn last(length: Span, step: Span, now: Timestamp) -> Self {
        let step = step.max(Span::from_millis(1));
        let millis = i64::try_from(step.millis()).unwrap_or(i64::MAX);
        let end = now.as_millisecond().div_euclid(millis).saturating_mul(millis);
        let points = i64::try_from(length.millis() / step.millis()).unwrap_or(i64::MAX);
        let start = end.saturating_sub(points.saturating_mul(millis));
        let at = |millis| Timestamp::from_millisecond(millis).unwrap_or(now);
        Self { start: at(start), end: at(end), step }
    }

    /// How many points it has.
    pub fn points(&self) -> usize {
        let length = self.end.as_millisecond().saturating_sub(self.start.as_millisecond());
        let steps = u64::try_from(length).map(|length| length / self.step.millis().max(1));
        steps.map_or(0, |steps| usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(1))
    }

    /// The same points in parts that a server answers.
    pub fn parts(&self) -> Vec<Self> {
        let step = i64::try_from(self.step.millis().max(1)).unwrap_or(i64::MAX);
        let whole = step.saturating_mul(MOST_POINTS as i64);
        let (mut parts, mut from) = (Vec::new(), self.start.as_millisecond());
        let end = self.end.as_millisecond();
        while from <= end {
            let to = from.saturating_add(whole - step).min(end);
            let at = |millis| Timestamp::from_millisecond(millis).unwrap_or(self.end);
            parts.push(Self { start: at(from), end: at(to), step: self.step });
            match to.checked_add(step) {
                Some(next) => from = next,
                None => break,
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_range_is_asked_for_in_parts_that_leave_out_and_repeat_nothing() {
        let now = Timestamp::from_second(1_700_000_033).unwrap();
        let range = Range::last(Span::from_secs(14 * 86_400), Span::from_secs(60), now);
        assert_eq!(range.end.as_second() % 60, 0);
        let parts = range.parts();
        assert_eq!(parts.len(), 3);
        assert_eq!(parts.iter().map(Range::points).sum::<usize>(), range.points());
        assert!(parts.iter().all(|part| part.points() <= 10_000));
        for two in parts.windows(2) {
            assert_eq!(two[1].start.as_second() - two[0].end.as_second(), 60);
        }
        assert_eq!(parts[0].start, range.start);
    }
}
