//! Scale-in: one step at a time, the dearest first, and only by what is known.

use super::demand::Load;
use super::fleet::{Pool, Source};
use super::hands;
use super::hold::{Direction, Hold, HoldCause, plain};
use super::input::ScalingInput;
use super::memory::{StageMemory, largest};
use super::place::{ends_soon, slowest};
use super::price::per_capacity;
use super::time::later;
use crate::clock::Timestamp;
use crate::decide::{CapacityType, split};
use crate::units::{Rate, Span};

/// Lowers what an operator has set lower, and drains what its place takes back.
pub(super) fn release_set(input: &ScalingInput<'_>, pools: &mut [Pool<'_>]) {
    for pool in pools.iter_mut().filter(|pool| pool.is_ours() && pool.visible) {
        for at in 0..pool.sources.len() {
            let source = &mut pool.sources[at];
            let ends = source.units.ends.filter(|ends| ends_soon(input, *ends, Span::default()));
            if let Some(ends) = ends.filter(|_| source.wanted > 0) {
                pool.reasons
                    .push(plain(format!("{} drain: their block ends at {ends}", source.wanted)));
                source.wanted = 0;
            }
        }
        let Some((units, _)) = pool.set_to.clone() else { continue };
        if pool.total() <= units {
            continue;
        }
        if let Some(hold) = blocked(input, pool) {
            pool.holds.push(hold);
            continue;
        }
        while pool.total() > units
            && let Some(at) = pool.last(|_| true)
        {
            pool.sources[at].wanted -= 1;
        }
        if let (_, Some(reason)) = &pool.floor {
            pool.reasons.insert(0, reason.clone());
        }
    }
}

/// What may not be taken away counts from the beginning, though nothing is expected of
/// it: what others are raised to in its place stays within the bounds with it.
pub(super) fn keep_idle(input: &ScalingInput<'_>, pools: &mut [Pool<'_>]) {
    for pool in pools.iter_mut().filter(|pool| pool.is_ours() && pool.visible) {
        if pool.is_onprem() || blocked(input, pool).is_none() {
            continue;
        }
        for source in pool.sources.iter_mut().filter(|source| source.exists) {
            source.idle = source.stands().saturating_sub(source.wanted);
            source.wanted += source.idle;
        }
    }
}

/// What keeps even an operator's lower number, or an offering that is left alone,
/// from being lowered.
pub(super) fn blocked(input: &ScalingInput<'_>, pool: &Pool<'_>) -> Option<Hold> {
    forbidden(input, pool).or_else(|| hands::unreachable(input))
}

/// Who says that nothing of it is scaled in, not even what drains already: an
/// operator's hold, a freeze where no operator has set its number, or a drain that was
/// given up.
pub(super) fn forbidden(input: &ScalingInput<'_>, pool: &Pool<'_>) -> Option<Hold> {
    let by_hand = hands::holds(input, Some(pool.name), Direction::ScaleIn);
    let all = || hands::holds(input, None, Direction::ScaleIn);
    let counts = |hold: &Hold| pool.set_to.is_none() || hold.cause != HoldCause::Freeze;
    by_hand.or_else(|| all().filter(counts)).or_else(|| pool.drain_given_up.clone())
}

impl Pool<'_> {
    /// The source of which a unit goes first: of the market that has more than
    /// its part, then the least preferred.
    fn last(&self, may_go: impl Fn(&Source) -> bool) -> Option<usize> {
        let there = |market| {
            let of = self.sources.iter().filter(|one| one.market == Some(market));
            of.map(|one| one.wanted).sum::<u32>()
        };
        let (_, due) = split(self.total().saturating_sub(1), self.spot);
        let spot_goes = there(CapacityType::Spot) > due;
        let has = |at: &usize| self.sources[*at].wanted > 0 && may_go(&self.sources[*at]);
        let in_turn = |at: &usize| {
            let is_spot = self.sources[*at].market == Some(CapacityType::Spot);
            self.spot.is_none() || is_spot == spot_goes
        };
        let all = || (0..self.sources.len()).rev().filter(has);
        all().find(in_turn).or_else(|| all().next())
    }
}

/// The unit that goes first of all that fit into `over`: the dearest per unit of
/// capacity, and of on-prem only when no burst is left that could go. A replica that
/// costs nothing more, released while an instance is paid for, would keep that
/// from going.
fn pick(
    pools: &[Pool<'_>],
    stage: &[usize],
    over: Rate,
    stays: &impl Fn(&Pool<'_>, &Source) -> bool,
) -> Option<(usize, usize)> {
    let may_go = |pool: &Pool<'_>| {
        pool.is_ours() && pool.visible && pool.set_to.is_none() && pool.total() > pool.floor.0
    };
    let burst_runs = stage.iter().any(|&at| !pools[at].is_onprem() && may_go(&pools[at]));
    let candidate = |&at: &usize| {
        let pool = &pools[at];
        if burst_runs && pool.is_onprem() {
            return None;
        }
        if !may_go(pool) {
            return None;
        }
        let source = pool.last(|source| source.capacity <= over && !stays(pool, source))?;
        let one = &pool.sources[source];
        let price = per_capacity(one.price, one.capacity);
        let dear = match pool.is_onprem() {
            true => (0, price.unwrap_or(0)),
            false => (1, price.unwrap_or(u128::MAX)),
        };
        Some((dear, at, source))
    };
    stage.iter().filter_map(candidate).max().map(|(_, pool, source)| (pool, source))
}

/// What a stage carries as it is wanted.
pub(super) fn capacity_of(pools: &[Pool<'_>], stage: &[usize]) -> Rate {
    stage.iter().map(|&at| pools[at].capacity()).sum()
}

/// With the more that must stay when a unit goes.
fn with_margin(input: &ScalingInput<'_>, need: Rate) -> Rate {
    let more = u128::from(input.tuning.hysteresis.millionths()) + 1_000_000;
    let millis = (u128::from(need.millis()) * more).div_ceil(1_000_000);
    Rate::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

fn needed_now(
    input: &ScalingInput<'_>,
    pools: &[Pool<'_>],
    stage: &[usize],
    load: &Load<'_>,
) -> Rate {
    with_margin(input, load.need(slowest(pools, stage)).capacity)
}

fn may_go_by(pools: &[Pool<'_>], stage: &[usize], need: Rate) -> bool {
    let over = capacity_of(pools, stage).saturating_sub(need);
    pick(pools, stage, over, &|_, _| false).is_some()
}

/// Whether something of a stage could go by what is needed now, whatever was before.
pub(super) fn is_over(
    input: &ScalingInput<'_>,
    pools: &[Pool<'_>],
    stage: &[usize],
    load: &Load<'_>,
) -> bool {
    may_go_by(pools, stage, needed_now(input, pools, stage, load))
}

/// Releases at most one step of a stage's capacity; what keeps it is told.
pub(super) fn release(
    input: &ScalingInput<'_>,
    pools: &mut [Pool<'_>],
    stage: &[usize],
    load: &Load<'_>,
    memory: &mut StageMemory,
    holds: &mut Vec<Hold>,
) {
    let policy = &input.planning.environment.burst.scale_in;
    let window = policy.stabilization;
    let now = needed_now(input, pools, stage, load);
    let stable = now.max(with_margin(input, largest(&memory.needs).unwrap_or_default()));
    let over = |pools: &[Pool<'_>], need: Rate| capacity_of(pools, stage).saturating_sub(need);
    if !may_go_by(pools, stage, now) {
        return;
    }
    let found = keeps(input, pools, stage, load, memory);
    let is_recent = |pool: &Pool<'_>, source: &Source| {
        pool_hold(input, pool).is_some() || raised(source, input.now, window).is_some()
    };
    if !found.is_empty() {
        holds.extend(found);
        return;
    }
    if pick(pools, stage, over(pools, stable), &|_, _| false).is_none() {
        let most = memory.needs.iter().max_by_key(|point| (point.value, point.at));
        let (need, at) = most.map_or((stable, input.now), |point| (point.value, point.at));
        let text = format!("{need} was needed at {}", at.strftime("%H:%M:%S"));
        let why = input.planning.because("burst.scale_in.stabilization", text);
        // Points are kept for a sixtieth longer.
        let until = Some(later(later(at, window), Span::from_millis(window.millis() / 60)));
        holds.push(Hold::of_in(HoldCause::Stabilization, why).until(until));
        return;
    }
    for _ in 0..policy.step {
        let left = over(pools, stable);
        let Some((pool, source)) = pick(pools, stage, left, &is_recent) else { break };
        let replica = pools[pool].is_onprem();
        let one = &mut pools[pool].sources[source];
        one.wanted -= 1;
        let what = if replica { "replica" } else { &one.label };
        let text = format!(
            "one {what} less: {stable} needed of {} over {window}, the dearest first",
            stable + left
        );
        memory.stepped_at = Some(input.now);
        pools[pool].reasons.push(input.planning.because("burst.scale_in.stabilization", text));
    }
    // What would have gone and was kept for its own sake.
    let left = over(pools, stable);
    for &at in stage {
        if pick(pools, &[at], left, &|_, _| false).is_none() {
            continue;
        }
        let pool = &pools[at];
        let raised = || pool.sources.iter().find_map(|one| raised(one, input.now, window));
        let hold = pool_hold(input, pool).or_else(raised);
        pools[at].holds.extend(hold);
    }
}

/// What keeps all of a pool, beside what keeps its stage.
pub(super) fn pool_hold(input: &ScalingInput<'_>, pool: &Pool<'_>) -> Option<Hold> {
    hands::holds(input, Some(pool.name), Direction::ScaleIn).or_else(|| pool.drain_given_up.clone())
}

/// What keeps a source that another hand has raised.
pub(super) fn raised(source: &Source, now: Timestamp, window: Span) -> Option<Hold> {
    let until = later(source.memory.raised_at?, window);
    let text = format!("another hand raised {} to {}", source.key, source.units.asked());
    let hold = Hold::of_in(HoldCause::RaisedByOthers, plain(text)).until(Some(until));
    (now < until).then_some(hold)
}

/// All that keeps a stage as it is.
pub(super) fn keeps(
    input: &ScalingInput<'_>,
    pools: &[Pool<'_>],
    stage: &[usize],
    load: &Load<'_>,
    memory: &StageMemory,
) -> Vec<Hold> {
    let policy = &input.planning.environment.burst.scale_in;
    let because =
        |key: &str, text: String| input.planning.because(format!("burst.scale_in.{key}"), text);
    let mut holds = Vec::new();
    if let Some(doubt) = &load.doubt {
        holds.push(Hold::of_in(HoldCause::Data, plain(doubt.clone())));
    }
    holds.extend(hands::environment(input, Direction::ScaleIn));
    let of_stage = || stage.iter().map(|&at| &pools[at]);
    if let Some(pool) = of_stage().find(|pool| !pool.visible) {
        let text = match pool.seen_at {
            Some(at) => format!("{} was last seen at {}", pool.name, at.strftime("%H:%M:%S")),
            None => format!("{} was never seen", pool.name),
        };
        holds.push(Hold::of_in(HoldCause::Unseen, plain(text)));
    }
    if let Some(until) = memory.panic_until {
        let hold = Hold::of_in(HoldCause::Panic, plain("the load has risen suddenly"));
        holds.push(hold.until(Some(until)));
    }
    let on_its_way = |pool: &&Pool<'_>| {
        pool.pending() > 0 || pool.sources.iter().any(|one| one.wanted > one.coming)
    };
    if let Some(pool) = of_stage().filter(|pool| pool.visible).find(on_its_way) {
        let text = format!("{} of {} do not serve yet", pool.pending().max(1), pool.name);
        holds.push(Hold::of_in(HoldCause::Pending, plain(text)));
    }
    if let Some(pool) = of_stage().find(|pool| pool.draining() > 0) {
        let text = format!("{} of {} still drain", pool.draining(), pool.name);
        holds.push(Hold::of_in(HoldCause::Step, because("step", text)));
    }
    let pause = memory.stepped_at.map(|at| later(at, policy.pause));
    if let Some(until) = pause.filter(|until| *until > input.now) {
        let why = because("pause", "the last step was not long ago".to_owned());
        holds.push(Hold::of_in(HoldCause::Step, why).until(Some(until)));
    }
    let watched = memory.watched_since.map(|since| later(since, policy.stabilization));
    if load.doubt.is_none()
        && let Some(until) = watched.filter(|until| *until > input.now)
    {
        let text = "the load has not been watched for as long yet".to_owned();
        let hold = Hold::of_in(HoldCause::Stabilization, because("stabilization", text));
        holds.push(hold.until(Some(until)));
    }
    holds
}
