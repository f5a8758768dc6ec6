//! What a span of turns came to: for the report at its end.

use super::report::{Done, Turn};
use crate::clock::Timestamp;
use crate::decide::DesiredOwner;
use crate::decide::scaling::Scaling;
use crate::id::Name;
use crate::observe::Side;
use crate::plan::Step;
use std::collections::BTreeMap;

/// Sums over turns. What a turn saw stands until the next one.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// The time that is counted, in hours.
    pub hours: f64,
    /// Pools that the controller scales.
    pub pools: BTreeMap<Name, PoolTally>,
    /// Stages whose load is measured.
    pub stages: BTreeMap<Name, StageTally>,
    last: Option<(Timestamp, Scaling)>,
}

/// One pool's part.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PoolTally {
    /// The most units that were asked for at once.
    pub most: u32,
    /// The hours of all its units.
    pub unit_hours: f64,
    /// What they cost, as far as prices are known; none: no price is.
    pub usd: Option<f64>,
    /// The hours of the units that were wanted, and what these would have cost: what
    /// a dry run would have had, beside what others asked for.
    pub wanted_hours: f64,
    /// See above; none: no price is known.
    pub wanted_usd: Option<f64>,
    /// For how many hours another number was wanted than was asked for.
    pub apart_hours: f64,
    /// Units that were added.
    pub added: u32,
    /// Units that were taken away.
    pub removed: u32,
}

/// One stage's part.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StageTally {
    /// The highest load that was seen, in requests per second.
    pub peak: f64,
    /// For how many hours the load was over what served.
    pub over_hours: f64,
}

impl Tally {
    /// Adds a turn.
    pub fn note(&mut self, turn: &Turn) {
        let now = turn.scaling.at;
        if let Some((before, scaling)) = self.last.take() {
            let hours = now.duration_since(before).as_secs_f64().max(0.0) / 3600.0;
            self.pass(&scaling, hours);
        }
        for (name, stage) in &turn.scaling.stages {
            if let Some(demand) = stage.demand {
                let tally = self.stages.entry(name.clone()).or_default();
                tally.peak = tally.peak.max(demand.as_f64());
            }
        }
        for (name, pool) in &turn.scaling.pools {
            if pool.owner == DesiredOwner::Controller {
                let tally = self.pools.entry(name.clone()).or_default();
                tally.most = tally.most.max(pool.now);
            }
        }
        for done in turn.done.iter().filter(|done| done.outcome == Some(Ok(()))) {
            self.count(done, &turn.scaling);
        }
        self.last = Some((now, turn.scaling.clone()));
    }

    /// The cost of all pools, as far as prices are known.
    pub fn usd(&self) -> f64 {
        self.pools.values().filter_map(|pool| pool.usd).sum()
    }

    fn pass(&mut self, scaling: &Scaling, hours: f64) {
        self.hours += hours;
        for (name, pool) in &scaling.pools {
            let Some(tally) = self.pools.get_mut(name) else { continue };
            tally.unit_hours += f64::from(pool.now) * hours;
            tally.wanted_hours += f64::from(pool.wanted) * hours;
            tally.apart_hours += if pool.wanted == pool.now { 0.0 } else { hours };
            for source in &pool.sources {
                if let Some(price) = source.usd_per_hour {
                    let usd = price.as_f64() * f64::from(source.desired) * hours;
                    tally.usd = Some(tally.usd.unwrap_or(0.0) + usd);
                    let wanted = source.set.saturating_sub(source.shrink);
                    let usd = price.as_f64() * f64::from(wanted) * hours;
                    tally.wanted_usd = Some(tally.wanted_usd.unwrap_or(0.0) + usd);
                }
            }
        }
        for (name, stage) in &scaling.stages {
            let Some(tally) = self.stages.get_mut(name) else { continue };
            if stage.demand.is_some_and(|demand| demand > stage.serving) {
                tally.over_hours += hours;
            }
        }
    }

    fn count(&mut self, done: &Done, scaling: &Scaling) {
        let Some(tally) = self.pools.get_mut(&done.pool) else { return };
        let burst = scaling.pools.get(&done.pool).is_some_and(|pool| pool.pods.is_some());
        match &done.step {
            // Replicas of a burst pool go with its nodes.
            Step::SetUnits { id, .. } if burst && id.side == Side::Kubernetes => {}
            // What a group is asked for less than before never ran.
            Step::SetUnits { id, from, to, .. } if id.side == Side::Aws => {
                tally.added = (tally.added + to.saturating_sub(*from))
                    .saturating_sub(from.saturating_sub(*to));
            }
            Step::SetUnits { from, to, .. } => {
                tally.added += to.saturating_sub(*from);
                tally.removed += from.saturating_sub(*to);
            }
            Step::DrainUnits { units, .. } => {
                tally.removed += u32::try_from(units.len()).unwrap_or(u32::MAX);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
