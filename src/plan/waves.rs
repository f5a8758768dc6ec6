//! The waves in which the changes of a plan go out: the canary pools first, then
//! share by share of the rest.
//!
//! A pool's wave follows from what git declares alone, never from what is left to
//! do: an apply that goes on for one that was cut off puts the rest where it was.

use super::{Action, Change, PlanInput, order};
use crate::decide::Decision;
use crate::spec::model::Waves;
use crate::units::{Rate, Share, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the changes of a plan go out over the pools of its environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WavePlan {
    /// The pools of each wave, the first wave's first: all that are declared, whether
    /// or not anything of them changes.
    pub pools: Vec<Vec<String>>,
    /// How long to wait after a wave, and to look at what speaks against the next.
    pub wait: Span,
}

impl WavePlan {
    /// How many waves there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.pools.len()).unwrap_or(u32::MAX)
    }

    /// The pools of wave `wave`, counted from 1.
    pub fn of(&self, wave: u32) -> &[String] {
        let at = usize::try_from(wave).ok().and_then(|wave| wave.checked_sub(1));
        at.and_then(|at| self.pools.get(at)).map_or(&[], Vec::as_slice)
    }
}

/// The waves of the environment; none: it declares none, or has no pool.
pub(super) fn declared(input: &PlanInput<'_>) -> Option<WavePlan> {
    let waves = input.environment.rollout.waves.as_ref()?;
    let pools = partition(waves, in_order(input.decision));
    (!pools.is_empty()).then_some(WavePlan { pools, wait: waves.wait })
}

/// Every pool, by what it carries at most as declared, the least first, then by name.
fn in_order(decision: &Decision) -> Vec<String> {
    let mut pools: Vec<(Rate, String)> = decision
        .pools
        .iter()
        .map(|(name, pool)| (pool.capacity_per_unit.times(pool.max), name.to_string()))
        .collect();
    pools.sort();
    pools.into_iter().map(|(_, name)| name).collect()
}

/// Cuts `pools` into the canaries and, share by share, the rest; no wave is empty.
fn partition(waves: &Waves, pools: Vec<String>) -> Vec<Vec<String>> {
    let mut left = pools;
    let mut cut = Vec::new();
    // A canary is rather too few, a share rather one too many: 50% are two waves.
    let mut size = at_least_one(waves.canary.of(count(&left)));
    while !left.is_empty() {
        let rest = left.split_off(size.min(left.len()));
        cut.push(std::mem::replace(&mut left, rest));
        if cut.len() == 1 {
            size = at_least_one(rounded_up(waves.share, count(&left)));
        }
    }
    cut
}

fn count(pools: &[String]) -> u32 {
    u32::try_from(pools.len()).unwrap_or(u32::MAX)
}

fn at_least_one(size: u32) -> usize {
    usize::try_from(size.max(1)).unwrap_or(usize::MAX)
}

fn rounded_up(share: Share, of: u32) -> u32 {
    let millionths = u128::from(share.millionths()) * u128::from(of);
    u32::try_from(millionths.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

/// The wave of each change that there is something to do for; of the others, and
/// where there are no waves, 0. Nothing waits for a later wave than its own.
///
/// What belongs to no pool goes in the earliest wave that needs it. What goes away
/// goes in the last one, when all others of its stage carry on, or as early as
/// something that stays waits for it. `closing` is the last of all.
pub(super) fn assign(
    waves: &WavePlan,
    changes: &[Change],
    after: &[Vec<usize>],
    closing: Option<usize>,
) -> Vec<u32> {
    let none = vec![0; changes.len()];
    // A circle is told of by whoever puts the changes in order.
    let Ok(order) = order::topological(after, |index| index) else { return none };
    let last = waves.count();
    let by_pool: BTreeMap<&str, u32> = waves
        .pools
        .iter()
        .zip(1..)
        .flat_map(|(pools, wave)| pools.iter().map(move |pool| (pool.as_str(), wave)))
        .collect();
    let own = |index: usize| -> Option<u32> {
        let change = &changes[index];
        let follows_a_deletion = || after[index].iter().any(|&i| goes(&changes[i]));
        if Some(index) == closing || goes(change) {
            return Some(last);
        }
        if change.action == Action::NoOp && follows_a_deletion() {
            return Some(last);
        }
        let pool = change.pool.as_deref()?;
        Some(by_pool.get(pool).copied().unwrap_or(last))
    };
    let mut wave = none;
    // From the last to the first: all that wait for a change are known before it is.
    let mut needed: Vec<Option<u32>> = vec![None; changes.len()];
    for &index in order.iter().rev().filter(|&&index| changes[index].has_work()) {
        let earliest = [own(index), needed[index]].into_iter().flatten().min().unwrap_or(1);
        wave[index] = earliest;
        for &first in &after[index] {
            needed[first] = Some(needed[first].map_or(earliest, |known| known.min(earliest)));
        }
    }
    wave
}

fn goes(change: &Change) -> bool {
    change.action == Action::Delete
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("p{number:02}")).collect()
    }

    fn sizes(canary: u64, share: u64, pools: usize) -> Vec<usize> {
        let waves = Waves {
            canary: Share::percent(canary),
            share: Share::percent(share),
            wait: Span::from_secs(60),
        };
        partition(&waves, named(pools)).iter().map(Vec::len).collect()
    }

    #[test]
    fn the_canary_is_rather_too_few_and_a_share_rather_one_too_many() {
        assert_eq!(sizes(10, 50, 1), [1]);
        assert_eq!(sizes(10, 50, 3), [1, 1, 1]);
        assert_eq!(sizes(10, 50, 4), [1, 2, 1]);
        assert_eq!(sizes(10, 50, 19), [1, 9, 9]);
        assert_eq!(sizes(10, 50, 29), [2, 14, 13]);
        assert_eq!(sizes(0, 0, 3), [1, 1, 1]);
        assert_eq!(sizes(100, 50, 3), [3]);
        assert_eq!(sizes(10, 100, 3), [1, 2]);
        assert_eq!(sizes(10, 50, 0), [0; 0]);
    }

    proptest! {
        #[test]
        fn each_pool_is_in_one_wave_and_no_wave_is_empty(
            (canary, share, pools) in (0..=100_u64, 0..=100_u64, 0..60_usize)
        ) {
            let waves = Waves {
                canary: Share::percent(canary),
                share: Share::percent(share),
                wait: Span::from_secs(60),
            };
            let cut = partition(&waves, named(pools));
            prop_assert!(cut.iter().all(|wave| !wave.is_empty()));
            prop_assert_eq!(cut.concat(), named(pools));
        }
    }
}
