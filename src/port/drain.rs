//! Ending units in order: first no new work, then what is left is waited for.

use super::PortError;
use crate::clock::Timestamp;
use async_trait::async_trait;
use std::net::SocketAddr;

/// A unit that is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// The instance, as its group names it: `i-0abc…`.
    pub instance: String,
    /// Where its agent answers, of an instance that stands alone.
    pub agent: Option<SocketAddr>,
}

impl Leaving {
    /// An instance that has joined the cluster, or is not asked itself.
    pub fn joined(instance: impl Into<String>) -> Self {
        Self { instance: instance.into(), agent: None }
    }
}

/// Drains units before they end (law 7). Each call may be repeated, and says what
/// is left then.
///
/// The order for a unit that has joined: [`Drain::close`], fewer replicas, which
/// then go from closed units first, [`Drain::begin`] until nothing is left, the
/// end of the instance.
#[async_trait]
pub trait Drain: Send + Sync {
    /// No new work comes to the unit; what runs there is the first to go when
    /// fewer are asked for. Nothing is moved.
    async fn close(&self, unit: &Leaving) -> Result<Left, PortError>;

    /// How the unit stands; nothing is changed. Who cannot be asked knows it not.
    async fn status(&self, _unit: &Leaving) -> Result<Left, PortError> {
        Ok(Left::default())
    }

    /// As [`Drain::close`], and what can be moved is moved away.
    async fn begin(&self, unit: &Leaving) -> Result<Left, PortError>;

    /// Takes the drain back: new work may come again. What others did to the unit,
    /// like a cordon of their own, stays.
    async fn undo(&self, unit: &Leaving) -> Result<(), PortError>;
}

/// What is left on a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// The place knows the unit. What it does not know never joined, or is gone:
    /// nothing of it can be drained there.
    pub known: bool,
    /// It says itself that new work may come.
    pub takes_work: bool,
    /// Since when no new work comes.
    pub since: Option<Timestamp>,
    /// Pods that end or are still to be moved, without those that go with their
    /// node: of DaemonSets, of the kubelet itself, finished ones.
    pub pods: u32,
    /// Requests that the unit still answers, where it says.
    pub in_flight: u64,
    /// When its place takes the unit back, if it says so.
    pub taken_back: Option<Timestamp>,
    /// What keeps pods from being moved now.
    pub held: Vec<Held>,
}

impl Left {
    /// Whether the unit can end and nothing is lost by it.
    pub fn is_nothing(&self) -> bool {
        self.pods == 0 && self.in_flight == 0
    }
}

/// Pods that may not be moved now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// By what: `PodDisruptionBudget inference/llm-inference`.
    pub by: String,
    /// How many pods.
    pub pods: u32,
    /// What the place says.
    pub message: String,
}
