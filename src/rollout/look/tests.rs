use super::super::fixture::{criterion, environment};
use super::*;
use crate::rollout::Verdict;
use crate::signal::{RawSeries, Sample};
use crate::spec::model::BuiltIn;
use crate::units::Span;
use async_trait::async_trait;
use std::sync::Mutex;

/// Answers `value` at every point, and writes down what it was asked.
struct Answers {
    value: Result<f64, MeasureFailure>,
    asked: Mutex<Vec<(String, Range)>>,
}

impl Answers {
    fn new(value: Result<f64, MeasureFailure>) -> Arc<Self> {
        Arc::new(Self { value, asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<(String, Range)> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Measure for Answers {
    fn server(&self) -> &'static str {
        "http://p:9090"
    }

    async fn instant(&self, _: &str) -> Result<Answer, MeasureError> {
        unreachable!("criteria are asked over a range")
    }

    async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError> {
        self.asked.lock().unwrap().push((query.to_owned(), *range));
        let value = self.value.map_err(|kind| MeasureError {
            kind,
            message: "it does not want to".into(),
            help: None,
        })?;
        let step = range.step.millis() as i64;
        let point = |point: i64| {
            let at = range.start.as_millisecond() + point * step;
            Sample { at: Timestamp::from_millisecond(at).unwrap(), value }
        };
        let samples = (0..range.points() as i64).map(point).collect();
        Ok(Answer { series: vec![RawSeries { samples, ..<_>::default() }], warnings: vec![] })
    }
}

const CRITERIA: &str = "[rollout.phases.short.exit.slo]\nmeasure = \"availability\"\n\
                        at_least = \"99%\"\n[rollout.phases.short.exit.waiting]\n\
                        query = \"sum(waiting)\"\nat_most = 4\nwindow = \"2w\"\n\
                        [rollout.phases.short.exit.tried]\nmeasure = \"backtest\"\n\
                        at_least = \"99%\"\n\
                        [rollout.phases.short.abort.errors]\nmeasure = \"error_rate\"\n\
                        above = \"5%\"\n";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

#[tokio::test]
async fn every_criterion_of_a_phase_is_asked_for_and_judged() {
    let (environment, server) = (environment("short", CRITERIA), Answers::new(Ok(1.0)));
    let servers = [Arc::clone(&server) as Arc<dyn Measure>];
    let short = "short".parse().unwrap();
    let found = findings(&servers, &environment, &short, now()).await;
    let told: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.verdict.word())).collect();
    let expected = [("slo", "met"), ("tried", "no data"), ("waiting", "met"), ("errors", "abort")];
    assert_eq!(told, expected);
    assert!(found.iter().all(|one| one.verdict != Verdict::NotYet));
    // Four weeks of every second minute are more points than one answer may have.
    let waiting = server.asked().into_iter().filter(|(query, _)| query == "sum(waiting)");
    let parts: Vec<Range> = waiting.map(|(_, range)| range).collect();
    assert_eq!(parts.iter().map(Range::points).sum::<usize>(), 20_160);
    assert!(parts.len() > 1 && parts.iter().all(|part| part.step == Span::from_secs(120)));
    assert_eq!(findings(&servers, &environment, &"none".parse().unwrap(), now()).await, []);
}

#[tokio::test]
async fn a_server_that_is_silent_is_asked_once_and_nothing_is_known() {
    let environment = environment("short", CRITERIA);
    let server = Answers::new(Err(MeasureFailure::Unreachable));
    let servers = [Arc::clone(&server) as Arc<dyn Measure>];
    let found = findings(&servers, &environment, &"short".parse().unwrap(), now()).await;
    assert_eq!(server.asked().len(), 1);
    let why: Vec<_> = found.iter().map(|one| one.verdict.why().unwrap()).collect();
    assert_eq!(why[0], "it does not want to");
    assert_eq!(why[1], "there is no backtest yet");
    // One that answers is asked for the rest.
    let server = Answers::new(Err(MeasureFailure::Refused));
    let servers = [Arc::clone(&server) as Arc<dyn Measure>];
    findings(&servers, &environment, &"short".parse().unwrap(), now()).await;
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn without_a_server_nothing_is_known() {
    let environment = environment("short", CRITERIA);
    let found = findings(&[], &environment, &"short".parse().unwrap(), now()).await;
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|one| one.verdict.why().is_some()));
}

#[tokio::test]
async fn what_is_not_of_a_phase_can_be_asked_too() {
    let (environment, server) = (environment("short", ""), Answers::new(Ok(0.25)));
    let servers = [Arc::clone(&server) as Arc<dyn Measure>];
    let name = "short".parse().unwrap();
    let measure = Some(BuiltIn::TtftP99);
    let one = Criterion { measure, query: None, low: None, ..criterion(&name) };
    let found = ask(&servers, &environment, &name, &[one], now()).await;
    assert_eq!(found[0].verdict.why(), Some("it is held against nothing"));
    assert_eq!(found[0].value, Some(0.25));
}
