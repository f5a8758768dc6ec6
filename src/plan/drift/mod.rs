//! What others changed since the last apply, where git owns it. What only the
//! file changed is no drift: a plan shows it.
//!
//! A cluster says whose a field is: what Floodway applied and somebody else has
//! set is theirs now. What nobody owns any more was taken away, or was never
//! applied; nothing tells these two apart, and that is said. Groups have no such
//! owners; a tag says what was applied as a whole ([`applied_digest`]).

mod fields;
mod group;
mod things;

pub use group::applied_digest;

use super::{FieldChange, PlanInput, Refusal, guard};
use crate::observe::{Gap, ResourceId};
use serde_json::Value;

/// All that others changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drift {
    /// What, thing by thing.
    pub findings: Vec<Finding>,
    /// How many more things the last apply left that are gone; the file does not
    /// ask for them any more, so that nothing names them.
    pub more_deleted: usize,
    /// What could not be looked at: there may be drift in it.
    pub unseen: Vec<Gap>,
    /// Whether the environment was ever applied here.
    pub applied: bool,
    /// Why these things cannot be compared with this file.
    pub refusals: Vec<Refusal>,
}

/// One thing that others changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The thing.
    pub id: ResourceId,
    /// What happened to it.
    pub what: What,
    /// Why it may be no drift after all; none: it is.
    pub doubt: Option<String>,
}

/// What happened to a thing.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A field has another value.
    Field {
        /// Where, as people write it.
        path: String,
        /// What the file says; none: nothing.
        wanted: Option<Value>,
        /// What it is; none: it is not there.
        is: Option<Value>,
        /// Who set it, as far as the place says.
        by: Vec<String>,
        /// The file asks for other values of this thing than were applied: what
        /// the field was may be another than `wanted`.
        edited: bool,
    },
    /// It is not as it was applied, and the file has changed too: which of these
    /// differences are whose cannot be told apart.
    Mixed {
        /// How it differs from what the file says now.
        differences: Vec<FieldChange>,
    },
    /// It is gone.
    Deleted,
    /// It waits for its finalizers.
    Deleting,
    /// Somebody made it anew: Floodway has applied nothing of it.
    MadeAnew {
        /// Who, as far as the place says.
        by: Vec<String>,
    },
    /// It carries the environment's marks, and Floodway has not made it.
    Appeared {
        /// Who, as far as the place says.
        by: Vec<String>,
    },
    /// It carries the environment's marks no more.
    Unmarked,
    /// It carries the marks of somebody else.
    MarkedAnew {
        /// Whose.
        owner: String,
    },
}

impl Drift {
    /// Whether anything is not as the last apply left it, or may not be.
    pub fn is_some(&self) -> bool {
        !self.findings.is_empty() || self.more_deleted > 0
    }
}

/// Compares what is there with what was applied. Pure: the same input, the same
/// drift.
pub fn drift(input: &PlanInput<'_>) -> Drift {
    let inventory = input.inventory;
    let connected = |gap: &Gap| inventory.locations.iter().any(|place| place.side == gap.side);
    let unseen = inventory.gaps.iter().filter(|gap| gap.hides_members || !connected(gap));
    let mut drift = Drift { unseen: unseen.cloned().collect(), ..Drift::default() };
    drift.refusals = guard::comparable(input);
    if drift.refusals.is_empty() {
        things::compare(input, &mut drift);
    }
    drift
}

#[cfg(test)]
mod tests;
