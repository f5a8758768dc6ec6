//! Signals, read: every server is asked at once, and what they say is judged.

use crate::clock::Timestamp;
use crate::port::Measure;
use crate::signal::{
    self, Answer, FactsQuery, History, MeasureError, Measured, Observation, Policy, Query, Range,
    Sample,
};
use crate::units::Span;
use futures::future::{join, join_all};
use futures::stream::{self, StreamExt};
use std::sync::Arc;

/// Queries under way at once with each server.
const AT_ONCE: usize = 8;
/// How far back a signal is looked for that has nothing to say now, and how closely.
const BACK: (Span, Span) = (Span::from_secs(600), Span::from_secs(5));

/// Reads `queries` from every server; the readings are in the order of the queries.
/// `now` is asked for after each answer, for it says how old that is.
pub async fn measure(
    servers: &[Arc<dyn Measure>],
    queries: &[Query],
    policy: Policy,
    now: &(dyn Fn() -> Timestamp + Sync),
) -> Vec<Measured> {
    let one = async |server: &Arc<dyn Measure>| {
        let server = server.as_ref();
        // What does not say is not held against it.
        let started = server.started().await.ok().flatten();
        let asked = queries.iter().map(async |query| {
            let said = observe(server, query, started, now).await;
            signal::judge(query, &said, policy, now())
        });
        stream::iter(asked).buffered(AT_ONCE).collect::<Vec<_>>().await
    };
    let mut said: Vec<_> =
        join_all(servers.iter().map(one)).await.into_iter().map(Vec::into_iter).collect();
    let each = queries
        .iter()
        .filter_map(|_| signal::agree(said.iter_mut().filter_map(Iterator::next).collect()));
    each.collect()
}

async fn observe(
    server: &dyn Measure,
    query: &Query,
    started: Option<Timestamp>,
    now: &(dyn Fn() -> Timestamp + Sync),
) -> Observation {
    let asked = FactsQuery::of(&query.promql);
    let about = async {
        let asked = asked.as_ref()?;
        Some(asked.read(&server.instant(&asked.promql).await.ok()?))
    };
    let (answer, mut facts) = join(server.instant(&query.promql), about).await;
    let empty = answer.as_ref().is_ok_and(|answer| answer.series.is_empty());
    let ended = facts.as_ref().is_some_and(|facts| facts.newest.is_none());
    // The windows of rates are still filled by what has ended.
    if let (Some(facts), Some(asked), true, true) = (&mut facts, &asked, ended, answer.is_ok())
        && let Ok(last) = server.instant(&asked.ended).await
    {
        facts.newest = asked.read(&last).newest;
    }
    let mut last = None;
    if empty && !query.quiet {
        let known = last_known(server, &query.promql, now()).await;
        let newest = facts.as_ref().and_then(|facts| facts.newest);
        last = known.map(|known| Sample { at: newest.unwrap_or(known.at).min(known.at), ..known });
    }
    let window = asked.and_then(|asked| asked.window);
    Observation { server: server.server().to_owned(), answer, facts, last, started, window }
}

/// The last number that the query answered.
async fn last_known(server: &dyn Measure, query: &str, now: Timestamp) -> Option<Sample> {
    let range = Range::last(BACK.0, BACK.1, now);
    let answer = server.range(query, &range).await.ok()?;
    let [series] = answer.series.as_slice() else { return None };
    series.samples.iter().rev().find(|sample| sample.value.is_finite()).copied()
}

/// What `query` was at each point of `range`, as far as the servers know.
pub async fn past(
    servers: &[Arc<dyn Measure>],
    query: &Query,
    range: &Range,
    policy: Policy,
    now: Timestamp,
) -> History {
    let one = async |server: &Arc<dyn Measure>| {
        let mut whole: Result<Answer, MeasureError> = Ok(Answer::default());
        for part in range.parts() {
            let answer = server.range(&query.promql, &part).await;
            whole = whole.and_then(|whole| Ok(joined(whole, answer?)));
            if whole.is_err() {
                break;
            }
        }
        (server.server().to_owned(), whole)
    };
    let said = join_all(servers.iter().map(one)).await;
    signal::history(&said, query.unit, range, policy, now)
}

/// The next part of a range, laid behind the ones before.
fn joined(mut before: Answer, next: Answer) -> Answer {
    for series in next.series {
        match before.series.iter_mut().find(|known| known.labels == series.labels) {
            Some(known) => known.samples.extend(series.samples),
            None => before.series.push(series),
        }
    }
    before.warnings.extend(next.warnings);
    before
}

#[cfg(test)]
mod tests;
