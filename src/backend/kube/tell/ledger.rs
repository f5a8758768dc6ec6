//! What was told lately: what comes again is counted, and what is too much is not
//! written.

use crate::clock::Timestamp;
use crate::port::Notice;
use crate::units::Span;
use std::collections::HashMap;

/// What does not come again for so long is over; then it is told anew. As client-go
/// has it.
const OVER: Span = Span::from_secs(360);
/// The count of what goes on is written once in so long.
const PAUSE: Span = Span::from_secs(60);
/// So many writes at once, and one more in each [`REFILL`]: with events deleted
/// after an hour, no more than 385 are there at a time.
const BURST: u32 = 25;
const REFILL: Span = Span::from_secs(10);
/// As many are remembered.
const MOST: usize = 1000;

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// A new event of this name.
    Create(String),
    /// How often this one has come.
    Count(String, u32),
    /// Nothing now.
    Nothing,
}

/// An event that was written, and what came of it since.
#[derive(Debug)]
struct Series {
    name: String,
    count: u32,
    last: Timestamp,
    written: Timestamp,
}

/// What was told lately.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    series: HashMap<Notice, Series>,
    /// Names are drawn by counting.
    drawn: u64,
    /// Writes that are used up, and since when they come back.
    used: u32,
    since: Option<Timestamp>,
}

impl Ledger {
    /// What to write of a notice that comes now.
    pub(super) fn next(&mut self, notice: &Notice, now: Timestamp) -> Next {
        self.series.retain(|_, series| !has_passed(OVER, series.last, now));
        if let Some(series) = self.series.get_mut(notice) {
            series.count = series.count.saturating_add(1);
            series.last = now;
            // The first time that it comes again is told at once.
            let due = series.count == 2 || has_passed(PAUSE, series.written, now);
            if !due || !self.take(now) {
                return Next::Nothing;
            }
            let Some(series) = self.series.get_mut(notice) else { return Next::Nothing };
            series.written = now;
            return Next::Count(series.name.clone(), series.count);
        }
        if self.series.len() >= MOST || !self.take(now) {
            return Next::Nothing;
        }
        self.drawn += 1;
        let about = &notice.about.name;
        let about = &about[..about.floor_char_boundary(200)];
        // Told apart from those of other processes by the time, as client-go does.
        let name = format!("{about}.{:x}{:x}", now.as_microsecond(), self.drawn);
        let name = name.to_lowercase();
        let series = Series { name: name.clone(), count: 1, last: now, written: now };
        self.series.insert(notice.clone(), series);
        Next::Create(name)
    }

    /// It was not written, or is gone.
    pub(super) fn forget(&mut self, notice: &Notice) {
        self.series.remove(notice);
    }

    /// Whether there is a write left.
    fn take(&mut self, now: Timestamp) -> bool {
        let since = *self.since.get_or_insert(now);
        let passed = u64::try_from(now.duration_since(since).as_millis()).unwrap_or(0);
        let back = passed / REFILL.millis();
        if back > 0 {
            self.used = self.used.saturating_sub(u32::try_from(back).unwrap_or(u32::MAX));
            // What is left of a refill goes on; nothing is saved up beyond the burst.
            self.since =
                now.checked_sub(Span::from_millis(passed % REFILL.millis()).duration()).ok();
        }
        let left = self.used < BURST;
        self.used += u32::from(left);
        left
    }
}

fn has_passed(span: Span, since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since).as_millis() >= i128::from(span.millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::ResourceId;
    use proptest::prelude::*;

    fn notice(message: &str) -> Notice {
        let about = ResourceId::kubernetes("apps/v1", "Deployment", Some("ns"), "llm");
        Notice { reason: "ScaledOut", message: message.to_owned(), about, warning: false }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn what_comes_again_is_counted_and_not_written_each_time() {
        let mut ledger = Ledger::default();
        let Next::Create(name) = ledger.next(&notice("a"), at(0)) else { panic!("not written") };
        assert_eq!(ledger.next(&notice("a"), at(1)), Next::Count(name.clone(), 2));
        for second in 2..61 {
            assert_eq!(ledger.next(&notice("a"), at(second)), Next::Nothing);
        }
        assert_eq!(ledger.next(&notice("a"), at(61)), Next::Count(name.clone(), 62));
        let Next::Create(other) = ledger.next(&notice("b"), at(61)) else { panic!("not written") };
        assert_ne!(name, other);
    }

    #[test]
    fn what_has_not_come_for_long_is_told_anew() {
        let mut ledger = Ledger::default();
        ledger.next(&notice("a"), at(0));
        assert!(matches!(ledger.next(&notice("a"), at(359)), Next::Count(_, 2)));
        assert!(matches!(ledger.next(&notice("a"), at(359 + 360)), Next::Create(_)));
    }

    #[test]
    fn what_could_not_be_written_is_written_when_it_comes_again() {
        let mut ledger = Ledger::default();
        ledger.next(&notice("a"), at(0));
        ledger.forget(&notice("a"));
        assert!(matches!(ledger.next(&notice("a"), at(1)), Next::Create(_)));
    }

    #[test]
    fn a_clock_that_goes_back_stops_nothing() {
        let mut ledger = Ledger::default();
        ledger.next(&notice("a"), at(1000));
        assert!(matches!(ledger.next(&notice("b"), at(0)), Next::Create(_)));
    }

    proptest! {
        #[test]
        fn writes_are_bounded(steps in prop::collection::vec((0..40_u8, 0..30_i64), 1..300)) {
            let (mut ledger, mut now, mut writes) = (Ledger::default(), 0, 0);
            for (what, pause) in steps {
                now += pause;
                writes += i64::from(ledger.next(&notice(&what.to_string()), at(now)) != Next::Nothing);
                prop_assert!(writes <= i64::from(BURST) + now / 10);
            }
        }
    }
}
