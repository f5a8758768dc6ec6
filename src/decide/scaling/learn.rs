//! What a replica really carries, learned from what its engines show: how much is
//! answered, how long it takes against what is promised, and what waits.

use super::fleet::Pool;
use super::input::{Latency, ScalingInput, StageDemand};
use super::memory::{Least, Shown, StageMemory};
use super::profile::learned;
use super::time::{between, earlier};
use crate::id::Name;
use crate::units::{Rate, Share, Span};
use std::collections::BTreeMap;

/// The least and the most of what is declared that a replica may be found to carry:
/// what is measured corrects what people say, and does not replace it.
pub const WORTH: (Share, Share) = (Share::percent(50), Share::percent(150));

/// How far worth moves in one [`super::Tuning::learn`]: down, where a promise is
/// broken meanwhile, faster than up, where capacity would be taken away by it.
const MOVES: (u64, u64) = (600_000, 150_000);

/// Of what the fleet is believed to carry, so much must be asked of it for its
/// latency to tell anything.
const LOADED: f64 = 0.5;
/// The same for a promise that is broken.
const BROKEN: f64 = 0.3;
/// Below this part of what is declared, a latency is that of an idle replica.
const IDLE: f64 = 0.2;
/// A latency that is so much above the least shows load.
const SHOWS: f64 = 1.2;
/// So much evidence must there be before anything is moved by it, over a sixth of
/// the window at least.
const FEWEST: usize = 10;
/// For so many windows the least latency is remembered: a day at half an hour.
const LEAST_FOR: u64 = 48;

/// What serves a stage.
#[derive(Debug, Clone, Copy)]
struct Fleet {
    /// As declared, or by the profile of its engines and the tokens of the load.
    declared: f64,
    /// As it is believed to carry.
    believed: f64,
    replicas: u32,
}

/// Moves `worth` of the pools of a stage toward what they show.
pub(super) fn learn(
    input: &ScalingInput<'_>,
    (stage, of_stage): (&Name, &[usize]),
    pools: &[Pool<'_>],
    memory: &mut StageMemory,
    worth: &mut BTreeMap<Name, Share>,
) {
    let (now, window) = (input.now, input.tuning.learn);
    let since_last = memory.learn.at.replace(now).map_or(Span::default(), |at| between(at, now));
    let Some(demand) = input.demand.get(stage).filter(|one| one.verdict.may_scale_in()) else {
        return;
    };
    let Some(fleet) = fleet(pools, of_stage) else { return };
    // Replicas that have just come are in no rate yet.
    let settled = match &memory.learn.replicas {
        Some((replicas, since)) if *replicas == fleet.replicas => {
            between(*since, now) >= Span::from_millis(window.millis() / 15)
        }
        _ => {
            memory.learn.replicas = Some((fleet.replicas, now));
            false
        }
    };
    let learn = &mut memory.learn;
    learn.shown.retain(|shown| shown.at > earlier(now, window) && shown.at <= now);
    let forget = earlier(now, Span::from_millis(window.millis().saturating_mul(LEAST_FOR)));
    learn.least.retain(|_, least| least.at > forget);
    learn.idle.retain(|_, least| least.at > forget);
    if settled && let Some(share) = shows(demand, fleet, learn_from(demand, fleet, learn, now)) {
        let apart = Span::from_millis(window.millis() / 60);
        let new = learn.shown.last().is_none_or(|last| between(last.at, now) >= apart);
        let value = share_of(share.clamp(0.0, 10.0));
        if new {
            learn.shown.push(Shown { at: now, share: value });
        }
    }
    let Some(target) = target(&learn.shown, window) else { return };
    for &at in of_stage {
        let pool = &pools[at];
        let serves = pool.declared_serving().as_f64() / fleet.declared;
        if !pool.visible || serves <= 0.0 {
            continue;
        }
        // Who carries more of it has shown more of it.
        let part = |most: u64| {
            let part = since_last.millis().min(window.millis()) as f64 / window.millis() as f64;
            (most as f64 * part * serves.min(1.0)).round() as u64
        };
        let known = worth.get(pool.name).copied().unwrap_or(Share::ALL).millionths();
        let target = target.millionths();
        let next = if target < known {
            known.saturating_sub(part(MOVES.0)).max(target)
        } else {
            known.saturating_add(part(MOVES.1)).min(target)
        };
        let next = next.clamp(WORTH.0.millionths(), WORTH.1.millionths());
        worth.insert(pool.name.clone(), Share::from_millionths(next));
    }
}

/// What serves now; none: nothing that says what it carries.
fn fleet(pools: &[Pool<'_>], of_stage: &[usize]) -> Option<Fleet> {
    let of = || of_stage.iter().map(|&at| &pools[at]);
    if of().any(|pool| !pool.visible) {
        return None;
    }
    let fleet = Fleet {
        declared: of().map(Pool::declared_serving).sum::<Rate>().as_f64(),
        believed: of().map(Pool::capacity_serving).sum::<Rate>().as_f64(),
        replicas: of().map(Pool::replicas_serving).fold(0, u32::saturating_add),
    };
    (fleet.declared > 0.0 && fleet.replicas > 0).then_some(fleet)
}

/// A latency with the least of its kind, and that of an idle replica.
struct Seen {
    latency: Latency,
    least: Span,
    idle: Option<Span>,
}

/// Notes the latencies, and gives each with what is known of its kind.
fn learn_from(
    demand: &StageDemand,
    fleet: Fleet,
    learn: &mut super::memory::Learning,
    now: crate::clock::Timestamp,
) -> Vec<Seen> {
    let idles = demand.served.finished.is_some_and(|rate| rate / fleet.declared < IDLE);
    let note = |known: &mut BTreeMap<String, Least>, latency: &Latency| {
        let least =
            known.entry(latency.of.clone()).or_insert(Least { at: now, span: latency.measured });
        if latency.measured <= least.span {
            *least = Least { at: now, span: latency.measured };
        }
        least.span
    };
    let latencies = demand.served.latencies.iter();
    latencies
        .filter(|latency| latency.measured > Span::default())
        .map(|latency| {
            let least = note(&mut learn.least, latency);
            if idles {
                note(&mut learn.idle, latency);
            }
            let idle = learn.idle.get(&latency.of).map(|least| least.span);
            Seen { latency: latency.clone(), least: idle.map_or(least, |i| i.min(least)), idle }
        })
        .collect()
}

/// The share of what is declared that the fleet shows to carry inside its promises;
/// none: it shows nothing that was not believed.
///
/// Where they are broken, or requests wait, it carries no more than it answers. That
/// is news where it is less than what it is believed to carry. A promise that even
/// the least latency breaks, or that is broken while the latency shows no load, is
/// none that more replicas would keep. Where they are kept, it carries what it
/// answers, and by its latency ([`learned`]) it shows how much more it would.
fn shows(demand: &StageDemand, fleet: Fleet, seen: Vec<Seen>) -> Option<f64> {
    let rate = demand.served.finished.filter(|rate| *rate > 0.0)?;
    let (used, believed) = (rate / fleet.declared, fleet.believed / fleet.declared);
    let queued = demand.waiting.is_some_and(|waiting| waiting >= f64::from(fleet.replicas));
    let broken = seen.iter().any(|Seen { latency, least, .. }| {
        latency.measured > latency.promised
            && *least < latency.promised
            && latency.measured.as_secs_f64() >= least.as_secs_f64() * SHOWS
    });
    if queued || (broken && used >= BROKEN * believed) {
        return (used < believed).then_some(used);
    }
    // Without a latency nobody knows that a promise is kept.
    if seen.is_empty()
        || used < LOADED * believed
        || seen.iter().any(|one| one.latency.measured > one.latency.promised)
    {
        return None;
    }
    let each = super::input::rate(rate / f64::from(fleet.replicas))?;
    let whole = fleet.declared / f64::from(fleet.replicas);
    let by_latency = seen.iter().filter_map(|one| {
        let limit = learned(each, one.latency.measured, one.idle?, one.latency.promised)?;
        Some(limit.as_f64() / whole)
    });
    let by_latency = by_latency.min_by(f64::total_cmp).map(|share| share.max(used));
    by_latency.or((used > believed).then_some(used))
}

/// The middle of what was shown, once there is enough of it.
fn target(shown: &[Shown], window: Span) -> Option<Share> {
    let (first, last) = (shown.first()?, shown.last()?);
    if shown.len() < FEWEST || between(first.at, last.at).millis() < window.millis() / 6 {
        return None;
    }
    let mut shares: Vec<Share> = shown.iter().map(|shown| shown.share).collect();
    shares.sort_unstable();
    let middle = shares[shares.len() / 2].millionths();
    Some(Share::from_millionths(middle.clamp(WORTH.0.millionths(), WORTH.1.millionths())))
}

fn share_of(share: f64) -> Share {
    Share::from_millionths((share * 1e6).round() as u64)
}

#[cfg(test)]
mod tests;
