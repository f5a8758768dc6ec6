//! What stands in for a gap where a model needs a value at every step.

use super::seasons::{DAY, WEEK, steps_in};
use crate::signal::Series;

/// The longest gap, in steps, that a straight line bridges.
pub const LONGEST_LINE: usize = 3;

/// The values of `history` from its first one to its end, every gap filled:
///
/// 1. A gap of at most [`LONGEST_LINE`] steps between two values is the straight
///    line between them.
/// 2. In any other, each step is as one week before it, else as one day before
///    it, else as the step before it.
///
/// A gap is never read as zero. What stands before the first value is left out;
/// without any value, so is everything.
pub fn filled(history: &Series) -> Vec<f64> {
    let Some(first) = history.values().iter().position(Option::is_some) else {
        return Vec::new();
    };
    let values = &history.values()[first..];
    let periods = [steps_in(WEEK, history), steps_in(DAY, history)];
    let mut filled: Vec<f64> = Vec::with_capacity(values.len());
    let mut at = 0;
    while at < values.len() {
        if let Some(value) = values[at] {
            filled.push(value);
            at += 1;
            continue;
        }
        let gap = values[at..].iter().take_while(|value| value.is_none()).count();
        let before = filled.last().copied().unwrap_or_default();
        match values.get(at + gap).copied().flatten().filter(|_| gap <= LONGEST_LINE) {
            Some(after) => {
                let slope = (after - before) / (gap + 1) as f64;
                filled.extend((1..=gap).map(|step| before + slope * step as f64));
            }
            None => {
                for step in at..at + gap {
                    let earlier = periods.iter().filter_map(|period| step.checked_sub(*period));
                    let value = earlier.map(|index| filled[index]).next();
                    filled.push(value.or(filled.last().copied()).unwrap_or(before));
                }
            }
        }
        at += gap;
    }
    filled
}

/// The mean size of what is there of `values`; zero of nothing.
pub(super) fn level(values: &[f64]) -> f64 {
    values.iter().map(|value| value.abs()).sum::<f64>() / values.len().max(1) as f64
}

/// Whether at least half of the last `steps` of `history` are values.
pub(super) fn mostly_known(history: &Series, steps: usize) -> bool {
    let tail = &history.values()[history.len().saturating_sub(steps)..];
    2 * tail.iter().flatten().count() >= tail.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::units::Span;

    fn hourly(values: Vec<Option<f64>>) -> Series {
        Series::new(Timestamp::UNIX_EPOCH, Span::from_secs(3600), values)
    }

    #[test]
    fn a_short_gap_is_a_line_and_no_gap_is_zero() {
        let series = hourly(vec![None, Some(4.0), None, None, None, Some(8.0), None]);
        assert_eq!(filled(&series), [4.0, 5.0, 6.0, 7.0, 8.0, 8.0]);
        assert_eq!(filled(&hourly(vec![None, None])), [0.0; 0]);
    }

    #[test]
    fn a_long_gap_is_as_the_week_before_else_the_day_before() {
        let mut values: Vec<Option<f64>> = (0..30).map(|hour| Some(f64::from(hour))).collect();
        values.extend(vec![None; 5]);
        values.push(Some(50.0));
        assert_eq!(filled(&hourly(values))[30..], [6.0, 7.0, 8.0, 9.0, 10.0, 50.0]);
        let mut values: Vec<Option<f64>> = (0..168).map(|hour| Some(f64::from(hour))).collect();
        values.extend(vec![None; 4]);
        assert_eq!(filled(&hourly(values))[168..], [0.0, 1.0, 2.0, 3.0]);
    }
}
