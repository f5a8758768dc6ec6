//! Whom to call about a unit: the cluster that it has joined, or its own agent.

use crate::controller::alone::Alone;
use crate::controller::aside::bounded;
use crate::controller::lead::Fence;
use crate::plan::{FailureKind, PortError};
use crate::port::{Drain, Leaving, Left};
use std::sync::Arc;
use std::time::Duration;

/// Who drains which unit.
#[derive(Clone, Copy)]
pub(in crate::controller) struct By<'a> {
    /// Those that have joined the cluster.
    pub(in crate::controller) joined: Option<&'a Arc<dyn Drain>>,
    /// Those that stand alone.
    pub(in crate::controller) alone: Option<&'a Arc<dyn Drain>>,
    /// Where each of these is reached.
    pub(in crate::controller) agents: &'a Alone,
    /// See [`super::Settings::patience`].
    pub(in crate::controller) patience: Option<Duration>,
    /// Asked before each call: whoever may not write drains nothing either.
    pub(in crate::controller) fence: Option<&'a Fence>,
    /// Something may be there that was not seen: only what its place takes back anyway
    /// goes on.
    pub(in crate::controller) blind: bool,
}

/// Who drains a unit, and as what; none: nobody does, or it has nothing to finish.
type Whom<'a> = Option<(&'a Arc<dyn Drain>, Leaving)>;

impl<'a> By<'a> {
    /// Whom to call about a unit, and as what; nobody drains it, or it has nothing to
    /// finish: none.
    fn whom(&self, unit: &str) -> Result<Whom<'a>, PortError> {
        if self.fence.is_some_and(|fence| !fence.holds()) {
            return Err(PortError {
                kind: FailureKind::Other,
                message: "the lease has run out".to_owned(),
                help: None,
            });
        }
        let Some(leaving) = self.agents.leaving(unit) else {
            return Ok(self.joined.map(|drain| (drain, Leaving::joined(unit))));
        };
        let works = self.agents.was_in_service(unit);
        Ok(self.alone.filter(|_| works).map(|drain| (drain, leaving)))
    }

    /// Whether the cluster tells of a unit, and not its own agent.
    pub(super) fn is_joined(&self, unit: &str) -> bool {
        self.agents.leaving(unit).is_none()
    }

    /// Tells a unit that new work may come again.
    pub(in crate::controller) async fn reopen(&self, unit: &str) -> Result<(), PortError> {
        match self.whom(unit)? {
            None => Ok(()),
            Some((drain, leaving)) => bounded(self.patience, drain.undo(&leaving)).await,
        }
    }

    pub(super) async fn ask(&self, unit: &str, closed: bool) -> Result<Left, PortError> {
        match self.whom(unit)? {
            None => Ok(Left::default()),
            Some((drain, leaving)) if closed => bounded(self.patience, drain.begin(&leaving)).await,
            // Its endpoint goes first: what is on its way by then is still taken.
            Some(_) if !self.is_joined(unit) => Ok(Left { known: true, ..Left::default() }),
            Some((drain, leaving)) => bounded(self.patience, drain.close(&leaving)).await,
        }
    }
}
