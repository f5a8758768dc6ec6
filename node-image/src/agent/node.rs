//! Where everything that the rooms find meets.

use super::clock::{self, Moment};
use super::drain::State;
use super::log;
use super::standing::{Standing, Unready};
use serde_json::json;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// How the instance stands, shared by all rooms.
#[derive(Debug)]
pub(super) struct Node {
    standing: Mutex<Standing>,
    drained: watch::Sender<bool>,
}

impl Node {
    pub(super) fn new(standing: Standing) -> Self {
        Self { standing: Mutex::new(standing), drained: watch::Sender::new(false) }
    }

    /// Looks at it or changes it; what follows from a change is told.
    pub(super) fn with<T>(&self, step: impl FnOnce(&mut Standing, Moment) -> T) -> T {
        // A step that panicked has left what can be read: each field is whole.
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        let before = (standing.drain.state(), standing.unready());
        let result = step(&mut standing, now);
        self.follow(&mut standing, before, now);
        result
    }

    /// Returns when it is drained; at once if it is.
    pub(super) async fn drained(&self) {
        // The sender is here, so the channel is open.
        let _ = self.drained.subscribe().wait_for(|drained| *drained).await;
    }

    fn follow(&self, standing: &mut Standing, before: (State, Option<Unready>), now: Moment) {
        let (state, unready) = (standing.drain.state(), standing.unready());
        if state != before.0 {
            let in_flight = standing.in_flight();
            log::line("state", &json!({ "state": state, "in_flight": in_flight }));
        }
        if unready != before.1 {
            log::line(
                "readiness",
                &json!({ "ready": unready.is_none(), "why": unready.map(Unready::why) }),
            );
        }
        if standing.reach_ready(now) {
            let instance = standing.identity.as_ref().map(|identity| &identity.instance);
            let phases = standing.phases.told(now);
            log::line("phases", &json!({ "instance": instance, "phases": phases }));
        }
        self.drained.send_if_modified(|known| {
            let drained = state == State::Drained;
            std::mem::replace(known, drained) != drained
        });
    }
}
