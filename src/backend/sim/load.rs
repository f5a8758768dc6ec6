//! The load of a simulated world, as a server of measurements tells it.

use super::ports::Simulator;
use super::scenario::LoadPoint;
use super::world::World;
use crate::clock::{Clock, Timestamp};
use crate::port::Measure;
use crate::signal::{Answer, MeasureError, MeasureFailure, Query, Range, RawSeries, Sample};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;

/// After so long every load comes again, in seconds.
const DAY: f64 = 86_400.0;

/// Answers the queries of one environment, and no others, out of its world.
pub struct SimulatedLoad {
    simulator: Arc<Simulator>,
    /// Signals by the query that asks for them.
    signals: BTreeMap<String, String>,
}

impl SimulatedLoad {
    /// What `queries` ask for is told from the world of `simulator`.
    pub fn new(simulator: Arc<Simulator>, queries: Vec<Query>) -> Self {
        let signals = queries.into_iter().map(|query| (query.promql, query.signal)).collect();
        Self { simulator, signals }
    }

    fn told(&self, query: &str, at: Timestamp) -> Result<Option<f64>, MeasureError> {
        let Some(stage) = self.signals.get(query).and_then(|s| s.strip_prefix("demand/")) else {
            return Ok(None);
        };
        self.simulator.ask(|world| world.load_of(stage, at)).map_err(|error| MeasureError {
            kind: MeasureFailure::Unreachable,
            message: error.message,
            help: error.help,
        })
    }
}

#[async_trait]
impl Measure for SimulatedLoad {
    fn server(&self) -> &str {
        "the simulated world"
    }

    async fn instant(&self, query: &str) -> Result<Answer, MeasureError> {
        let now = self.simulator.now();
        let value = self.told(query, now)?;
        Ok(value.map_or_else(Answer::default, |value| Answer::of(now, value)))
    }

    async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError> {
        let (mut samples, mut at) = (Vec::new(), range.start);
        while at <= range.end {
            let Some(value) = self.told(query, at)? else { break };
            samples.push(Sample { at, value });
            match at.checked_add(range.step.duration()) {
                Ok(next) if next > at => at = next,
                _ => break,
            }
        }
        let series = RawSeries { labels: BTreeMap::new(), samples };
        let series = if series.samples.is_empty() { Vec::new() } else { vec![series] };
        Ok(Answer { series, warnings: Vec::new() })
    }
}

impl World {
    /// Requests per second that come to `stage` at a time: on a straight line
    /// between the points around it, each of which comes again every day. None:
    /// nothing is said of the stage.
    pub(super) fn load_of(&self, stage: &str, at: Timestamp) -> Option<f64> {
        let points = self.scenario.load.iter().filter(|point| point.stage == stage);
        let mut points: Vec<(f64, f64)> = points.map(seconds_and_rate).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let begin = self.beginning();
        let time = at.duration_since(begin).as_secs_f64().rem_euclid(DAY);
        let (first, last) = (*points.first()?, *points.last()?);
        let after = points.iter().find(|point| point.0 > time).copied();
        let before = points.iter().rev().find(|point| point.0 <= time).copied();
        let (from, to) = match (before, after) {
            (Some(from), Some(to)) => (from, to),
            (Some(from), None) => (from, (first.0 + DAY, first.1)),
            (None, Some(to)) => ((last.0 - DAY, last.1), to),
            (None, None) => return None,
        };
        let part = if to.0 > from.0 { (time - from.0) / (to.0 - from.0) } else { 0.0 };
        Some(from.1 + (to.1 - from.1) * part)
    }
}

fn seconds_and_rate(point: &LoadPoint) -> (f64, f64) {
    (point.at.as_secs_f64().rem_euclid(DAY), point.rate.as_f64())
}
