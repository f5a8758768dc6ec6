use super::*;
use crate::signal::{MeasureFailure, RawSeries, Verdict};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

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
    /// Queries that fail.
    refused: Vec<String>,
    /// How long it takes to answer anything.
    takes: Mutex<Duration>,
    ranges: Mutex<Vec<Range>>,
    /// Queries that were asked.
    asked: Mutex<Vec<String>>,
}

impl Known {
    fn lost(&self) -> MeasureError {
        let kind = MeasureFailure::Unreachable;
        MeasureError { kind, message: format!("{} is down", self.name), help: None }
    }

    async fn wait(&self) {
        let takes = *self.takes.lock().unwrap();
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
    }

    fn take(&self, takes: Duration) {
        *self.takes.lock().unwrap() = takes;
    }
}

#[async_trait]
impl Measure for Known {
    fn server(&self) -> &str {
        self.name
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        self.asked.lock().unwrap().push(query.to_owned());
        self.wait().await;
        if self.down {
            return Err(self.lost());
        }
        if self.refused.iter().any(|refused| refused == query) {
            let message = format!("{} refuses it", self.name);
            return Err(MeasureError { kind: MeasureFailure::Refused, message, help: None });
        }
        Ok(self.instant.get(query).cloned().unwrap_or_default())
    }

    async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError> {
        self.ranges.lock().unwrap().push(*range);
        self.wait().await;
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
        self.wait().await;
        Ok(self.started)
    }
}

fn query() -> Query {
    let promql = "sum(rate(a[1m]))".to_owned();
    Query { signal: "demand/inference".into(), unit: "req/s", promql, quiet: false }
}

fn policy() -> Policy {
    Policy::new(Span::from_secs(120)).within(Span::from_secs(5))
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
async fn of_what_no_age_could_be_told_nothing_is_scaled_in() {
    let facts = FactsQuery::of(&query().promql).unwrap();
    let mut unaged = answers("a", 7.0);
    unaged.refused.push(facts.promql.clone());
    let reading = read([unaged]).await.reading;
    let why = "its age is not known: a refuses it".to_owned();
    assert_eq!((reading.value, reading.verdict), (Some(7.0), Verdict::Contradicted(why.clone())));
    // They have ended, and when is not told.
    let mut ended = answers("a", 7.0);
    ended.instant.remove(&facts.promql);
    ended.refused.push(facts.ended);
    let reading = read([ended]).await.reading;
    assert_eq!((reading.value, reading.verdict), (Some(7.0), Verdict::Contradicted(why)));
}

#[tokio::test]
async fn what_has_no_series_needs_no_age() {
    let constant = Query { promql: "vector(7)".to_owned(), ..query() };
    let mut known = Known { name: "a", ..Known::default() };
    known.instant.insert(constant.promql.clone(), Answer::of(at(NOW), 7.0));
    let read = measure(&servers([known]), &[constant], policy(), &|| at(NOW)).await;
    assert_eq!(read[0].reading.verdict, Verdict::Good);
}

/// Longer than anybody waits.
const SILENT: Duration = Duration::from_secs(3600);

/// Servers that are asked again and again.
struct Rounds {
    servers: Vec<Arc<dyn Measure>>,
    heard: Heard,
}

impl Rounds {
    fn of(known: &[&Arc<Known>]) -> Self {
        let servers = known.iter().map(|&known| Arc::clone(known) as Arc<dyn Measure>).collect();
        Self { servers, heard: Heard::default() }
    }

    /// What a round comes to, and how long it took.
    async fn round(&mut self, queries: &[Query]) -> (Vec<Measured>, Duration) {
        let begun = Instant::now();
        let now = || at(NOW);
        let read = measure_again(&self.servers, queries, policy(), &now, &mut self.heard).await;
        (read, begun.elapsed())
    }
}

fn quick(took: Duration) -> bool {
    took < Duration::from_secs(1)
}

/// As long as the policy has patience.
fn patient(took: Duration) -> bool {
    (Duration::from_secs(5)..Duration::from_secs(6)).contains(&took)
}

/// One that nobody has anything of.
fn unknown() -> Query {
    Query { signal: "queue/inference".into(), promql: "sum(b)".to_owned(), ..query() }
}

#[tokio::test(start_paused = true)]
async fn once_a_server_has_told_everything_a_silent_one_is_waited_for_a_moment_only() {
    let (silent, good) = (Arc::new(answers("a", 7.0)), Arc::new(answers("b", 7.0)));
    silent.take(SILENT);
    let mut rounds = Rounds::of(&[&silent, &good]);
    for _ in 0..3 {
        let (read, took) = rounds.round(&[query()]).await;
        assert!(quick(took), "{took:?}");
        let reading = &read[0].reading;
        assert_eq!((&reading.verdict, reading.value), (&Verdict::Good, Some(7.0)));
        assert_eq!(
            read[0].notes,
            ["a: unreachable: a has not answered within 250ms after another"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_answers_a_moment_later_is_compared_all_the_same() {
    let (one, other) = (Arc::new(answers("a", 70.0)), Arc::new(answers("b", 7.0)));
    other.take(Duration::from_millis(100));
    let (read, _) = Rounds::of(&[&one, &other]).round(&[query()]).await;
    assert_eq!(read[0].reading.verdict, Verdict::Contradicted("b says 7".into()));
    assert_eq!(read[0].reading.value, Some(70.0));
    one.take(Duration::from_millis(100));
    other.take(Duration::ZERO);
    let (read, _) = Rounds::of(&[&one, &other]).round(&[query()]).await;
    assert_eq!(read[0].reading.verdict, Verdict::Contradicted("b says 7".into()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_silent_is_waited_for_again_when_it_has_answered() {
    let (silent, good) = (Arc::new(answers("a", 70.0)), Arc::new(answers("b", 7.0)));
    silent.take(SILENT);
    let both = [query(), unknown()];
    let mut rounds = Rounds::of(&[&silent, &good]);
    let (_, first) = rounds.round(&both).await;
    assert!(patient(first), "it might know what the other does not: {first:?}");
    let asked = || silent.asked.lock().unwrap().len();
    let before = asked();
    let (read, second) = rounds.round(&both).await;
    assert!(quick(second), "{second:?}");
    assert_eq!(read[0].reading.value, Some(7.0));
    assert_eq!(asked() - before, 2, "one query, and what there is to know about it");
    silent.take(Duration::from_millis(100));
    let (read, third) = rounds.round(&both).await;
    assert!(quick(third), "{third:?}");
    assert_eq!(read[0].reading.value, Some(70.0));
    silent.take(Duration::from_secs(2));
    let (read, fourth) = rounds.round(&both).await;
    assert!(fourth >= Duration::from_secs(2), "{fourth:?}");
    assert_eq!(read[0].reading.value, Some(70.0));
}

#[tokio::test(start_paused = true)]
async fn all_that_a_silent_server_is_asked_is_waited_for_as_long_as_one_query() {
    let silent = Arc::new(answers("a", 7.0));
    silent.take(SILENT);
    let many: Vec<Query> = (0..40)
        .map(|at| Query { signal: format!("queue/{at}"), promql: format!("sum(q{at})"), ..query() })
        .collect();
    let mut rounds = Rounds::of(&[&silent]);
    for _ in 0..2 {
        let (read, took) = rounds.round(&many).await;
        assert!(patient(took), "{took:?}");
        let lost = Verdict::Unreachable("a has not answered within 5s".into());
        assert!(read.len() == 40 && read.iter().all(|one| one.reading.verdict == lost), "{read:?}");
    }
    let one = Arc::clone(&silent) as Arc<dyn Measure>;
    let begun = Instant::now();
    measure(&[one], &many, policy(), &|| at(NOW)).await;
    assert!(patient(begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_value_that_came_in_time_counts_though_its_age_did_not() {
    let facts = FactsQuery::of(&query().promql).unwrap();
    let half = Half { known: answers("a", 7.0), slow: facts.promql };
    let servers = vec![Arc::new(half) as Arc<dyn Measure>];
    let mut rounds = Rounds { servers, heard: Heard::default() };
    let (read, took) = rounds.round(&[query()]).await;
    assert!(patient(took), "{took:?}");
    let why = "its age is not known: a has not answered within 5s".to_owned();
    let reading = &read[0].reading;
    assert_eq!((&reading.verdict, reading.value), (&Verdict::Contradicted(why), Some(7.0)));
}

/// A server that has no answer to one query.
struct Half {
    known: Known,
    slow: String,
}

#[async_trait]
impl Measure for Half {
    fn server(&self) -> &str {
        self.known.server()
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        if query == self.slow {
            tokio::time::sleep(SILENT).await;
        }
        self.known.instant(query).await
    }

    async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError> {
        self.known.range(query, range).await
    }
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

#[tokio::test]
async fn a_past_that_cannot_be_read_says_so() {
    let range = Range::last(Span::from_secs(600), Span::from_secs(60), at(NOW));
    let down = || Known { down: true, ..answers("a", 1.0) };
    let unread = past(&servers([down()]), &query(), &range, policy(), at(NOW)).await.unread;
    assert_eq!(unread.as_deref(), Some("a is down"));
    let mut knows = answers("b", 1.0);
    knows.range.insert(query().promql, vec![Sample { at: range.end, value: 3.0 }]);
    let past = past(&servers([down(), knows]), &query(), &range, policy(), at(NOW)).await;
    assert_eq!((past.unread, past.series.last().map(|last| last.1)), (None, Some(3.0)));
}
