//! The smallest things that apply does, each repeatable.

use crate::desired::Seed;
use crate::observe::{Body, FieldPath, ResourceId, Wait, marks};
use crate::units::Span;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What must be true of a thing for a write to it to be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precondition {
    /// It must not exist, or exist with this environment's marks because this
    /// plan (an earlier step, or an earlier try of this one) made it.
    Absent,
    /// It must still be the one with this UID.
    Is(String),
}

/// Which fields a write may take over from other managers. What Floodway's own
/// second manager holds is never in the way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// None: a field that another manager owns is a conflict.
    #[default]
    Nothing,
    /// The one at this JSON pointer: git becomes its owner.
    Field(String),
    /// All that others own with another value, as kubectl's `--force-conflicts`;
    /// of the one at this JSON pointer git becomes the only owner.
    Conflicts(Option<String>),
    /// All that are in the body: git becomes their only owner.
    Everything,
}

impl Takes {
    /// Whether `field`, as people write it, may be taken over from `manager`.
    pub fn allows(&self, manager: &str, field: &str) -> bool {
        manager == marks::HANDOVER_MANAGER
            || match self {
                Self::Nothing => false,
                Self::Field(pointer) => FieldPath::from_pointer(pointer).as_str() == field,
                Self::Conflicts(_) | Self::Everything => true,
            }
    }

    /// Whether nobody else owns `field` afterwards, not even with the same value.
    pub fn alone(&self, field: &str) -> bool {
        match self {
            Self::Nothing | Self::Conflicts(None) => false,
            Self::Field(pointer) | Self::Conflicts(Some(pointer)) => {
                FieldPath::from_pointer(pointer).as_str() == field
            }
            Self::Everything => true,
        }
    }
}

/// How a group's instances are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolling {
    /// Percentage of the group that serves meanwhile.
    pub min_healthy: u32,
    /// Seconds that a new one has before it counts.
    pub warmup: u32,
    /// Percentages after which it pauses.
    pub checkpoints: Vec<u32>,
    /// For how many seconds.
    pub checkpoint_delay: u32,
    /// Alarms at which all goes back.
    pub alarms: Vec<String>,
}

/// One write or one wait. Every step can be repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Makes the owned fields of `id` be `body`, by server-side apply or its like.
    Apply {
        /// The thing.
        id: ResourceId,
        /// The owned fields, whole.
        body: Body,
        /// A field outside `body` that gets a value if this makes the thing;
        /// the handover manager holds it then, until its owner writes it. Of
        /// no effect on a thing that exists.
        seed: Option<Seed>,
        /// What must be true.
        precondition: Precondition,
        /// What may be taken over from the managers that own it.
        takes: Takes,
    },
    /// Before git gives up a field: a second field manager holds the live
    /// value of `path`, so that dropping it does not reset it.
    Hold {
        /// The thing.
        id: ResourceId,
        /// JSON pointer of the field.
        path: String,
        /// UID it must still have.
        uid: String,
    },
    /// Asks for as many units of `id` as `with` has now, if it has more: what a
    /// runtime owner has scaled since is not lost when `id` takes over.
    CatchUp {
        /// The thing that takes over.
        id: ResourceId,
        /// The thing that goes.
        with: ResourceId,
        /// JSON pointer of the number, in both.
        path: String,
    },
    /// Asks for `least` units of `id`, if it has fewer: it carries on for what
    /// goes, or a drain that was begun and is not wanted any more left a runtime
    /// owner with nothing to scale.
    Raise {
        /// The thing.
        id: ResourceId,
        /// UID it must still have.
        uid: String,
        /// JSON pointer of the number.
        path: String,
        /// How many at least.
        least: u32,
    },
    /// Asks for `to` units of `id` where `from` are asked for now. An error of kind
    /// `Stale`: somebody has asked for another number since, and is not overruled.
    SetUnits {
        /// The thing.
        id: ResourceId,
        /// UID it must still have.
        uid: String,
        /// JSON pointer of the number.
        path: String,
        /// How many are asked for.
        from: u32,
        /// How many shall be.
        to: u32,
    },
    /// Makes the endpoints of `id`, an EndpointSlice, be `to` where `from` are there
    /// now. An error of kind `Stale`: somebody has written others since.
    SetEndpoints {
        /// The slice.
        id: ResourceId,
        /// UID it must still have.
        uid: String,
        /// The list that is there.
        from: Value,
        /// The list that shall be.
        to: Value,
    },
    /// Lets these units of `id` go on that a lifecycle hook of Floodway's holds; those
    /// that none holds any more are left.
    Proceed {
        /// The group.
        id: ResourceId,
        /// The units' names.
        units: Vec<String>,
        /// What they wait for.
        wait: Wait,
    },
    /// Notes on `id`, which goes, who carries on for it and how many that then
    /// has: a repeat after a kill raises it to no more.
    PassOn {
        /// The group that goes.
        id: ResourceId,
        /// UID it must still have, if it is there.
        uid: String,
        /// Name of the group that carries on.
        to: String,
        /// How many that then has.
        number: u32,
    },
    /// Waits until the units of `id` serve, at most `limit`.
    AwaitReady {
        /// The thing.
        id: ResourceId,
        /// When to give up.
        limit: Span,
    },
    /// Takes new work away from `id`, lets its units finish and end: scale to
    /// none, wait until none is left, at most `limit`.
    Drain {
        /// The thing.
        id: ResourceId,
        /// UID it must still have, if it is there.
        uid: String,
        /// When to give up.
        limit: Span,
    },
    /// Ends these units of `id`, each with one fewer to ask for unless more run
    /// than that, and waits until all of them are gone, at most `limit`: a group
    /// that only asks for fewer lets the place choose which end.
    DrainUnits {
        /// The thing.
        id: ResourceId,
        /// UID it must still have, if it is there.
        uid: String,
        /// The units' names.
        units: Vec<String>,
        /// When to give up.
        limit: Span,
    },
    /// Ends these units of `id` and lets as many new ones be started at once: none
    /// leaves with its place in the number that is asked for.
    ReplaceUnits {
        /// The thing.
        id: ResourceId,
        /// UID it must still have, if it is there.
        uid: String,
        /// The units' names.
        units: Vec<String>,
    },
    /// Replaces the units of a group that do not run its template's version, by
    /// the place's own means, and waits until none is left, at most `limit`.
    /// One to the same end that is under way is joined.
    Refresh {
        /// The refresh; its group has the same name.
        id: ResourceId,
        /// UID that the group must still have.
        uid: String,
        /// How many at once, and when to stop.
        how: Rolling,
        /// When to give up waiting.
        limit: Span,
    },
    /// Deletes `id` and waits until it is gone. A Namespace is refused (kind
    /// `Rejected`) while anything is left in it that is not being deleted.
    Delete {
        /// The thing.
        id: ResourceId,
        /// UID it must still have.
        uid: String,
        /// Units that end with it, at once and without a drain, because a person
        /// has asked for that; 0: it must have none.
        #[serde(default)]
        ends: u32,
    },
}

impl Step {
    /// The thing it is about.
    pub fn id(&self) -> &ResourceId {
        match self {
            Self::Apply { id, .. }
            | Self::Hold { id, .. }
            | Self::CatchUp { id, .. }
            | Self::Raise { id, .. }
            | Self::SetUnits { id, .. }
            | Self::SetEndpoints { id, .. }
            | Self::Proceed { id, .. }
            | Self::PassOn { id, .. }
            | Self::AwaitReady { id, .. }
            | Self::Drain { id, .. }
            | Self::DrainUnits { id, .. }
            | Self::ReplaceUnits { id, .. }
            | Self::Refresh { id, .. }
            | Self::Delete { id, .. } => id,
        }
    }

    /// Whether it writes.
    pub fn writes(&self) -> bool {
        !matches!(self, Self::AwaitReady { .. })
    }
}
