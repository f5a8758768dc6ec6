//! What a turn came to.

use super::bursts::Response;
use super::gauge::Load;
use super::left::LeftOver;
use super::turn::Controller;
use crate::clock::Timestamp;
use crate::decide::scaling::{Scaling, Spent};
use crate::id::Name;
use crate::observe::{Hands, Side};
use crate::plan::{PortError, Step};
use crate::signal::Reading;
use std::collections::BTreeMap;

/// What one turn came to.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    /// What was decided.
    pub scaling: Scaling,
    /// What was measured and expected.
    pub load: Load,
    /// What burst has cost so far.
    pub spent: Spent,
    /// What is paid for and serves nothing.
    pub left: Vec<LeftOver>,
    /// What the places tell by themselves, pool by pool.
    pub places: Vec<Reading>,
    /// Units of burst pools that have come to serve.
    pub responses: Vec<Response>,
    /// The sides that could not be seen, and why.
    pub unseen: BTreeMap<Side, String>,
    /// What was written, or would have been.
    pub done: Vec<Done>,
    /// Why nothing was written; none: what was decided was done.
    pub withheld: Option<String>,
    /// What of what was learned is not kept for the next leader, and why.
    pub unnoted: Option<String>,
    /// Its parts in their order, each from when until when.
    pub parts: Vec<(Part, (Timestamp, Timestamp))>,
}

impl Controller {
    /// What operators had said, as far as the last turn has heard: its decision goes by it.
    pub fn said_by_hand(&self) -> &Hands {
        &self.decided_by
    }
}

/// A part of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What is there, and what operators say.
    Look,
    /// The load, and what is expected of it.
    Measure,
    /// How much each pool should have.
    Decide,
    /// Writing it, draining, and telling.
    Act,
}

impl Part {
    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Measure => "measure",
            Self::Decide => "decide",
            Self::Act => "act",
        }
    }
}

/// A write, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// The pool it is about.
    pub pool: Name,
    /// What.
    pub step: Step,
    /// None: it was only shown.
    pub outcome: Option<Result<(), PortError>>,
}

impl Done {
    /// Whether it is the replicas of a burst pool, which go with its nodes.
    pub fn follows(&self, scaling: &Scaling) -> bool {
        let pool = scaling.pools.get(&self.pool);
        self.step.id().side == Side::Kubernetes && pool.is_some_and(|pool| pool.pods.is_some())
    }
}
