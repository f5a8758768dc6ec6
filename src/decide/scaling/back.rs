//! Back to spot: what runs on demand for want of spot is replaced, one unit after the
//! other, once spot has given no trouble for a while. The one on spot comes first, and
//! when it serves, one on demand drains: nothing goes before what comes in its place, and
//! the last one leaves the pool as it is declared.

use super::demand::Load;
use super::fleet::{Pool, Source};
use super::input::ScalingInput;
use super::memory::{Back, Comes, StageMemory, largest};
use super::place::slowest;
use super::price::per_capacity;
use super::purse::Purse;
use super::release;
use super::time::{between, times};
use crate::clock::Timestamp;
use crate::decide::{CapacityType, Reason, split};
use crate::units::{Rate, Span};

/// The longest time that spot must give no trouble, in windows of scale-in.
const MOST: u32 = 16;

/// Takes a stage (`stage` are the places of its pools in `pools`) at most one step back to
/// spot, where it could be scaled in just as well.
pub(super) fn step(
    input: &ScalingInput<'_>,
    pools: &mut [Pool<'_>],
    stage: &[usize],
    (load, memory): (&Load<'_>, &mut StageMemory),
    purse: &mut Purse<'_>,
) {
    let policy = &input.planning.environment.burst.scale_in;
    let window = policy.stabilization.max(input.tuning.probe_first);
    let mut known = std::mem::take(&mut memory.back);
    for &at in stage {
        let pool = &pools[at];
        if let Some(back) = watched(input.now, pool, known.remove(pool.name), window) {
            memory.back.insert(pool.name.clone(), back);
        }
    }
    if memory.back.is_empty() {
        return;
    }
    let moves = memory.stepped_at != Some(input.now)
        && release::keeps(input, pools, stage, load, memory).is_empty();
    let mut moved = None;
    if moves {
        let is_over = release::is_over(input, pools, stage, load);
        let need = load.need(slowest(pools, stage)).capacity;
        let need = need.max(largest(&memory.needs).unwrap_or_default());
        let scene = Scene { input, stage, need, is_over };
        moved = stage.iter().copied().find(|&at| {
            let Some(back) = memory.back.get_mut(pools[at].name) else { return false };
            match scene.go_on(pools, at, back, window, purse) {
                Some(Went::In) => {
                    memory.stepped_at = Some(input.now);
                    true
                }
                Some(Went::Out) => true,
                None => false,
            }
        });
    }
    for &at in stage.iter().filter(|at| Some(**at) != moved) {
        let back = memory.back.get(pools[at].name);
        pools[at].stands_in = back.and_then(|back| told(input, &pools[at], back, window));
    }
}

/// What is remembered of a pool's way back, with what is seen now; none: it is as it is
/// declared, and has been for long.
fn watched(now: Timestamp, pool: &Pool<'_>, known: Option<Back>, window: Span) -> Option<Back> {
    pool.spot?;
    if !pool.is_ours() {
        return None;
    }
    if !pool.visible {
        return known;
    }
    let comes = known.as_ref().and_then(|back| back.comes.as_ref());
    let of_it = comes.map(|comes| (comes, pool.sources.iter().find(|one| one.key == comes.key)));
    let failed = of_it.is_some_and(|(_, source)| source.is_none_or(is_left_alone));
    let troubled = failed || is_troubled(now, pool);
    if known.is_none() && !troubled && stands_in(pool) == 0 {
        return None;
    }
    // Not written, or not needed any more: what comes of that is another matter.
    let gone = of_it.is_some_and(|(comes, source)| {
        let tried = source.is_some_and(is_tried);
        !tried && !comes.is_wanted(pool)
    });
    let mut back = known.unwrap_or_else(|| Back {
        quiet_since: now,
        // The first trouble is what it began with, or another one.
        wait: if troubled { Span::default() } else { window },
        ..Back::default()
    });
    if gone || failed {
        back.comes = None;
    }
    if troubled {
        back.trouble(now, window);
    }
    back.troubled = troubled;
    let calm = !troubled && back.is_calm(now, window);
    let is_over = calm && back.comes.is_none() && stands_in(pool) == 0;
    (!is_over).then_some(back)
}

impl Back {
    /// Each time that there is trouble, none must be for twice as long; after a long time
    /// without it, as at first.
    fn trouble(&mut self, now: Timestamp, window: Span) {
        if !self.troubled {
            let twice = times(self.wait, 2).clamp(window, times(window, MOST));
            self.wait = if self.is_calm(now, window) { window } else { twice };
        }
        self.quiet_since = now;
    }

    /// Whether there was none for longer than is ever waited for.
    fn is_calm(&self, now: Timestamp, window: Span) -> bool {
        between(self.quiet_since, now) >= times(window, 2 * MOST)
    }

    /// For how long there must be no trouble.
    fn waits(&self, window: Span) -> Span {
        self.wait.clamp(window, times(window, MOST))
    }

    fn is_quiet(&self, now: Timestamp, window: Span) -> bool {
        !self.troubled && between(self.quiet_since, now) >= self.waits(window)
    }
}

impl Comes {
    /// Whether it is asked for, and still wanted.
    fn is_wanted(&self, pool: &Pool<'_>) -> bool {
        let asked = |one: &Source| one.wanted.min(one.units.asked());
        pool.sources.iter().any(|one| one.key == self.key && asked(one) >= self.units)
    }

    /// Whether none of its group serves only in part: what one more carries counts as
    /// soon as some of it serves.
    fn is_whole(&self, pool: &Pool<'_>) -> bool {
        let own = pool.sources.iter().find(|one| one.key == self.key);
        own.is_some_and(|one| one.units.partly == 0)
    }
}

/// What one step goes by.
struct Scene<'a, 'b> {
    input: &'a ScalingInput<'b>,
    stage: &'a [usize],
    /// The most that was needed over the window, and is now.
    need: Rate,
    /// Less is needed now: what may go then goes by itself.
    is_over: bool,
}

/// Which way a step went.
enum Went {
    In,
    Out,
}

impl Scene<'_, '_> {
    /// One unit on demand less, where one on spot serves in its place; else, one on spot.
    fn go_on(
        &self,
        pools: &mut [Pool<'_>],
        at: usize,
        back: &mut Back,
        window: Span,
        purse: &mut Purse<'_>,
    ) -> Option<Went> {
        let pool = &pools[at];
        let by_hand = pool.set_to.is_some() || release::pool_hold(self.input, pool).is_some();
        let is_off = by_hand || !pool.is_ours() || !pool.visible || pool.legacy.units > 0;
        // What came meanwhile stands in for another that goes, if need be.
        if is_off || back.troubled {
            return None;
        }
        if back.comes.as_ref().is_some_and(|comes| !comes.is_wanted(pool) || !comes.is_whole(pool))
        {
            return None;
        }
        let total = pool.total();
        let more_than_of = |total: u32| on_demand(pool) > split(total, pool.spot).0;
        // Nothing that is wanted is still on its way.
        let serves = back.comes.take().is_some() && more_than_of(total.saturating_sub(1));
        let due = back.is_quiet(self.input.now, window) && more_than_of(total);
        if !serves && !due {
            return None;
        }
        let spare = release::capacity_of(pools, self.stage).saturating_sub(self.need);
        if serves
            && total > pool.floor.0
            && let Some(goes) = self.last(pool, |one| one.capacity <= spare)
        {
            let source = &mut pools[at].sources[goes];
            source.wanted -= 1;
            let (label, need) = (&source.label, self.need);
            let text = format!(
                "back to spot: one {label} on demand less, for what is left carries the {need} \
                 that was needed"
            );
            let reason = self.because(&pools[at], text);
            pools[at].reasons.push(reason);
            return Some(Went::In);
        }
        if !due || self.is_over {
            return None;
        }
        let goes = self.last(pool, |_| true)?;
        let comes = pool.next_spot(&pool.sources[goes])?;
        // Where what is there does not carry the need by itself, for an autoscaler or
        // something quicker may still add to it, none could go for the one that comes.
        let with_it = release::capacity_of(pools, self.stage) + pool.sources[comes].capacity;
        if with_it.saturating_sub(self.need) < pool.sources[goes].capacity {
            return None;
        }
        // What it may not buy is no news: nothing is missing.
        if purse.clone().take(pool, comes).is_err() {
            return None;
        }
        let label = pool.sources[goes].label.clone();
        if !pools[at].raise(comes, self.input.now, purse) {
            return None;
        }
        let source = &pools[at].sources[comes];
        back.comes = Some(Comes { key: source.key.clone(), units: source.wanted });
        let text = format!(
            "back to spot: one {} more on spot, for one {label} on demand that goes when it serves",
            source.label
        );
        let reason = self.because(&pools[at], text);
        pools[at].reasons.push(reason);
        Some(Went::Out)
    }

    /// The source on demand of which a unit goes first: the least preferred.
    fn last(&self, pool: &Pool<'_>, may_go: impl Fn(&Source) -> bool) -> Option<usize> {
        let window = self.input.planning.environment.burst.scale_in.stabilization;
        let goes = |one: &Source| {
            one.market == Some(CapacityType::OnDemand)
                && one.wanted > 0
                && release::raised(one, self.input.now, window).is_none()
                && may_go(one)
        };
        pool.sources.iter().rposition(goes)
    }

    fn because(&self, pool: &Pool<'_>, text: String) -> Reason {
        because(self.input, pool, text)
    }
}

impl Pool<'_> {
    /// The spot source of which one more carries what one of `stands_in` does, and is not
    /// dearer.
    fn next_spot(&self, stands_in: &Source) -> Option<usize> {
        let max = self.decided.max;
        if self.closed.is_some() || self.total() >= max || self.standing() >= max {
            return None;
        }
        let price = |one: &Source| per_capacity(one.price, one.capacity);
        let most = price(stands_in)?;
        let fits = |at: &usize| {
            let one = &self.sources[*at];
            is_spot(one)
                && one.closed.is_none()
                && one.room() > 0
                && one.capacity >= stands_in.capacity
                && price(one).is_some_and(|price| price <= most)
        };
        let all = || (0..self.sources.len()).filter(fits);
        // One that was refused last keeps no other from being tried.
        all().find(|at| self.sources[*at].aside().is_none()).or_else(|| all().next())
    }
}

fn is_spot(source: &Source) -> bool {
    source.exists && source.market == Some(CapacityType::Spot)
}

/// Units on demand that are wanted.
fn on_demand(pool: &Pool<'_>) -> u32 {
    let of = pool.sources.iter().filter(|one| one.market == Some(CapacityType::OnDemand));
    of.map(|one| one.wanted).fold(0, u32::saturating_add)
}

/// How many of them are more than is declared.
fn stands_in(pool: &Pool<'_>) -> u32 {
    on_demand(pool).saturating_sub(split(pool.total(), pool.spot).0)
}

/// Whether it is left alone, and none of it is being tried.
fn is_left_alone(source: &Source) -> bool {
    source.aside().is_some_and(|aside| aside.probe.is_none())
}

fn is_tried(source: &Source) -> bool {
    source.aside().is_some_and(|aside| aside.probe.is_some())
}

/// Whether there is none to be had on spot, or what there was is taken back.
fn is_troubled(now: Timestamp, pool: &Pool<'_>) -> bool {
    let none =
        |one: &&Source| is_left_alone(one) && one.aside().is_some_and(|aside| now < aside.until);
    let taken = |one: &&Source| one.units.cannot_stay > 0 || one.units.taken_back > 0;
    let spot: Vec<&Source> = pool.sources.iter().filter(|one| is_spot(one)).collect();
    !spot.is_empty() && (spot.iter().all(none) || spot.iter().any(taken))
}

/// What stands in for spot, and until when.
fn told(input: &ScalingInput<'_>, pool: &Pool<'_>, back: &Back, window: Span) -> Option<Reason> {
    let many = stands_in(pool);
    let text = match &back.comes {
        Some(comes) => format!("back to spot: one on demand goes when {} serves", comes.key),
        None if many > 0 && back.is_quiet(input.now, window) => format!(
            "{many} on demand in place of spot: one more has no room or no money, spot is dearer, \
             or the stage is held"
        ),
        None if many > 0 => {
            let wait = back.waits(window);
            format!("{many} on demand in place of spot, until that was without trouble for {wait}")
        }
        None => return None,
    };
    Some(because(input, pool, text))
}

fn because(input: &ScalingInput<'_>, pool: &Pool<'_>, text: String) -> Reason {
    input.planning.because(format!("aws.pools.{}.spot.share", pool.name), text)
}
