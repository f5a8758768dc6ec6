//! How long launches take, measured: from asking for a unit until it serves.

use crate::clock::Timestamp;
use crate::decide::scaling::{Delay, Delays, PoolSeen, Seen, Units};
use crate::id::Name;
use crate::units::Span;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Launches that are remembered of a pool: enough for a p95, few enough to follow
/// what has changed.
const REMEMBERED: usize = 40;
/// Launches after which their p95 is not just the slowest of them.
const ENOUGH: usize = 20;
/// After so long without a look nobody can say when something began to serve: the
/// machine stood still, or its clock was set.
const LONGEST_GAP: SignedDuration = SignedDuration::from_mins(10);
/// By how much clocks may differ.
const CLOCKS: SignedDuration = SignedDuration::from_mins(5);

/// The launches of every pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Launches {
    /// When it was looked last.
    at: Option<Timestamp>,
    pools: BTreeMap<Name, Pool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Pool {
    sources: BTreeMap<String, Source>,
    /// How long the last ones took that were launched anew, the oldest first.
    took: VecDeque<Span>,
    /// And those that a warm pool had.
    warm_took: VecDeque<Span>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Source {
    /// When each unit was asked for that does not serve yet, the oldest first; none:
    /// nobody knows.
    asked: VecDeque<Option<Timestamp>>,
    /// Of those, the ones that a warm pool had.
    warm_asked: VecDeque<Option<Timestamp>>,
    /// The most that served at once, of those that are still asked for.
    #[serde(alias = "serving")]
    most: u32,
    /// How many were asked for when it was last seen, and how many waited warm.
    wanted: u32,
    warm: u32,
}

impl Launches {
    /// Notes what has come to serve since the last time. Units are counted and not
    /// named: the one that was asked for first counts as the first to serve.
    pub fn note(&mut self, seen: &Seen, now: Timestamp) {
        if lost_sight(self.at.replace(now), now) {
            let sources = self.pools.values_mut().flat_map(|pool| pool.sources.values_mut());
            let asked = sources.flat_map(|source| [&mut source.asked, &mut source.warm_asked]);
            asked.flatten().for_each(|asked| *asked = None);
        }
        for (name, pool) in seen.pools.iter().filter(|(_, pool)| pool.visible) {
            let known = self.pools.entry(name.clone()).or_default();
            for (source, units) in sources(pool) {
                known.note(source, units, now);
            }
        }
    }

    /// What was measured of `pool`; where that is too little, what is `declared`.
    pub fn delays(&self, pool: &Name, declared: Delays) -> Delays {
        let Some(pool) = self.pools.get(pool) else { return declared };
        let many = |took: &VecDeque<Span>| u32::try_from(took.len()).unwrap_or(u32::MAX);
        let known = Delays {
            warm: measured(&pool.warm_took).unwrap_or(declared.warm),
            measured: many(&pool.took),
            warm_measured: many(&pool.warm_took),
            ..declared
        };
        let Some(cold) = measured(&pool.took) else { return known };
        let enough = pool.took.len() >= ENOUGH;
        let slow = if enough { cold.p95 } else { cold.p95.max(declared.slow) };
        Delays { cold, slow, ..known }
    }

    /// How many were measured of `pool`.
    pub fn measured(&self, pool: &Name) -> usize {
        self.pools.get(pool).map_or(0, |pool| pool.took.len())
    }
}

/// Whether too much may have passed unseen from one look to the next, or the clock has
/// gone back by more than clocks differ by.
pub(super) fn lost_sight(before: Option<Timestamp>, now: Timestamp) -> bool {
    let passed = before.map(|before| now.duration_since(before));
    passed.is_some_and(|passed| passed > LONGEST_GAP || passed < -CLOCKS)
}

/// Of enough launches.
fn measured(took: &VecDeque<Span>) -> Option<Delay> {
    let mut sorted: Vec<Span> = took.iter().copied().collect();
    sorted.sort_unstable();
    let at = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1];
    (took.len() >= Delays::FEWEST as usize).then(|| Delay { median: at(50), p95: at(95) })
}

fn sources(pool: &PoolSeen) -> impl Iterator<Item = (&str, &Units)> {
    let replicas = pool.replicas.iter().map(|units| ("replicas", units));
    replicas.chain(pool.groups.iter().map(|(name, units)| (name.as_str(), units)))
}

impl Pool {
    fn note(&mut self, source: &str, units: &Units, now: Timestamp) {
        let new = !self.sources.contains_key(source);
        let known = self.sources.entry(source.to_owned()).or_default();
        let asked = units.asked();
        // What is on its way when it is first seen was asked for at a time that
        // nobody knows; and what served, went and serves again is no launch.
        if new {
            (known.most, known.wanted, known.warm) = (units.serving, asked, units.warm);
            known.asked.extend((units.serving..asked).map(|_| None));
            return;
        }
        // A group takes what waits warm first.
        for nth in 0..asked.saturating_sub(known.wanted) {
            let warm = nth < known.warm;
            if warm { &mut known.warm_asked } else { &mut known.asked }.push_back(Some(now));
        }
        known.warm = units.warm;
        known.most = known.most.min(asked);
        for _ in 0..units.serving.saturating_sub(known.most) {
            // And these serve first.
            let warm = known.warm_asked.pop_front();
            let took = if warm.is_some() { &mut self.warm_took } else { &mut self.took };
            let Some(asked) = warm.or_else(|| known.asked.pop_front()) else { break };
            let Some(asked) = asked else { continue };
            let millis = now.duration_since(asked).as_millis();
            took.push_back(Span::from_millis(u64::try_from(millis).unwrap_or(0)));
        }
        known.most = known.most.max(units.serving);
        let pending = usize::try_from(asked.saturating_sub(known.most)).unwrap_or(0);
        known.warm_asked.truncate(pending);
        known.asked.truncate(pending - known.warm_asked.len());
        known.wanted = asked;
        for took in [&mut self.took, &mut self.warm_took] {
            let over = took.len().saturating_sub(REMEMBERED);
            took.drain(..over);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn seen(desired: u32, serving: u32) -> Seen {
        let units = Units { desired, existing: desired, ..Units::serving(serving) };
        let groups = BTreeMap::from([("g".to_owned(), Units { desired, ..units })]);
        let pool = PoolSeen { visible: true, groups, ..PoolSeen::default() };
        Seen { pools: BTreeMap::from([("p".parse().unwrap(), pool)]) }
    }

    fn declared() -> Delays {
        Delays::declared(Span::from_secs(600), true)
    }

    #[test]
    fn a_launch_is_measured_from_its_asking_to_its_serving() {
        let (mut launches, pool) = (Launches::default(), "p".parse::<Name>().unwrap());
        launches.note(&seen(0, 0), at(0));
        for (begun, took) in [(100, 60), (300, 80), (500, 100)] {
            let learned = launches.delays(&pool, declared());
            assert_eq!((learned.cold, learned.is_measured()), (declared().cold, false));
            launches.note(&seen(1, 0), at(begun));
            launches.note(&seen(1, 1), at(begun + took));
            launches.note(&seen(0, 0), at(begun + 150));
        }
        let learned = launches.delays(&pool, declared());
        assert_eq!((learned.measured, learned.is_measured()), (3, true));
        let (learned, second) = (learned.cold, Span::from_secs);
        assert_eq!(learned, Delay { median: second(80), p95: second(100) });
    }

    #[test]
    fn by_a_few_fast_launches_none_is_given_up_sooner_than_was_declared() {
        let (mut launches, pool) = (Launches::default(), "p".parse::<Name>().unwrap());
        launches.note(&seen(0, 0), at(0));
        for nth in 0..20 {
            let learned = launches.delays(&pool, declared());
            assert_eq!(learned.slow, declared().cold.p95, "after {nth}");
            launches.note(&seen(1, 0), at(nth * 100));
            launches.note(&seen(1, 1), at(nth * 100 + 60));
            launches.note(&seen(0, 0), at(nth * 100 + 70));
        }
        assert_eq!(launches.delays(&pool, declared()).slow, Span::from_secs(60));
    }

    #[test]
    fn warm_starts_are_measured_apart_from_those_that_are_launched_anew() {
        let (mut launches, pool) = (Launches::default(), "p".parse::<Name>().unwrap());
        let note = |launches: &mut Launches, numbers: (u32, u32, u32), second: i64| {
            let mut seen = seen(numbers.0, numbers.1);
            let units = seen.pools.get_mut(&pool).unwrap().groups.get_mut("g").unwrap();
            units.warm = numbers.2;
            launches.note(&seen, at(second));
        };
        note(&mut launches, (0, 0, 1), 0);
        for nth in 1..=20 {
            let began = nth * 10_000;
            // Of two, one waited warm: it serves first.
            note(&mut launches, (2, 0, 0), began);
            note(&mut launches, (2, 1, 0), began + 60);
            note(&mut launches, (2, 2, 0), began + 600);
            note(&mut launches, (0, 0, 1), began + 2000);
        }
        let learned = launches.delays(&pool, declared());
        let always = |seconds| {
            let span = Span::from_secs(seconds);
            Delay { median: span, p95: span }
        };
        assert_eq!((learned.warm, learned.cold), (always(60), always(600)));
        assert_eq!(learned.slow, Span::from_secs(600), "no warm start makes it impatient");
    }

    #[test]
    fn what_served_and_serves_again_is_no_launch() {
        let (mut launches, pool) = (Launches::default(), "p".parse::<Name>().unwrap());
        for (desired, serving, second) in
            [(4, 4, 0), (4, 0, 10), (4, 4, 30), (5, 3, 40), (5, 4, 50), (5, 5, 640)]
        {
            launches.note(&seen(desired, serving), at(second));
        }
        assert_eq!(launches.pools[&pool].took, [Span::from_secs(600)]);
    }

    #[test]
    fn what_was_on_its_way_before_is_not_measured() {
        let (mut launches, pool) = (Launches::default(), "p".parse::<Name>().unwrap());
        for (desired, serving, second) in [(4, 0, 0), (4, 4, 5)] {
            launches.note(&seen(desired, serving), at(second));
        }
        assert_eq!(launches.measured(&pool), 0);
    }

    #[test]
    fn what_served_first_while_nobody_looked_is_not_measured_nor_what_waited_then() {
        let hours = |hours: i64| 3600 * hours;
        // The machine stood still; its clock was ahead for a while.
        for jump in [hours(3), -hours(3)] {
            let (mut launches, pool) = (Launches::default(), "p".parse::<Name>().unwrap());
            for (desired, serving, second) in [
                (0, 0, 0),
                (2, 0, 10),
                (2, 1, 20 + jump),
                (2, 2, 50 + jump),
                (3, 2, 60 + jump),
                (3, 3, 90 + jump),
            ] {
                launches.note(&seen(desired, serving), at(hours(9) + second));
            }
            assert_eq!(launches.pools[&pool].took, [Span::from_secs(30)], "{jump}");
        }
    }

    #[test]
    fn what_comes_to_serve_is_what_was_on_its_way_first() {
        let (mut launches, pool) = (Launches::default(), "p".parse::<Name>().unwrap());
        for (desired, serving, second) in [(1, 0, 0), (2, 0, 90), (2, 1, 100), (2, 2, 300)] {
            launches.note(&seen(desired, serving), at(second));
        }
        assert_eq!(launches.pools[&pool].took, [Span::from_secs(210)]);
    }

    #[test]
    fn a_request_that_is_taken_back_is_forgotten() {
        let (mut launches, pool) = (Launches::default(), "p".parse::<Name>().unwrap());
        for (desired, serving, second) in
            [(0, 0, 0), (3, 0, 10), (0, 0, 20), (1, 0, 30), (1, 1, 40)]
        {
            launches.note(&seen(desired, serving), at(second));
        }
        assert_eq!(launches.pools[&pool].took, [Span::from_secs(10)]);
    }
}
