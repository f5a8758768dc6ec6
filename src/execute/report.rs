//! How an apply ended, change by change.

use super::HaltKind;
use crate::observe::ResourceId;
use serde::{Deserialize, Serialize};

/// How one change ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outcome {
    /// Made.
    Done,
    /// Not made, or made in part.
    Failed {
        /// What went wrong.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// Not begun.
    Skipped {
        /// Why.
        because: String,
    },
    /// It is not known whether its last write took effect.
    Unknown {
        /// What was seen last.
        message: String,
    },
}

/// How an apply ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The changes that were to be made, in the plan's order.
    pub changes: Vec<(ResourceId, Outcome)>,
    /// Why it stopped early, if it did.
    pub stopped: Option<String>,
    /// What kind of reason let nothing follow a wave, be it the last one; none: none.
    #[serde(default)]
    pub halted: Option<HaltKind>,
    /// Whether any call that writes succeeded, also in a change that failed later.
    pub wrote: bool,
}

impl Report {
    /// Everything was made, and nothing speaks against it.
    pub fn is_done(&self) -> bool {
        self.halted.is_none() && self.changes.iter().all(|(_, outcome)| *outcome == Outcome::Done)
    }

    /// Nothing was written, and nothing may have been.
    pub fn is_untouched(&self) -> bool {
        !self.wrote && self.count(|outcome| matches!(outcome, Outcome::Unknown { .. })) == 0
    }

    /// How many changes ended as `which` says.
    pub fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.changes.iter().filter(|(_, outcome)| which(outcome)).count()
    }

    /// Done, failed, skipped, unknown.
    pub fn counts(&self) -> [usize; 4] {
        [
            self.count(|outcome| *outcome == Outcome::Done),
            self.count(|outcome| matches!(outcome, Outcome::Failed { .. })),
            self.count(|outcome| matches!(outcome, Outcome::Skipped { .. })),
            self.count(|outcome| matches!(outcome, Outcome::Unknown { .. })),
        ]
    }
}
