//! What the pipeline asks of a place, one small trait per capability.

use crate::observe::{Inventory, Live, Location, Mark, ResourceId, Workload};
use crate::plan::Step;
use async_trait::async_trait;
use serde_json::Value;
use std::sync::Arc;

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Whose things.
    pub mark: Mark,
    /// The service's namespace.
    pub namespace: String,
    /// Things to fetch by name though they may carry no marks: adoption.
    pub named: Vec<ResourceId>,
}

/// What a place says of a change before it is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It would be accepted, and change something.
    Accepted,
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
    pub body: Value,
    /// Whether the plan believes that it exists already.
    pub exists: bool,
    /// Take fields over from other managers.
    pub force: bool,
    /// For what starts pods: how many at least and at most, for quotas.
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

/// Says where we are (law 12).
#[async_trait]
pub trait Locate: Send + Sync {
    /// The place's unchangeable identity. Asked before anything else.
    async fn locate(&self) -> Result<Location, PortError>;
}

/// Reads what is there.
#[async_trait]
pub trait Observe: Send + Sync {
    /// Everything in `scope`. What could not be read is a gap, not an error,
    /// unless nothing could.
    async fn observe(&self, scope: &Scope) -> Result<Inventory, PortError>;
}

/// Asks the place whether it would accept a change, without making it.
#[async_trait]
pub trait Check: Send + Sync {
    /// One change.
    async fn check(&self, request: &CheckRequest) -> Verdict;
}

/// Does one step.
#[async_trait]
pub trait Act: Send + Sync {
    /// Does the writing part of `step` once (for `Drain`: asks for no units;
    /// for `AwaitReady`: nothing). Repeating it is harmless.
    async fn act(&self, step: &Step) -> Result<(), PortError>;
}

/// Says how far a thing has come.
#[async_trait]
pub trait Progress: Send + Sync {
    /// The units behind `id`; none: it does not exist (any more).
    async fn progress(&self, id: &ResourceId) -> Result<Option<Workload>, PortError>;
}

/// Keeps two applies of one environment apart: a lease with heartbeat.
#[async_trait]
pub trait Lock: Send + Sync {
    /// Takes the lease, or says in an error of kind `Locked` who holds it since when.
    async fn acquire(&self, scope: &Scope, holder: &str) -> Result<Arc<dyn Lease>, PortError>;
}

/// A held lock. Dropping it without `release` lets it run out by itself.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Extends it; an error means that it is lost and that writing must stop.
    async fn renew(&self) -> Result<(), PortError>;
    /// Gives it back.
    async fn release(&self) -> Result<(), PortError>;
}

/// One side of an environment, connected.
#[derive(Clone)]
pub struct Backend {
    /// See the trait.
    pub locate: Arc<dyn Locate>,
    /// See the trait.
    pub observe: Arc<dyn Observe>,
    /// See the trait.
    pub check: Arc<dyn Check>,
    /// See the trait.
    pub act: Arc<dyn Act>,
    /// See the trait.
    pub progress: Arc<dyn Progress>,
    /// None where the other side's lock is enough.
    pub lock: Option<Arc<dyn Lock>>,
    /// The clock of this place: virtual in the simulator.
    pub clock: Arc<dyn crate::clock::Clock>,
}

/// The connected sides of an environment.
#[derive(Clone)]
pub struct Backends {
    /// The cluster.
    pub kubernetes: Option<Backend>,
    /// AWS.
    pub aws: Option<Backend>,
}
