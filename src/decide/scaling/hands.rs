//! Holds, numbers and freezes: what people say to the controller, and the least
//! numbers that schedules ask for.

use super::fleet::Pool;
use super::hold::{Direction, Hold, HoldCause, plain};
use super::input::ScalingInput;
use super::time::{earlier, later};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::spec::cron;
use crate::spec::model::{Freeze, Schedule};
use crate::units::Span;
use jiff::tz::TimeZone;

/// What keeps numbers from moving `direction`, for the whole environment or for
/// one pool.
pub(super) fn holds(
    input: &ScalingInput<'_>,
    pool: Option<&Name>,
    direction: Direction,
) -> Option<Hold> {
    let scale_in = direction == Direction::ScaleIn;
    let holds = input.hands.holds.iter().filter(|hold| hold.pool.as_ref() == pool);
    let by_hand = holds
        .filter(|hold| if scale_in { hold.scale_in } else { hold.scale_out })
        .find(|hold| hold.until.is_none_or(|until| until > input.now))
        .map(|hold| {
            let why = plain(hold_text(&hold.reason));
            Hold { cause: HoldCause::Operator, direction, until: hold.until, why }
        });
    by_hand.or_else(|| if pool.is_none() { freeze(input, direction) } else { None })
}

/// What is said of an operator's hold where it keeps something.
pub(super) fn hold_text(reason: &str) -> String {
    format!("an operator's hold: {reason}")
}

/// What is said of an operator's number where it sets one.
pub(super) fn number_text(units: u32, reason: &str) -> String {
    format!("an operator's number, {units}: {reason}")
}

/// What stops every scale-out or scale-in of the environment.
pub(super) fn environment(input: &ScalingInput<'_>, direction: Direction) -> Option<Hold> {
    let unreachable = || unreachable(input).filter(|hold| hold.direction == direction);
    unreachable().or_else(|| holds(input, None, direction))
}

/// What stops scale-in where another may decide at the same time.
pub(super) fn unreachable(input: &ScalingInput<'_>) -> Option<Hold> {
    let silent = input.mode.silent()?;
    let why = plain(format!("{silent} does not answer: numbers only rise"));
    Some(Hold::of_in(input.mode.cause(), why))
}

fn freeze(input: &ScalingInput<'_>, direction: Direction) -> Option<Hold> {
    let freezes = input.planning.environment.freeze.iter().enumerate();
    freezes
        .filter(|(_, freeze)| match direction {
            Direction::ScaleIn => freeze.scale_in,
            Direction::ScaleOut => freeze.scale_out,
        })
        .find_map(|(at, freeze)| {
            let until = in_force(freeze, input.now)?;
            let text = format!("the freeze `{}`", freeze.name);
            let why = input.planning.because(format!("freeze.{at}"), text);
            Some(Hold { cause: HoldCause::Freeze, direction, until, why })
        })
}

/// Until when a freeze that is in force lasts, if it says so; none: it is not.
fn in_force(freeze: &Freeze, now: Timestamp) -> Option<Option<Timestamp>> {
    let moment = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
    let (start, end): (Option<Timestamp>, Option<Timestamp>) =
        (moment(&freeze.start), moment(&freeze.end));
    if start.is_some_and(|start| now < start) || end.is_some_and(|end| now >= end) {
        return None;
    }
    let Some(cron) = &freeze.cron else { return Some(end) };
    let duration = freeze.duration.unwrap_or_default();
    let began = last(cron, &freeze.time_zone, earlier(now, duration), now)?;
    let ends = later(began, duration);
    (now < ends).then_some(Some(end.map_or(ends, |end| end.min(ends))))
}

fn last(text: &str, zone: &str, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let zone = match zone {
        "UTC" => TimeZone::UTC,
        name => TimeZone::get(name).ok()?,
    };
    cron::last(text, &zone, after, until)
}

/// Sets each pool's least number and an operator's number.
pub(super) fn set_floors(input: &ScalingInput<'_>, pools: &mut [Pool<'_>]) {
    for pool in pools.iter_mut().filter(|pool| pool.is_ours()) {
        let key = if pool.is_onprem() { "onprem" } else { "aws" };
        let count = if pool.is_onprem() { "replicas" } else { "size" };
        let min = pool.decided.min;
        let key = format!("{key}.pools.{}.{count}", pool.name);
        let mut floor = (min, input.planning.because(key, format!("min {min}")));
        for (at, schedule) in input.planning.environment.schedule.iter().enumerate() {
            if schedule.pool == *pool.name
                && schedule.desired > floor.0
                && asks(input, schedule, pool.delays.cold.p95)
            {
                let text = format!("schedule `{}`: {}", schedule.name, schedule.desired);
                floor = (schedule.desired, input.planning.because(format!("schedule.{at}"), text));
            }
        }
        pool.floor = (floor.0.min(pool.decided.max), Some(floor.1));
        let set =
            input.hands.overrides.iter().rev().find(|set| {
                set.pool == *pool.name && set.until.is_none_or(|until| until > input.now)
            });
        if let Some(set) = set {
            let units = set.units.clamp(min.min(pool.decided.max), pool.decided.max);
            let why = plain(number_text(set.units, &set.reason));
            let hold = Hold::of_in(HoldCause::Override, why.clone()).until(set.until);
            pool.floor = (units, Some(why));
            pool.set_to = Some((units, hold));
        }
    }
}

/// Whether a schedule's number counts: from as long before its time as a unit
/// needs to be ready, until it has been there for the stabilisation window.
fn asks(input: &ScalingInput<'_>, schedule: &Schedule, lead: Span) -> bool {
    let window = input.planning.environment.burst.scale_in.stabilization;
    let (after, until) = (earlier(input.now, window), later(input.now, lead));
    let moment = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
    let (start, end): (Option<Timestamp>, Option<Timestamp>) =
        (moment(&schedule.start), moment(&schedule.end));
    let after = start.map_or(after, |start| start.max(after));
    let until = end.map_or(until, |end| end.min(until));
    after <= until && last(&schedule.cron, &schedule.time_zone, after, until).is_some()
}
