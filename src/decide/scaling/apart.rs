//! Decisions of controllers that do not see each other, each of which may be the
//! leader: whatever each of them remembers and measures, together they stay within
//! the bounds of one.
//!
//! Numbers are absolute, so that of a group the larger one stands. Of each pool one
//! group is raised, the same by all, and what all pools may have at most is shared out
//! beforehand, by what is declared and what runs alone. That holds between those that
//! decide so; beside one that decides as usual each goes by what it sees.

use super::fleet::{Pool, Source};
use super::hold::{Hold, plain};
use super::input::{Mode, ScalingInput};
use super::purse::Purse;
use crate::decide::CapacityType;

/// Bounds what may be raised where another may decide at the same time.
pub(super) fn bound(input: &ScalingInput<'_>, pools: &mut [Pool<'_>], purse: &Purse<'_>) {
    if !input.mode.is_apart() {
        return;
    }
    let mode = input.mode;
    let mut shares: Vec<(usize, usize, u32)> = Vec::new();
    for (place, pool) in pools.iter_mut().enumerate() {
        if !pool.is_ours() || !pool.visible {
            continue;
        }
        let Some(raised) = raised(pool) else { continue };
        let key = pool.sources[raised].key.clone();
        let others = pool.sources.iter_mut().enumerate().filter(|(at, _)| *at != raised);
        for (_, source) in others {
            source.closed.get_or_insert_with(|| hold(mode, format!("only {key} is raised")));
        }
        shares.push((place, raised, 0));
    }
    // One each in turn, from nothing: what any of them has raised meanwhile moves no share.
    let mut purse = purse.clone();
    let mut goes_on = true;
    while std::mem::take(&mut goes_on) {
        for (place, at, units) in &mut shares {
            let pool = &pools[*place];
            let source = &pool.sources[*at];
            let with_one = units.saturating_add(1);
            let others = pool.standing().saturating_sub(source.standing(source.wanted));
            let fits = others.saturating_add(source.standing(with_one)) <= pool.decided.max;
            if fits && (pool.is_onprem() || purse.affords(source, with_one)) {
                (*units, goes_on) = (with_one, true);
            }
        }
    }
    for (place, at, units) in shares {
        let source = &mut pools[place].sources[at];
        source.most = Some(units);
        close_at_most(mode, source);
    }
}

/// The source of a pool that is raised: of the first type on demand, for every
/// controller knows the same price of that. A capacity block only where there is no
/// other: it ends by the clock.
fn raised(pool: &Pool<'_>) -> Option<usize> {
    let of = |market: Option<CapacityType>| {
        pool.sources.iter().position(|one| one.exists && (market.is_none() || one.market == market))
    };
    of(Some(CapacityType::OnDemand)).or_else(|| of(Some(CapacityType::Spot))).or_else(|| of(None))
}

/// Closes a source that has its share.
pub(super) fn close_at_most(mode: Mode, source: &mut Source) {
    if let Some(most) = source.most.filter(|most| source.wanted >= *most) {
        let text = format!("{most} of {} at most", source.key);
        source.closed.get_or_insert_with(|| hold(mode, text));
    }
}

fn hold(mode: Mode, what: String) -> Hold {
    let silent = mode.silent().unwrap_or_default();
    let text = format!("{what} while {silent} does not answer: another may lead too");
    Hold::out(mode.cause(), plain(text))
}
