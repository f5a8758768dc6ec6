//! Forecasts against the truth that has arrived.

use super::super::conformal;
use super::state::RaceState;
use crate::clock::Timestamp;
use crate::signal::Series;

/// Half of a loss is forgotten after so many milliseconds: 12 hours.
const HALF_LIFE: f64 = 12.0 * 3_600_000.0;

impl RaceState {
    /// Measures every forecast for the steps that came since the last time, each
    /// once. A gap measures nothing.
    pub(super) fn settle(&mut self, history: &Series, origin: Timestamp, level: f64) {
        let (step, now) = (self.step.max(1) as i64, origin.as_millisecond());
        let start = history.start().as_millisecond();
        let since = self.settled.unwrap_or(i64::MIN);
        let horizon = step.saturating_mul(self.steps as i64);
        if since >= now && since.saturating_sub(now) <= horizon {
            // Seen before, by the process that was here before this one.
            return;
        }
        self.settled = Some(now);
        let truth = |time: i64| {
            let index = usize::try_from((time - start).checked_div(step)?).ok()?;
            *history.values().get(index).filter(|_| time >= start)?
        };
        let keep = 0.5_f64.powf(step as f64 / HALF_LIFE);
        for (name, runner) in &mut self.racers {
            let (mut sum, mut count) = (0.0, 0.0);
            for issue in &self.issued {
                let Some(issued) = issue.by.get(name) else { continue };
                for (lead, path) in issued.path.iter().enumerate() {
                    let time = issue.origin.saturating_add(step * (lead as i64 + 1));
                    let Some(truth) = (time > since && time <= now).then(|| truth(time)).flatten()
                    else {
                        continue;
                    };
                    let loss = conformal::loss(&issued.quantiles, level, lead, truth);
                    sum += loss.unwrap_or_default();
                    count += 1.0;
                    let usual = issue.usual;
                    runner.calibration.learn(lead, truth, *path, &issued.quantiles, usual);
                }
            }
            if count > 0.0 {
                runner.sum = runner.sum * keep + sum / count;
                runner.weight = runner.weight * keep + 1.0;
                runner.ticks = runner.ticks.saturating_add(1);
            }
        }
        let last = |origin: i64| origin.saturating_add(horizon);
        self.issued.retain(|issue| issue.origin < now && last(issue.origin) > now);
        self.remember(history, keep);
    }

    /// Moves the usual level of the load on.
    fn remember(&mut self, history: &Series, keep: f64) {
        let Some(value) = history.values().last().copied().flatten() else { return };
        let value = value.abs();
        self.usual =
            if self.usual == 0.0 { value } else { self.usual * keep + value * (1.0 - keep) };
    }
}
