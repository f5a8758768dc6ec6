//! How fast burst answers, measured: from the decision that asked for a unit until it
//! serves.

use super::launches::lost_sight;
use crate::clock::Timestamp;
use crate::decide::DesiredOwner;
use crate::decide::scaling::{PoolScaling, Scaling};
use crate::id::Name;
use crate::units::Span;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// What was decided, and does not serve yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Bursts {
    /// When it was looked last.
    at: Option<Timestamp>,
    /// By pool, those that are waited for; the fewest units first.
    pools: BTreeMap<Name, VecDeque<Waits>>,
}

/// A unit that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Waits {
    /// It serves when so many of its pool do.
    nth: u32,
    /// When it was decided; none: nobody can say how long ago that was.
    since: Option<Timestamp>,
}

/// One unit of a burst pool that has come to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Its pool.
    pub pool: Name,
    /// From the decision on.
    pub after: Span,
}

impl Bursts {
    /// Notes what `scaling` has seen serve, and what it asks for more than the
    /// decisions before it. A unit that another group of its pool makes up for is
    /// waited for on; one that is not wanted any more is not. Who does not write
    /// (`writes`) waits for nothing.
    pub(super) fn note(&mut self, scaling: &Scaling, writes: bool) -> Vec<Response> {
        let now = scaling.at;
        if !writes {
            *self = Self::default();
            return Vec::new();
        }
        if lost_sight(self.at.replace(now), now) {
            self.pools.values_mut().flatten().for_each(|waits| waits.since = None);
        }
        self.pools.retain(|name, _| scaling.pools.contains_key(name));
        let mut responses = Vec::new();
        for (name, pool) in scaling.pools.iter().filter(|(_, pool)| bursts(pool)) {
            let waits = self.pools.entry(name.clone()).or_default();
            waits.retain(|one| one.nth <= pool.wanted);
            while let Some(first) = waits.pop_front_if(|one| one.nth <= pool.serving) {
                let Some(since) = first.since else { continue };
                let millis = now.duration_since(since).as_millis();
                let after = Span::from_millis(u64::try_from(millis).unwrap_or(0));
                responses.push(Response { pool: name.clone(), after });
            }
            let known = waits.back().map_or(0, |last| last.nth).max(pool.now).max(pool.serving);
            let more = known.saturating_add(1)..=pool.wanted;
            waits.extend(more.map(|nth| Waits { nth, since: Some(now) }));
        }
        responses
    }
}

/// Whether it is a burst pool of which the controller sets the number, and that can be
/// seen.
pub(super) fn bursts(pool: &PoolScaling) -> bool {
    pool.visible
        && pool.owner == DesiredOwner::Controller
        && pool.sources.iter().any(|source| source.market.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::CapacityType;
    use crate::decide::scaling::SourceScaling;
    use crate::units::Rate;

    fn pool((now, wanted, serving): (u32, u32, u32), market: Option<CapacityType>) -> PoolScaling {
        PoolScaling {
            stage: "inference".parse().unwrap(),
            owner: DesiredOwner::Controller,
            visible: true,
            min: 0,
            max: 9,
            now,
            wanted,
            serving,
            capacity_per_unit: Rate::from_millis(18_000),
            worth: None,
            launch: None,
            pods: None,
            sources: vec![SourceScaling {
                group: None,
                label: "g6e.12xlarge".to_owned(),
                market,
                desired: now,
                wanted,
                set: wanted,
                shrink: 0,
                stays: false,
                aside: None,
                usd_per_hour: None,
            }],
            reasons: Vec::new(),
            holds: Vec::new(),
        }
    }

    /// At a second, what is asked for, wanted and serves.
    fn at(second: i64, units: (u32, u32, u32), market: Option<CapacityType>) -> Scaling {
        Scaling {
            at: Timestamp::from_second(second).unwrap(),
            pools: [("g6e".parse().unwrap(), pool(units, market))].into(),
            ..Scaling::default()
        }
    }

    /// After how many seconds each unit served.
    fn told(bursts: &mut Bursts, turns: &[(i64, (u32, u32, u32))]) -> Vec<u64> {
        let on_demand = Some(CapacityType::OnDemand);
        let all = turns
            .iter()
            .flat_map(|(second, units)| bursts.note(&at(*second, *units, on_demand), true));
        all.map(|one| one.after.millis() / 1000).collect()
    }

    #[test]
    fn each_unit_is_measured_from_the_decision_that_asked_for_it_until_it_serves() {
        let turns = [
            (0, (0, 0, 0)),
            (10, (0, 2, 0)),
            // The write failed, and is tried again.
            (20, (0, 2, 0)),
            (30, (2, 3, 0)),
            (200, (3, 3, 1)),
            (300, (3, 3, 3)),
            (400, (3, 3, 3)),
        ];
        assert_eq!(told(&mut Bursts::default(), &turns), [190, 290, 270]);
    }

    #[test]
    fn what_is_not_wanted_any_more_is_not_waited_for() {
        let turns = [
            (10, (0, 2, 0)),
            (20, (2, 1, 0)),
            (30, (1, 1, 0)),
            (100, (1, 1, 1)),
            // It goes for a while, and is back: nobody has asked for it.
            (110, (1, 1, 0)),
            (120, (1, 1, 1)),
            (130, (1, 2, 1)),
            (230, (2, 2, 2)),
        ];
        assert_eq!(told(&mut Bursts::default(), &turns), [90, 100]);
    }

    #[test]
    fn what_nobody_watched_is_not_measured_and_replicas_on_prem_are_no_burst() {
        let turns = [(0, (0, 1, 0)), (9000, (1, 1, 0)), (9010, (1, 2, 1)), (9020, (2, 2, 2))];
        assert_eq!(told(&mut Bursts::default(), &turns), [10]);
        let mut bursts = Bursts::default();
        let onprem = [(0, (0, 1, 0)), (10, (1, 1, 1))];
        let all =
            onprem.iter().flat_map(|(second, units)| bursts.note(&at(*second, *units, None), true));
        assert_eq!(all.count(), 0);
    }

    #[test]
    fn one_that_follows_measures_nothing_and_what_is_noted_is_gone_on_with() {
        let mut bursts = Bursts::default();
        let on_demand = Some(CapacityType::OnDemand);
        bursts.note(&at(0, (0, 1, 0), on_demand), true);
        let noted = serde_json::to_string(&bursts).unwrap();
        assert!(bursts.note(&at(60, (1, 1, 1), on_demand), false).is_empty());
        assert_eq!(bursts, Bursts::default());
        let mut next: Bursts = serde_json::from_str(&noted).unwrap();
        assert_eq!(told(&mut next, &[(60, (1, 1, 1))]), [60]);
    }
}
