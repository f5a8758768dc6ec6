//! Daily and weekly seasons by repeated LOESS (MSTL; Bandara, Hyndman and
//! Bergmeir, 2021), and exponential smoothing of what is left.

use super::ets::{LAST, smoothed};
use super::fill::{filled, mostly_known};
use super::seasons::{DAY, steps_in};
use super::{Context, Forecaster, NotFit};
use crate::signal::Series;
use crate::units::Span;
use augurs_core::Fit as _;
use augurs_mstl::MSTLModel;

/// Seasons are told in slots of at least this length: finer ones cost time and
/// are noise.
const SLOT: Span = Span::from_secs(300);

/// The most of the history that seasons are taken from.
const MOST: Span = Span::from_secs(4 * 7 * 86_400);

/// Seasons of a day, and of a week where there are two of them.
#[derive(Debug, Clone, Default)]
pub struct Mstl {
    seasons: Option<Seasons>,
}

#[derive(Debug, Clone)]
struct Seasons {
    /// The length of a slot, in milliseconds.
    slot: i64,
    /// For each season, what it adds in each of its slots, counted from the epoch.
    profiles: Vec<Vec<f64>>,
}

impl Seasons {
    fn at(&self, millis: i64) -> f64 {
        let slot = millis.div_euclid(self.slot);
        let of = |profile: &Vec<f64>| profile[slot.rem_euclid(profile.len() as i64) as usize];
        self.profiles.iter().map(of).sum()
    }

    fn of(history: &Series) -> Result<Self, NotFit> {
        let values = filled(history);
        let tail = steps_in(MOST, history).min(values.len());
        let values = &values[values.len() - tail..];
        let (slot, per_day) = slots(history)?;
        let first = history.time(history.len() - tail).as_millisecond();
        let step = history.step().millis() as i64;
        let means = means(values, first, step, slot);
        let begins = first.div_euclid(slot) + i64::from(first.rem_euclid(slot) != 0);
        let periods: Vec<usize> =
            [per_day, 7 * per_day].into_iter().filter(|period| 2 * period <= means.len()).collect();
        if periods.is_empty() {
            return Err(NotFit::new("there is less than two days of history"));
        }
        if !mostly_known(history, tail) {
            return Err(NotFit::new("over half of the history is gaps"));
        }
        let fitted = MSTLModel::naive(periods.clone()).fit(&means);
        let fitted = fitted.map_err(|error| NotFit::new(format!("no seasons found: {error}")))?;
        let ends = begins + means.len() as i64;
        let profile = |(period, season): (&usize, &Vec<f32>)| {
            // The last cycle, each slot at its place in the epoch's cycles.
            let mut profile = vec![0.0; *period];
            for (back, value) in season.iter().rev().take(*period).enumerate() {
                let slot = (ends - 1 - back as i64).rem_euclid(*period as i64);
                profile[slot as usize] = f64::from(*value);
            }
            profile
        };
        let profiles = periods.iter().zip(fitted.fit().seasonal()).map(profile).collect();
        Ok(Self { slot, profiles })
    }
}

/// The length of a slot in milliseconds, and how many a day has.
fn slots(history: &Series) -> Result<(i64, usize), NotFit> {
    let (step, day) = (history.step().millis(), DAY.millis());
    let least = SLOT.millis().div_ceil(step);
    let fits = (least..=least.saturating_mul(12)).map(|times| times.saturating_mul(step));
    let slot = fits.take_while(|slot| 4 * slot <= day).find(|slot| day.is_multiple_of(*slot));
    let slot = slot.ok_or_else(|| {
        NotFit::new(format!("a step of {} does not divide a day", history.step()))
    })?;
    Ok((slot as i64, (day / slot) as usize))
}

/// The mean of each whole slot of the epoch; a slot without a step is as the one
/// before it.
fn means(values: &[f64], first: i64, step: i64, slot: i64) -> Vec<f64> {
    let mut means: Vec<(i64, f64, f64)> = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let at = (first + step * index as i64).div_euclid(slot);
        match means.last_mut() {
            Some((last, sum, count)) if *last == at => {
                *sum += value;
                *count += 1.0;
            }
            _ => means.push((at, *value, 1.0)),
        }
    }
    let whole = means.into_iter().filter(|(at, ..)| at * slot >= first);
    whole.map(|(_, sum, count)| sum / count).collect()
}

impl Forecaster for Mstl {
    fn name(&self) -> &'static str {
        "mstl"
    }

    fn path(&self, history: &Series, _: &Context, steps: usize) -> Result<Vec<f64>, NotFit> {
        let none = || NotFit::new("it has not seen two days of history yet");
        let seasons = self.seasons.as_ref().ok_or_else(none)?;
        if !mostly_known(history, LAST) {
            return Err(NotFit::new(format!("over half of the last {LAST} steps is gaps")));
        }
        let season = |index: usize| seasons.at(history.time(index).as_millisecond());
        let values = filled(history);
        let tail = LAST.min(values.len());
        let from = history.len() - tail;
        let rest = values[values.len() - tail..].iter().enumerate();
        let rest: Vec<f64> = rest.map(|(at, value)| value - season(from + at)).collect();
        let path = smoothed(&rest, steps)?.into_iter().enumerate();
        Ok(path.map(|(step, value)| (value + season(history.len() + step)).max(0.0)).collect())
    }

    fn refit_every(&self) -> Option<Span> {
        Some(Span::from_secs(6 * 3600))
    }

    fn refit(&mut self, history: &Series, _: &Context) -> Result<(), NotFit> {
        self.seasons = Some(Seasons::of(history)?);
        Ok(())
    }
}
