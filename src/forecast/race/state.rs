//! What a race remembers, and a restarted controller reads back.

use super::super::Quantile;
use super::super::{FIRST_RESIDUALS, WINDOW};
use super::Calibration;
use crate::units::Span;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// What a race remembers: calibrations, losses, who leads, and what was forecast
/// and is not yet measured. A few hundred kilobytes as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RaceState {
    /// Milliseconds from step to step.
    pub(super) step: u64,
    /// Steps of the horizon.
    pub(super) steps: usize,
    /// Who is believed, and since when (Unix milliseconds).
    pub(super) leader: String,
    pub(super) led_since: i64,
    /// The usual level of the load: a rolling mean.
    pub(super) usual: f64,
    /// The last step that was measured (Unix milliseconds).
    pub(super) settled: Option<i64>,
    pub(super) racers: BTreeMap<String, Runner>,
    /// The oldest first; at most one for each step of the horizon.
    pub(in crate::forecast) issued: VecDeque<Issue>,
    /// When each model is fitted again; a new process has fitted none yet.
    #[serde(skip)]
    pub(super) next_fit: BTreeMap<String, i64>,
}

/// How one forecaster has done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Runner {
    pub(super) calibration: Calibration,
    /// Rolling sum of its losses, and of their weights.
    pub(super) sum: f64,
    pub(super) weight: f64,
    /// Ticks that it was measured in.
    pub(super) ticks: u32,
    /// Answers in a row that could be used.
    pub(super) good: usize,
    /// Why it is out.
    pub(super) out: Option<String>,
}

impl Runner {
    fn new(levels: &[f64], steps: usize) -> Self {
        let calibration = Calibration::new(levels, steps);
        Self { calibration, sum: 0.0, weight: 0.0, ticks: 0, good: 0, out: None }
    }

    /// Its rolling loss, in the unit of the values.
    pub(super) fn loss(&self) -> Option<f64> {
        let loss = self.sum / self.weight;
        loss.is_finite().then_some(loss)
    }
}

/// What all forecasters said at one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::forecast) struct Issue {
    pub(super) origin: i64,
    pub(super) usual: f64,
    pub(super) by: BTreeMap<String, Issued>,
}

impl Issue {
    pub(super) fn new(origin: i64, usual: f64) -> Self {
        Self { origin, usual, by: BTreeMap::new() }
    }
}

/// What one forecaster said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issued {
    /// Its most likely path.
    pub path: Vec<f64>,
    /// Its calibrated quantiles.
    pub quantiles: Vec<Quantile>,
}

/// How a forecaster stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Whether it is believed.
    pub leads: bool,
    /// Its rolling pinball loss after calibration, in the unit of the values;
    /// `None` before it was measured.
    pub loss: Option<f64>,
    /// In how many ticks it was measured.
    pub ticks: u32,
    /// Why it has no answer now.
    pub out: Option<String>,
}

impl RaceState {
    /// In how many ticks its forecasters were measured, at most.
    pub fn ticks(&self) -> u32 {
        self.racers.values().map(|runner| runner.ticks).max().unwrap_or(0)
    }

    /// As much of it as `most` bytes of JSON hold: who leads and how wrong each has
    /// been; and for the bands the newest residuals, as many as there is room for. What
    /// was forecast and not yet measured is left out. None: not even the fewest
    /// residuals that a band needs ([`super::super::FIRST_RESIDUALS`]) have room.
    pub fn within(&self, most: usize) -> Option<Self> {
        let mut small = Self { issued: VecDeque::new(), ..self.clone() };
        let counts = [WINDOW, 200, 100, 60, 40, FIRST_RESIDUALS];
        for count in counts {
            small.racers.values_mut().for_each(|runner| runner.calibration.thin(count));
            let fits = |text: String| text.len() <= most;
            if serde_json::to_string(&small).is_ok_and(fits) {
                return Some(small);
            }
        }
        None
    }

    /// Forgets what is of another step, horizon, quantile or forecaster, and
    /// makes room for those that are new.
    pub(super) fn fit(&mut self, step: Span, steps: usize, levels: &[f64], names: &[&str]) {
        if (self.step, self.steps) != (step.millis(), steps) {
            *self = Self { step: step.millis(), steps, ..Self::default() };
        }
        self.racers.retain(|name, runner| {
            names.contains(&name.as_str()) && runner.calibration.is_for(levels, steps)
        });
        for name in names {
            let fresh = || Runner::new(levels, steps);
            self.racers.entry((*name).to_owned()).or_insert_with(fresh);
        }
        if !self.racers.contains_key(&self.leader)
            && let Some(first) = names.first()
        {
            self.leader = (*first).to_owned();
        }
    }
}
