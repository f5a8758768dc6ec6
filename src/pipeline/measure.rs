//! Signals, read: every server is asked at once, and what they say is judged.

mod asking;

pub use asking::Heard;

use crate::clock::Timestamp;
use crate::port::Measure;
use crate::signal::{
    self, Answer, Facts, FactsQuery, History, MeasureError, Measured, Observation, Policy, Query,
    Range, Sample,
};
use crate::units::Span;
use asking::{Bounded, Round};
use futures::future::{join, join_all};
use std::sync::Arc;

/// How far back a signal is looked for that has nothing to say now, and how closely.
const BACK: (Span, Span) = (Span::from_secs(600), Span::from_secs(5));

/// Reads `queries` from every server, and waits for each as long as `policy` has
/// patience; the readings are in the order of the queries. `now` is asked for after
/// each answer, for it says how old that is.
pub async fn measure(
    servers: &[Arc<dyn Measure>],
    queries: &[Query],
    policy: Policy,
    now: &(dyn Fn() -> Timestamp + Sync),
) -> Vec<Measured> {
    measure_by(servers, queries, policy, now, None).await
}

/// As [`measure`], for who reads again and again: a server that lags behind is waited
/// for a moment only once another has told everything, or if it was silent before.
pub async fn measure_again(
    servers: &[Arc<dyn Measure>],
    queries: &[Query],
    policy: Policy,
    now: &(dyn Fn() -> Timestamp + Sync),
    heard: &mut Heard,
) -> Vec<Measured> {
    measure_by(servers, queries, policy, now, Some(heard)).await
}

async fn measure_by(
    servers: &[Arc<dyn Measure>],
    queries: &[Query],
    policy: Policy,
    now: &(dyn Fn() -> Timestamp + Sync),
    heard: Option<&mut Heard>,
) -> Vec<Measured> {
    if queries.is_empty() {
        return Vec::new();
    }
    let known = heard.as_deref().cloned().unwrap_or_default();
    let mut round = Round::begin(servers, queries, (policy, now), &known);
    match heard {
        None => while round.hear().await {},
        Some(heard) => {
            round.hear_enough().await;
            *heard = round.heard();
        }
    }
    round.judged()
}

/// What `server` says of `query`, about at the time `now`.
async fn observe(server: &Bounded, query: &Query, now: Timestamp) -> Observation {
    let asked = FactsQuery::of(&query.promql);
    let about = about(server, asked.as_ref());
    let (answer, mut facts) = join(server.instant(&query.promql), about).await;
    let empty = answer.as_ref().is_ok_and(|answer| answer.series.is_empty());
    let ended = matches!(&facts, Ok(Some(facts)) if facts.newest.is_none());
    // The windows of rates are still filled by what has ended.
    if let (Some(asked), true, true) = (&asked, ended, answer.is_ok()) {
        match (server.instant(&asked.ended).await, &mut facts) {
            (Ok(last), Ok(Some(facts))) => facts.newest = asked.read(&last).newest,
            (Err(error), facts) => *facts = Err(error),
            (Ok(_), _) => {}
        }
    }
    let mut last = None;
    if empty && !query.quiet {
        let known = last_known(server, &query.promql, now).await;
        let newest = facts.as_ref().ok().and_then(Option::as_ref).and_then(|facts| facts.newest);
        last = known.map(|known| Sample { at: newest.unwrap_or(known.at).min(known.at), ..known });
    }
    let window = asked.and_then(|asked| asked.window);
    Observation { server: server.name().to_owned(), answer, facts, last, started: None, window }
}

/// What is known of the series behind an answer; none: of these nothing can be asked.
async fn about(
    server: &Bounded,
    asked: Option<&FactsQuery>,
) -> Result<Option<Facts>, MeasureError> {
    let Some(asked) = asked else { return Ok(None) };
    let answer = server.instant(&asked.promql).await?;
    Ok(Some(asked.read(&answer)))
}

/// The last number that the query answered.
async fn last_known(server: &Bounded, query: &str, now: Timestamp) -> Option<Sample> {
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
    let each = servers.iter().cloned();
    let said = each.map(|server| whole(server, query.promql.clone(), range.parts()));
    let said = join_all(said).await;
    signal::history(&said, query.unit, range, policy, now)
}

/// What a server knows of all parts of a range, with the server's name.
async fn whole(
    server: Arc<dyn Measure>,
    query: String,
    parts: Vec<Range>,
) -> (String, Result<Answer, MeasureError>) {
    let name = server.server().to_owned();
    let mut whole = Answer::default();
    for part in parts {
        match server.range(&query, &part).await {
            Ok(answer) => whole = joined(whole, answer),
            Err(error) => return (name, Err(error)),
        }
    }
    (name, Ok(whole))
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
