//! Quantiles around a path, from how wrong the paths before it were.

use super::Quantile;
use super::loss::pinball;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The newest residuals that are kept for each step of the horizon.
pub const WINDOW: usize = 400;

/// So many residuals there are from the beginning: until as many truths have
/// come, the rest is made up by [`first`].
pub const FIRST_RESIDUALS: usize = 20;

/// How fast a level follows its own misses: γ of adaptive conformal inference
/// (Gibbs and Candès, 2021).
const FOLLOW: f64 = 0.005;

/// Rolling split conformal prediction: for each step of the horizon, the
/// quantiles of the last [`WINDOW`] residuals of one forecaster, each relative to
/// the path; and each level led by its own misses to the coverage that it claims.
///
/// A load that has just jumped was missed by many times what it was, and will not be
/// missed by as many times what it is now: no quantile is further above the path
/// than the load has been above one, once that is known.
///
/// Memory is bounded: twice `WINDOW` numbers of four bytes, and of three digits, for
/// each step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The probabilities, the lowest first.
    levels: Vec<f64>,
    /// For each step ahead.
    leads: Vec<Lead>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Lead {
    /// The newest last.
    residuals: VecDeque<f32>,
    /// By how much the load was above the path, each time; the newest last.
    #[serde(default)]
    above: VecDeque<f32>,
    /// For each level, the level that is asked of the residuals so that the
    /// misses are as many as they should be.
    asked: Vec<f64>,
}

/// What a residual is measured by: the path, and a share of the usual level of
/// the load, so that a path near zero does not make every residual endless.
fn unit(path: f64, usual: f64) -> f64 {
    path + 0.2 * usual
}

/// The quantile `level` of the residuals that stand in for those not yet seen:
/// a Laplace distribution, skewed to what is more than was expected. Its quantiles
/// of 5 and 95 % are -30 and +41 %, those of persistence at 20 minutes on the load
/// of ServeGen's m-large (<https://github.com/alibaba/ServeGen>).
fn first(level: f64) -> f64 {
    let level = level.clamp(0.001, 0.999);
    if level < 0.5 { 0.13 * (2.0 * level).ln() } else { -0.178 * (2.0 * (1.0 - level)).ln() }
}

impl Calibration {
    /// Without any residual yet, for `levels` (the lowest first) of each of
    /// `steps` steps.
    pub fn new(levels: &[f64], steps: usize) -> Self {
        let lead =
            Lead { residuals: VecDeque::new(), above: VecDeque::new(), asked: levels.to_vec() };
        Self { levels: levels.to_vec(), leads: vec![lead; steps] }
    }

    /// Whether it is for these levels and steps.
    pub fn is_for(&self, levels: &[f64], steps: usize) -> bool {
        let whole = |lead: &Lead| {
            lead.asked.len() == levels.len() && lead.residuals.iter().all(|value| value.is_finite())
        };
        self.levels == levels && self.leads.len() == steps && self.leads.iter().all(whole)
    }

    /// Keeps the `most` newest residuals of each step.
    pub(super) fn thin(&mut self, most: usize) {
        for lead in &mut self.leads {
            for numbers in [&mut lead.residuals, &mut lead.above] {
                let over = numbers.len().saturating_sub(most);
                numbers.drain(..over);
            }
        }
    }

    /// The quantiles around `path`, none below a lower one, none below zero.
    /// `usual` is the usual level of the load.
    pub fn quantiles(&self, path: &[f64], usual: f64) -> Vec<Quantile> {
        let mut quantiles: Vec<Quantile> = self
            .levels
            .iter()
            .map(|level| Quantile { level: *level, path: Vec::with_capacity(path.len()) })
            .collect();
        for (value, lead) in path.iter().zip(&self.leads) {
            let (sorted, most) = (lead.sorted(), lead.most_above());
            let mut floor: f64 = 0.0;
            for (quantile, asked) in quantiles.iter_mut().zip(&lead.asked) {
                let residual = f64::from(rank(&sorted, *asked));
                floor = floor.max(value + (residual * unit(*value, usual)).min(most));
                quantile.path.push(floor);
            }
        }
        quantiles
    }

    /// Takes in the truth of step `lead` (0 is the first) of a path that was
    /// `path` there, with `quantiles`, when the load's usual level was `usual`.
    pub fn learn(
        &mut self,
        lead: usize,
        truth: f64,
        path: f64,
        quantiles: &[Quantile],
        usual: f64,
    ) {
        let residual = (truth - path) / unit(path, usual);
        let Some(of) = self.leads.get_mut(lead).filter(|_| residual.is_finite()) else { return };
        if of.residuals.len() >= WINDOW {
            of.residuals.pop_front();
        }
        if of.above.len() >= WINDOW {
            of.above.pop_front();
        }
        of.above.push_back(rounded((truth - path).clamp(-1e12, 1e12)));
        of.residuals.push_back(rounded(residual.clamp(-1e6, 1e6)));
        let asked = of.asked.iter_mut().zip(&self.levels);
        for ((asked, level), quantile) in asked.zip(quantiles) {
            let Some(claimed) = quantile.path.get(lead) else { continue };
            let miss = f64::from(u8::from(truth > *claimed));
            *asked = (*asked + FOLLOW * (miss - (1.0 - level))).clamp(0.001, 0.999);
        }
    }
}

impl Lead {
    /// The most that the load has been above the path; without end, as long as that
    /// was measured too seldom.
    fn most_above(&self) -> f64 {
        if self.above.len() < FIRST_RESIDUALS {
            return f64::INFINITY;
        }
        self.above.iter().copied().map(f64::from).fold(0.0, f64::max)
    }

    fn sorted(&self) -> Vec<f32> {
        let missing = FIRST_RESIDUALS.saturating_sub(self.residuals.len());
        let made_up = (1..=missing).map(|at| first(at as f64 / (missing + 1) as f64) as f32);
        let mut sorted: Vec<f32> = self.residuals.iter().copied().chain(made_up).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        sorted
    }
}

/// To three digits: few characters write it into the notes.
fn rounded(number: f64) -> f32 {
    if number == 0.0 {
        return 0.0;
    }
    // Divided by a whole power of ten, which is exact, the nearest number is the one
    // that is written with three digits.
    let digits = 2 - number.abs().log10().floor() as i32;
    let power = 10_f64.powi(digits.abs());
    let rounded = if digits < 0 {
        (number / power).round() * power
    } else {
        (number * power).round() / power
    };
    rounded as f32
}

/// The least residual that at least the share `level` of n + 1 is not above.
fn rank(sorted: &[f32], level: f64) -> f32 {
    let rank = ((sorted.len() + 1) as f64 * level).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// The mean pinball loss at `level` of `quantiles` at step `lead`, if they have it.
pub(super) fn loss(quantiles: &[Quantile], level: f64, lead: usize, truth: f64) -> Option<f64> {
    let quantile = quantiles.iter().find(|quantile| quantile.level == level)?;
    Some(pinball(level, truth, *quantile.path.get(lead)?))
}
