//! The states of a drain: serving, draining, drained. Pure: what happens and when
//! is given.

use super::clock::Moment;
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// Whether the instance takes work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It does.
    Serving,
    /// Not any more, and it still answers requests.
    Draining,
    /// Not any more, and it has none.
    Drained,
}

/// Requests that the engine still answers, those that wait too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// So many.
    Known(u64),
    /// Nobody says.
    Unknown,
}

/// A drain, begun or not.
#[derive(Debug, Clone)]
pub(super) struct Drain {
    /// How long nothing must be in flight before it is drained.
    settle: Duration,
    state: State,
    /// When the state began, if somebody began it.
    since: Option<Timestamp>,
    /// When the drain began, since boot.
    began: Duration,
    /// Since when nothing has been in flight, since boot.
    quiet: Option<Duration>,
    /// The agent ends: nothing takes the drain back.
    stopping: bool,
}

impl Drain {
    /// None, and one that is drained after nothing was in flight for `settle`.
    pub(super) fn none(settle: Duration) -> Self {
        Self {
            settle,
            state: State::Serving,
            since: None,
            began: Duration::ZERO,
            quiet: None,
            stopping: false,
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        self.since
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// No new work from `now` on. One that has begun goes on as it is.
    pub(super) fn begin(&mut self, now: Moment) {
        if self.state == State::Serving {
            self.state = State::Draining;
            self.since = Some(now.wall);
            self.began = now.since_boot;
            self.quiet = None;
        }
    }

    /// As [`Self::begin`], and for good.
    pub(super) fn stop(&mut self, now: Moment) {
        self.begin(now);
        self.stopping = true;
    }

    /// Takes work again, unless the agent ends.
    pub(super) fn undo(&mut self) {
        if !self.stopping {
            self.state = State::Serving;
            self.since = None;
            self.quiet = None;
        }
    }

    /// What is in flight, asked for at `asked` (since boot) and known at `now`. A
    /// load that nobody says is not nothing, and neither is one from before the
    /// drain.
    pub(super) fn observe(&mut self, load: Load, asked: Duration, now: Moment) {
        if self.state != State::Draining || asked < self.began {
            return;
        }
        if load != Load::Known(0) {
            self.quiet = None;
            return;
        }
        let quiet = *self.quiet.get_or_insert(asked);
        if asked.saturating_sub(quiet) >= self.settle {
            self.state = State::Drained;
            self.since = Some(now.wall);
        }
    }
}

#[cfg(test)]
mod tests;
