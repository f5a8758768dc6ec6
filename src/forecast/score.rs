//! Scores by rolling origin: at each step every forecaster sees what was known
//! then, and nothing else.

use super::{Context, Issued, Race, RaceConfig, coverage, pinball, wape};
use crate::clock::Timestamp;
use crate::signal::Series;
use std::collections::BTreeMap;

/// The name under which the race's own choice is scored.
pub const CHOSEN: &str = "chosen";

/// How one forecaster did.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Its name; `chosen` is what the race believed.
    pub by: String,
    /// How many origins it was scored at.
    pub origins: usize,
    /// For each step ahead.
    pub leads: Vec<LeadScore>,
    /// Why it has no score, if it has none, or was left out at the end.
    pub out: Option<String>,
}

/// How one did at one step ahead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeadScore {
    /// Weighted absolute percentage error of the path, as a share.
    pub wape: f64,
    /// Mean pinball loss of the calibrated quantile, over the mean truth.
    pub pinball: f64,
    /// The share of truths that were not above the calibrated quantile.
    pub coverage: f64,
}

/// Scores of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The first and last origin that count.
    pub between: (Timestamp, Timestamp),
    /// By their pinball loss, the best first.
    pub scores: Vec<Score>,
    /// How often another forecaster was believed from one origin to the next.
    pub switches: usize,
}

/// Truth, path and quantile.
type Point = (f64, f64, f64);

/// Runs `race` over all of `history`, and scores the origins from step `from` on.
/// `None` where no origin there has a truth after it.
pub fn score(
    mut race: Race,
    config: RaceConfig,
    history: &Series,
    context: &Context,
    from: usize,
) -> Option<Scored> {
    let steps = config.steps(history.step());
    let mut points: BTreeMap<String, Vec<Vec<Point>>> = BTreeMap::new();
    let mut origins: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = Series::empty(history.start(), history.step());
    let mut known = Context::unknown(&context.inputs);
    let (mut switches, mut before) = (0, None);
    for (origin, value) in history.values().iter().enumerate() {
        seen.push(*value);
        known.reveal(context, origin, steps);
        let Ok(forecast) = race.tick(&seen, &known) else { continue };
        if origin < from || origin + 1 >= history.len() {
            continue;
        }
        switches += usize::from(before.replace(forecast.by).is_some_and(|by| by != forecast.by));
        let chosen = Issued { path: forecast.path, quantiles: forecast.quantiles };
        let said = race.said().chain([(CHOSEN, &chosen)]);
        for (name, issued) in said {
            *origins.entry(name.to_owned()).or_default() += 1;
            let of = points.entry(name.to_owned()).or_insert_with(|| vec![Vec::new(); steps]);
            let level = config.judged_by();
            let Some(quantile) = issued.quantiles.iter().find(|q| q.level == level) else {
                continue;
            };
            for (lead, (path, quantile)) in issued.path.iter().zip(&quantile.path).enumerate() {
                if let Some(truth) = history.values().get(origin + 1 + lead).copied().flatten() {
                    of[lead].push((truth, *path, *quantile));
                }
            }
        }
    }
    let last = history.len().checked_sub(2).filter(|last| *last >= from)?;
    let outs = race.standings().into_iter().map(|standing| (standing.name, standing.out));
    let outs = outs.chain([(CHOSEN.to_owned(), None)]);
    let mut scores: Vec<Score> = outs
        .map(|(by, out)| {
            let of = points.remove(&by).unwrap_or_default();
            let leads = of.iter().map(|points| lead_score(points, config.judged_by())).collect();
            Score { origins: origins.get(&by).copied().unwrap_or_default(), by, leads, out }
        })
        .collect();
    let loss = |score: &Score| {
        let loss: f64 = score.leads.iter().map(|lead| lead.pinball).sum();
        if score.origins == 0 || loss.is_nan() { f64::INFINITY } else { loss }
    };
    scores.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    Some(Scored { between: (history.time(from), history.time(last)), scores, switches })
}

fn lead_score(points: &[Point], level: f64) -> LeadScore {
    let total: f64 = points.iter().map(|(truth, ..)| truth.abs()).sum();
    let lost: f64 =
        points.iter().map(|(truth, _, quantile)| pinball(level, *truth, *quantile)).sum();
    LeadScore {
        wape: wape(points.iter().map(|(truth, path, _)| (*truth, *path))),
        pinball: lost / total,
        coverage: coverage(points.iter().map(|(truth, _, quantile)| (*truth, *quantile))),
    }
}
