//! How far the live phase has come in the time that is planned for it.

use crate::clock::{Date, Timestamp};
use crate::id::Name;
use crate::spec::Environment;
use crate::spec::model::{Passage, Phase};
use crate::units::Span;

/// The live phase in its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The phase.
    pub phase: Name,
    /// When it began: as the history says, or else the day on which it was meant to.
    pub began: Option<Timestamp>,
    /// When it is meant to be done, at the earliest and at the latest; none: nobody
    /// says, or it is not known when it began.
    pub ends: Option<(Timestamp, Timestamp)>,
    /// By how much it is overdue.
    pub overdue: Option<Span>,
}

/// How the live phase stands at the time `now`; none: no phase is live.
pub fn standing(environment: &Environment, now: Timestamp) -> Option<Standing> {
    let live = environment.environment.phase.as_ref()?;
    let phase = environment.rollout.phases.get(live)?;
    let began = since(&environment.rollout.history, live).or_else(|| meant(phase));
    let window = phase.window;
    let ends = began.zip(window).and_then(|(began, window)| {
        let after = |span: Span| began.checked_add(span.duration()).ok();
        after(window.least()).zip(after(window.most()))
    });
    let overdue = ends.filter(|(_, latest)| now > *latest).map(|(_, latest)| {
        Span::from_millis(u64::try_from(now.duration_since(latest).as_millis()).unwrap_or(0))
    });
    Some(Standing { phase: live.clone(), began, ends, overdue })
}

/// Since when `phase` is live, by the last passage, if that led to it.
fn since(history: &[Passage], phase: &Name) -> Option<Timestamp> {
    let last = history.last().filter(|passage| passage.to.as_ref() == Some(phase))?;
    last.at.parse().ok()
}

/// The beginning of the day on which it is meant to begin, in UTC.
fn meant(phase: &Phase) -> Option<Timestamp> {
    let day: Date = phase.start.as_deref()?.parse().ok()?;
    format!("{day}T00:00:00Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::environment;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_phase_is_overdue_after_the_longest_that_it_was_meant_to_take() {
        let mut environment =
            environment("short", "start = \"2026-12-01\"\nwindow = \"1-2 weeks\"");
        let on_time = standing(&environment, at("2026-12-15T00:00:00Z")).unwrap();
        assert_eq!(on_time.overdue, None);
        let ends = (at("2026-12-08T00:00:00Z"), at("2026-12-15T00:00:00Z"));
        assert_eq!(on_time.ends, Some(ends));
        let late = standing(&environment, at("2026-12-17T00:00:00Z")).unwrap();
        assert_eq!(late.overdue, Some(Span::from_secs(2 * 86_400)));
        environment.rollout.history.push(Passage {
            at: "2026-12-03T08:00:00Z".into(),
            from: None,
            to: Some("short".parse().unwrap()),
            by: "ada".into(),
            reason: None,
            overridden: Vec::new(),
        });
        let later = standing(&environment, at("2026-12-17T00:00:00Z")).unwrap();
        assert_eq!((later.began, later.overdue), (Some(at("2026-12-03T08:00:00Z")), None));
    }

    #[test]
    fn without_a_plan_nothing_is_overdue() {
        let now = at("2026-12-17T00:00:00Z");
        let standing = standing(&environment("short", ""), now).unwrap();
        assert_eq!((standing.began, standing.ends, standing.overdue), (None, None, None));
        let mut before = environment("short", "");
        before.environment.phase = None;
        assert_eq!(super::standing(&before, now), None);
    }
}
