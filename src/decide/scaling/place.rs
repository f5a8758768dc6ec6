//! Scale-out: on-prem first, then warm instances, then burst by price per unit of
//! capacity, until what is counted on carries what will be needed.

use super::demand::{Load, Need};
use super::fleet::Pool;
use super::hands;
use super::hold::{Direction, Hold, HoldCause, plain};
use super::input::ScalingInput;
use super::memory::AsideCause;
use super::price::per_capacity;
use super::purse::Purse;
use super::time::{earlier, later};
use super::{apart, autoscaler};
use crate::clock::Timestamp;
use crate::decide::{CapacityType, Reason, split};
use crate::units::{Rate, Span};

/// What is the best to add next: on-prem, what comes back of what was on its way out,
/// warm, cold, and what has no price last; then by price.
type Rank = (Kind, u128);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    OnPrem,
    ComesBack,
    Warm,
    Cold,
    Unpriced,
}

/// Closes what nothing may be added to, and says why.
pub(super) fn close(input: &ScalingInput<'_>, pools: &mut [Pool<'_>]) {
    let all = hands::environment(input, Direction::ScaleOut);
    for pool in pools {
        let by_hand = || hands::holds(input, Some(pool.name), Direction::ScaleOut);
        pool.closed = if !pool.is_ours() {
            Some(Hold::out(
                HoldCause::Max,
                plain(format!("{} owns the number", pool.decided.owner)),
            ))
        } else if !pool.visible {
            Some(Hold::out(HoldCause::Unseen, plain("the pool cannot be seen")))
        } else {
            // An operator's number says what is wanted in spite of freezes.
            by_hand().or_else(|| {
                all.clone().filter(|all| all.cause == HoldCause::Operator || pool.set_to.is_none())
            })
        };
        let (lead, max) = (pool.delays.cold.p95, pool.decided.max);
        for source in &mut pool.sources {
            source.closed = if !source.exists {
                Some(Hold::out(
                    HoldCause::NotThere,
                    plain(format!("{} is not there yet", source.label)),
                ))
            } else if let Some(ends) =
                source.units.ends.filter(|ends| ends_soon(input, *ends, lead))
            {
                source.ends_soon = true;
                let text = format!("its block ends at {ends}");
                Some(Hold::out(HoldCause::BlockEnds, plain(text)).until(Some(ends)))
            } else {
                closed_by_aside(input.now, source).or_else(|| closed_by_group(source, max))
            };
        }
    }
}

/// Whether what is launched now would be ready too late to be of use.
pub(super) fn ends_soon(input: &ScalingInput<'_>, ends: Timestamp, lead: Span) -> bool {
    let drain = input.planning.environment.burst.scale_in.drain;
    let begins = earlier(earlier(ends, input.tuning.block_ends_before), drain);
    later(input.now, lead) >= begins
}

fn closed_by_aside(now: Timestamp, source: &super::fleet::Source) -> Option<Hold> {
    let aside = source.aside()?;
    let refused = format!("is refused: {}", aside.message);
    let (cause, what) = match aside.cause {
        AsideCause::NoCapacity => (HoldCause::NoCapacity, "has no capacity"),
        AsideCause::NeverReady => (HoldCause::NeverReady, "never becomes ready"),
        AsideCause::Refused => (HoldCause::NoCapacity, refused.as_str()),
    };
    let hold = |text: String| Hold::out(cause, plain(text));
    if aside.probe.is_some() {
        return Some(hold(format!("{} {what}; one is being tried", source.key)));
    }
    let text = format!("{} {what}", source.key);
    (now < aside.until).then(|| hold(text).until(Some(aside.until)))
}

/// Why no more may be asked of a group than it takes: its own max is git's to write, and
/// the file's may be larger before it is applied.
fn closed_by_group(source: &super::fleet::Source, declared: u32) -> Option<Hold> {
    let max = source.group_max.filter(|_| source.is_full())?;
    let text = match max < declared {
        true => format!(
            "the live max of {} is {max}, and the file's {declared}: `floodway apply` raises it",
            source.key
        ),
        false => format!("{max} of {}, its group's max", source.key),
    };
    Some(Hold::out(HoldCause::Max, plain(text)))
}

impl Pool<'_> {
    /// The source that one unit more would come from.
    fn next(&self) -> Option<usize> {
        if self.closed.is_some() || self.total() >= self.most() {
            return None;
        }
        let open = |at: &usize| self.sources[*at].closed.is_none();
        let all = || 0..self.sources.len();
        if let Some(back) = all().filter(open).find(|at| self.sources[*at].comes_back() > 0) {
            return Some(back);
        }
        // What is on its way out still takes a place.
        if self.standing() >= self.decided.max {
            return None;
        }
        if let Some(warm) = all().filter(open).find(|at| self.sources[*at].warm_left() > 0) {
            return Some(warm);
        }
        let market = self.next_market();
        let wanted = all().filter(open).find(|at| self.sources[*at].market == market);
        // Where the market that is due has nothing, the other serves as well.
        wanted.or_else(|| all().find(open))
    }

    fn next_market(&self) -> Option<CapacityType> {
        let Some(spot) = self.spot else { return self.sources.first().and_then(|one| one.market) };
        let is_spot = |one: &&super::fleet::Source| one.market == Some(CapacityType::Spot);
        let there: u32 = self.sources.iter().filter(is_spot).map(|one| one.wanted).sum();
        let (_, due) = split(self.total().saturating_add(1), Some(spot));
        Some(if due > there { CapacityType::Spot } else { CapacityType::OnDemand })
    }

    fn most(&self) -> u32 {
        self.set_to.as_ref().map_or(self.decided.max, |(units, _)| *units)
    }

    fn lead(&self, at: usize) -> Span {
        let warm = self.sources[at].warm_left() > 0;
        if warm { self.delays.warm.p95 } else { self.delays.cold.p95 }
    }

    /// What a source can still add, of the kind that its next unit is of, as far as its
    /// pool has room.
    fn left(&self, at: usize) -> Rate {
        let source = &self.sources[at];
        let room = self.most().saturating_sub(self.total());
        let new = room.min(self.decided.max.saturating_sub(self.standing()));
        let units = match self.kind(at) {
            Kind::ComesBack => room.min(source.comes_back()),
            Kind::Warm => new.min(source.warm_left()).min(source.room()),
            Kind::OnPrem | Kind::Cold | Kind::Unpriced => new.min(source.room()),
        };
        // Of what is left alone one is tried, whatever room there is.
        let most = if source.aside().is_some() { 1 } else { u32::MAX };
        source.capacity.times(units.min(most))
    }

    fn kind(&self, at: usize) -> Kind {
        let source = &self.sources[at];
        if self.is_onprem() {
            Kind::OnPrem
        } else if source.comes_back() > 0 {
            Kind::ComesBack
        } else if source.warm_left() > 0 {
            Kind::Warm
        } else {
            Kind::Cold
        }
    }

    /// How good its next unit is. A type's two markets count with what both cost
    /// together, so that their turns do not move a pool.
    fn rank(&self, at: usize) -> Rank {
        let source = &self.sources[at];
        if self.is_onprem() {
            return (Kind::OnPrem, per_capacity(source.price, source.capacity).unwrap_or(0));
        }
        let same = self.sources.iter().filter(|one| one.label == source.label);
        let of = |market| {
            let mut same = same.clone().filter(|one| one.closed.is_none());
            same.find(|one| one.market == Some(market)).and_then(|one| one.price)
        };
        let mixed = match (of(CapacityType::OnDemand), of(CapacityType::Spot), self.spot) {
            (Some(on_demand), Some(spot), Some(mix)) => {
                let part = |micros: u64, share: crate::units::Share| {
                    u128::from(micros) * u128::from(share.millionths()) / 1_000_000
                };
                let all =
                    part(spot.micros(), mix.share) + part(on_demand.micros(), mix.share.rest());
                u64::try_from(all).ok().map(crate::units::UsdPerHour::from_micros)
            }
            _ => source.price,
        };
        match (self.kind(at), per_capacity(mixed, source.capacity)) {
            (Kind::ComesBack, price) => (Kind::ComesBack, price.unwrap_or(u128::MAX)),
            (kind, Some(price)) => (kind, price),
            (_, None) => (Kind::Unpriced, 0),
        }
    }

    /// One unit more of a source; false: it is closed now.
    pub(super) fn raise(&mut self, at: usize, now: Timestamp, purse: &mut Purse<'_>) -> bool {
        if let Err(hold) = purse.take(self, at) {
            self.sources[at].closed = Some(hold);
            return false;
        }
        let source = &mut self.sources[at];
        source.wanted = source.wanted.saturating_add(1);
        let with_it = source.wanted;
        if source.aside().is_some()
            && let Some(aside) = &mut source.memory.aside
        {
            aside.probe = Some((now, with_it));
            source.closed = closed_by_aside(now, source);
        }
        apart::close_at_most(purse.mode(), source);
        if source.closed.is_none() {
            source.closed = closed_by_group(source, self.decided.max);
        }
        true
    }
}

/// Raises every pool to its least number.
pub(super) fn raise_to_floors(now: Timestamp, pools: &mut [Pool<'_>], purse: &mut Purse<'_>) {
    for pool in pools.iter_mut().filter(|pool| pool.is_ours()) {
        let before = pool.total();
        while pool.total() < pool.floor.0
            && let Some(at) = pool.next()
        {
            pool.raise(at, now, purse);
        }
        if pool.total() > before
            && let (_, Some(reason)) = &pool.floor
        {
            pool.reasons.push(reason.clone());
        }
        if pool.total() < pool.floor.0 {
            tell_closed(pool);
        }
    }
}

/// What was placed for a stage.
pub(super) struct Placed {
    /// What was needed, at the lead of the last that was looked at.
    pub(super) need: Need,
    pub(super) lead: Span,
    /// What fits nowhere.
    pub(super) unmet: Rate,
}

/// Raises the pools of one stage (`stage` are their places in `pools`) until they
/// carry what will be needed when what is added serves.
pub(super) fn place(
    input: &ScalingInput<'_>,
    pools: &mut [Pool<'_>],
    stage: &[usize],
    load: &Load<'_>,
    purse: &mut Purse<'_>,
) -> Placed {
    let counts = |pool: &Pool<'_>| pool.capacity() + pool.headroom();
    let mut coming: Rate = stage.iter().map(|&at| counts(&pools[at])).sum();
    let ranked = |pools: &[Pool<'_>], pool: usize| {
        let at = pools[pool].next()?;
        let useful = pools[pool].sources[at].capacity > Rate::default();
        useful.then(|| (pools[pool].rank(at), pool, at))
    };
    // Only the pool that was raised has another next one.
    let mut next: Vec<Option<(Rank, usize, usize)>> =
        stage.iter().map(|&pool| ranked(pools, pool)).collect();
    let mut lead = load.bounded(slowest(pools, stage));
    let mut need = load.need(lead);
    autoscaler::tell(pools, stage, need.capacity);
    // What is better and quicker can still be asked for later, and counts for then.
    let mut later = Rate::default();
    loop {
        let best = next.iter().enumerate().filter_map(|(slot, next)| Some(((*next)?, slot))).min();
        let Some(((_, pool, at), slot)) = best else { break };
        let its_lead = load.bounded(pools[pool].lead(at));
        if its_lead != lead {
            (lead, need) = (its_lead, load.need(its_lead));
        }
        if coming + later >= need.capacity {
            later = later + pools[pool].left(at);
            next[slot] = None;
            continue;
        }
        let label = pools[pool].sources[at].label.clone();
        let (mut added, mut at) = (0u32, at);
        let kind = pools[pool].kind(at);
        while coming + later < need.capacity {
            let capacity = pools[pool].sources[at].capacity;
            if !pools[pool].raise(at, input.now, purse) {
                break;
            }
            (coming, added) = (coming + capacity, added + 1);
            match pools[pool].next() {
                Some(next)
                    if pools[pool].sources[next].label == label
                        && pools[pool].kind(next) == kind =>
                {
                    at = next;
                }
                _ => break,
            }
        }
        if added > 0 {
            let reason = why(input, &pools[pool], added, &label, &need, lead);
            pools[pool].reasons.push(reason);
        }
        next[slot] = ranked(pools, pool);
    }
    let unmet = need.capacity.saturating_sub(coming + later);
    if unmet > Rate::default() {
        for &at in stage {
            tell_closed(&mut pools[at]);
        }
    }
    Placed { need, lead, unmet }
}

/// The longest launch among the pools that the controller moves.
pub(super) fn slowest(pools: &[Pool<'_>], stage: &[usize]) -> Span {
    let ours = stage.iter().map(|&at| &pools[at]).filter(|pool| pool.is_ours());
    ours.map(|pool| pool.delays.cold.p95).max().unwrap_or_default()
}

fn why(
    input: &ScalingInput<'_>,
    pool: &Pool<'_>,
    added: u32,
    label: &str,
    need: &Need,
    lead: Span,
) -> Reason {
    let source = pool.sources.iter().find(|one| one.label == label);
    let each = source.map(|one| one.capacity).unwrap_or_default();
    let price = source.and_then(|one| one.price);
    let price = price.filter(|_| !pool.is_onprem()).map(|price| format!(" at {price}"));
    let what = if pool.is_onprem() { "replica" } else { label };
    let by = if need.by.is_empty() { "seen now".to_owned() } else { need.by.clone() };
    let text = format!(
        "{added} more, {each} per {what}{}: {} in {lead} ({by}), {} with headroom",
        price.unwrap_or_default(),
        need.load,
        need.capacity,
    );
    input.planning.because("burst.target_utilization", text)
}

/// Says why a pool that is not at its max gets no more.
fn tell_closed(pool: &mut Pool<'_>) {
    if !pool.is_ours() {
        return;
    }
    let going = pool.standing().saturating_sub(pool.total());
    let full = pool.standing() >= pool.decided.max;
    let holds: Vec<Hold> = match &pool.closed {
        Some(closed) => vec![closed.clone()],
        None if full => {
            let max = pool.decided.max;
            let text = match going {
                0 => format!("{max} units, its max"),
                _ => format!("{max} units, its max, with {going} on their way out"),
            };
            vec![Hold::out(HoldCause::Max, plain(text))]
        }
        None => match &pool.set_to {
            Some((_, hold)) => vec![Hold { direction: Direction::ScaleOut, ..hold.clone() }],
            None => pool.sources.iter().filter_map(|source| source.closed.clone()).collect(),
        },
    };
    for hold in holds {
        if !pool.holds.contains(&hold) {
            pool.holds.push(hold);
        }
    }
}
