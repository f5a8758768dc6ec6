//! Phases that should be over, and are not even live.

use super::model::{Environment, Phase};
use super::resolve::Resolved;
use crate::clock::Date;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::id::Name;
use crate::units::Span;
use std::ops::Range;

/// A phase that is planned to be over, and has not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// The phase.
    pub phase: Name,
    /// The last day on which it was to be done.
    pub end: Date,
}

/// The phases after the live one whose planned end lies before `today`, earliest first.
pub fn overdue(environment: &Environment, today: Date) -> Vec<Overdue> {
    let rollout = &environment.rollout;
    let live = environment.environment.phase.as_ref();
    let live = live.and_then(|live| rollout.phases.get(live)).map(|phase| phase.order);
    let later = rollout.in_order().into_iter().filter(|(_, phase)| Some(phase.order) > live);
    let ended = later.filter_map(|(name, phase)| Some((name, planned_end(phase)?)));
    let ended = ended.filter(|(_, end)| *end < today);
    ended.map(|(phase, end)| Overdue { phase: phase.clone(), end }).collect()
}

impl Resolved {
    /// A warning for each phase that is [`overdue`], at the line of its start.
    pub fn overdue(&self, today: Date) -> Diagnostics {
        let mut found = Diagnostics::default();
        found.sources = self.sources.clone();
        for Overdue { phase, end } in overdue(&self.environment, today) {
            let message = format!("the phase `{phase}` was to be done by {end}, and is not live");
            let warning = Diagnostic::warning(message);
            let warning = warning.help("plan its `start` anew, or `floodway rollout promote`");
            let place = self.origins.origin(&format!("rollout.phases.{phase}.start"));
            found.push(match place.and_then(|place| Some((place, self.line_from(place)?))) {
                Some((place, span)) => warning.at(&place.file, span, ""),
                None => warning,
            });
        }
        found
    }

    /// The bytes of the line at `place`, from there on.
    pub fn line_from(&self, place: &Place) -> Option<Range<usize>> {
        let text = self.sources.text(&place.file)?;
        let mut lines = text.split_inclusive('\n');
        let before: usize = lines.by_ref().take(place.line - 1).map(str::len).sum();
        let line = lines.next()?.trim_end();
        let from = line.char_indices().nth(place.column - 1).map_or(0, |(at, _)| at);
        Some(before + from..before + line.len())
    }
}

/// The last day that is planned for `phase`; none: its plan has no days.
fn planned_end(phase: &Phase) -> Option<Date> {
    let start = day(phase.start.as_deref()?)?;
    Some(days_later(start, phase.window?.most()))
}

/// The day that `text` says, as `2026-12-01`.
pub(super) fn day(text: &str) -> Option<Date> {
    let read: Date = text.parse().ok()?;
    (read.to_string() == text).then_some(read)
}

/// The day that lies the whole days of `span` after `day`.
pub(super) fn days_later(day: Date, span: Span) -> Date {
    let days = i64::try_from(span.millis() / 86_400_000).unwrap_or(i64::MAX);
    day.saturating_add(jiff::Span::new().days(days.min(100_000)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Look;
    use crate::spec::{OneFile, resolve};

    fn resolved(live: &str) -> Resolved {
        let text = format!(
            "[environment]\nname = \"a\"\n{live}\n[slo]\navailability = \"99%\"\n\
             [service]\nname = \"s\"\nnamespace = \"n\"\nmodel = \"m\"\n[service.stages.i]\n\
             image = \"i:1\"\nresources.cpu = \"1\"\nresources.memory = \"1Gi\"\n[onprem]\nprovider = \"sim\"\n\
             [rollout.phases.one]\norder = 1\nstart = \"2026-12-01\"\nwindow = \"1-2 weeks\"\n\
             [rollout.phases.two]\norder = 2\n  start = \"2026-12-20\"   # after the fair\n\
             window = \"1 month\"\n\
             [rollout.phases.three]\norder = 3\nwindow = \"1 month\"\n"
        );
        let (resolved, found) = resolve("a.toml", &OneFile("a.toml", text));
        resolved.unwrap_or_else(|| panic!("{}", found.render(Look::PLAIN)))
    }

    #[test]
    fn a_phase_whose_days_are_over_before_it_is_live_is_overdue() {
        let of = |live: &str, today: &str| {
            let found = overdue(&resolved(live).environment, today.parse().unwrap());
            let found = found.iter().map(|Overdue { phase, end }| format!("{phase} {end}"));
            found.collect::<Vec<_>>()
        };
        assert_eq!(of("", "2026-12-15"), [""; 0]);
        assert_eq!(of("", "2026-12-16"), ["one 2026-12-15"]);
        assert_eq!(of("", "2027-02-01"), ["one 2026-12-15", "two 2027-01-19"]);
        assert_eq!(of("phase = \"one\"", "2027-02-01"), ["two 2027-01-19"]);
        assert_eq!(of("phase = \"two\"", "2027-02-01"), [""; 0]);
    }

    #[test]
    fn it_is_said_at_the_line_of_its_start() {
        let found = resolved("phase = \"one\"").overdue("2027-02-01".parse().unwrap());
        let said = found.render(Look::PLAIN);
        let first = "warning: the phase `two` was to be done by 2027-01-19, and is not live";
        assert!(said.starts_with(first), "{said}");
        assert!(said.contains("a.toml:22:3\n"), "{said}");
        assert!(said.contains("^^^^^"), "{said}");
    }
}
