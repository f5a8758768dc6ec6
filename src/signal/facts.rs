//! What tells whether an answer may be believed: a query's answer always bears the
//! time of the question, so how old the samples behind it are, and since when, is
//! asked beside it.

use super::Answer;
use crate::clock::Timestamp;
use crate::spec::promql;
use crate::units::Span;
use std::collections::BTreeMap;

/// The label of one fact.
const LABEL: &str = "floodway_fact";
/// The label of a number of targets: what `up` is of them.
const UP: &str = "floodway_up";
/// Selectors that are asked about; of longer queries, the first.
const MOST: usize = 8;
/// How far back samples of series that have ended are looked for.
const BACK: &str = "[10m:10s]";
/// For how long a target that cannot be scraped still counts as one of a series:
/// after that its end is somebody's decision.
const REMEMBERED: &str = "[1h]";

/// How to ask for the facts about the series that a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsQuery {
    /// PromQL: when each was last measured, whether it was there a window ago, and how
    /// many of its targets can be scraped, and how many cannot.
    pub promql: String,
    /// PromQL: when each was last measured before it ended, which costs more.
    pub ended: String,
    /// The query's window.
    pub window: Option<Span>,
    selectors: usize,
}

/// What is known of the series behind an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// When the one that lags most was last measured; none: they have ended.
    pub newest: Option<Timestamp>,
    /// Some of them are younger than the query's window.
    pub young: Option<Span>,
    /// So many targets that they were measured from cannot be scraped now.
    pub unscraped: u64,
    /// So many targets there are, with those; nothing: it is not known.
    pub targets: u64,
}

impl FactsQuery {
    /// What to ask about the series of `query`; none where no series is read.
    pub fn of(query: &str) -> Option<Self> {
        let reads = promql::reads(query).ok()?;
        let selectors = &reads.selectors[..reads.selectors.len().min(MOST)];
        if selectors.is_empty() {
            return None;
        }
        let fact = |what: &str, at: usize, value: &str| {
            format!("label_replace({value}, \"{LABEL}\", \"{what}{at}\", \"\", \"\")")
        };
        let mut now = Vec::new();
        let mut ended = Vec::new();
        for (at, selector) in selectors.iter().enumerate() {
            now.push(fact("newest", at, &format!("max(timestamp({selector}))")));
            if let Some(window) = reads.window {
                let before = format!("count({selector} offset {}ms)", window.millis());
                now.push(fact("before", at, &before));
            }
            // Pods that are gone have left the targets with their series; `up` tells of
            // those that should be there.
            let targets = format!(
                "count_values(\"{UP}\", up and on (job, instance) \
                 group by (job, instance) (last_over_time({selector}{REMEMBERED})))"
            );
            now.push(fact("targets", at, &targets));
            let last = format!("max(max_over_time(timestamp({selector}){BACK}))");
            ended.push(fact("newest", at, &last));
        }
        Some(Self {
            promql: now.join(" or "),
            ended: ended.join(" or "),
            window: reads.window,
            selectors: selectors.len(),
        })
    }

    /// What `answer` tells; none where it tells nothing of these.
    pub fn read(&self, answer: &Answer) -> Facts {
        let value = |what: &str, at: usize| {
            let name = format!("{what}{at}");
            let series = answer.series.iter().find(|s| s.labels.get(LABEL) == Some(&name));
            series.and_then(|series| series.samples.last()).map(|sample| sample.value)
        };
        let targets = |at: usize, only_down: bool| -> u64 {
            let name = format!("targets{at}");
            let all = answer.series.iter().filter(|s| s.labels.get(LABEL) == Some(&name));
            let is_down = |labels: &BTreeMap<String, String>| {
                labels.get(UP).is_some_and(|up| up.as_str() == "0")
            };
            let asked = all.filter(|s| !only_down || is_down(&s.labels));
            asked.filter_map(|s| s.samples.last()).map(|sample| sample.value as u64).sum()
        };
        let (mut newest, mut young) = (None::<Timestamp>, None);
        let (mut unscraped, mut all) = (0u64, 0u64);
        for at in 0..self.selectors {
            // Selectors may share their targets: what lacks the largest part counts.
            let (down, of) = (targets(at, true), targets(at, false));
            if down.saturating_mul(all.max(1)) > unscraped.saturating_mul(of.max(1)) {
                (unscraped, all) = (down, of);
            }
            let Some(last) = value("newest", at).and_then(timestamp) else { continue };
            newest = Some(newest.map_or(last, |newest| newest.min(last)));
            if value("before", at).is_none() {
                young = self.window;
            }
        }
        Facts { newest, young, unscraped, targets: all }
    }
}

fn timestamp(seconds: f64) -> Option<Timestamp> {
    let millis = (seconds * 1000.0).round();
    (millis.abs() < 1e15).then(|| Timestamp::from_millisecond(millis as i64).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{RawSeries, Sample};

    fn answer(facts: &[(&str, f64)]) -> Answer {
        let at = Timestamp::from_second(1000).unwrap();
        let series = facts.iter().map(|(name, value)| RawSeries {
            labels: [(LABEL.to_owned(), (*name).to_owned())].into(),
            samples: vec![Sample { at, value: *value }],
        });
        Answer { series: series.collect(), warnings: Vec::new() }
    }

    /// `down` of `all` targets of the series that is read as number `at`.
    fn with_targets(mut answer: Answer, at: usize, down: u64, all: u64) -> Answer {
        let counted = [("0", down), ("1", all - down)].into_iter().filter(|(_, count)| *count > 0);
        answer.series.extend(counted.map(|(up, count)| {
            RawSeries {
                labels: [(LABEL, format!("targets{at}")), (UP, up.to_owned())]
                    .map(|(label, value)| (label.to_owned(), value))
                    .into(),
                samples: vec![Sample {
                    at: Timestamp::from_second(1000).unwrap(),
                    value: count as f64,
                }],
            }
        }));
        answer
    }

    #[test]
    fn the_facts_are_of_each_series_that_is_read() {
        let asked = FactsQuery::of("sum(rate(a[1m])) / sum(rate(b{c=\"d\"}[5m]))").unwrap();
        let facts: Vec<_> = asked.promql.split(" or ").collect();
        let fact = |what: &str, value: &str| {
            format!("label_replace({value}, \"floodway_fact\", \"{what}\", \"\", \"\")")
        };
        let targets = |of: &str| {
            format!(
                "count_values(\"floodway_up\", up and on (job, instance) \
                 group by (job, instance) (last_over_time({of}[1h])))"
            )
        };
        assert_eq!(
            facts,
            [
                fact("newest0", "max(timestamp(a))"),
                fact("before0", "count(a offset 300000ms)"),
                fact("targets0", &targets("a")),
                fact("newest1", "max(timestamp(b{c=\"d\"}))"),
                fact("before1", "count(b{c=\"d\"} offset 300000ms)"),
                fact("targets1", &targets("b{c=\"d\"}")),
            ]
        );
        assert_eq!(FactsQuery::of("vector(1)"), None);
    }

    #[test]
    fn the_one_that_lags_most_counts_and_what_is_not_there_does_not() {
        let asked = FactsQuery::of("sum(rate(a[1m]) or rate(b[1m]))").unwrap();
        let at = |second| Timestamp::from_second(second).ok();
        let both = answer(&[("newest0", 990.0), ("before0", 1.0), ("newest1", 980.5)]);
        assert_eq!(
            asked.read(&both),
            Facts {
                newest: Timestamp::from_millisecond(980_500).ok(),
                young: Some(Span::from_secs(60)),
                ..Facts::default()
            }
        );
        let one = answer(&[("newest0", 990.0), ("before0", 1.0)]);
        assert_eq!(asked.read(&one), Facts { newest: at(990), ..Facts::default() });
        assert_eq!(asked.read(&answer(&[("newest0", f64::NAN)])), Facts::default());
    }

    #[test]
    fn of_the_targets_those_count_of_which_the_largest_part_is_down() {
        let asked = FactsQuery::of("sum(rate(a[1m]) or rate(b[1m]))").unwrap();
        let read = |answer: Answer| {
            let facts = asked.read(&answer);
            (facts.unscraped, facts.targets)
        };
        let known = answer(&[("newest0", 990.0), ("before0", 1.0)]);
        assert_eq!(read(with_targets(known.clone(), 0, 0, 20)), (0, 0), "all are scraped");
        let first = with_targets(known, 0, 2, 20);
        assert_eq!(read(first.clone()), (2, 20));
        assert_eq!(read(with_targets(first.clone(), 1, 1, 4)), (1, 4));
        assert_eq!(read(with_targets(first, 1, 1, 40)), (2, 20));
    }
}
