//! How the instance stands: everything that is known of it, and what follows.

use super::clock::Moment;
use super::drain::{Drain, Load, State};
use super::identity::Identity;
use super::phases::Phases;
use super::watch::Notices;
use std::time::Duration;

/// Everything that is known.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) phases: Phases,
    pub(super) identity: Option<Identity>,
    pub(super) notices: Notices,
    pub(super) engine: Engine,
    pub(super) drain: Drain,
}

/// What the engine says. What is not declared is not asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Engine {
    /// Whether it takes requests; false until it says so.
    pub(super) ready: Option<bool>,
    /// Its load; unknown until it says so.
    pub(super) load: Option<Load>,
    /// The last load that it said.
    last: u64,
}

impl Engine {
    /// One of which this much is declared.
    pub(super) fn declared(ready: bool, load: bool) -> Self {
        Self { ready: ready.then_some(false), load: load.then_some(Load::Unknown), last: 0 }
    }

    fn is_declared(&self) -> bool {
        self.ready.is_some() || self.load.is_some()
    }
}

/// Why an instance takes no work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unready {
    /// Who it is, is not known.
    Unknown,
    /// The engine does not answer, or not that it is ready.
    Engine,
    /// It drains, or has.
    Draining,
    /// The agent ends.
    Stopping,
}

impl Unready {
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Unknown => "the instance metadata service has not said yet who it is",
            Self::Engine => "the engine is not ready",
            Self::Draining => "it takes no new work",
            Self::Stopping => "the agent ends",
        }
    }
}

impl Standing {
    /// Of an instance that has just started.
    pub(super) fn new(phases: Phases, engine: Engine, settle: Duration) -> Self {
        // Where nothing serves, nothing can be on its way.
        let settle = if engine.is_declared() { settle } else { Duration::ZERO };
        Self {
            phases,
            identity: None,
            notices: Notices::default(),
            engine,
            drain: Drain::none(settle),
        }
    }

    /// Why it takes no work; none: it does.
    pub(super) fn unready(&self) -> Option<Unready> {
        match (self.drain.is_stopping(), self.drain.state()) {
            (true, _) => Some(Unready::Stopping),
            (false, State::Draining | State::Drained) => Some(Unready::Draining),
            (false, State::Serving) if self.identity.is_none() => Some(Unready::Unknown),
            (false, State::Serving) => {
                (self.engine.ready == Some(false)).then_some(Unready::Engine)
            }
        }
    }

    /// Marks that it is ready for the first time; true: just now.
    pub(super) fn reach_ready(&mut self, now: Moment) -> bool {
        let first = self.phases.ready.is_none() && self.unready().is_none();
        if first {
            self.phases.ready = Some(now.since_boot);
        }
        first
    }

    /// Requests in flight. Where the engine does not say, what it said last, and at
    /// least one: it may have some.
    pub(super) fn in_flight(&self) -> u64 {
        match (self.drain.state(), self.engine.load) {
            (State::Drained, _) | (_, None) => 0,
            (_, Some(Load::Known(count))) => count,
            (_, Some(Load::Unknown)) => self.engine.last.max(1),
        }
    }

    /// No new work from now on.
    pub(super) fn begin(&mut self, now: Moment) {
        self.drain.begin(now);
        self.without_engine(now);
    }

    /// As [`Self::begin`], and for good.
    pub(super) fn stop(&mut self, now: Moment) {
        self.drain.stop(now);
        self.without_engine(now);
    }

    /// What the engine said when it was asked at `asked`, since boot.
    pub(super) fn heard(&mut self, ready: Option<bool>, load: Load, asked: Duration, now: Moment) {
        self.engine.ready = self.engine.ready.and(ready);
        let load = match &mut self.engine.load {
            Some(known) => {
                *known = load;
                load
            }
            None => Load::Known(0),
        };
        if let Load::Known(count) = load {
            self.engine.last = count;
        }
        self.drain.observe(load, asked, now);
    }

    fn without_engine(&mut self, now: Moment) {
        if !self.engine.is_declared() {
            self.drain.observe(Load::Known(0), now.since_boot, now);
        }
    }
}

#[cfg(test)]
mod tests;
