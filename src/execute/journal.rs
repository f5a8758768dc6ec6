//! The write-ahead record of what an apply is about to do. It is no state
//! file: an apply whose journal is lost is finished by the next plan all the
//! same. The journal only tells people, and the next run, that one was cut off.

use super::Outcome;
use crate::clock::Timestamp;
use crate::observe::ResourceId;
use serde::{Deserialize, Serialize};
use std::io;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// An apply begins.
    Begin {
        /// When.
        at: Timestamp,
        /// The environment's digest.
        environment_digest: String,
        /// How many changes it will make.
        changes: usize,
    },
    /// A write is about to be made.
    Intent {
        /// When.
        at: Timestamp,
        /// Index in the plan.
        change: usize,
        /// The thing.
        id: ResourceId,
        /// `apply`, `hold`, `catch_up`, `raise`, `drain`, `delete`.
        step: String,
    },
    /// A change ended.
    Outcome {
        /// When.
        at: Timestamp,
        /// Index in the plan.
        change: usize,
        /// How.
        outcome: Outcome,
    },
    /// The apply ended and has reported.
    End {
        /// When.
        at: Timestamp,
    },
}

/// Where entries go. An entry is safe when `record` returns.
pub trait Journal: Send + Sync {
    /// Writes one entry.
    ///
    /// # Errors
    /// The entry is not safe; what it announces must not be done.
    fn record(&self, entry: &Entry) -> io::Result<()>;
}

/// Keeps nothing; for tests and backtests.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn record(&self, _: &Entry) -> io::Result<()> {
        Ok(())
    }
}
