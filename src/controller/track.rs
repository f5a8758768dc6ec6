//! A measured signal over time, as it grows.

use crate::clock::Timestamp;
use crate::signal::Series;
use crate::units::Span;

/// Values that are kept: a week and a day of minutes.
pub(super) const KEPT: usize = 8 * 24 * 60;

/// A series that grows by whole steps: each is the mean of what was measured in it,
/// and a gap where nothing was.
#[derive(Debug, Clone)]
pub(super) struct Track {
    history: Series,
    /// The values of the step that has not ended yet.
    step: Vec<f64>,
}

impl Track {
    /// One that goes on from `history`.
    pub(super) fn new(history: Series) -> Self {
        Self { history: trimmed(history), step: Vec::new() }
    }

    pub(super) fn history(&self) -> &Series {
        &self.history
    }

    /// Whether it knows of a time so much later than `now` that the clock must have gone
    /// back: until then nothing would be added.
    pub(super) fn is_ahead(&self, now: Timestamp, by: Span) -> bool {
        let (history, step) = (&self.history, self.history.step());
        let from = history.time(history.len()).saturating_sub(step.duration());
        let early = from.and_then(|from| from.saturating_sub(by.duration()));
        early.is_ok_and(|early| now < early)
    }

    /// Adds a measurement; none: there is none to be believed. Says whether a step
    /// has ended.
    pub(super) fn note(&mut self, now: Timestamp, measured: Option<f64>) -> bool {
        let mut ended = false;
        let end = self.history.time(self.history.len().saturating_add(KEPT));
        if now > end {
            // For so long nothing was measured that nothing of it is of use.
            self.history = Series::empty(now, self.history.step());
        }
        while now >= self.history.time(self.history.len()) {
            let values = std::mem::take(&mut self.step);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            self.history.push((!values.is_empty()).then_some(mean));
            ended = true;
        }
        self.step.extend(measured);
        if ended && self.history.len() > KEPT + KEPT / 8 {
            self.history = trimmed(self.history.clone());
        }
        ended
    }
}

/// The newest part of it.
fn trimmed(series: Series) -> Series {
    if series.len() <= KEPT {
        return series;
    }
    let from = series.len() - KEPT;
    Series::new(series.time(from), series.step(), series.values()[from..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_step_is_the_mean_of_what_was_measured_in_it_and_a_gap_where_nothing_was() {
        let mut track = Track::new(Series::empty(at(0), Span::from_secs(60)));
        let ended = [(10, Some(1.0)), (20, Some(3.0)), (30, None), (70, None), (130, Some(5.0))]
            .map(|(second, value)| track.note(at(second), value));
        assert_eq!(ended, [true, false, false, true, true]);
        assert_eq!(track.history().values(), [None, Some(2.0), None]);
    }

    #[test]
    fn it_is_ahead_of_a_clock_that_has_gone_back_further_than_clocks_differ() {
        let (minute, clocks) = (Span::from_secs(60), Span::from_secs(300));
        let mut track = Track::new(Series::empty(at(0), minute));
        assert!(!track.is_ahead(at(0), clocks), "nothing is known");
        track.note(at(3600), Some(1.0));
        for (second, ahead) in [(3700, false), (3600, false), (3301, false), (3299, true)] {
            assert_eq!(track.is_ahead(at(second), clocks), ahead, "{second}");
        }
        // For so long that it begins anew there.
        track.note(at(KEPT as i64 * 120), Some(1.0));
        assert!(track.is_ahead(at(3600), clocks));
    }

    #[test]
    fn what_is_kept_is_bounded_and_ends_where_it_ended() {
        let mut track = Track::new(Series::empty(at(0), Span::from_secs(60)));
        for minute in 0..(2 * KEPT as i64) {
            track.note(at(minute * 60), Some(minute as f64));
        }
        let history = track.history();
        assert!(history.len() <= KEPT + KEPT / 8 && history.len() >= KEPT);
        let (last, value) = history.last().unwrap();
        assert_eq!(history.time(last), at(value as i64 * 60 + 60));
    }
}
