//! What a decision goes by beside the load, and whether it is lost: without it less would
//! seem to be needed.

use super::{good, value};
use crate::id::Name;
use crate::signal::{Measured, Query, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What somebody has declared that it is there: it is in doubt until it is known.
const DECLARED: [&str; 2] = ["queue", "kafka"];
/// What engines tell, or do not: it is in doubt once it was known.
const OF_ENGINES: [&str; 4] = ["waiting", "finished", "tokens_in", "tokens_out"];

/// Signals of engines that were good once, whoever led.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::controller) struct Known(BTreeSet<String>);

impl Known {
    pub(in crate::controller) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With what another has known.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Forgets what is not asked for any more.
    pub(super) fn retain(&mut self, queries: &[Query]) {
        self.0.retain(|signal| queries.iter().any(|query| query.signal == *signal));
    }

    /// Why something of a stage beside its load is not to be believed now; none: all is
    /// known, or never was and need not be.
    pub(super) fn lost(&mut self, readings: &[Measured], stage: &Name) -> Option<Verdict> {
        let mut lost = None;
        for kind in DECLARED {
            let Some(measured) = value(readings, &format!("{kind}/{stage}")) else { continue };
            if !measured.reading.verdict.may_scale_in() && !measured.is_idle() {
                lost = Some(declared(measured));
            }
        }
        let answers = good(readings, &format!("engine/{stage}/finished"));
        let answers = answers.is_some_and(|finished| finished > 0.0);
        for what in OF_ENGINES {
            let signal = format!("engine/{stage}/{what}");
            let Some(measured) = value(readings, &signal) else { continue };
            let verdict = &measured.reading.verdict;
            if verdict.may_scale_in() {
                self.0.insert(signal);
                continue;
            }
            // Of engines that answer nothing, there may be nothing to tell.
            let idle = measured.is_idle() && !answers;
            if self.0.contains(&signal) && !idle {
                let why = format!("{signal} was measured before: {verdict}");
                lost = Some(Verdict::Contradicted(why));
            }
        }
        lost
    }
}

fn declared(measured: &Measured) -> Verdict {
    let (signal, verdict) = (&measured.reading.signal, &measured.reading.verdict);
    let help = match verdict {
        Verdict::Missing => "; an exporter that runs tells 0 where nothing waits",
        _ => "",
    };
    Verdict::Contradicted(format!("{signal} is declared, and not known: {verdict}{help}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Reading;

    /// A signal of one value; none: it is missing.
    fn told(signal: &str, value: Option<f64>) -> Measured {
        Measured::plain(Reading {
            signal: signal.to_owned(),
            unit: "requests",
            source: String::new(),
            value,
            at: None,
            verdict: value.map_or(Verdict::Missing, |_| Verdict::Good),
        })
    }

    fn lost(known: &mut Known, readings: &[Measured]) -> Option<String> {
        known.lost(readings, &"inference".parse().unwrap()).map(|verdict| verdict.to_string())
    }

    #[test]
    fn what_is_declared_is_in_doubt_until_it_is_known() {
        for signal in ["queue/inference", "kafka/inference"] {
            let mut known = Known::default();
            assert_eq!(lost(&mut known, &[told(signal, Some(3.0))]), None);
            let why = lost(&mut Known::default(), &[told(signal, None)]).unwrap();
            assert!(why.contains(signal) && why.contains("tells 0"), "{why}");
        }
        let other = told("queue/preprocess", None);
        assert_eq!(lost(&mut Known::default(), &[other]), None, "it is another stage's");
        assert_eq!(lost(&mut Known::default(), &[]), None, "nothing is declared");
    }

    #[test]
    fn what_engines_tell_is_in_doubt_once_it_was_known() {
        let (mut known, waiting) = (Known::default(), "engine/inference/waiting");
        assert_eq!(lost(&mut known, &[told(waiting, None)]), None);
        assert_eq!(lost(&mut known, &[told(waiting, Some(0.0))]), None);
        let why = lost(&mut known, &[told(waiting, None)]).unwrap();
        assert!(why.contains("engine/inference/waiting was measured before: missing"), "{why}");
        known.retain(&[]);
        assert_eq!(lost(&mut known, &[told(waiting, None)]), None, "nobody asks for it now");
    }

    #[test]
    fn what_may_have_nothing_to_tell_is_no_doubt_while_nothing_is_answered() {
        let tokens = |value| Measured { quiet: true, ..told("engine/inference/tokens_in", value) };
        let finished = |value| told("engine/inference/finished", Some(value));
        let mut known = Known::default();
        assert_eq!(lost(&mut known, &[tokens(Some(9.0)), finished(1.0)]), None);
        assert_eq!(lost(&mut known, &[tokens(None), finished(0.0)]), None);
        assert!(lost(&mut known, &[tokens(None), finished(1.0)]).is_some());
    }
}
