//! What servers are asked of a criterion.

use super::Criterion;
use super::built_in::{self, Known};
use crate::clock::Timestamp;
use crate::signal::Range;
use crate::spec::Environment;
use crate::units::Span;

/// The most points of a window: a week of minutes.
const MOST_POINTS: u64 = 7 * 24 * 60;
const MINUTE: u64 = 60_000;

/// A criterion as a question to a server of measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Question<'e> {
    /// The criterion.
    pub criterion: Criterion<'e>,
    /// PromQL that answers one number; or why nothing can be asked.
    pub promql: Result<String, String>,
    /// What it must be answered from, in words, where there is no data.
    pub needs: Option<String>,
    /// The points that it is asked for: of two windows, the later one ending now.
    pub range: Range,
    /// How many of the points are in one window.
    pub points: usize,
}

impl<'e> Question<'e> {
    /// What is asked of `criterion` at the time `now`.
    pub fn new(environment: &Environment, criterion: Criterion<'e>, now: Timestamp) -> Self {
        let window = criterion.window;
        let step = Span::from_millis(
            window.millis().div_ceil(MOST_POINTS).div_ceil(MINUTE).max(1).saturating_mul(MINUTE),
        );
        let points = window.millis().div_ceil(step.millis()).clamp(1, MOST_POINTS);
        let points = usize::try_from(points).unwrap_or(1);
        let both = Span::from_millis(step.millis().saturating_mul(2 * points as u64 - 1));
        let (promql, needs) = match (criterion.measure, criterion.query) {
            (Some(measure), _) => match built_in::known(measure, environment, window) {
                Ok(Known { promql, needs }) => (Ok(promql), Some(needs)),
                Err(why) => (Err(why), None),
            },
            (None, Some(query)) if !query.trim().is_empty() => (Ok(query.trim().to_owned()), None),
            (None, _) => {
                (Err("nothing is measured: it names no measure and no query".into()), None)
            }
        };
        Self { criterion, promql, needs, range: Range::last(both, step, now), points }
    }

    /// How many of a window's points must have a value: one at least.
    pub fn needed(&self) -> usize {
        let share = u128::from(self.criterion.minimum.millionths());
        let needed = (share * self.points as u128).div_ceil(1_000_000);
        usize::try_from(needed).unwrap_or(usize::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::criterion;
    use super::*;
    use crate::desired::fixture;
    use crate::units::Share;

    fn question(window: u64, minimum: Share) -> (Span, usize, usize, usize) {
        let name = "x".parse().unwrap();
        let criterion = Criterion { window: Span::from_secs(window), minimum, ..criterion(&name) };
        let now = Timestamp::from_second(1_800_000_059).unwrap();
        let question = Question::new(&fixture::environment(), criterion, now);
        assert_eq!(question.range.end.as_second() % 60, 0);
        (question.range.step, question.range.points(), question.points, question.needed())
    }

    #[test]
    fn two_windows_are_read_minute_by_minute_and_long_ones_more_coarsely() {
        let minute = Span::from_secs(60);
        assert_eq!(question(600, Share::percent(90)), (minute, 20, 10, 9));
        assert_eq!(question(7 * 86_400, Share::percent(50)), (minute, 20_160, 10_080, 5040));
        let three = Span::from_secs(180);
        assert_eq!(question(15 * 86_400, Share::ALL), (three, 14_400, 7200, 7200));
    }

    #[test]
    fn the_shortest_window_is_a_minute_and_something_must_be_known_of_it() {
        let minute = Span::from_secs(60);
        assert_eq!(question(0, Share::percent(0)), (minute, 2, 1, 1));
        assert_eq!(question(30, Share::percent(0)), (minute, 2, 1, 1));
        assert_eq!(question(90, Share::percent(50)), (minute, 4, 2, 1));
        // The longest that can be written stays bounded.
        let longest = Span::from_millis(u64::MAX).secs_ceil() - 1;
        assert!(question(longest, Share::ALL).1 <= 2 * 10_080);
    }
}
