//! What keeps an environment from being applied, as it stands on the live
//! environment: a pause that an operator has said, and what an apply has stopped
//! itself at.

use crate::clock::Timestamp;
use crate::id::Name;
use crate::units::Span;
use serde::{Deserialize, Serialize};

/// For how long it is told that an abort was lifted.
const TOLD: Span = Span::from_secs(7 * 86_400);

/// `floodway rollout pause`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// What the operator says.
    pub reason: String,
    /// Who it was, as they named themselves.
    pub by: String,
    /// When it was said.
    pub since: Timestamp,
}

/// A phase that was given up: an apply met one of its abort criteria.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aborted {
    /// The phase that was live.
    pub phase: Name,
    /// The criterion's name in the phase.
    pub criterion: String,
    /// What was measured, for people: `7%`.
    pub value: String,
    /// What it is held against: `above 5%`.
    pub target: String,
    /// Whose apply it was.
    pub by: String,
    /// When it stopped.
    pub since: Timestamp,
    /// Who let the phase go on all the same; none: nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lifted>,
}

/// `floodway rollout resume --reason`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifted {
    /// What the operator says.
    pub reason: String,
    /// Who it was, as they named themselves.
    pub by: String,
    /// When it was said.
    pub at: Timestamp,
}

impl Aborted {
    /// Whether it still keeps its phase from being applied.
    pub fn stands(&self) -> bool {
        self.lifted.is_none()
    }

    /// Whether there is anything to tell of it.
    pub(super) fn is_told(&self, now: Timestamp) -> bool {
        let passed =
            |lifted: &Lifted| now.duration_since(lifted.at).as_millis() > i128::from(TOLD.millis());
        !self.lifted.as_ref().is_some_and(passed)
    }
}
