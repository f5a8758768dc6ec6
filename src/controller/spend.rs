//! What burst has cost, by the hours of what was seen to run.

use crate::clock::Timestamp;
use crate::decide::scaling::Spent;
use crate::units::UsdPerHour;
use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// After so long without a look, only what runs at its end too is taken to have run
/// all the while.
const LONGEST_GAP: SignedDuration = SignedDuration::from_hours(1);
const MILLIS_PER_HOUR: u128 = 3_600_000;
/// By how much clocks may differ.
const CLOCKS: SignedDuration = SignedDuration::from_mins(5);

/// What the running day and month have cost, in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spend {
    /// When it was added to last.
    at: Option<Timestamp>,
    /// What ran since then.
    rate: UsdPerHour,
    spent: Spent,
    /// What was spent when the last day ended for which a sum was begun anew, and when
    /// that was: its clock may have been wrong.
    before: Option<(Timestamp, Spent)>,
}

impl Spend {
    /// Adds what has run since the last time, then goes on with `rate`.
    pub fn note(&mut self, now: Timestamp, rate: UsdPerHour) {
        self.step_back(now);
        if let Some(before) = self.at {
            let (day, month) = (date(now), date(now).first_of_month());
            let known = before.saturating_add(LONGEST_GAP).unwrap_or(now).min(now);
            // From the later of the two on: what was before belongs to another day.
            let since = |start: Timestamp| {
                cost(self.rate, before.max(start), known).saturating_add(cost(
                    self.rate.min(rate),
                    known.max(start),
                    now,
                ))
            };
            let after = |begun: bool, spent: u64| if begun { 0 } else { spent };
            if day > date(before) {
                self.before = Some((before, self.spent));
            }
            let of_day = after(day > date(before), self.spent.day_micros);
            let of_month = after(month > date(before).first_of_month(), self.spent.month_micros);
            self.spent.day_micros = of_day.saturating_add(since(start_of(day)));
            self.spent.month_micros = of_month.saturating_add(since(start_of(month)));
        }
        // A clock that goes back counts nothing twice.
        self.at = Some(self.at.map_or(now, |before| before.max(now)));
        self.rate = rate;
    }

    /// A clock that was ahead by more than clocks differ by is right again: what counts is
    /// the day that it is, and what passes from now on.
    fn step_back(&mut self, now: Timestamp) {
        if self.at.is_none_or(|at| at.duration_since(now) <= CLOCKS) {
            return;
        }
        if let Some((_, spent)) = self.before.filter(|(at, _)| date(*at) >= date(now)) {
            (self.spent, self.before) = (spent, None);
        }
        self.at = Some(now);
    }

    /// So far.
    pub fn so_far(&self) -> Spent {
        self.spent
    }
}

/// What an hourly rate comes to from one time to another, in millionths of a dollar;
/// nothing where they stand the other way round.
fn cost(rate: UsdPerHour, from: Timestamp, to: Timestamp) -> u64 {
    let millis = to.duration_since(from).as_millis().max(0).unsigned_abs();
    let micros = u128::from(rate.micros()) * millis / MILLIS_PER_HOUR;
    u64::try_from(micros).unwrap_or(u64::MAX)
}

fn date(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

fn start_of(date: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN)
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
        spend.note(at("2026-12-01T00:15:00Z"), dollars(0));
        assert_eq!(spend.so_far(), Spent { day_micros: 2_500_000, month_micros: 2_500_000 });
    }

    #[test]
    fn a_clock_that_goes_back_a_little_counts_nothing_twice() {
        let mut spend = Spend::default();
        spend.note(at("2026-11-10T10:00:00Z"), dollars(10));
        spend.note(at("2026-11-10T09:56:00Z"), dollars(10));
        spend.note(at("2026-11-10T10:00:00Z"), dollars(10));
        assert_eq!(spend.so_far().day_micros, 0);
    }

    #[test]
    fn a_clock_that_was_ahead_for_a_while_loses_nothing_of_what_was_spent() {
        let mut spend = Spend::default();
        spend.note(at("2026-11-10T10:00:00Z"), dollars(10));
        spend.note(at("2026-11-10T11:00:00Z"), dollars(10));
        let spent = spend.so_far();
        // Into another month, and back.
        spend.note(at("2026-12-02T11:00:00Z"), dollars(10));
        assert_ne!(spend.so_far(), spent);
        spend.note(at("2026-11-10T11:01:00Z"), dollars(10));
        assert_eq!(spend.so_far(), spent);
        spend.note(at("2026-11-10T12:01:00Z"), dollars(10));
        assert_eq!(spend.so_far().day_micros, spent.day_micros + 10_000_000);
    }

    #[test]
    fn in_a_long_gap_what_runs_at_both_ends_has_run() {
        let mut spend = Spend::default();
        spend.note(at("2026-11-10T10:00:00Z"), dollars(10));
        spend.note(at("2026-11-10T20:00:00Z"), dollars(4));
        assert_eq!(spend.so_far().day_micros, 46_000_000);
        // Of two days, what is of today.
        spend.note(at("2026-11-12T03:00:00Z"), dollars(4));
        assert_eq!(spend.so_far(), Spent { day_micros: 12_000_000, month_micros: 170_000_000 });
    }
}
