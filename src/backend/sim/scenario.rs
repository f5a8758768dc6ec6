//! What kind of world it is, and what happens in it by itself.
//!
//! ```toml
//! seed = 7
//! launch = { median = "3m", p95 = "6m" }   # an instance, from asked to in service
//! start  = { median = "1m", p95 = "2m" }   # a pod, from placed to ready
//! drain  = "30s"                           # a ready unit, from asked to gone
//! missing_images = ["registry.example/broken:1"]
//!
//! [[nodes]]
//! name = "h100"
//! count = 4
//! gpus = 8
//! labels = { gpu = "h100" }
//!
//! [[capacity]]                             # AWS has no more than this
//! instance_type = "p5.48xlarge"
//! capacity_type = "spot"                   # none: of either
//! instances = 2
//!
//! [[spot]]                                 # what an hour of spot costs; without it, nobody says
//! instance_type = "g6e.12xlarge"
//! usd_per_hour = "$4.12/h"
//! zone = "us-east-1b"
//!
//! [[reservations]]                         # without it, one is known by its ID alone
//! id = "cr-0a1b2c3d4e5f67890"
//! instance_type = "p5.48xlarge"
//! zone = "us-east-1b"
//! instances = 4
//! block = true                             # a Capacity Block for ML
//! ends = "2026-12-04T11:30:00Z"
//!
//! [[load]]                                 # what Prometheus would measure; every day the same
//! stage = "inference"
//! at = "9h"                                # after the world's beginning
//! rate = "40 req/s"                        # a straight line from point to point
//!
//! [[faults]]                               # of calls that write
//! kind = "throttled"                       # or "timeout_after_effect", "rejected", "denied"
//! name = "deepseek-inference"              # part of the thing's name
//! calls = 3
//! [[faults]]                               # of calls that list
//! kind = "denied"                          # a gap, in AWS an error; "throttled": no answer at all
//! list = "Service"                         # the kind that is listed; or "Node"
//! calls = 1
//!
//! [[events]]
//! at = "10m"
//! set = { kind = "Deployment", name = "deepseek-inference-h100", path = "/spec/replicas", value = 9, by = "kube-controller-manager" }
//! [[events]]
//! at = "15m"
//! unset = { kind = "Service", name = "deepseek-inference", path = "/metadata/labels/app.kubernetes.io~1part-of" }
//! [[events]]
//! at = "20m"
//! node_not_ready = "h100-0"
//! [[events]]
//! at = "30m"                               # a thing of somebody else's, whose name is taken then
//! create = { kind = "Service", name = "deepseek-inference", namespace = "inference", by = "kubectl" }
//! [[events]]
//! at = "40m"
//! delete = { kind = "AutoScalingGroup", name = "demo-g6e-od-g6e.12xlarge" }
//! [[events]]
//! at = "50m"                               # none to be had; without `instances`, no limit again
//! capacity = { instance_type = "g6e.12xlarge", capacity_type = "on-demand", instances = 0 }
//! [[events]]
//! at = "52m"                               # of this share of the spot instances AWS gives notice
//! spot_notice = "50%"
//! [[events]]
//! at = "55m"
//! fault = { kind = "throttled", name = "deepseek", calls = 2 }   # as those of [[faults]]
//! ```

mod event;
mod read;

pub use event::{Actor, CapacityChange, Create, Delete, Event, GpusUnhealthy, Set, Unset};

use crate::clock::Timestamp;
use crate::units::{Cpu, Memory, Rate, Span, UsdPerHour};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A scenario file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// Decides every name and delay.
    pub seed: u64,
    /// Number of the simulated AWS account; none: the environment's.
    pub account: Option<String>,
    /// Nodes that are always there; none: enough for the environment.
    pub nodes: Vec<NodeSet>,
    /// From asked for an instance to its being in service.
    pub launch: Delay,
    /// From a pod's having a node to its being ready.
    pub start: Delay,
    /// From asked to end to gone, for what serves.
    pub drain: Span,
    /// Images that cannot be pulled.
    pub missing_images: BTreeSet<String>,
    /// What AWS has at most.
    pub capacity: Vec<CapacityLimit>,
    /// What an hour of spot costs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spot: Vec<SpotOffer>,
    /// What is reserved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<Reservation>,
    /// The load of stages, as Prometheus would measure it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<LoadPoint>,
    /// Calls that fail.
    pub faults: Vec<Fault>,
    /// What happens by itself, in order of time.
    pub events: Vec<Event>,
}

impl Default for Scenario {
    fn default() -> Self {
        let minutes = |minutes: u64| Span::from_secs(minutes * 60);
        Self {
            seed: 1,
            account: None,
            nodes: Vec::new(),
            // Image and weights baked in: the median of a real fleet.
            launch: Delay { median: minutes(3), p95: minutes(6) },
            start: Delay { median: minutes(1), p95: minutes(2) },
            drain: Span::from_secs(30),
            missing_images: BTreeSet::new(),
            capacity: Vec::new(),
            spot: Vec::new(),
            reservations: Vec::new(),
            load: Vec::new(),
            faults: Vec::new(),
            events: Vec::new(),
        }
    }
}

/// The load of a stage at a time of the world's day. Between two points it moves
/// on a straight line; every day is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadPoint {
    /// The stage.
    pub stage: String,
    /// How long after the world's beginning, on its first day.
    pub at: Span,
    /// Requests per second.
    pub rate: Rate,
}

/// How long something takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// Half of all take no longer.
    pub median: Span,
    /// 19 of 20 take no longer.
    pub p95: Span,
}

impl Delay {
    /// The delay, in milliseconds, that a share `chance` (0..1) is faster than:
    /// straight lines through half the median at 0, the median, and p95. In
    /// whole seconds: what happens at one time is worked out once.
    pub(super) fn at(self, chance: f64) -> u64 {
        let (median, p95) = (self.median.as_secs_f64(), self.p95.as_secs_f64());
        let seconds = if chance < 0.5 {
            median * (0.5 + chance)
        } else {
            median + (p95 - median).max(0.0) * (chance - 0.5) / 0.45
        };
        (seconds.ceil() as u64 * 1000).max(1)
    }
}

/// Equal nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeSet {
    /// They are called `<name>-0`, `<name>-1`, …
    pub name: String,
    /// How many.
    pub count: u32,
    /// GPUs of each.
    pub gpus: u32,
    /// Processors of each.
    pub cpu: Cpu,
    /// Memory of each.
    pub memory: Memory,
    /// Labels of each.
    pub labels: BTreeMap<String, String>,
}

impl Default for NodeSet {
    fn default() -> Self {
        Self {
            name: "node".to_owned(),
            count: 1,
            gpus: 0,
            cpu: Cpu::from_millis(192_000),
            memory: Memory::from_bytes(2 << 40),
            labels: BTreeMap::new(),
        }
    }
}

/// What AWS has at most of one offering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityLimit {
    /// The type.
    pub instance_type: String,
    /// None: each of them.
    #[serde(default)]
    pub capacity_type: Option<CapacityType>,
    /// So many instances at once.
    pub instances: u32,
}

/// What an hour of spot costs, whenever it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpotOffer {
    /// The type.
    pub instance_type: String,
    /// Of one instance.
    pub usd_per_hour: UsdPerHour,
    /// The zone that it is of; its region is the zone's.
    pub zone: String,
}

/// Capacity that is reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// Its ID.
    pub id: String,
    /// Its type.
    pub instance_type: String,
    /// Its zone.
    pub zone: String,
    /// Instances that it holds.
    pub instances: u32,
    /// A capacity block.
    #[serde(default)]
    pub block: bool,
    /// When it ends; none: it does not.
    #[serde(default)]
    pub ends: Option<Timestamp>,
}

/// How an instance is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityType {
    /// Cheaper, and taken back at will.
    Spot,
    /// At list price.
    OnDemand,
}

impl CapacityType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::OnDemand => "on-demand",
        }
    }
}

/// Calls that fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// How.
    pub kind: FaultKind,
    /// Part of the name of the thing that is written; empty: any.
    #[serde(default)]
    pub name: String,
    /// The kind whose list fails; none: calls that write do.
    #[serde(default)]
    pub list: Option<String>,
    /// The first so many of them.
    pub calls: u32,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Too many calls; nothing was done.
    Throttled,
    /// It was done, and the answer got lost.
    TimeoutAfterEffect,
    /// The place refuses it.
    Rejected,
    /// The verb is forbidden.
    Denied,
}

impl Scenario {
    /// Tells scenarios apart.
    pub(super) fn digest(&self) -> String {
        // Plain data: serde_json has nothing to refuse.
        let text = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}
