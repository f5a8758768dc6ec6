//! What a place is asked about a change, and what it says.

use super::Takes;
use crate::observe::{Body, Live, ResourceId};

/// What a place says of a change before it is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It would be accepted, and change something.
    Accepted,
    /// It would be accepted, and there is something to know about it.
    Noted(String),
    /// It would be accepted, and change nothing.
    Unchanged,
    /// Something of that name is there and is not ours.
    Taken(Box<Live>),
    /// It could not be asked; why.
    NotChecked(String),
    /// It would be refused.
    Rejected(PortError),
}

/// Something to check before it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckRequest {
    /// The thing.
    pub id: ResourceId,
    /// Its owned fields.
    pub body: Body,
    /// Whether the plan believes that it exists already.
    pub exists: bool,
    /// What may be taken over from other managers.
    pub takes: Takes,
    /// For what starts pods, or moves their number: how many at least and at
    /// most, for quotas.
    pub units: Option<(u32, u32)>,
}

/// Why a place did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PortError {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

impl PortError {
    /// What is wrong and what to do next, in a line.
    pub fn in_a_line(&self) -> String {
        let help = self.help.iter().map(|help| format!("; {help}"));
        self.message.clone() + &help.collect::<String>()
    }

    /// Somebody has asked for `has` units of `id` since that was looked at.
    pub fn moved(id: &ResourceId, has: u32) -> Self {
        Self {
            kind: FailureKind::Stale,
            message: format!("{id} has been set to {has} meanwhile"),
            help: None,
        }
    }
}

/// What a failure means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The place cannot be reached, or the credentials do not let us in at all.
    Unreachable,
    /// A verb is forbidden.
    Denied,
    /// Another manager owns the field.
    Conflict,
    /// The thing is not the one that was planned for.
    Stale,
    /// The place refuses the content.
    Rejected,
    /// It may work if tried again.
    Transient,
    /// It is unknown whether the write took effect.
    Unknown,
    /// Another apply holds the lock.
    Locked,
    /// Anything else.
    Other,
}
