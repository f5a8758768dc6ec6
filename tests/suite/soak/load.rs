//! The load as Prometheus tells it, with times at which it tells less.

use async_trait::async_trait;
use floodway::backend::sim::{SimulatedLoad, Simulator};
use floodway::clock::{Clock, Timestamp};
use floodway::port::Measure;
use floodway::signal::{
    Answer, FactsQuery, MeasureError, MeasureFailure, Query, Range, RawSeries, Sample,
};
use floodway::units::Span;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A measurement counts until it is two minutes old, in whole seconds.
const COUNTS: jiff::SignedDuration = jiff::SignedDuration::from_secs(121);

/// What it tells.
#[derive(Debug, Clone, Copy)]
pub enum Says {
    /// All that is asked.
    All,
    /// Nothing: it is out of reach.
    Nothing,
    /// What was measured until then: nothing was scraped since.
    Old(Timestamp),
    /// What no load can be.
    Nonsense(f64),
    /// All but one signal, whose name begins so.
    AllBut(&'static str),
}

/// The load of a world, where nobody waits in the queue.
pub struct Unsure {
    inner: SimulatedLoad,
    world: Arc<Simulator>,
    queries: Vec<Query>,
    says: Mutex<Says>,
}

impl Unsure {
    /// One that answers `queries`.
    pub fn of(world: &Arc<Simulator>, queries: Vec<Query>) -> Arc<Self> {
        let inner = SimulatedLoad::new(Arc::clone(world), queries.clone());
        let (world, says) = (Arc::clone(world), Mutex::new(Says::All));
        Arc::new(Self { inner, world, queries, says })
    }

    /// That is what it tells from now on.
    pub fn say(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    fn says(&self) -> Says {
        *self.says.lock().unwrap()
    }

    /// Whether nothing may be scaled in by what it tells now.
    pub fn is_blind(&self) -> bool {
        match self.says() {
            Says::All => false,
            Says::Nothing | Says::Nonsense(_) | Says::AllBut(_) => true,
            Says::Old(since) => self.world.now().duration_since(since) > COUNTS,
        }
    }

    fn signal(&self, query: &str) -> Option<&str> {
        self.queries.iter().find(|one| one.promql == query).map(|one| one.signal.as_str())
    }

    /// Whether it is asked how old a signal is.
    fn is_of_age(&self, query: &str) -> bool {
        let facts = self.queries.iter().filter_map(|one| FactsQuery::of(&one.promql));
        facts.map(|facts| facts.promql).any(|facts| facts == query)
    }

    /// What a signal was at a time.
    async fn at(&self, query: &str, signal: &str, at: Timestamp) -> Result<f64, MeasureError> {
        if signal.starts_with("queue/") {
            return Ok(0.0);
        }
        let range = Range { start: at, end: at, step: Span::from_secs(60) };
        let answer = self.inner.range(query, &range).await?;
        Ok(answer.series[0].samples[0].value)
    }
}

fn silence() -> MeasureError {
    let (kind, message) = (MeasureFailure::Unreachable, "it is out of reach".to_owned());
    MeasureError { kind, message, help: None }
}

/// All of a signal was measured then, and before.
fn measured(then: Timestamp, now: Timestamp) -> Answer {
    let seconds = then.as_millisecond() as f64 / 1000.0;
    let facts = [("newest0", seconds), ("before0", 1.0)].map(|(fact, value)| RawSeries {
        labels: BTreeMap::from([("floodway_fact".to_owned(), fact.to_owned())]),
        samples: vec![Sample { at: now, value }],
    });
    Answer { series: facts.into(), warnings: Vec::new() }
}

#[async_trait]
impl Measure for Unsure {
    fn server(&self) -> &str {
        self.inner.server()
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        let now = self.world.now();
        match (self.says(), self.signal(query)) {
            (Says::Nothing, _) => Err(silence()),
            (Says::AllBut(kind), Some(signal)) if signal.starts_with(kind) => Ok(Answer::default()),
            (Says::Nonsense(value), Some(_)) => Ok(Answer::of(now, value)),
            (Says::Old(then), Some(signal)) => {
                Ok(Answer::of(now, self.at(query, signal, then).await?))
            }
            (_, Some(signal)) => Ok(Answer::of(now, self.at(query, signal, now).await?)),
            (Says::Old(then), None) if self.is_of_age(query) => Ok(measured(then, now)),
            _ => self.inner.instant(query).await,
        }
    }

    async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError> {
        match (self.says(), self.signal(query)) {
            (Says::Nothing, _) => Err(silence()),
            (Says::AllBut(kind), Some(signal)) if signal.starts_with(kind) => Ok(Answer::default()),
            (Says::Old(then), _) => {
                let until = Range { end: range.end.min(then), ..*range };
                self.inner.range(query, &until).await
            }
            (Says::Nonsense(value), _) => {
                let mut answer = self.inner.range(query, range).await?;
                let samples = answer.series.iter_mut().flat_map(|series| &mut series.samples);
                samples.for_each(|sample| sample.value = value);
                Ok(answer)
            }
            _ => self.inner.range(query, range).await,
        }
    }
}
