use super::*;
use crate::signal::{MeasureFailure, RawSeries, Verdict};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Mutex;

const NOW: i64 = 1_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A server that knows some numbers by their queries.
#[derive(Default)]
struct Known {
    name: &'static str,
    instant: BTreeMap<String, Answer>,
    /// The number at each point; what is beyond it is not known.
    range: BTreeMap<String, Vec<Sample>>,
    started: Option<Timestamp>,
    down: bool,
    ranges: Mutex<Vec<Range>>,
}

impl Known {
    fn lost(&self) -> MeasureError {
        let kind = MeasureFailure::Unreachable;
        MeasureError { kind, message: format!("{} is down", self.name), help: None }
    }
}

#[async_trait]
impl Measure for Known {
    fn server(&self) -> &str {
        self.name
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        if self.down {
            return Err(self.lost());
        }
        Ok(self.instant.get(query).cloned().unwrap_or_default())
    }

    async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError> {
        self.ranges.lock().unwrap().push(*range);
        if self.down {
            return Err(self.lost());
        }
        let Some(all) = self.range.get(query) else { return Ok(Answer::default()) };
        let within = |sample: &&Sample| (range.start..=range.end).contains(&sample.at);
        let samples: Vec<Sample> = all.iter().filter(within).copied().collect();
        let series = vec![RawSeries { samples, ..RawSeries::default() }];
        Ok(Answer { series, warnings: Vec::new() })
    }

    async fn started(&self) -> Result<Option<Timestamp>, MeasureError> {
        Ok(self.started)
    }
}

fn query() -> Query {
    let promql = "sum(rate(a[1m]))".to_owned();
    Query { signal: "demand/inference".into(), unit: "req/s", promql, quiet: false }
}

fn policy() -> Policy {
    Policy::new(Span::from_secs(120))
}

/// One that answers `value`, of series that were measured just now and before.
fn answers(name: &'static str, value: f64) -> Known {
    let mut known = Known { name, ..Known::default() };
    known.instant.insert(query().promql, Answer::of(at(NOW), value));
    let facts = FactsQuery::of(&query().promql).unwrap();
    known.instant.insert(facts.promql, fact(&[("newest0", NOW - 5), ("before0", 1)]));
    known
}

fn fact(facts: &[(&str, i64)]) -> Answer {
    let series = facts.iter().map(|(name, value)| RawSeries {
        labels: [("floodway_fact".to_owned(), (*name).to_owned())].into(),
        samples: vec![Sample { at: at(NOW), value: *value as f64 }],
    });
    Answer { series: series.collect(), warnings: Vec::new() }
}

fn servers(known: impl IntoIterator<Item = Known>) -> Vec<Arc<dyn Measure>> {
    known.into_iter().map(|known| Arc::new(known) as Arc<dyn Measure>).collect()
}

async fn read(known: impl IntoIterator<Item = Known>) -> Measured {
    let servers = servers(known);
    let mut all = measure(&servers, &[query()], policy(), &|| at(NOW)).await;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[tokio::test]
async fn the_age_is_that_of_the_series_behind_the_answer() {
    let reading = read([answers("a", 7.0)]).await.reading;
    assert_eq!((reading.verdict, reading.value), (Verdict::Good, Some(7.0)));
    assert_eq!(reading.at, Some(at(NOW - 5)));
}

#[tokio::test]
async fn a_rate_of_series_that_have_ended_is_as_old_as_they_are() {
    let mut ended = answers("a", 7.0);
    let facts = FactsQuery::of(&query().promql).unwrap();
    ended.instant.remove(&facts.promql);
    ended.instant.insert(facts.ended, fact(&[("newest0", NOW - 300), ("before0", 1)]));
    let reading = read([ended]).await.reading;
    assert!(matches!(reading.verdict, Verdict::Stale { age, .. } if age == Span::from_secs(300)));
    assert_eq!(reading.value, Some(7.0));
}

#[tokio::test]
async fn what_was_last_known_is_found_where_there_is_nothing_now() {
    let mut gone = Known { name: "a", ..Known::default() };
    let known = [(NOW - 400, 3.0), (NOW - 395, 4.0)];
    let samples = known.map(|(second, value)| Sample { at: at(second), value });
    gone.range.insert(query().promql, samples.to_vec());
    let reading = read([gone]).await.reading;
    assert!(matches!(reading.verdict, Verdict::Stale { age, .. } if age == Span::from_secs(395)));
    assert_eq!(reading.value, Some(4.0));
    assert_eq!(read([Known::default()]).await.reading.verdict, Verdict::Missing);
}

#[tokio::test]
async fn a_server_that_was_just_started_settles() {
    let young = Known { started: Some(at(NOW - 30)), ..answers("a", 7.0) };
    assert!(matches!(read([young]).await.reading.verdict, Verdict::Settling(_)));
}

#[tokio::test]
async fn a_server_that_is_down_is_replaced_and_told() {
    let down = Known { down: true, ..answers("a", 1.0) };
    let read = read([down, answers("b", 7.0)]).await;
    assert_eq!((read.reading.verdict, read.reading.value), (Verdict::Good, Some(7.0)));
    assert_eq!(read.notes, ["a: unreachable: a is down"]);
}

#[tokio::test]
async fn servers_that_differ_contradict_each_other() {
    let reading = read([answers("a", 70.0), answers("b", 7.0)]).await.reading;
    assert_eq!(reading.verdict, Verdict::Contradicted("b says 7".into()));
}

#[tokio::test]
async fn a_long_past_is_asked_for_in_parts_and_comes_as_one() {
    let step = Span::from_secs(60);
    let range = Range::last(Span::from_secs(14 * 86_400), step, at(1_700_000_000));
    let mut known = Known { name: "a", ..Known::default() };
    let points = (0..range.points() as i64)
        .map(|point| Sample { at: at(range.start.as_second() + point * 60), value: point as f64 });
    known.range.insert(query().promql, points.collect());
    let known = Arc::new(known);
    let servers = [Arc::clone(&known) as Arc<dyn Measure>];
    let past = past(&servers, &query(), &range, policy(), range.end).await;
    assert_eq!(known.ranges.lock().unwrap().len(), 3);
    assert_eq!(past.series.len(), 20_161);
    let whole = past.series.values().iter().enumerate();
    assert!(whole.into_iter().all(|(index, value)| *value == Some(index as f64)));
    assert_eq!((past.blemishes.gaps, past.notes.len()), (0, 0));
}
