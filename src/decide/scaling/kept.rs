//! Drains that do not come to an end: they are given up. What was to go serves again,
//! and its pool is left as it is for as long as a drain may take.

use super::hold::{Hold, HoldCause};
use super::input::ScalingInput;
use super::memory::Kept;
use super::outcome::{Event, EventKind};
use super::time::later;
use crate::id::Name;
use std::collections::BTreeMap;

/// The pools of which a drain was given up, with those of now.
pub(super) fn pools(input: &ScalingInput<'_>, events: &mut Vec<Event>) -> BTreeMap<Name, Kept> {
    let mut kept = input.memory.kept.clone();
    kept.retain(|pool, kept| kept.until > input.now && input.seen.pools.contains_key(pool));
    for (pool, seen) in input.seen.pools.iter().filter(|(_, seen)| seen.visible) {
        let Some(why) = seen.stuck_drain.as_ref().filter(|_| !kept.contains_key(pool)) else {
            continue;
        };
        let until = later(input.now, input.planning.environment.burst.scale_in.drain);
        kept.insert(pool.clone(), Kept { until, why: why.clone() });
        let text = format!("what was to go stays, and serves again: {why}");
        events.push(Event { kind: EventKind::DrainGivenUp, about: pool.clone(), text });
    }
    kept
}

impl Kept {
    /// What it keeps, as it is told.
    pub(super) fn hold(&self, input: &ScalingInput<'_>) -> Hold {
        let text = format!("a drain was given up: {}", self.why);
        let why = input.planning.because("burst.scale_in.drain", text);
        Hold::of_in(HoldCause::Drain, why).until(Some(self.until))
    }
}
