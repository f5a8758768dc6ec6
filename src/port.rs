//! What the pipeline asks of a place, one small trait per capability.

use crate::clock::Timestamp;
use crate::observe::{
    Build, Inventory, Location, Lookup, MachineImage, Mark, Offer, Ownership, ResourceId, Workload,
    marks,
};
use crate::plan::Step;
use crate::signal::{Answer, MeasureError, Range};
use crate::units::Span;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod calls;
mod drain;
mod hands;
mod notes;
mod tell;
mod traced;

pub use crate::plan::{CheckRequest, FailureKind, PortError, Verdict};
pub use calls::{CallCounts, Calls};
pub use drain::{Drain, Held, Leaving, Left};
pub use hands::{KeepHands, Said};
pub use notes::{KeepNotes, MOST_NOTES};
pub use tell::{Notice, Tell};
pub use traced::{Fact, Happened, Traced};

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Whose things.
    pub mark: Mark,
    /// The service's namespace.
    pub namespace: String,
    /// Things to fetch by name though they may carry no marks: adoption.
    pub named: Vec<ResourceId>,
    /// Everything that carries Floodway's marks, whichever environment's; else
    /// only this one's.
    pub any_environment: bool,
    /// What to find out beside it.
    pub lookups: Vec<Lookup>,
    /// Instance types whose prices and quotas are wanted.
    pub offers: BTreeSet<Offer>,
    /// Also what is in the namespace and not the environment's.
    pub whole_namespace: bool,
    /// Also whether something was left in AWS regions where the environment does
    /// not look, if nothing else notes that.
    pub strays: bool,
    /// Also what a place tells only thing by thing, and is else believed to be as
    /// it was last written.
    pub full: bool,
    /// Also where the instances that stand alone are reached.
    pub addresses: bool,
    /// Also which spot instances are taken back.
    pub notices: bool,
}

impl Scope {
    /// All that carries `mark`, and nothing beside it.
    pub fn of(mark: Mark, namespace: impl Into<String>) -> Self {
        Self {
            mark,
            namespace: namespace.into(),
            named: Vec::new(),
            any_environment: false,
            lookups: Vec::new(),
            offers: BTreeSet::new(),
            whole_namespace: false,
            strays: true,
            full: false,
            addresses: false,
            notices: false,
        }
    }

    /// Whose a thing with these tags is. Where the parent is named to be adopted, the
    /// file has taken the place of another one of its environment and repository.
    pub fn owner_by<'t>(&self, tag: impl Fn(&str) -> Option<&'t str>) -> Ownership {
        let same = tag(marks::ENVIRONMENT) == Some(&self.mark.environment)
            && tag(marks::REPOSITORY) == Some(&self.mark.repository);
        let adopted = || self.named.iter().any(|id| id.is_parent_of(&self.mark));
        if same && adopted() { Ownership::Ours } else { self.mark.owner_by(tag) }
    }
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
    /// unless nothing could, or it is an account's groups or templates.
    async fn observe(&self, scope: &Scope) -> Result<Inventory, PortError>;

    /// The builds of these machine images: what a plan tells of them, and nothing
    /// depends on. What nothing is known of, or cannot be read, is left out.
    async fn builds(&self, images: &BTreeSet<MachineImage>) -> BTreeMap<MachineImage, Build> {
        let _ = images;
        BTreeMap::new()
    }

    /// From now on is told of nodes and pods while they change, so that to observe
    /// again and again costs little; of nodes' labels only `labels` are kept then,
    /// and Floodway's own. A place that cannot be told anything goes on as before.
    fn watch(&self, labels: BTreeSet<String>) {
        let _ = labels;
    }
}

/// Asks the place whether it would accept changes, without making them.
#[async_trait]
pub trait Check: Send + Sync {
    /// All changes of a plan at once, for what fits alone may not fit together;
    /// a verdict on each, in their order.
    async fn check(&self, requests: &[CheckRequest]) -> Vec<Verdict>;
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

/// What two are kept apart in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Applying an environment.
    Apply,
    /// Leading it, as its controller.
    Lead,
}

impl Purpose {
    /// Without a heartbeat for this long, the holder is taken for dead. Another
    /// controller takes over within a few seconds more.
    pub const fn expiry(self) -> Span {
        Span::from_secs(match self {
            Self::Apply => 60,
            Self::Lead => 10,
        })
    }

    /// Without a heartbeat for this long, the holder counts it as lost: well
    /// before others may take it.
    pub const fn lost(self) -> Span {
        Span::from_secs(match self {
            Self::Apply => 40,
            Self::Lead => 6,
        })
    }
}

/// Keeps two applies, or two controllers, of one environment apart: a lease with
/// heartbeat.
#[async_trait]
pub trait Lock: Send + Sync {
    /// Takes the lease, or says in an error of kind `Locked` who holds it since when.
    /// One that has run out by the clock is free for an apply; that of a controller
    /// stays its holder's until somebody is let to [`Lock::succeed`] them.
    async fn acquire(&self, scope: &Scope, holder: &str) -> Result<Arc<dyn Lease>, PortError>;

    /// Takes the lease over from who was `shown` to hold it, if they have not
    /// renewed it since, whatever any clock says; an error of kind `Locked` else.
    async fn succeed(
        &self,
        scope: &Scope,
        holder: &str,
        shown: &HeldLock,
    ) -> Result<Arc<dyn Lease>, PortError>;

    /// Who holds the lease now; none: nobody.
    async fn show(&self, scope: &Scope) -> Result<Option<HeldLock>, PortError>;

    /// Takes the lease away from who holds it, if that is still who was `shown`;
    /// whether it was still held. An error of kind `Stale`: it was taken anew
    /// meanwhile, and is not touched.
    async fn break_held(&self, scope: &Scope, shown: &HeldLock) -> Result<bool, PortError>;
}

/// A lock that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLock {
    /// Who, as they named themselves.
    pub holder: String,
    /// Since when, if it says.
    pub since: Option<Timestamp>,
    /// The last heartbeat; none: it has none, or does not say.
    pub renewed: Option<Timestamp>,
    /// Its holder is taken for dead: the next apply takes it.
    pub expired: bool,
    /// Where it lies, for people: `Lease default/floodway-prod.inference`.
    pub place: String,
    /// Tells this holding of it from every other: a renewal keeps it, taking the
    /// lock anew does not.
    pub identity: String,
}

/// What became of a heartbeat of a lock that is still ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// The lock is extended.
    Done,
    /// It is not, for this reason; and it is ours for a while yet.
    Missed(PortError),
}

/// A held lock. Dropping it without `release` lets it run out by itself.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Extends it. An error of kind `Stale`: another has it, or nobody; of any other
    /// kind: for too long it could not be extended. Either way writing must stop.
    async fn renew(&self) -> Result<Renewal, PortError>;
    /// Gives it back.
    async fn release(&self) -> Result<(), PortError>;
}

/// Answers PromQL.
#[async_trait]
pub trait Measure: Send + Sync {
    /// The server, for people: its URL.
    fn server(&self) -> &str;

    /// What `query` is now, as the server's own clock has it; of each series its
    /// one sample. A series that has ended is not in the answer.
    async fn instant(&self, query: &str) -> Result<Answer, MeasureError>;

    /// What `query` was at each point of `range`, which is one of those that
    /// [`Range::parts`] gives.
    async fn range(&self, query: &str, range: &Range) -> Result<Answer, MeasureError>;

    /// Since when the server runs; none: it does not say. After a restart what it
    /// knows may begin with it.
    async fn started(&self) -> Result<Option<Timestamp>, MeasureError> {
        Ok(None)
    }
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
    /// None where there is nothing to lock; two sides of one place share theirs.
    pub lock: Option<Arc<dyn Lock>>,
    /// Where controllers are told which of them leads; as `lock`.
    pub leadership: Option<Arc<dyn Lock>>,
    /// None where units are not drained by this side.
    pub drain: Option<Arc<dyn Drain>>,
    /// None where operators cannot say anything by hand.
    pub hands: Option<Arc<dyn KeepHands>>,
    /// None where a controller can note nothing.
    pub notes: Option<Arc<dyn KeepNotes>>,
    /// None where nobody could see it.
    pub tell: Option<Arc<dyn Tell>>,
    /// None where calls are not counted.
    pub calls: Option<Arc<Calls>>,
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
