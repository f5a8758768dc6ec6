//! What a controller has done since its process began: numbers that only rise.

use super::bursts;
use super::report::{Done, Turn};
use crate::decide::DesiredOwner;
use crate::decide::scaling::{PoolScaling, Scaling};
use crate::id::Name;
use crate::observe::Side;
use crate::plan::{FailureKind, Step};
use std::collections::BTreeMap;

/// Bounds of the histogram of how fast burst answers, in seconds: from what a warm
/// start takes to an hour.
pub const RESPONSE_SECONDS: [u32; 13] =
    [15, 30, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1800, 3600];

/// Counts turns and writes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Turns that have ended.
    pub turns: u64,
    /// How long they took together, in seconds.
    pub turn_seconds: f64,
    /// Turns in which a side could not be seen.
    pub unseen: BTreeMap<Side, u64>,
    /// Writes by the side, the pool and what became of them; none of each from the first
    /// turn on, so that the first one is seen as a rise.
    pub writes: BTreeMap<(Side, String, Outcome), u64>,
    /// How fast each burst pool has answered; with nothing in it from its first turn
    /// on, so that the first answer is seen as a rise.
    pub responses: BTreeMap<String, Responses>,
}

/// How fast a burst pool has answered: seconds from a decision until a unit that it
/// asked for serves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Responses {
    /// Units that took at most so long, by [`RESPONSE_SECONDS`]: each is in all of the
    /// larger ones too.
    pub within: [u64; RESPONSE_SECONDS.len()],
    /// All units.
    pub units: u64,
    /// What they took together.
    pub seconds: f64,
}

impl Responses {
    fn add(&mut self, seconds: f64) {
        self.units += 1;
        self.seconds += seconds;
        for (count, bound) in self.within.iter_mut().zip(RESPONSE_SECONDS) {
            *count += u64::from(seconds <= f64::from(bound));
        }
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is done.
    Done,
    /// The number was not as it was read: the next turn looks anew.
    Overtaken,
    /// The role may not.
    Denied,
    /// The place does not want it.
    Rejected,
    /// No answer, or one of a place that has no time; it may have been done.
    Unanswered,
    /// Anything else: the lease ran out before it, no backend.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Done, Self::Overtaken, Self::Denied, Self::Rejected, Self::Unanswered, Self::Failed];

    /// As metrics write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Overtaken => "overtaken",
            Self::Denied => "denied",
            Self::Rejected => "rejected",
            Self::Unanswered => "unanswered",
            Self::Failed => "failed",
        }
    }

    /// None: it was only shown.
    pub fn of(done: &Done) -> Option<Self> {
        Some(match done.outcome.as_ref()? {
            Ok(()) => Self::Done,
            Err(error) => match error.kind {
                FailureKind::Stale | FailureKind::Conflict => Self::Overtaken,
                FailureKind::Denied => Self::Denied,
                FailureKind::Rejected => Self::Rejected,
                FailureKind::Unreachable | FailureKind::Transient | FailureKind::Unknown => {
                    Self::Unanswered
                }
                FailureKind::Locked | FailureKind::Other => Self::Failed,
            },
        })
    }
}

impl Counts {
    /// Adds a turn that took so long.
    pub fn note(&mut self, turn: &Turn, took_seconds: f64) {
        self.turns += 1;
        self.turn_seconds += took_seconds.max(0.0);
        for side in turn.unseen.keys() {
            *self.unseen.entry(*side).or_default() += 1;
        }
        for (name, _) in turn.scaling.pools.iter().filter(|(_, pool)| bursts::bursts(pool)) {
            self.responses.entry(name.to_string()).or_default();
        }
        for response in &turn.responses {
            let seconds = response.after.as_secs_f64();
            self.responses.entry(response.pool.to_string()).or_default().add(seconds);
        }
        for (side, pool) in written(&turn.scaling) {
            for outcome in Outcome::ALL {
                self.writes.entry((side, pool.to_string(), outcome)).or_default();
            }
        }
        for done in &turn.done {
            let Some(outcome) = Outcome::of(done) else { continue };
            let side = Step::id(&done.step).side;
            *self.writes.entry((side, done.pool.to_string(), outcome)).or_default() += 1;
        }
    }
}

/// Where the controller may write for each pool that it sizes: of what stands on AWS the
/// cluster is told too, where there is one.
fn written(scaling: &Scaling) -> Vec<(Side, &Name)> {
    let on_aws = |pool: &PoolScaling| pool.sources.iter().any(|one| one.market.is_some());
    let cluster = scaling.pools.values().any(|pool| !on_aws(pool) || pool.pods.is_some());
    let mut all = Vec::new();
    for (name, pool) in &scaling.pools {
        let ours = pool.owner == DesiredOwner::Controller;
        all.extend((ours && on_aws(pool)).then_some((Side::Aws, name)));
        all.extend((ours && cluster).then_some((Side::Kubernetes, name)));
    }
    all
}
