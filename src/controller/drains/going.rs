//! A unit on its way out.

use super::emptied::Emptied;
use crate::clock::Timestamp;
use crate::id::Name;
use crate::observe::{Live, ResourceId};
use crate::plan::Step;
use crate::port::Left;
use crate::units::Span;

/// One of them.
#[derive(Debug, Clone)]
pub struct Going {
    /// The pool it is of.
    pub pool: Name,
    /// Its group.
    pub group: ResourceId,
    pub(super) uid: String,
    /// Since when it is on its way.
    pub since: Timestamp,
    /// It goes because fewer are wanted, and its place in the group's number with it;
    /// else its place takes it back, and its group fills the place again.
    pub leaves: bool,
    /// When its place takes it back, if that has said so.
    pub taken_back: Option<Timestamp>,
    /// It was closed, so that fewer replicas can be asked for.
    pub(super) closed: bool,
    /// For how long it has been emptied; none: not yet.
    pub(super) emptied: Option<Emptied>,
    /// What was left when it was last asked.
    pub left: Option<Left>,
    /// What keeps it from ending though its time is over.
    pub(super) stuck: Option<String>,
}

impl Going {
    /// One that was chosen to go with its place.
    pub(super) fn chosen(pool: &Name, live: &Live, since: Timestamp) -> Self {
        Self {
            pool: pool.clone(),
            group: live.id.clone(),
            uid: live.uid.clone(),
            since,
            leaves: true,
            taken_back: None,
            closed: false,
            emptied: None,
            left: None,
            stuck: None,
        }
    }

    /// One that takes no new work any more.
    pub(super) fn closed(pool: &Name, live: &Live, since: Timestamp) -> Self {
        Self { closed: true, ..Self::chosen(pool, live, since) }
    }

    /// Its group fills its place again.
    pub(super) fn in_its_place(self) -> Self {
        Self { leaves: false, ..self }
    }

    /// Whether it stays where a new one would be launched in its place.
    pub(super) fn stays_if_asked(&self) -> bool {
        self.leaves && self.taken_back.is_none()
    }

    pub(super) fn replaced(&self, units: Vec<String>) -> Step {
        Step::ReplaceUnits { id: self.group.clone(), uid: self.uid.clone(), units }
    }

    /// What ends it, with its place.
    pub(super) fn ends(&self, unit: String, limit: Span) -> Step {
        let (id, uid) = (self.group.clone(), self.uid.clone());
        Step::DrainUnits { id, uid, units: vec![unit], limit }
    }

    /// Whether all that it had is finished.
    pub(in crate::controller) fn is_empty(&self) -> bool {
        self.closed && self.left.as_ref().is_some_and(|left| left.known && left.is_nothing())
    }
}
