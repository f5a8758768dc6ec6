//! Criteria, measured: every server is asked, and what they say is judged.

use super::judge::Said;
use super::{Criterion, Finding, Question, criteria, judge};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::port::Measure;
use crate::signal::{Answer, MeasureError, MeasureFailure, Range};
use crate::spec::Environment;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use std::sync::Arc;

/// Questions under way at once with each server.
const AT_ONCE: usize = 8;

/// How every criterion of `phase` stands at the time `now`, as [`criteria`] has them;
/// nothing where there is no such phase. Without servers nothing is known of any.
pub async fn findings(
    servers: &[Arc<dyn Measure>],
    environment: &Environment,
    phase: &Name,
    now: Timestamp,
) -> Vec<Finding> {
    let declared = environment.rollout.phases.get(phase);
    let all = declared.map(criteria).unwrap_or_default();
    ask(servers, environment, phase, &all, now).await
}

/// How `all` stand at the time `now`, in their order.
pub async fn ask(
    servers: &[Arc<dyn Measure>],
    environment: &Environment,
    phase: &Name,
    all: &[Criterion<'_>],
    now: Timestamp,
) -> Vec<Finding> {
    let questions: Vec<Question<'_>> =
        all.iter().map(|criterion| Question::new(environment, *criterion, now)).collect();
    let said = join_all(servers.iter().map(|server| of_server(server, &questions))).await;
    let of = |(number, question): (usize, &Question<'_>)| {
        let said: Vec<Said> = servers
            .iter()
            .zip(&said)
            .map(|(server, answers)| (server.server().to_owned(), answers[number].clone()))
            .collect();
        judge(phase, question, &said)
    };
    questions.iter().enumerate().map(of).collect()
}

/// What a server says of each question. One that cannot be reached is not asked again
/// and again.
async fn of_server(
    server: &Arc<dyn Measure>,
    questions: &[Question<'_>],
) -> Vec<Result<Answer, MeasureError>> {
    let one = |question: &Question<'_>| {
        let (server, range) = (Arc::clone(server), question.range);
        let promql = question.promql.clone().ok();
        async move {
            match promql {
                Some(promql) => whole(server.as_ref(), &promql, &range).await,
                None => Ok(Answer::default()),
            }
        }
    };
    let asks = questions.iter().position(|question| question.promql.is_ok());
    let Some(first) = asks else {
        return questions.iter().map(|_| Ok(Answer::default())).collect();
    };
    let answer = one(&questions[first]).await;
    if let Err(error) = &answer
        && error.kind == MeasureFailure::Unreachable
    {
        return questions.iter().map(|_| Err(error.clone())).collect();
    }
    let rest: Vec<_> = questions[first + 1..].iter().map(one).collect();
    let rest: Vec<_> = stream::iter(rest).buffered(AT_ONCE).collect().await;
    let before = questions[..first].iter().map(|_| Ok(Answer::default()));
    before.chain([answer]).chain(rest).collect()
}

/// What a server knows of all parts of a range.
async fn whole(server: &dyn Measure, promql: &str, range: &Range) -> Result<Answer, MeasureError> {
    let mut whole = Answer::default();
    for part in range.parts() {
        let answer = server.range(promql, &part).await?;
        whole.warnings.extend(answer.warnings);
        for series in answer.series {
            match whole.series.iter_mut().find(|known| known.labels == series.labels) {
                Some(known) => known.samples.extend(series.samples),
                None => whole.series.push(series),
            }
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests;
