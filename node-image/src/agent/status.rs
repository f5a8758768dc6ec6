//! What the instance says of itself, by the protocol and beyond it: readers ignore
//! fields that they do not know.

use super::clock::{Moment, to_millis};
use super::drain::{Load, State};
use super::identity::Identity;
use super::phases;
use super::standing::{Standing, Unready};
use jiff::Timestamp;
use serde::Serialize;

/// The answer of `/v1/status`.
#[derive(Debug, Serialize)]
pub(super) struct Status<'s> {
    instance: &'s str,
    state: State,
    in_flight: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<Timestamp>,
    // From here on, what the protocol does not know.
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    unready_why: Option<&'static str>,
    identity: &'s Identity,
    #[serde(skip_serializing_if = "Option::is_none")]
    rebalance: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifecycle_state: Option<&'s str>,
    engine: Engine,
    phases: phases::Told,
    agent: &'static str,
}

/// What the engine says; what it is not asked is left out.
#[derive(Debug, Serialize)]
struct Engine {
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
    /// Whether `in_flight` is what the engine says now.
    #[serde(skip_serializing_if = "Option::is_none")]
    load_known: Option<bool>,
}

impl<'s> Status<'s> {
    /// How `standing` is at `now`; none: who the instance is, is not known yet.
    pub(super) fn of(standing: &'s Standing, now: Moment) -> Option<Self> {
        let identity = standing.identity.as_ref()?;
        let unready = standing.unready();
        Some(Self {
            instance: &identity.instance,
            state: standing.drain.state(),
            in_flight: standing.in_flight(),
            since: standing.drain.since().map(to_millis),
            notice: standing.notices.notice,
            ready: unready.is_none(),
            unready_why: unready.map(Unready::why),
            identity,
            rebalance: standing.notices.rebalance,
            lifecycle_state: standing.notices.lifecycle_state.as_deref(),
            engine: Engine {
                ready: standing.engine.ready,
                load_known: standing.engine.load.map(|load| load != Load::Unknown),
            },
            phases: standing.phases.told(now),
            agent: env!("CARGO_PKG_VERSION"),
        })
    }
}
