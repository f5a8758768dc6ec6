//! What a decision goes by beside the load, and whether it is lost: without it less would
//! seem to be needed.

use super::{good, value};
use crate::id::Name;
use crate::signal::{Measured, Query, Verdict};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What somebody has declared that it is there: it is in doubt until it is known.
const DECLARED: [&str; 2] = ["queue", "kafka"];
/// What engines tell, or do not: it is in doubt once it was known.
const OF_ENGINES: [&str; 4] = ["waiting", "finished", "tokens_in", "tokens_out"];

/// Signals of engines that were good once, whoever led, each with a digest of its PromQL:
/// another engine may not tell what the one before told by the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::controller) struct Known(BTreeMap<String, String>);

impl Known {
    pub(in crate::controller) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With what another has known.
    pub(super) fn extend(&mut self, other: Self) {
        for (signal, asked) in other.0 {
            self.0.entry(signal).or_insert(asked);
        }
    }

    /// Forgets what is not asked for any more, or by another PromQL.
    pub(super) fn retain(&mut self, queries: &[Query]) {
        self.0.retain(|signal, asked| {
            let query = queries.iter().find(|query| query.signal == *signal);
            query.is_some_and(|query| digest(query) == *asked)
        });
    }

    /// Why something of a stage beside its load is not to be believed now; none: all is
    /// known, or never was and need not be. `readings` are what `queries` were answered.
    pub(super) fn lost(
        &mut self,
        (queries, readings): (&[Query], &[Measured]),
        stage: &Name,
    ) -> Option<Verdict> {
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
                if let Some(query) = queries.iter().find(|query| query.signal == signal) {
                    self.0.insert(signal, digest(query));
                }
                continue;
            }
            // Of engines that answer nothing, there may be nothing to tell.
            let idle = measured.is_idle() && !answers;
            if self.0.contains_key(&signal) && !idle {
                let why = format!("{signal} was measured before: {verdict}");
                lost = Some(Verdict::Contradicted(why));
            }
        }
        lost
    }
}

/// What tells one PromQL from another: the beginning of its SHA-256, in hex.
fn digest(query: &Query) -> String {
    Sha256::digest(&query.promql).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
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

    fn asks(signal: &str, engine: &str) -> Query {
        let (signal, promql) = (signal.to_owned(), format!("sum({engine}:{signal})"));
        Query { signal, unit: "requests", promql, quiet: false }
    }

    fn lost(known: &mut Known, readings: &[Measured]) -> Option<String> {
        lost_of("vllm", known, readings)
    }

    fn lost_of(engine: &str, known: &mut Known, readings: &[Measured]) -> Option<String> {
        let queries = readings.iter().map(|measured| asks(&measured.reading.signal, engine));
        let queries: Vec<Query> = queries.collect();
        known.retain(&queries);
        let lost = known.lost((&queries, readings), &"inference".parse().unwrap());
        lost.map(|verdict| verdict.to_string())
    }

    #[test]
    fn what_another_engine_has_told_by_the_same_name_is_not_missed() {
        let (mut known, waiting) = (Known::default(), "engine/inference/waiting");
        assert_eq!(lost_of("vllm", &mut known, &[told(waiting, Some(0.0))]), None);
        let text = serde_json::to_string(&known).unwrap();
        let mut next: Known = serde_json::from_str(&text).unwrap();
        assert!(lost_of("vllm", &mut next, &[told(waiting, None)]).is_some());
        assert_eq!(lost_of("triton", &mut next, &[told(waiting, None)]), None);
        // What it knows of the other one itself stays, whatever the leader before had noted.
        assert_eq!(lost_of("triton", &mut known, &[told(waiting, Some(0.0))]), None);
        known.extend(serde_json::from_str(&text).unwrap());
        assert!(lost_of("triton", &mut known, &[told(waiting, None)]).is_some());
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
