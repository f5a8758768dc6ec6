//! What burst has cost, by the hours of what was seen to run.

use crate::clock::Timestamp;
use crate::decide::scaling::Spent;
use crate::units::UsdPerHour;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Time that nobody watched is counted with what ran before it, up to this: what
/// ran meanwhile is not known, and was hardly nothing.
const LONGEST_GAP_SECONDS: i64 = 3600;
const MILLIS_PER_HOUR: u128 = 3_600_000;

/// What the running day and month have cost, in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spend {
    /// When it was added to last.
    at: Option<Timestamp>,
    /// What ran since then.
    rate: UsdPerHour,
    spent: Spent,
}

impl Spend {
    /// Adds what has run since the last time, then goes on with `rate`.
    pub fn note(&mut self, now: Timestamp, rate: UsdPerHour) {
        if let Some(before) = self.at {
            let (day, month) = (new_day(before, now), new_month(before, now));
            let passed = now.duration_since(before);
            let counted = passed.as_millis().clamp(0, i128::from(LONGEST_GAP_SECONDS) * 1000);
            let micros = u128::from(self.rate.micros()) * counted.unsigned_abs() / MILLIS_PER_HOUR;
            let micros = u64::try_from(micros).unwrap_or(u64::MAX);
            let after = |begun: bool, spent: u64| if begun { 0 } else { spent };
            self.spent.day_micros = after(day, self.spent.day_micros).saturating_add(micros);
            self.spent.month_micros = after(month, self.spent.month_micros).saturating_add(micros);
        }
        // A clock that goes back counts nothing twice.
        self.at = Some(self.at.map_or(now, |before| before.max(now)));
        self.rate = rate;
    }

    /// So far.
    pub fn so_far(&self) -> Spent {
        self.spent
    }
}

fn new_day(before: Timestamp, now: Timestamp) -> bool {
    let day = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
    day(now) > day(before)
}

fn new_month(before: Timestamp, now: Timestamp) -> bool {
    let month = |at: Timestamp| TimeZone::UTC.to_datetime(at).date().first_of_month();
    month(now) > month(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn dollars(number: u64) -> UsdPerHour {
        format!("${number}/h").parse().unwrap()
    }

    #[test]
    fn what_runs_is_counted_by_the_hour_and_begins_anew_with_day_and_month() {
        let mut spend = Spend::default();
        spend.note(at("2026-11-30T22:00:00Z"), dollars(40));
        spend.note(at("2026-11-30T22:30:00Z"), dollars(10));
        assert_eq!(spend.so_far(), Spent { day_micros: 20_000_000, month_micros: 20_000_000 });
        spend.note(at("2026-11-30T23:30:00Z"), dollars(10));
        assert_eq!(spend.so_far().day_micros, 30_000_000);
        spend.note(at("2026-12-01T00:00:00Z"), dollars(0));
        assert_eq!(spend.so_far(), Spent { day_micros: 5_000_000, month_micros: 5_000_000 });
    }

    #[test]
    fn a_clock_that_goes_back_and_a_long_gap_count_little() {
        let mut spend = Spend::default();
        spend.note(at("2026-11-10T10:00:00Z"), dollars(10));
        spend.note(at("2026-11-10T09:00:00Z"), dollars(10));
        spend.note(at("2026-11-10T10:00:00Z"), dollars(10));
        assert_eq!(spend.so_far().day_micros, 0);
        spend.note(at("2026-11-10T20:00:00Z"), dollars(10));
        assert_eq!(spend.so_far().day_micros, 10_000_000);
    }
}
