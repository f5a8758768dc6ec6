//! The write-ahead record of what an apply is about to do. It is no state
//! file: an apply whose journal is lost is finished by the next plan all the
//! same. The journal only tells people, and the next run, that one was cut off.

use super::Outcome;
use crate::clock::Timestamp;
use crate::observe::ResourceId;
use crate::plan::Action;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::io;

/// One line of the journal. What was added since the first version may be
/// missing in an old file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// An apply begins.
    Begin {
        /// When.
        at: Timestamp,
        /// Who applies.
        #[serde(default)]
        holder: Option<String>,
        /// The plan's digest.
        #[serde(default)]
        plan_digest: Option<String>,
        /// The environment's digest.
        environment_digest: String,
        /// How many changes it will make.
        changes: usize,
        /// Those changes, in the plan's order.
        #[serde(default)]
        planned: Vec<Planned>,
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
    /// A wave of the plan has come so far.
    Wave {
        /// When.
        at: Timestamp,
        /// Which, counted from 1.
        wave: u32,
        /// Of so many.
        of: u32,
        /// How far.
        state: WaveState,
    },
    /// The apply ended and has reported.
    End {
        /// When.
        at: Timestamp,
        /// Why it stopped early, if it did.
        #[serde(default)]
        stopped: Option<String>,
        /// What was not begun.
        #[serde(default)]
        skipped: Vec<Skipped>,
    },
}

/// How far a wave has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaveState {
    /// Its changes begin.
    Begun,
    /// All of them are done; it is waited, and looked at what speaks against the next.
    Waiting,
    /// Nothing does.
    Passed,
}

/// A change that an apply will make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Index in the plan.
    pub change: usize,
    /// The thing.
    pub id: ResourceId,
    /// What will happen to it.
    pub action: Action,
}

/// A change that was not begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Index in the plan.
    pub change: usize,
    /// Why.
    pub because: String,
}

/// Where entries go. An entry is safe when `record` returns; those that are
/// recorded at once may become safe together.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes one entry.
    ///
    /// # Errors
    /// The entry is not safe; what it announces must not be done.
    async fn record(&self, entry: &Entry) -> io::Result<()>;
}

/// Keeps nothing; for tests and backtests.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    async fn record(&self, _: &Entry) -> io::Result<()> {
        Ok(())
    }
}
