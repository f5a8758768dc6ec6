//! Saying what matters where those who look after a thing will see it.

use super::{PortError, Scope};
use crate::observe::ResourceId;
use async_trait::async_trait;

/// Something that has happened, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Notice {
    /// Why, in one word for programs: `ScaledOut`, `InsufficientCapacity`.
    pub reason: &'static str,
    /// What happened, in a sentence.
    pub message: String,
    /// The thing that it happened to.
    pub about: ResourceId,
    /// It may need somebody.
    pub warning: bool,
}

/// Tells what happens beside the things that it happens to. It is not a record: a
/// notice that comes again is counted and not written anew, and too many at once
/// are dropped.
#[async_trait]
pub trait Tell: Send + Sync {
    /// Tells `notice`; whether it was written now, and not only counted or dropped.
    async fn tell(&self, scope: &Scope, notice: &Notice) -> Result<bool, PortError>;
}
