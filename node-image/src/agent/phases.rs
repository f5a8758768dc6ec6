//! When the phases of the boot were over.

use super::clock::{self, Moment};
use super::initrd;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use std::time::Duration;

/// The phases, each by its time since the kernel started. What stands does not
/// change: a phase is over once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phases {
    /// The initrd's; none: it told nothing.
    pub(super) init: Vec<initrd::Phase>,
    /// The agent started.
    pub(super) agent: Duration,
    /// The metadata service answered for the first time.
    pub(super) network: Option<Duration>,
    /// The instance is known.
    pub(super) identity: Option<Duration>,
    /// It takes requests.
    pub(super) ready: Option<Duration>,
}

/// What is told of them: in seconds since the kernel started, to the millisecond.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Told {
    /// When the kernel started, by the wall clock of now, which may have been set
    /// since.
    kernel_started: Timestamp,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    init: Vec<ToldInit>,
    #[serde(serialize_with = "seconds")]
    agent_seconds: Option<Duration>,
    #[serde(serialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    network_seconds: Option<Duration>,
    #[serde(serialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    identity_seconds: Option<Duration>,
    #[serde(serialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    ready_seconds: Option<Duration>,
}

/// A phase of the initrd.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ToldInit {
    name: String,
    #[serde(serialize_with = "seconds")]
    seconds: Option<Duration>,
}

impl Phases {
    /// The agent has started just now.
    pub(super) fn start() -> Self {
        Self {
            init: Vec::new(),
            agent: clock::since_boot(),
            network: None,
            identity: None,
            ready: None,
        }
    }

    /// What is told of them at `now`.
    pub(super) fn told(&self, now: Moment) -> Told {
        let up = SignedDuration::try_from(now.since_boot).unwrap_or_default();
        let kernel = now.wall.checked_sub(up).unwrap_or(now.wall);
        Told {
            kernel_started: Timestamp::from_second(kernel.as_second()).unwrap_or(kernel),
            init: self.init.iter().map(ToldInit::of).collect(),
            agent_seconds: Some(self.agent),
            network_seconds: self.network,
            identity_seconds: self.identity,
            ready_seconds: self.ready,
        }
    }
}

impl ToldInit {
    fn of(phase: &initrd::Phase) -> Self {
        Self { name: phase.name.clone(), seconds: Some(phase.over) }
    }
}

#[expect(clippy::ref_option, reason = "serde's shape")]
fn seconds<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => {
            let milliseconds = u32::try_from(time.as_millis()).map_or(f64::INFINITY, f64::from);
            to.serialize_f64(milliseconds / 1000.0)
        }
        None => to.serialize_none(),
    }
}
