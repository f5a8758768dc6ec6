//! What operators said that counted for a decision, whether it kept anything or not.

use super::hands::{hold_text, number_text};
use super::hold::{Direction, Hold, HoldCause};
use super::outcome::{PoolScaling, Scaling};
use super::record::bounded;
use crate::clock::Timestamp;
use crate::id::Name;
use crate::observe::{HandHold, Hands, Override};
use serde::{Deserialize, Serialize};

/// An operator's hold or number that counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidRecord {
    /// The pool; none: the whole environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Name>,
    /// What the pool is to have; none: it is a hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u32>,
    /// It holds scale-in.
    pub scale_in: bool,
    /// It holds scale-out.
    pub scale_out: bool,
    /// Until when; none: until somebody resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What the operator says.
    pub reason: String,
    /// Who it was, as they named themselves.
    pub by: String,
    /// Whether it kept a number as it is, or set it; the decision then says so beside that.
    pub binds: bool,
}

impl SaidRecord {
    /// What of `hands` counted for `scaling`, whose texts are bounded. A hold that stands
    /// for what cannot be read is nobody's.
    pub(super) fn of(hands: &Hands, scaling: &Scaling) -> Vec<Self> {
        let hands = hands.clone().in_force(scaling.at);
        let holds = hands.holds.iter().filter(|hold| !hold.by.is_empty());
        let holds = holds.map(|hold| Self::of_hold(hold, scaling));
        holds.chain(hands.overrides.iter().map(|set| Self::of_number(set, scaling))).collect()
    }

    fn of_hold(hold: &HandHold, scaling: &Scaling) -> Self {
        let text = bounded(&hold_text(&hold.reason));
        let own = |one: &Hold| {
            let held = match one.direction {
                Direction::ScaleIn => hold.scale_in,
                Direction::ScaleOut => hold.scale_out,
            };
            held && one.cause == HoldCause::Operator && one.why.text == text
        };
        let stages = scaling.stages.values().flat_map(|stage| &stage.holds);
        let of_it = |name: &Name| hold.pool.as_ref().is_none_or(|pool| pool == name);
        let pools = scaling.pools.iter().filter(|&(name, _)| of_it(name));
        let pools = pools.flat_map(|(_, pool)| &pool.holds);
        Self {
            pool: hold.pool.clone(),
            units: None,
            scale_in: hold.scale_in,
            scale_out: hold.scale_out,
            until: hold.until,
            reason: bounded(&hold.reason),
            by: bounded(&hold.by),
            binds: stages.filter(|_| hold.pool.is_none()).chain(pools).any(own),
        }
    }

    fn of_number(set: &Override, scaling: &Scaling) -> Self {
        let text = bounded(&number_text(set.units, &set.reason));
        let sets = |pool: &PoolScaling| {
            let holds = pool.holds.iter().map(|hold| &hold.why);
            pool.reasons.iter().chain(holds).any(|why| why.text == text)
        };
        Self {
            pool: Some(set.pool.clone()),
            units: Some(set.units),
            scale_in: false,
            scale_out: false,
            until: set.until,
            reason: bounded(&set.reason),
            by: bounded(&set.by),
            binds: scaling.pools.get(&set.pool).is_some_and(sets),
        }
    }
}
