//! Everything that a scaling decision may look at.

use super::hold::HoldCause;
use super::memory::Memory;
use super::tuning::Tuning;
use crate::clock::Timestamp;
use crate::decide::PlanningInput;
use crate::forecast::Forecast;
use crate::id::Name;
use crate::observe::{Hands, Market};
use crate::signal::Verdict;
use crate::units::{Rate, Share, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that a scaling decision may look at.
#[derive(Debug, Clone, Copy)]
pub struct ScalingInput<'a> {
    /// What git declares, and which groups there are. While a side cannot be seen
    /// its part of the supply is the last that was seen.
    pub planning: PlanningInput<'a>,
    /// The time of the decision.
    pub now: Timestamp,
    /// The units of every pool.
    pub seen: &'a Seen,
    /// Spot prices and the account's own quotas, as far as they are known.
    pub market: &'a Market,
    /// The load of each stage; of one that is not here nothing is known.
    pub demand: &'a BTreeMap<Name, StageDemand>,
    /// How long launches take, by pool; see [`Delays::declared`].
    pub delays: &'a BTreeMap<Name, Delays>,
    /// What a replica carries of what is declared for it, by pool, where that was
    /// learned; see [`super::worth`].
    pub worth: &'a BTreeMap<Name, Share>,
    /// What operators have said by hand.
    pub hands: &'a Hands,
    /// What burst has cost so far.
    pub spent: Spent,
    /// Whether the controller may do all that it can.
    pub mode: Mode,
    /// Windows and factors.
    pub tuning: &'a Tuning,
    /// What the last decision left.
    pub memory: &'a Memory,
}

/// Whether the controller may do all that it can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It leads, and sees both sides.
    #[default]
    Normal,
    /// The API server does not answer, and this was the last leader: another may
    /// think the same. Numbers then only rise, and each is absolute, so that two
    /// such leaders do not add up.
    KubernetesUnreachable,
    /// The place of the lease, which is not the cluster, does not answer: the same, but
    /// that new nodes can still join.
    LeaseUnreachable,
}

impl Mode {
    /// Whether another may decide at the same time.
    pub fn is_apart(self) -> bool {
        self != Self::Normal
    }

    /// What does not answer; nothing.
    pub const fn silent(self) -> Option<&'static str> {
        match self {
            Self::Normal => None,
            Self::KubernetesUnreachable => Some("the API server"),
            Self::LeaseUnreachable => Some("the bucket of the lease"),
        }
    }

    /// What it holds by.
    pub(super) fn cause(self) -> HoldCause {
        match self {
            Self::LeaseUnreachable => HoldCause::LeaseUnreachable,
            _ => HoldCause::KubernetesUnreachable,
        }
    }
}

/// The load of one stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageDemand {
    /// Requests per second now: the newest value that can be used.
    pub now: Option<f64>,
    /// What to believe of it.
    pub verdict: Verdict,
    /// Requests that wait for a place, all engines together.
    pub waiting: Option<f64>,
    /// What will come, as requests per second.
    pub forecast: Option<Forecast>,
    /// By how much an event that begins before new capacity would be ready is
    /// expected to multiply the load; 1 for none.
    pub factor: f64,
    /// Tokens of a mean request, where they are measured.
    pub tokens: Option<TokenMix>,
    /// What the engines show of how full they are.
    pub served: Served,
}

/// What engines show of how full they are; only what can be believed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Served {
    /// Requests per second that are answered to their end.
    pub finished: Option<f64>,
    /// How long that takes, against what is promised.
    pub latencies: Vec<Latency>,
}

/// A latency that is promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latency {
    /// Which: `ttft_p99`, as `[slo]` calls it.
    pub of: String,
    /// As it was measured.
    pub measured: Span,
    /// As it is promised.
    pub promised: Span,
}

impl StageDemand {
    /// A load that is known, and nothing else.
    pub fn of(requests_per_second: f64) -> Self {
        Self {
            now: Some(requests_per_second),
            verdict: Verdict::Good,
            waiting: None,
            forecast: None,
            factor: 1.0,
            tokens: None,
            served: Served::default(),
        }
    }
}

/// Tokens of a mean request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TokenMix {
    /// Of the prompt.
    pub prompt: f64,
    /// Of the answer.
    pub output: f64,
}

/// The units of every pool. A pool that is not here cannot be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// By pool, on-prem and burst.
    pub pools: BTreeMap<Name, PoolSeen>,
}

/// One pool's units, as they were seen last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolSeen {
    /// When that was; none: never.
    pub at: Option<Timestamp>,
    /// Since when it is looked for, where it was never seen.
    pub since: Option<Timestamp>,
    /// Whether it could be seen for this decision.
    pub visible: bool,
    /// Replicas on-prem; none: the Deployment is not there.
    pub replicas: Option<Units>,
    /// Instances by the name of their group, as the supply has it.
    pub groups: BTreeMap<String, Units>,
    /// Why a unit of it that drains has not finished in its time, and cannot be ended:
    /// a disruption budget keeps pods on it, or it cannot be told.
    pub stuck_drain: Option<String>,
    /// What keeps the autoscaler from raising the number that it owns; none: nothing
    /// that it tells of.
    pub autoscaler: Option<Hindrance>,
}

/// What keeps an autoscaler from raising its number, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// It cannot act at all: it cannot read its metrics, or is not there.
    Cannot(String),
    /// Its own max is reached, and it would ask for more.
    AtMax(String),
}

/// Replicas of a Deployment, or instances of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Units {
    /// Asked for.
    pub desired: u32,
    /// Those that a hook holds at their end: they are of no number any more, and paid for.
    pub ending: u32,
    /// There in any state, those on their way out too.
    pub existing: u32,
    /// Of those, named for their end: each leaves with its place in `desired`.
    pub draining: u32,
    /// Of those, taken back by their place too: they cannot stay.
    pub cannot_stay: u32,
    /// Joined and ready to be given work, without those that are draining.
    pub joined: u32,
    /// Serving, without those that are draining.
    pub serving: u32,
    /// Joined, and serving in part for want of some of their replicas: nothing waits for
    /// the rest, and they are not ended for it; none of those above.
    pub partly: u32,
    /// Joined, and named for their end, but not closed yet: their replicas are still
    /// asked for.
    pub open: u32,
    /// In service where they run, and seen there no more: they had joined, and their
    /// nodes do not answer. One of the two places is wrong, so they are not ended.
    pub away: u32,
    /// Joined, and taken back by their place within minutes; none of those above.
    pub taken_back: u32,
    /// Stopped instances that can be started.
    pub warm: u32,
    /// The place has no capacity for more, or refuses more.
    pub short: Option<Short>,
    /// When the place takes all of them back: the end of a capacity block.
    pub ends: Option<Timestamp>,
}

impl Units {
    /// So many, all of which serve.
    pub fn serving(units: u32) -> Self {
        Self { desired: units, existing: units, joined: units, serving: units, ..Self::default() }
    }

    /// Asked for, without those on their way out.
    pub fn asked(&self) -> u32 {
        self.desired.saturating_sub(self.draining)
    }

    /// Those that nothing is waited for: they serve, or did and are away.
    pub fn at_work(&self) -> u32 {
        self.serving.saturating_add(self.partly).saturating_add(self.away)
    }

    /// There, without those on their way out.
    pub fn there(&self) -> u32 {
        self.existing.saturating_sub(self.draining).max(self.serving.saturating_add(self.partly))
    }
}

/// A launch that failed, or a number that was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Short {
    /// When, if that is known; else it is so now.
    pub at: Option<Timestamp>,
    /// What the place says.
    pub message: String,
    /// It is not for want of capacity: a quota, a permission, a mistake.
    pub refused: bool,
}

/// How long it takes from asking for a unit until it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// Half of them are faster.
    pub median: Span,
    /// 95 of 100 are faster.
    pub p95: Span,
}

/// A pool's launch delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delays {
    /// Of a new unit.
    pub cold: Delay,
    /// Of a stopped instance that is started again.
    pub warm: Delay,
    /// By which a unit that does not serve is given up: a p95 that is not below what
    /// is declared while few launches were measured, for that of a few is no more
    /// than the slowest of them.
    pub slow: Span,
    /// New units whose launch was measured and is remembered; with fewer than
    /// [`Self::FEWEST`] of them `cold` is what is declared.
    #[serde(default)]
    pub measured: u32,
    /// Started ones; the same of `warm`.
    #[serde(default)]
    pub warm_measured: u32,
}

impl Delays {
    /// An instance boots and joins in about so long: of the 12 minutes that a GPU
    /// node takes at p95, what the engine's start leaves.
    const BOOT: Span = Span::from_secs(180);
    /// Launches after which what was measured stands in place of what is declared.
    pub const FEWEST: u32 = 3;

    /// Where nothing is measured yet: a replica takes at most `startup` or is
    /// restarted, and half of that as a rule; an instance boots first. A warm one
    /// boots too, and fetches its weights again.
    pub fn declared(startup: Span, burst: bool) -> Self {
        let boot = if burst { Self::BOOT.millis() } else { 0 };
        let p95 = Span::from_millis(startup.millis().saturating_add(boot));
        let delay = Delay { median: Span::from_millis(p95.millis() / 2), p95 };
        Self::of(delay)
    }

    /// The same of every unit, and nothing of it measured.
    pub fn of(delay: Delay) -> Self {
        Self { cold: delay, warm: delay, slow: delay.p95, measured: 0, warm_measured: 0 }
    }

    /// Whether `cold` was measured; else it is what is declared.
    pub fn is_measured(&self) -> bool {
        self.measured >= Self::FEWEST
    }

    /// Whether `warm` was measured; else it is what is declared.
    pub fn is_warm_measured(&self) -> bool {
        self.warm_measured >= Self::FEWEST
    }

    /// With every time divided by `scale`; one below 1 counts as 1.
    #[must_use]
    pub fn faster(self, scale: u32) -> Self {
        let scale = u64::from(scale.max(1));
        let faster = |span: Span| Span::from_millis(span.millis() / scale);
        let each = |delay: Delay| Delay { median: faster(delay.median), p95: faster(delay.p95) };
        Self { cold: each(self.cold), warm: each(self.warm), slow: faster(self.slow), ..self }
    }
}

/// What burst has cost so far in the running day and month, in UTC, measured by
/// the instances' hours; in millionths of a dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Today.
    pub day_micros: u64,
    /// This month.
    pub month_micros: u64,
}

/// A rate from a measured number; what cannot be is nothing.
pub(super) fn rate(requests_per_second: f64) -> Option<Rate> {
    let right = requests_per_second.is_finite() && requests_per_second >= 0.0;
    right.then(|| Rate::from_millis((requests_per_second * 1000.0).round() as u64))
}
