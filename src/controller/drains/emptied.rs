//! For how long a unit has been emptied: its time limit counts that, and not for how long
//! it has been closed.

use crate::clock::Timestamp;
use crate::port::Left;
use crate::units::Span;
use serde::{Deserialize, Serialize};

/// For so long nobody may have emptied a unit, and its time goes on: what is noted for the
/// next leader is two minutes old at most, and it may be run by the clock.
const GAP: Span = Span::from_secs(300);

/// How long a unit may take.
#[derive(Debug, Clone, Copy)]
pub(in crate::controller) struct Limit {
    /// For so long it is emptied.
    pub(super) span: Span,
    /// After so long in which nobody emptied it, it has all of that again, once: where
    /// turns are further apart than that, it would never be over.
    gap: Span,
}

impl Limit {
    /// As it is `declared`, with every time divided by `scale`.
    pub(in crate::controller) fn of(declared: Span, scale: u32) -> Self {
        let scaled = |span: Span| Span::from_millis(span.millis() / u64::from(scale.max(1)));
        let span = scaled(declared);
        Self { span, gap: scaled(GAP).max(span) }
    }
}

/// For how long a unit has been emptied, by whichever controller led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::controller) struct Emptied {
    /// Since when, without a gap before which it has not begun anew already.
    pub(super) since: Timestamp,
    /// Since when all that is left on it has been told to go, and nothing keeps it.
    told: Option<Timestamp>,
    /// When it was asked last.
    at: Timestamp,
    /// Since when no new work comes, as the unit says: of another drain it is another time.
    mark: Option<Timestamp>,
    /// It has begun anew after a gap: no other one does that again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    anew: bool,
}

impl Emptied {
    /// How it stands when the unit was asked at `now` to finish, and has `said` what is
    /// left; none: it gave no answer. Where the `cluster_tells` of it, one that was opened
    /// meanwhile begins anew; an agent may have started again and know no better.
    pub(super) fn again(
        before: Option<Self>,
        said: Option<&Left>,
        (limit, cluster_tells): (Limit, bool),
        now: Timestamp,
    ) -> Self {
        let mark = said.and_then(|left| left.since);
        let first = Self { since: now, told: None, at: now, mark, anew: false };
        let same = before.filter(|before| !cluster_tells || before.is_of(mark));
        let before = same.map_or(first, |before| {
            let gap = now.duration_since(before.at).unsigned_abs();
            let goes_on = before.anew || gap <= limit.gap.duration();
            if goes_on { before } else { Self { anew: true, mark: before.mark, ..first } }
        });
        // It was not before a time to come: that clock was ahead.
        let past = |at: Timestamp| at.min(now);
        let told = match said {
            // What is kept is not on its way: once it may go it has its own time.
            Some(left) if !left.held.is_empty() => None,
            Some(_) => Some(before.told.map_or(now, past)),
            None => before.told.map(past),
        };
        let (since, mark) = (past(before.since), mark.or(before.mark));
        Self { since, told, at: now, mark, anew: before.anew }
    }

    /// Whether it is of the drain in which no new work comes since `mark`; where one of
    /// both does not say, it may be.
    pub(super) fn is_of(&self, mark: Option<Timestamp>) -> bool {
        self.mark.zip(mark).is_none_or(|(own, other)| own == other)
    }

    /// Whether what is left on it has been told to go, and nothing kept it then.
    pub(super) fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// Whether the unit has been emptied for as long as it may take.
    pub(super) fn is_late(&self, limit: Limit, now: Timestamp) -> bool {
        has_passed(self.since, limit.span, now)
    }

    /// Whether all that is left on it has had that time, since it was told to go.
    pub(super) fn had_time(&self, limit: Limit, now: Timestamp) -> bool {
        self.told.is_some_and(|told| has_passed(told, limit.span, now))
    }
}

fn has_passed(since: Timestamp, span: Span, now: Timestamp) -> bool {
    now.duration_since(since).as_millis() >= i128::from(span.millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Held;
    use std::time::Duration;

    fn limit() -> Limit {
        Limit::of(Span::from_secs(600), 1)
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
    }

    /// Pods are left, on a node that is closed since `mark`.
    fn left(mark: i64) -> Left {
        Left { known: true, pods: 1, since: Some(at(mark)), ..Left::default() }
    }

    fn kept() -> Left {
        let (by, message) = ("PodDisruptionBudget a/b".to_owned(), "it needs 1".to_owned());
        Left { held: vec![Held { by, pods: 1, message }], ..left(0) }
    }

    /// Asked once a minute, from one until before another, with the same answer.
    fn asked(
        before: Option<Emptied>,
        said: Option<&Left>,
        (from, until): (i64, i64),
        cluster_tells: bool,
    ) -> Option<Emptied> {
        let again = |before, minute| {
            Some(Emptied::again(before, said, (limit(), cluster_tells), at(minute)))
        };
        (from..until).fold(before, again)
    }

    /// Whether it is late at a minute, and whether all that is left has had its time.
    fn stands(emptied: Option<Emptied>, minute: i64) -> (bool, bool) {
        let emptied = emptied.unwrap();
        (emptied.is_late(limit(), at(minute)), emptied.had_time(limit(), at(minute)))
    }

    #[test]
    fn the_time_counts_from_when_it_was_first_emptied_and_not_from_when_it_was_closed() {
        // It was closed an hour before.
        let begun = asked(None, Some(&left(-60)), (0, 1), true);
        assert_eq!(stands(begun, 0), (false, false));
        assert_eq!(stands(asked(begun, Some(&left(-60)), (1, 10), true), 9), (false, false));
        assert_eq!(stands(asked(begun, Some(&left(-60)), (1, 11), true), 10), (true, true));
    }

    #[test]
    fn after_a_gap_it_has_all_of_its_time_again() {
        let before = asked(None, Some(&left(0)), (1, 10), true);
        let short = asked(before, Some(&left(0)), (19, 20), true);
        assert_eq!(stands(short, 19), (true, true), "a gap as long as the limit is none yet");
        let long = asked(before, Some(&left(0)), (20, 21), true);
        assert_eq!(stands(long, 20), (false, false));
        let brief = Limit::of(Span::from_secs(20), 1);
        assert_eq!(brief.gap, GAP, "however short the limit, a turn or two are no gap");
        assert_eq!(Limit::of(Span::from_secs(20), 10).gap, Span::from_secs(30));
    }

    #[test]
    fn where_each_turn_is_a_gap_after_the_last_it_begins_anew_once_and_ends() {
        for (said, cluster_tells) in [(Some(left(-60)), true), (Some(left(-60)), false)] {
            let turn =
                |before, minute| asked(before, said.as_ref(), (minute, minute + 1), cluster_tells);
            let first = turn(None, 0);
            assert_eq!(stands(first, 0), (false, false), "never in the turn that begins it");
            let second = turn(first, 15);
            assert_eq!(stands(second, 15), (false, false), "nobody emptied it for a while");
            let text = serde_json::to_string(&second.unwrap()).unwrap();
            let third = turn(serde_json::from_str(&text).unwrap(), 30);
            assert_eq!(stands(third, 30), (true, true), "whoever leads then");
        }
        // An agent that is silent is late then, too.
        let silent = |before, minute| asked(before, None, (minute, minute + 1), false);
        assert!(stands(silent(silent(silent(None, 0), 15), 30), 30).0);
        // Opened meanwhile it is another drain, which has all of its time and a gap again.
        let before =
            asked(asked(None, Some(&left(0)), (0, 1), true), Some(&left(0)), (15, 16), true);
        let other = |before, minute| asked(before, Some(&left(20)), (minute, minute + 1), true);
        let opened = other(before, 30);
        assert_eq!(stands(opened, 30), (false, false));
        assert_eq!(stands(other(opened, 45), 45), (false, false));
    }

    #[test]
    fn one_that_somebody_has_opened_meanwhile_begins_anew() {
        let before = asked(None, Some(&left(0)), (1, 10), true);
        let anew = asked(before, Some(&left(10)), (10, 12), true);
        assert_eq!(stands(anew, 19), (false, false));
        // An agent that has started again says a later time, and would never be done.
        let agent = asked(before, Some(&left(10)), (10, 12), false);
        assert_eq!(stands(agent, 11), (true, true));
    }

    #[test]
    fn what_a_budget_kept_has_its_own_time_once_it_may_go() {
        let held = asked(None, Some(&kept()), (0, 10), true);
        assert_eq!(stands(held, 10), (true, false));
        let free = asked(held, Some(&left(0)), (10, 20), true);
        assert_eq!(stands(free, 19), (true, false));
        assert_eq!(stands(free, 20), (true, true));
    }

    #[test]
    fn a_unit_without_an_answer_is_late_and_nothing_on_it_was_told() {
        assert_eq!(stands(asked(None, None, (0, 11), true), 10), (true, false));
        let told = asked(None, Some(&left(0)), (0, 1), true);
        assert_eq!(stands(asked(told, None, (1, 11), true), 10), (true, true));
    }

    #[test]
    fn a_clock_that_was_ahead_ends_nothing() {
        let ahead = asked(None, Some(&left(0)), (500, 501), true);
        assert_eq!(stands(asked(ahead, Some(&left(0)), (1, 2), true), 1), (false, false));
        // By less than a gap, too: it counts as of now.
        let ahead = asked(None, Some(&left(0)), (5, 6), true);
        let now = asked(ahead, Some(&left(0)), (3, 4), true);
        assert_eq!(stands(now, 12), (false, false));
        assert_eq!(stands(now, 13), (true, true));
    }

    #[test]
    fn what_is_noted_is_read_back() {
        let emptied = asked(None, Some(&left(0)), (1, 2), true).unwrap();
        let text = serde_json::to_string(&emptied).unwrap();
        assert_eq!(serde_json::from_str::<Emptied>(&text).unwrap(), emptied);
        assert!(text.len() < 160, "{text}");
        assert!(emptied.is_of(Some(at(0))) && emptied.is_of(None) && !emptied.is_of(Some(at(1))));
        assert_eq!(limit().gap.duration(), Duration::from_secs(600));
    }
}
