//! From moved pools to the decision that is told, and what is remembered.

use super::fleet::{Pool, Source};
use super::hold::{Hold, HoldCause, plain};
use super::input::ScalingInput;
use super::memory::{Aside, AsideCause, Memory};
use super::outcome::{Event, EventKind, PoolScaling, Scaling, SourceScaling, StageScaling};
use super::place::ends_soon;
use super::{purse, release};
use crate::decide::Reason;
use crate::id::Name;
use crate::units::{Rate, Share, Span};
use std::collections::BTreeMap;

/// Remembers when another hand raised a number: its own last one was less, and so
/// was what stood there.
pub(super) fn notice_others(input: &ScalingInput<'_>, pools: &mut [Pool<'_>]) {
    for pool in pools.iter_mut().filter(|pool| pool.visible && pool.is_ours()) {
        for source in pool.sources.iter_mut().filter(|source| source.exists) {
            let asked = source.units.asked();
            let memory = &mut source.memory;
            if let (Some(wanted), Some(before)) = (memory.wanted, memory.asked)
                && asked > wanted.max(before)
            {
                memory.raised_at = Some(input.now);
            }
        }
    }
}

/// The share of `load` that `serving` does not carry.
pub(super) fn shed(load: Rate, serving: Rate) -> Share {
    let over = load.saturating_sub(serving);
    if over == Rate::default() {
        return Share::default();
    }
    let share = u128::from(over.millis()) * 1_000_000 / u128::from(load.millis());
    Share::from_millionths(u64::try_from(share).unwrap_or(1_000_000))
}

/// The decision, as it is told.
pub(super) fn finish(
    input: &ScalingInput<'_>,
    mut pools: Vec<Pool<'_>>,
    stages: BTreeMap<Name, StageScaling>,
    mut events: Vec<Event>,
    mut memory: Memory,
) -> Scaling {
    pools.iter_mut().for_each(|pool| keep(input, pool));
    let (cost_now, cost_after) = purse::costs(&pools);
    let mut told = BTreeMap::new();
    for pool in pools {
        let scaled = tell(input, &pool);
        events.extend(moved(&pool, &scaled));
        events.extend(tried(input, &pool));
        told.insert(pool.name.clone(), scaled);
        let sources = pool.sources.into_iter().map(|source| {
            // What comes back is no other hand's doing.
            let back = if source.stays { source.may_stay() } else { 0 };
            let mut left = source.memory;
            if pool.visible {
                if source.wanted > source.units.asked() && left.wanted < Some(source.wanted) {
                    left.asked_more_at = Some(input.now);
                }
                left.asked = Some(source.units.asked());
                left.wanted = Some(source.wanted.saturating_add(back));
            }
            (source.key, left)
        });
        memory.sources.insert(pool.name.clone(), sources.collect());
    }
    Scaling {
        at: input.now,
        mode: input.mode,
        stages,
        pools: told,
        events,
        cost_now,
        cost_after,
        memory,
    }
}

/// Numbers that may not be written stay as they are asked for.
fn keep(input: &ScalingInput<'_>, pool: &mut Pool<'_>) {
    let (fixed, onprem) = (!pool.is_ours() || !pool.visible, pool.is_onprem());
    let blocked = if fixed { None } else { release::blocked(input, pool) };
    let forbidden = if fixed { None } else { release::forbidden(input, pool) };
    for source in &mut pool.sources {
        // What its place takes back anyway finishes its work.
        let ends = source.units.ends.is_some_and(|ends| ends_soon(input, ends, Span::default()));
        source.stays = forbidden.is_some() && !ends;
        let asked = source.units.asked();
        if fixed || !source.exists {
            source.wanted = asked;
        } else if let Some(hold) = blocked.as_ref().filter(|_| source.wanted < source.stands()) {
            source.wanted = source.stands();
            if !pool.holds.contains(hold) {
                pool.holds.push(hold.clone());
            }
        }
        // Replicas that do not serve cost nothing, and are back with their nodes.
        let gone = |aside: &Aside| aside.cause != AsideCause::Refused;
        if onprem && source.aside().is_some_and(gone) {
            source.wanted = source.wanted.max(asked);
        }
        // Absolute, and never below what stands there.
        if input.mode.is_apart() {
            source.wanted = source.wanted.max(asked);
        }
    }
    let back = pool.sources.iter().any(|source| source.stays && source.units.draining > 0);
    if let Some(hold) = forbidden.filter(|hold| back && !pool.holds.contains(hold)) {
        pool.holds.push(hold);
    }
    if pool.lost {
        let text = "it cannot be seen, and is counted as lost for scale-out".to_owned();
        pool.holds.push(Hold::of_in(HoldCause::Unseen, plain(text)));
    }
}

fn moved(pool: &Pool<'_>, scaled: &PoolScaling) -> Vec<Event> {
    let mut events = Vec::new();
    let mut push = |kind, text| events.push(Event { kind, about: pool.name.clone(), text });
    let why = || scaled.reasons.first().map(|reason| format!(": {}", reason.text));
    if scaled.wanted != scaled.now {
        let kind =
            if scaled.wanted > scaled.now { EventKind::ScaledOut } else { EventKind::ScaledIn };
        let text = format!("{} → {}{}", scaled.now, scaled.wanted, why().unwrap_or_default());
        push(kind, text);
    }
    if pool.newly_lost {
        push(EventKind::Lost, "it cannot be seen, and is counted as lost".to_owned());
    }
    events
}

/// The retries of what is left alone that begin with this decision.
fn tried(input: &ScalingInput<'_>, pool: &Pool<'_>) -> Vec<Event> {
    let before = input.memory.sources.get(pool.name);
    let begun = pool.sources.iter().filter_map(|source| {
        let aside = source.aside()?;
        let known = before.and_then(|before| before.get(&source.key)?.aside.as_ref()?.probe);
        let text = match aside.cause {
            AsideCause::NoCapacity => "it had no capacity",
            AsideCause::NeverReady => "its units did not serve",
            AsideCause::Refused => "its number was refused",
        };
        (aside.probe.is_some() && aside.probe != known).then(|| Event {
            kind: EventKind::Probe,
            about: pool.name.clone(),
            text: format!("one of {} is tried, after {}: {text}", source.key, aside.step),
        })
    });
    begun.collect()
}

/// Why what was asked of a source that is left alone is not asked for any more.
fn taken_back(source: &Source) -> Option<Reason> {
    let why = match source.aside()?.cause {
        AsideCause::NoCapacity => "has no capacity",
        AsideCause::NeverReady => "never becomes ready",
        AsideCause::Refused => "is refused",
    };
    let back = source.units.asked().saturating_sub(source.wanted);
    Some(plain(format!("{} {why}: {back} less is asked of it", source.key)))
}

fn tell(input: &ScalingInput<'_>, pool: &Pool<'_>) -> PoolScaling {
    let worth = input.worth.get(pool.name).copied();
    let writes = pool.is_ours() && pool.visible;
    let nodes = pool.sources.iter().map(|one| {
        // Pods on a node that does not answer may well be at work, and are back with it.
        let here = one.units.joined.saturating_add(one.units.away);
        // The replicas of what is taken back wait for the nodes that come in its place.
        let missing = one.units.asked().saturating_sub(here);
        let nodes = here.saturating_add(one.units.open);
        let nodes = nodes.saturating_add(one.units.taken_back.min(missing));
        nodes.saturating_mul(one.replicas_per_node)
    });
    let mut reasons = pool.reasons.clone();
    // A schedule's or an event's number is why it is not less.
    let asked = pool.floor.0 > pool.decided.min && pool.total() <= pool.floor.0;
    let floor = pool.floor.1.as_ref().filter(|floor| asked && !reasons.contains(floor));
    reasons.extend(floor.cloned());
    if reasons.is_empty() {
        let back = pool.sources.iter().filter(|one| one.wanted < one.units.asked());
        reasons.extend(back.filter_map(taken_back));
    }
    if reasons.is_empty() {
        reasons.extend(pool.decided.reasons.first().cloned());
    }
    reasons.extend(pool.stands_in.clone());
    if let Some(worth) = worth.filter(|worth| *worth != Share::ALL) {
        let percent = worth.whole_percent();
        let text = format!("a replica carries {percent}% of what is declared, as measured");
        reasons.push(plain(text));
    }
    PoolScaling {
        stage: pool.stage.clone(),
        owner: pool.decided.owner,
        visible: pool.visible,
        min: pool.decided.min,
        max: pool.decided.max,
        now: pool.now(),
        wanted: pool.total(),
        serving: pool.sources.iter().map(|one| one.units.serving).sum(),
        capacity_per_unit: pool.sources.first().map(|one| one.capacity).unwrap_or_default(),
        worth,
        launch: Some(pool.delays),
        pods: pool.joins_cluster.then(|| nodes.fold(0, u32::saturating_add)),
        sources: pool.sources.iter().map(|source| told(source, writes)).collect(),
        reasons,
        holds: pool.holds.clone(),
    }
}

fn told(source: &Source, writes: bool) -> SourceScaling {
    let units = &source.units;
    let (asked, there) = (units.asked(), units.there());
    let set = match writes && source.exists {
        false => units.desired,
        true if source.wanted >= asked => source.wanted.saturating_add(units.draining),
        // What is there goes by its name; only what is not may be cut off here.
        true => source.wanted.max(there).saturating_add(units.draining).min(units.desired),
    };
    SourceScaling {
        group: source.group.clone(),
        label: source.label.clone(),
        market: source.market,
        desired: units.desired,
        wanted: source.wanted,
        set,
        shrink: if writes && source.wanted < asked {
            there.saturating_sub(source.wanted)
        } else {
            0
        },
        stays: source.stays,
        aside: source.aside().map(|aside| aside.cause),
        usd_per_hour: source.price,
    }
}
