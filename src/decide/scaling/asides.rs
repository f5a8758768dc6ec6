//! Offerings without capacity, units that never become ready, and numbers that are
//! refused: they are left alone for a while, then one unit is tried, and every failure
//! doubles the while.

use super::fleet::{Pool, Source};
use super::input::{Mode, ScalingInput};
use super::memory::{Aside, AsideCause, Waiting};
use super::outcome::{Event, EventKind};
use super::time::{between, later, times};
use crate::clock::Timestamp;
use crate::decide::DesiredOwner;
use crate::units::Span;

/// By how much the place's clock may be behind, which tells whole seconds.
const CLOCKS: Span = Span::from_secs(5);

/// Brings what is remembered of the pool's sources up to what is seen.
pub(super) fn update(input: &ScalingInput<'_>, pool: &mut Pool<'_>, events: &mut Vec<Event>) {
    if !pool.visible {
        return;
    }
    // Whether units have joined cannot be told while the cluster does not answer.
    let in_cluster = pool.is_onprem() || pool.joins_cluster;
    let can_serve = !(in_cluster && input.mode == Mode::KubernetesUnreachable);
    let patience = times(pool.delays.slow, input.tuning.give_up_after);
    let (name, ours) = (pool.name, pool.is_ours());
    // What an autoscaler asks for more is its own matter.
    let may_get_stuck = pool.is_onprem() && pool.decided.owner != DesiredOwner::Hpa;
    for source in pool.sources.iter_mut().filter(|source| source.exists) {
        source.refused = source.memory.refused.take();
        leave_out(input, source);
        go_away(input, source, |text| {
            events.push(Event { kind: EventKind::Lost, about: name.clone(), text });
        });
        get_on(source, |text| {
            events.push(Event { kind: EventKind::Recovered, about: name.clone(), text });
        });
        wait(input.now, source, can_serve);
        if is_worse(input, source, patience) {
            source.memory.aside = None;
        }
        let mut tell = |kind, text: String| {
            events.push(Event { kind, about: name.clone(), text });
        };
        match source.memory.aside.clone() {
            None if may_get_stuck && source.units.serving > 0 => {
                get_stuck(input, source, patience, &mut tell);
            }
            None => {}
            Some(aside) => go_on(input, source, aside, patience, ours, &mut tell),
        }
        if source.memory.aside.is_none() {
            begin(input, source, patience, &mut tell);
        }
        source.away = source.away.saturating_add(source.memory.stuck);
    }
}

/// Units that are counted on: all that are asked for, but of what is left alone
/// only what is there, and the one that is being tried.
pub(super) fn counted_on(source: &Source) -> u32 {
    let asked = source.units.asked();
    let Some(aside) = source.aside() else { return asked };
    let there = match aside.cause {
        AsideCause::NoCapacity => source.units.there(),
        AsideCause::NeverReady => source.units.at_work(),
        // What its place has taken before is on its way.
        AsideCause::Refused => asked,
    };
    match aside.probe {
        Some((_, with_it)) => with_it.max(there).min(asked),
        None => there.min(asked),
    }
}

/// Time in which nobody looked counts for little: the machine stood still, or its clock
/// was set, and then no time has passed for what is on its way.
fn leave_out(input: &ScalingInput<'_>, source: &mut Source) {
    let unwatched = input.memory.at.map_or(Span::default(), |at| between(at, input.now));
    let left_out = Span::from_millis(unwatched.millis().saturating_sub(super::CLOCKS.millis()));
    let shift = |since: &mut Timestamp| *since = later(*since, left_out).min(input.now);
    let memory = &mut source.memory;
    memory.away_since.iter_mut().for_each(shift);
    memory.waiting.iter_mut().for_each(|waiting| shift(&mut waiting.since));
    let probes = memory.aside.iter_mut().filter_map(|aside| aside.probe.as_mut());
    probes.for_each(|(since, _)| shift(since));
}

/// Units whose nodes do not answer carry nothing after a while, so that others are
/// asked for; they stay, for they may well be at work.
fn go_away(input: &ScalingInput<'_>, source: &mut Source, mut tell: impl FnMut(String)) {
    let away = source.units.away;
    let Some(since) = source.memory.away_since.filter(|_| away > 0) else {
        source.memory.away_since = (away > 0).then_some(input.now);
        return;
    };
    let gone = |at: Timestamp| between(since, at) >= input.tuning.away_after;
    if gone(input.now) {
        source.away = away;
        if !input.memory.at.is_some_and(gone) {
            let key = &source.key;
            tell(format!(
                "{away} of {key} are in service and their nodes do not answer: they count as \
                 lost for scale-out, and are not ended"
            ));
        }
    }
}

/// Replicas that were given up and serve now, or are asked for no more.
fn get_on(source: &mut Source, mut tell: impl FnMut(String)) {
    let missing = source.units.asked().saturating_sub(source.units.serving);
    let stuck = source.memory.stuck;
    source.memory.stuck = stuck.min(missing);
    if stuck > 0 && missing == 0 {
        tell(format!("all of {} serve again", source.key));
    }
}

/// Replicas that do not become ready where others do cost nothing on-prem, and stay
/// for when they can: others are asked for in their place.
fn get_stuck(
    input: &ScalingInput<'_>,
    source: &mut Source,
    patience: Span,
    tell: &mut impl FnMut(EventKind, String),
) {
    let waited = source.memory.waiting.map(|waiting| between(waiting.since, input.now));
    let short = source.units.short.is_some();
    if short || waited.is_none_or(|waited| waited <= patience) {
        return;
    }
    let missing = source.units.asked().saturating_sub(source.units.serving);
    let text = format!(
        "{missing} of {} did not serve within {patience}: they count for nothing until they do, \
         and others are asked for",
        source.key
    );
    tell(EventKind::GivenUp, text);
    source.memory.stuck = missing;
    source.memory.waiting = None;
}

/// Since when units are on their way without one more that has joined or serves.
/// One that joins, goes and joins again gains nothing by it.
fn wait(now: Timestamp, source: &mut Source, can_serve: bool) {
    let units = &source.units;
    if !can_serve {
        // Time in which nothing can be seen to become ready counts for nothing.
        if let Some(waiting) = &mut source.memory.waiting {
            waiting.since = now;
        }
        return;
    }
    if units.asked() <= units.at_work().saturating_add(source.memory.stuck) {
        source.memory.waiting = None;
        return;
    }
    let (serving, joined) = (units.serving.saturating_add(units.partly), units.joined);
    source.memory.waiting = Some(match source.memory.waiting {
        Some(before) => {
            let on = serving > before.serving || joined > before.joined;
            let since = if on { now } else { before.since };
            Waiting { since, serving, joined: joined.max(before.joined) }
        }
        None => Waiting { since: now, serving, joined },
    });
}

/// Whether the place refuses what was asked for at `after`; a refusal that says no
/// time counts when it has had time to be one.
fn is_short(input: &ScalingInput<'_>, source: &Source, after: Option<Timestamp>) -> bool {
    let missing = source.units.existing < source.units.desired;
    let newer = |at: Option<Timestamp>| match (at, after) {
        (Some(at), Some(after)) => later(at, CLOCKS) >= after,
        (None, Some(after)) => between(after, input.now) >= input.tuning.refused_after,
        (_, None) => true,
    };
    missing && source.units.short.as_ref().is_some_and(|short| newer(short.at))
}

/// Whether the place has refused the number that was asked of it at `after`.
fn is_refused(source: &Source, after: Option<Timestamp>) -> bool {
    source.refused.as_ref().is_some_and(|refused| match (refused.at, after) {
        (Some(at), Some(after)) => later(at, CLOCKS) >= after,
        _ => true,
    })
}

/// Whether what a source was asked for before a number of it was refused does not come
/// either: it is then left alone for that.
fn is_worse(input: &ScalingInput<'_>, source: &Source, patience: Span) -> bool {
    let aside = source.memory.aside.as_ref();
    let waited = source.memory.waiting.map(|waiting| between(waiting.since, input.now));
    aside.is_some_and(|aside| aside.cause == AsideCause::Refused)
        && (is_short(input, source, asked_since(source))
            || waited.is_some_and(|waited| waited > patience))
}

/// Since when what is asked of it has not been answered yet.
fn asked_since(source: &Source) -> Option<Timestamp> {
    let was = source.memory.was_aside.map(|(_, ended)| ended);
    was.max(source.memory.asked_more_at)
}

/// The longest time for which it is left alone. To ask for a number that is refused costs
/// a call, and what refuses it ends with a right or a max that somebody writes.
fn longest(input: &ScalingInput<'_>, cause: AsideCause) -> Span {
    match cause {
        AsideCause::Refused => Span::from_millis(input.tuning.probe_most.millis() / 6),
        AsideCause::NoCapacity | AsideCause::NeverReady => input.tuning.probe_most,
    }
}

fn begin(
    input: &ScalingInput<'_>,
    source: &mut Source,
    patience: Span,
    tell: &mut impl FnMut(EventKind, String),
) {
    let now = input.now;
    let waited = source.memory.waiting.map(|waiting| between(waiting.since, now));
    let never_ready = waited.is_some_and(|waited| waited > patience);
    let was = source.memory.was_aside;
    let since = asked_since(source);
    let cause = if is_short(input, source, since) {
        AsideCause::NoCapacity
    } else if never_ready {
        AsideCause::NeverReady
    } else if is_refused(source, since) {
        AsideCause::Refused
    } else {
        return;
    };
    // What recovered a short while ago goes on where it was.
    let recent = was.filter(|(_, ended)| between(*ended, now) < input.tuning.probe_most);
    let step = match recent {
        Some((step, _)) => times(step, 2).min(longest(input, cause)),
        None => input.tuning.probe_first,
    };
    let said = match cause {
        AsideCause::NoCapacity => source.units.short.as_ref(),
        AsideCause::NeverReady => None,
        AsideCause::Refused => source.refused.as_ref(),
    };
    let message = said.map(|short| short.message.clone()).unwrap_or_default();
    let (kind, text) = match cause {
        AsideCause::Refused => (
            EventKind::SetAside,
            format!("{} is refused, tried again in {step}: {message}", source.key),
        ),
        AsideCause::NoCapacity => (
            EventKind::SetAside,
            match source.units.short.as_ref().is_some_and(|short| short.refused) {
                true => format!("{} is refused, tried again in {step}: {message}", source.key),
                false => {
                    format!("{} has no capacity, tried again in {step}: {message}", source.key)
                }
            },
        ),
        AsideCause::NeverReady => (
            EventKind::GivenUp,
            format!(
                "{} of {} did not serve within {patience}; tried again in {step}",
                source.units.asked().saturating_sub(source.units.at_work()),
                source.key
            ),
        ),
    };
    tell(kind, text);
    let until = later(now, step);
    source.memory.aside = Some(Aside { cause, since: now, step, until, probe: None, message });
    // What was asked for before a number was refused is still waited for.
    if cause != AsideCause::Refused {
        source.memory.waiting = None;
    }
}

fn go_on(
    input: &ScalingInput<'_>,
    source: &mut Source,
    mut aside: Aside,
    patience: Span,
    ours: bool,
    tell: &mut impl FnMut(EventKind, String),
) {
    let now = input.now;
    let units = &source.units;
    let recovered = match (aside.cause, aside.probe) {
        (AsideCause::NoCapacity, Some((_, with_it))) => units.there() >= with_it,
        (AsideCause::NeverReady, Some((_, with_it))) => units.at_work() >= with_it,
        (AsideCause::Refused, Some((_, with_it))) => units.asked() >= with_it,
        // What others own is tried by them; what came late after all is there.
        (_, None) => {
            let again = !ours && now >= aside.until;
            units.asked() <= units.serving.saturating_add(units.partly) && (again || late(source))
        }
    };
    if recovered {
        tell(EventKind::Recovered, format!("{} is used again", source.key));
        source.memory.was_aside = Some((aside.step, now));
        source.memory.aside = None;
        return;
    }
    if let Some((since, _)) = aside.probe {
        let refused = is_refused(source, Some(since));
        // Whether a number was taken is known as soon as it was written.
        let patience = match aside.cause {
            AsideCause::Refused => input.tuning.refused_after,
            AsideCause::NoCapacity | AsideCause::NeverReady => patience,
        };
        let failed = refused || is_short(input, source, Some(since));
        if !failed && between(since, now) <= patience {
            return;
        }
        aside.step = times(aside.step, 2).min(longest(input, aside.cause));
        aside.until = later(now, aside.step);
        aside.probe = None;
        let said = source.refused.as_ref().filter(|_| refused).or(source.units.short.as_ref());
        if let Some(short) = said {
            aside.message.clone_from(&short.message);
        }
        let why = if aside.message.is_empty() { "it did not serve" } else { &aside.message };
        let text = format!("{} was tried, again in {}: {why}", source.key, aside.step);
        tell(EventKind::SetAside, text);
    }
    source.memory.aside = Some(aside);
}

/// Whether more serve than were counted on when it was left alone: the last
/// number that was asked of it is of less.
fn late(source: &Source) -> bool {
    let before = source.memory.wanted.unwrap_or(0);
    source.units.serving.saturating_add(source.units.partly) > before
}
