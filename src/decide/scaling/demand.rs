//! The load to be ready for, and what it asks of capacity.

use super::input::{ScalingInput, StageDemand, rate};
use super::memory::{Point, StageMemory, largest, push};
use super::outcome::Band;
use super::time::{between, earlier, later};
use crate::clock::Timestamp;
use crate::forecast::{Forecast, Quantile};
use crate::id::Name;
use crate::signal::Verdict;
use crate::units::{Rate, Span};

/// A stage's load for this decision.
#[derive(Debug, Clone)]
pub(super) struct Load<'a> {
    /// What is seen; none: nothing is known.
    pub(super) now: Option<Rate>,
    /// Why nothing is scaled in by it.
    pub(super) doubt: Option<String>,
    /// What waits already, in requests.
    waiting: f64,
    /// The shortest time in which that is meant to be answered.
    backlog: Span,
    /// What an event multiplies it to.
    event: Option<Rate>,
    /// In a panic: the most of the short window.
    sudden: Option<Rate>,
    forecast: Option<&'a Forecast>,
    level: f64,
    horizon: Span,
    utilization: u64,
    at: Timestamp,
}

/// What will be needed at a time, and by what that is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Need {
    /// The load.
    pub(super) load: Rate,
    /// The capacity.
    pub(super) capacity: Rate,
    pub(super) by: String,
}

impl<'a> Load<'a> {
    pub(super) fn of(input: &ScalingInput<'a>, stage: &Name) -> Self {
        let policy = &input.planning.environment.burst;
        let demand = input.demand.get(stage);
        let now = demand.and_then(|demand| rate(demand.now?));
        let factor = demand.map_or(1.0, |demand| demand.factor);
        let event = now.filter(|_| factor > 1.0).and_then(|now| rate(now.as_f64() * factor));
        let waiting = demand.and_then(|demand| demand.waiting);
        Self {
            now,
            doubt: doubt(demand),
            waiting: waiting.filter(|waiting| waiting.is_finite() && *waiting > 0.0).unwrap_or(0.0),
            backlog: input.tuning.backlog,
            event,
            sudden: None,
            forecast: demand.and_then(|demand| demand.forecast.as_ref()),
            level: policy.forecast.quantile.as_f64(),
            horizon: policy.forecast.horizon,
            utilization: policy.target_utilization.millionths().max(1),
            at: input.now,
        }
    }

    /// Whether anything is known of it.
    pub(super) fn is_known(&self) -> bool {
        self.now.is_some() || self.peak(self.horizon).is_some()
    }

    /// How far ahead is looked for what takes `lead` to serve.
    pub(super) fn bounded(&self, lead: Span) -> Span {
        lead.min(self.horizon)
    }

    /// What must be ready in `lead`: the most of what is seen, of what an event
    /// makes of it, and of the forecast's quantile until then; and what waits
    /// already, answered by then, or in [`super::Tuning::backlog`] where that is longer.
    pub(super) fn need(&self, lead: Span) -> Need {
        let lead = self.bounded(lead);
        let now = self.now.unwrap_or_default();
        let mut best = (now, String::new());
        let mut more = |load: Option<Rate>, by: &dyn Fn() -> String| {
            if let Some(load) = load.filter(|load| *load > best.0) {
                best = (load, by());
            }
        };
        more(self.sudden, &|| "the most of the last minute".to_owned());
        more(self.event, &|| "an event that is expected".to_owned());
        let peak = self.peak(lead);
        more(peak.as_ref().map(|peak| peak.0), &|| {
            peak.as_ref().map_or_else(String::new, |p| self.said(p))
        });
        let (mut load, mut by) = best;
        // Answered within the time that new capacity takes, and not at once.
        let within = lead.max(self.backlog).as_secs_f64().max(0.001);
        let backlog = rate(self.waiting / within).unwrap_or_default();
        if backlog > Rate::default() {
            load = load + backlog;
            let with = format!("{} requests wait", self.waiting.round());
            by = if by.is_empty() { with } else { format!("{by}, and {with}") };
        }
        Need { load, capacity: self.with_headroom(load), by }
    }

    /// The capacity that what is seen and what waits ask for now.
    pub(super) fn seen(&self) -> Rate {
        let backlog = rate(self.waiting / self.backlog.as_secs_f64().max(0.001));
        self.with_headroom(self.now.unwrap_or_default() + backlog.unwrap_or_default())
    }

    fn with_headroom(&self, load: Rate) -> Rate {
        let capacity = u128::from(load.millis()) * 1_000_000;
        let capacity = capacity.div_ceil(u128::from(self.utilization));
        Rate::from_millis(u64::try_from(capacity).unwrap_or(u64::MAX))
    }

    /// The most that the quantile reaches from now to `lead`, and when.
    fn peak(&self, lead: Span) -> Option<(Rate, Timestamp, u32)> {
        let forecast = self.forecast?;
        let reaching =
            forecast.quantiles.iter().find(|quantile| quantile.level >= self.level - 1e-9);
        let quantile = reaching.or(forecast.quantiles.last());
        let path = quantile.map_or(&forecast.path, |quantile| &quantile.path);
        let percent = quantile.map_or(50, |quantile| (quantile.level * 100.0).round() as u32);
        let until = later(self.at, lead);
        let mut peak: Option<(Rate, Timestamp, u32)> = None;
        let mut at = forecast.origin;
        for value in path {
            let from = at;
            at = later(at, forecast.step);
            // The step that now is in counts, and the one that `until` is in.
            if at < self.at || from >= until {
                continue;
            }
            let Some(value) = rate(*value) else { continue };
            if peak.is_none_or(|(most, ..)| value > most) {
                peak = Some((value, at, percent));
            }
        }
        peak
    }

    /// What the forecast says of the step that the horizon ends in.
    pub(super) fn band(&self) -> Option<Band> {
        let forecast = self.forecast?;
        let until = later(self.at, self.horizon);
        let mut at = forecast.origin;
        let index = forecast.path.iter().position(|_| {
            at = later(at, forecast.step);
            at >= until
        });
        let index = index.or(forecast.path.len().checked_sub(1))?;
        let reaches = |quantile: &&Quantile| quantile.level >= self.level - 1e-9;
        let high = forecast.quantiles.iter().find(reaches).or(forecast.quantiles.last())?;
        let at = |quantile: &Quantile| rate(*quantile.path.get(index)?);
        let (low, high) = (at(forecast.quantiles.first()?)?, at(high)?);
        let steps = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
        let ahead = Span::from_millis(forecast.step.millis().saturating_mul(steps));
        Some(Band { at: later(forecast.origin, ahead), low, high })
    }

    fn said(&self, (_, at, percent): &(Rate, Timestamp, u32)) -> String {
        let by = self.forecast.map_or("", |forecast| forecast.by);
        format!("the forecast ({by}, P{percent}) for {}", at.strftime("%H:%M"))
    }

    /// Looks whether the load has risen suddenly: the mean of the short window
    /// over the mean of what is before it in the long one. Says whether a panic began (true) or ended.
    pub(super) fn panic(
        &mut self,
        input: &ScalingInput<'_>,
        memory: &mut StageMemory,
    ) -> Option<bool> {
        let tuning = input.tuning;
        let before = memory.panic_until.is_some();
        if let Some(now) = self.now.filter(|_| self.doubt.is_none()) {
            push(&mut memory.loads, Point { at: self.at, value: now }, tuning.panic_long);
        }
        let short = earlier(self.at, tuning.panic_short);
        let (recent, older): (Vec<Point>, Vec<Point>) =
            memory.loads.iter().partition(|point| point.at >= short);
        let mean = |points: &[Point]| match points.len() {
            0 => None,
            many => {
                Some(points.iter().map(|point| point.value.as_f64()).sum::<f64>() / many as f64)
            }
        };
        let sudden = match (mean(&recent), mean(&older)) {
            (Some(recent), Some(older)) => {
                older > 0.0 && recent > older * f64::from(tuning.panic_ratio)
            }
            _ => false,
        };
        if sudden {
            memory.panic_until = Some(later(self.at, tuning.panic_long));
        } else if memory.panic_until.is_some_and(|until| until <= self.at) {
            memory.panic_until = None;
        }
        let after = memory.panic_until.is_some();
        if after {
            self.sudden = largest(&recent);
        }
        (before != after).then_some(after)
    }

    /// Remembers what is needed, and since when that has been known.
    pub(super) fn remember(&self, need: Rate, window: Span, memory: &mut StageMemory) {
        if self.doubt.is_none() {
            // A gap of a few readings hides no peak; a longer one might.
            let gap = Span::from_millis(window.millis() / 5);
            let known = memory.known_at.filter(|at| between(*at, self.at) <= gap);
            if known.is_none() || memory.watched_since.is_none() {
                memory.watched_since = Some(self.at);
            }
            memory.known_at = Some(self.at);
        }
        if self.is_known() {
            push(&mut memory.needs, Point { at: self.at, value: need }, window);
        }
    }
}

/// Why capacity may not be released by this.
fn doubt(demand: Option<&StageDemand>) -> Option<String> {
    let Some(demand) = demand else { return Some("the load is not measured".to_owned()) };
    Some(match &demand.verdict {
        Verdict::Good if demand.now.and_then(rate).is_some() => return None,
        Verdict::Good => "the load is no number".to_owned(),
        Verdict::Stale { age, limit } => {
            format!("the load is {age} old, and {limit} at most counts")
        }
        Verdict::Missing => "nothing answers for the load".to_owned(),
        Verdict::Wrong(why) => format!("the load cannot be right: {why}"),
        Verdict::Settling(why) => format!("the load is not whole yet: {why}"),
        Verdict::Contradicted(why) => format!("the load is not agreed upon: {why}"),
        Verdict::Unreachable(why) => format!("the load cannot be asked for: {why}"),
    })
}
