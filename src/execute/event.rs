//! What an apply says while it runs.

use super::Outcome;
use crate::observe::{Problem, ResourceId};
use crate::units::Span;
use serde::{Deserialize, Serialize};

/// One thing that happened. Changes are named by their index in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Work begins.
    Started {
        /// How many changes will be made.
        changes: usize,
    },
    /// A change's steps begin.
    ChangeStarted {
        /// Index in the plan.
        change: usize,
        /// The thing.
        id: ResourceId,
    },
    /// A step begins.
    StepStarted {
        /// Index in the plan.
        change: usize,
        /// The thing that the step is about.
        id: ResourceId,
        /// `apply`, `hold`, `catch_up`, `raise`, `await_ready`, `drain`, `delete`.
        step: String,
    },
    /// A thing is not where it should be yet.
    Waiting {
        /// Index in the plan.
        change: usize,
        /// The thing.
        id: ResourceId,
        /// Units that are where they should be.
        ready: u32,
        /// Of so many.
        of: u32,
        /// Why not all.
        problems: Vec<Problem>,
    },
    /// A call failed in a way that may pass, and is made again.
    Retrying {
        /// Index in the plan.
        change: usize,
        /// The thing.
        id: ResourceId,
        /// What the place said.
        because: String,
        /// Until the next try, in milliseconds.
        after_ms: u64,
    },
    /// A change's steps ended.
    ChangeEnded {
        /// Index in the plan.
        change: usize,
        /// The thing.
        id: ResourceId,
        /// How.
        outcome: Outcome,
    },
    /// A wave of the plan begins.
    WaveStarted {
        /// Which, counted from 1.
        wave: u32,
        /// Of so many.
        of: u32,
        /// Its pools.
        pools: Vec<String>,
        /// How many changes it has.
        changes: usize,
    },
    /// All changes of a wave are done: it is waited, and looked at what speaks
    /// against what follows.
    WaveWaiting {
        /// Which, counted from 1.
        wave: u32,
        /// Of so many.
        of: u32,
        /// For how long.
        wait: Span,
    },
    /// The wait is over, and nothing speaks against what follows.
    WavePassed {
        /// Which, counted from 1.
        wave: u32,
        /// Of so many.
        of: u32,
    },
    /// Something to know.
    Noted {
        /// What.
        message: String,
    },
    /// No new work is begun.
    Stopping {
        /// Why.
        because: String,
    },
    /// Work is over.
    Ended {
        /// Changes that were made.
        done: usize,
        /// Changes that failed.
        failed: usize,
        /// Changes that were not begun.
        skipped: usize,
        /// Changes of which it is not known.
        unknown: usize,
    },
}

/// Somebody who wants to know what happens, at once.
pub type Listener<'a> = &'a (dyn Fn(&Event) + Send + Sync);
