//! The criteria of a phase, those that end it well and those that end it badly alike.

use super::Kind;
use crate::id::Name;
use crate::spec::model::{Abort, BuiltIn, Exit, Limit, LimitUnit, Over, Phase};
use crate::units::{Share, Span};

/// Rounding alone decides nothing: numbers this close to each other are the same.
const SAME: f64 = 1e-9;

/// One criterion of a phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Criterion<'e> {
    /// Its name in the phase.
    pub name: &'e Name,
    /// Whether it ends the phase well or badly.
    pub kind: Kind,
    /// What it means, in words.
    pub summary: Option<&'e str>,
    /// What Floodway measures by itself, or else a query.
    pub measure: Option<BuiltIn>,
    /// PromQL that answers one number.
    pub query: Option<&'e str>,
    /// It holds from here up; of an abort criterion, above it.
    pub low: Option<Limit>,
    /// It holds up to here; of an abort criterion, below it.
    pub high: Option<Limit>,
    /// Over how long it is measured.
    pub window: Span,
    /// How much of the window must have data.
    pub minimum: Share,
    /// How the window's values become one.
    pub over: Over,
}

/// The criteria of `phase`: by which it is done, then by which it is given up, each in
/// the order of their names.
pub fn criteria(phase: &Phase) -> Vec<Criterion<'_>> {
    let exit = phase.exit.iter().map(|(name, exit)| Criterion::exit(name, exit));
    exit.chain(phase.abort.iter().map(|(name, abort)| Criterion::abort(name, abort))).collect()
}

impl<'e> Criterion<'e> {
    fn exit(name: &'e Name, exit: &'e Exit) -> Self {
        Self {
            name,
            kind: Kind::Exit,
            summary: exit.summary.as_deref(),
            measure: exit.measure,
            query: exit.query.as_deref(),
            low: exit.at_least,
            high: exit.at_most,
            window: exit.window,
            minimum: exit.minimum,
            over: exit.over,
        }
    }

    fn abort(name: &'e Name, abort: &'e Abort) -> Self {
        Self {
            name,
            kind: Kind::Abort,
            summary: abort.summary.as_deref(),
            measure: abort.measure,
            query: abort.query.as_deref(),
            low: abort.above,
            high: abort.below,
            window: abort.window,
            minimum: abort.minimum,
            over: abort.over,
        }
    }

    /// Whether it holds with this value; none: it names no limit.
    pub fn holds(&self, value: f64) -> Option<bool> {
        if self.low.is_none() && self.high.is_none() {
            return None;
        }
        let less = |limit: Limit| exceeds(limit.value, value);
        let more = |limit: Limit| exceeds(value, limit.value);
        Some(match self.kind {
            Kind::Exit => !self.low.is_some_and(less) && !self.high.is_some_and(more),
            Kind::Abort => self.low.is_some_and(more) || self.high.is_some_and(less),
        })
    }

    /// What the value is held against, in words: `at least 99.9%`, `above 5%`.
    pub fn target(&self) -> String {
        let (low, high, between) = match self.kind {
            Kind::Exit => ("at least", "at most", " and "),
            Kind::Abort => ("above", "below", " or "),
        };
        let parts = [(low, self.low), (high, self.high)];
        let parts =
            parts.into_iter().filter_map(|(word, limit)| Some(format!("{word} {}", limit?)));
        let text = parts.collect::<Vec<_>>().join(between);
        if text.is_empty() { "no limit".to_owned() } else { text }
    }

    /// What its value is a number of.
    pub fn unit(&self) -> LimitUnit {
        let limit = self.low.or(self.high).map(|limit| limit.unit);
        limit.or(self.measure.map(super::inherent_unit)).unwrap_or_default()
    }

    /// What is measured: the name of what Floodway knows, or the query.
    pub fn measured(&self) -> String {
        let query = || self.query.unwrap_or_default().trim().to_owned();
        self.measure.map_or_else(query, |measure| measure.as_str().to_owned())
    }
}

/// Whether `one` is more than `other`, and not by rounding alone.
fn exceeds(one: f64, other: f64) -> bool {
    one - other > SAME * one.abs().max(other.abs()).max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::criterion;
    use super::*;

    fn limit(value: f64) -> Option<Limit> {
        Some(Limit { value, unit: LimitUnit::Share })
    }

    #[track_caller]
    fn assert_holds(kind: Kind, low: Option<Limit>, high: Option<Limit>, values: &[(f64, bool)]) {
        let name = "x".parse().unwrap();
        let criterion = Criterion { kind, low, high, ..criterion(&name) };
        for (value, holds) in values {
            assert_eq!(criterion.holds(*value), Some(*holds), "{value} {}", criterion.target());
        }
    }

    #[test]
    fn the_limit_itself_is_still_met_and_rounding_decides_nothing() {
        let noise = 0.999 - 1e-16;
        let from = [(0.999, true), (noise, true), (0.9989, false)];
        assert_holds(Kind::Exit, limit(0.999), None, &from);
        let to = [(0.6, true), (0.1 + 0.2 + 0.3, true), (0.61, false)];
        assert_holds(Kind::Exit, None, limit(0.6), &to);
        let between = [(0.3, true), (0.05, false), (0.6, false)];
        assert_holds(Kind::Exit, limit(0.1), limit(0.5), &between);
        assert_holds(Kind::Abort, limit(0.05), None, &[(0.05, false), (0.051, true)]);
        assert_holds(Kind::Abort, None, limit(0.9), &[(0.9, false), (0.89, true), (1.0, false)]);
    }

    #[test]
    fn a_target_reads_as_people_say_it() {
        let name = "x".parse().unwrap();
        let none = Criterion { low: None, high: None, ..criterion(&name) };
        assert_eq!((none.target().as_str(), none.holds(1.0)), ("no limit", None));
        let both = Criterion { low: limit(0.9), high: limit(0.95), ..criterion(&name) };
        assert_eq!(both.target(), "at least 90% and at most 95%");
        let abort = Criterion { kind: Kind::Abort, ..both };
        assert_eq!(abort.target(), "above 90% or below 95%");
    }
}
