//! Which forecaster is believed: the one that has been least wrong.

mod settle;
mod state;

pub use state::{Issued, RaceState, Standing};

use super::conformal::Calibration;
use super::{Context, Forecast, Forecaster, NotFit};
use crate::clock::Timestamp;
use crate::signal::Series;
use crate::units::Span;
use state::{Issue, Runner};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most steps that a horizon may have, so that a tick stays cheap.
pub const MOST_STEPS: usize = 96;

/// A challenger must be this much better than the leader: 3 %.
const MARGIN: f64 = 0.97;

/// Truths at whole ticks that a challenger must have been measured by.
const FEWEST_TICKS: u32 = 30;

/// How far ahead, and by what forecasters are judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RaceConfig {
    /// How far ahead: `burst.forecast.horizon`.
    pub horizon: Span,
    /// The quantile by whose pinball loss they are judged:
    /// `burst.forecast.quantile`, between 0 and 1.
    pub quantile: f64,
}

impl RaceConfig {
    /// Whole steps that reach to the horizon or beyond.
    pub fn steps(&self, step: Span) -> usize {
        usize::try_from(self.horizon.millis().div_ceil(step.millis().max(1)))
            .unwrap_or(usize::MAX)
            .max(1)
    }

    /// The levels of the quantiles of every forecast, the lowest first.
    pub fn levels(&self) -> Vec<f64> {
        let mut levels = vec![0.05, 0.5, 0.95, self.quantile.clamp(0.001, 0.999)];
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        levels
    }

    /// [`Self::quantile`] as it stands among [`Self::levels`].
    pub fn judged_by(&self) -> f64 {
        self.quantile.clamp(0.001, 0.999)
    }
}

/// Forecasters that run beside each other, each calibrated; the one with the
/// least rolling loss is believed, with hysteresis.
pub struct Race {
    config: RaceConfig,
    racers: Vec<Box<dyn Forecaster>>,
    state: RaceState,
    latest: Option<Forecast>,
    /// The inputs of the last context.
    inputs: Vec<String>,
}

impl Race {
    /// A race of `racers`, none of which has been measured yet. Of two with the
    /// same name the later one runs. Persistence is always among them, and leads
    /// until another is better.
    pub fn new(config: RaceConfig, racers: Vec<Box<dyn Forecaster>>) -> Self {
        let mut running: Vec<Box<dyn Forecaster>> = vec![Box::new(super::Persistence)];
        for racer in racers {
            match running.iter().position(|other| other.name() == racer.name()) {
                Some(at) => running[at] = racer,
                None => running.push(racer),
            }
        }
        let (state, inputs) = (RaceState::default(), Vec::new());
        Self { config, racers: running, state, latest: None, inputs }
    }

    /// Goes on where another race stopped. What of `state` is about other
    /// horizons, quantiles or forecasters is forgotten.
    #[must_use]
    pub fn resume(mut self, state: RaceState) -> Self {
        self.state = state;
        self
    }

    /// What [`Self::resume`] needs; models that learn are fitted anew instead.
    pub fn state(&self) -> &RaceState {
        &self.state
    }

    /// Measures what was forecast for the steps that `history` has now, and looks
    /// ahead from its end. `context` has a row for each step of the history and
    /// of the horizon.
    ///
    /// Call it as often as you like: as long as the history ends at the same
    /// step, the answer is the same and costs nothing. At most one model is
    /// fitted in a call.
    ///
    /// # Errors
    /// Where there is no value yet, or the step is too small for the horizon.
    pub fn tick(&mut self, history: &Series, context: &Context) -> Result<Forecast, NotFit> {
        let steps = self.config.steps(history.step());
        if steps > MOST_STEPS {
            return Err(NotFit::new(format!(
                "a horizon of {} has {steps} steps of {}; at most {MOST_STEPS} are forecast: \
                 take a longer step",
                self.config.horizon,
                history.step()
            )));
        }
        if history.last().is_none() {
            return Err(NotFit::new("no value of the series has been seen yet"));
        }
        let origin = history.time(history.len() - 1);
        if let Some(latest) = self.latest.as_ref()
            && (latest.origin, latest.step) == (origin, history.step())
        {
            return Ok(latest.clone());
        }
        let names: Vec<&str> = self.racers.iter().map(|racer| racer.name()).collect();
        self.state.fit(history.step(), steps, &self.config.levels(), &names);
        self.state.settle(history, origin, self.config.judged_by());
        if self.inputs != context.inputs {
            // What was fitted reads others.
            self.inputs.clone_from(&context.inputs);
            self.state.next_fit.clear();
        }
        self.refit_one(history, context, origin);
        self.issue(history, context, origin, steps);
        self.choose(origin);
        let latest = self.forecast(origin, history.step());
        self.latest.clone_from(&latest.as_ref().ok().cloned());
        latest
    }

    /// How all of them stand, the best first.
    pub fn standings(&self) -> Vec<Standing> {
        let standing = |racer: &dyn Forecaster| {
            let runner = self.state.racers.get(racer.name());
            Standing {
                name: racer.name().to_owned(),
                leads: racer.name() == self.state.leader,
                loss: runner.and_then(Runner::loss),
                ticks: runner.map_or(0, |runner| runner.ticks),
                out: runner.and_then(|runner| runner.out.clone()),
            }
        };
        let mut standings: Vec<Standing> =
            self.racers.iter().map(|racer| standing(racer.as_ref())).collect();
        let key =
            |standing: &Standing| (standing.out.is_some(), standing.loss.unwrap_or(f64::INFINITY));
        standings.sort_by(|a, b| {
            let (a, b) = (key(a), key(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        standings
    }

    /// What each of them said in the last tick, by its name.
    pub fn said(&self) -> impl Iterator<Item = (&str, &Issued)> {
        let last = self.state.issued.back();
        last.into_iter().flat_map(|issue| &issue.by).map(|(name, issued)| (name.as_str(), issued))
    }

    /// Fits the model that has waited longest beyond its time.
    fn refit_one(&mut self, history: &Series, context: &Context, origin: Timestamp) {
        let now = origin.as_millisecond();
        let due = self.racers.iter_mut().filter_map(|racer| {
            let every = i64::try_from(racer.refit_every()?.millis()).unwrap_or(i64::MAX);
            let next = self.state.next_fit.get(racer.name()).copied().unwrap_or(i64::MIN);
            // A clock that went back must not hold it for ever.
            (next <= now || next.saturating_sub(now) > every).then_some((next, every, racer))
        });
        let Some((_, every, racer)) = due.min_by_key(|(next, ..)| *next) else { return };
        let fitted = guarded(|| racer.refit(history, context));
        let wait = if fitted.is_ok() { every } else { every / 12 };
        self.state.next_fit.insert(racer.name().to_owned(), now.saturating_add(wait));
    }

    /// Asks every forecaster, and notes what it says until the truth is known.
    fn issue(&mut self, history: &Series, context: &Context, origin: Timestamp, steps: usize) {
        let mut issue = Issue::new(origin.as_millisecond(), self.state.usual);
        for racer in &self.racers {
            let said = guarded(|| racer.path(history, context, steps));
            let said = said.and_then(|path| sound(path, steps));
            let Some(runner) = self.state.racers.get_mut(racer.name()) else { continue };
            match said {
                Ok(path) => {
                    runner.good = runner.good.saturating_add(1);
                    runner.out = None;
                    let quantiles = runner.calibration.quantiles(&path, issue.usual);
                    issue.by.insert(racer.name().to_owned(), Issued { path, quantiles });
                }
                Err(why) => {
                    runner.good = 0;
                    runner.out = Some(why.0);
                }
            }
        }
        self.state.issued.retain(|earlier| earlier.origin < issue.origin);
        self.state.issued.push_back(issue);
    }

    /// Who is believed from now on.
    fn choose(&mut self, origin: Timestamp) {
        let now = origin.as_millisecond();
        let horizon = i64::try_from(self.config.horizon.millis()).unwrap_or(i64::MAX);
        let state = &mut self.state;
        // One that was out must have answered for a whole horizon again.
        let steps = state.steps;
        let measured = |runner: &&Runner| {
            runner.out.is_none() && runner.good >= steps && runner.ticks >= FEWEST_TICKS
        };
        let best = state
            .racers
            .iter()
            .filter(|(_, runner)| measured(runner))
            .filter_map(|(name, runner)| Some((name, runner.loss()?)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let leader = state.racers.get(&state.leader).filter(|leader| leader.out.is_none());
        let next = match (leader, best) {
            (Some(leader), Some((name, loss))) => {
                let better = leader.loss().is_none_or(|of_leader| loss < MARGIN * of_leader);
                // A clock that went back must not hold it for ever.
                let long_enough = now.saturating_sub(state.led_since).saturating_abs() >= horizon;
                (better && long_enough).then(|| name.clone())
            }
            (Some(_), None) => None,
            (None, Some((name, _))) => Some(name.clone()),
            (None, None) => Some(self.racers[0].name().to_owned()),
        };
        if let Some(next) = next.filter(|next| *next != state.leader) {
            state.leader = next;
            state.led_since = now;
        }
    }

    fn forecast(&self, origin: Timestamp, step: Span) -> Result<Forecast, NotFit> {
        let none = || NotFit::new("no forecaster has an answer");
        let issue = self.state.issued.back().ok_or_else(none)?;
        let said = |name: &str| {
            Some((self.racers.iter().find(|r| r.name() == name)?, issue.by.get(name)?))
        };
        let anyone = || self.racers.iter().find_map(|racer| said(racer.name()));
        let (racer, issued) = said(&self.state.leader).or_else(anyone).ok_or_else(none)?;
        Ok(Forecast {
            origin,
            step,
            by: racer.name(),
            path: issued.path.clone(),
            quantiles: issued.quantiles.clone(),
        })
    }
}

/// A forecaster that panics drops out like one that fails.
fn guarded<T>(ask: impl FnOnce() -> Result<T, NotFit>) -> Result<T, NotFit> {
    let said = catch_unwind(AssertUnwindSafe(ask));
    said.unwrap_or_else(|_| Err(NotFit::new("it panicked, which is a defect")))
}

/// The path, if it is as long as it should be, finite and not negative.
fn sound(path: Vec<f64>, steps: usize) -> Result<Vec<f64>, NotFit> {
    if path.len() != steps {
        return Err(NotFit::new(format!("it answered {} steps of {steps}", path.len())));
    }
    match path.iter().position(|value| !value.is_finite() || *value < 0.0) {
        Some(at) => Err(NotFit::new(format!("it answered {} for step {}", path[at], at + 1))),
        None => Ok(path),
    }
}
