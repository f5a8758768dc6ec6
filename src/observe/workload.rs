//! What runs: replicas, instances and nodes, with their health.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The units (pods of a Deployment, instances of a group) behind one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// How many are asked for.
    pub desired: u32,
    /// Stopped ones beside it, which start sooner than new ones.
    #[serde(default)]
    pub warm: u32,
    /// Exist, in any state.
    pub existing: u32,
    /// Of those, beyond what is asked for and protected: each ends when it is
    /// named, and not before.
    #[serde(default)]
    pub surplus: u32,
    /// Of the newest template.
    pub updated: u32,
    /// Serve.
    pub ready: u32,
    /// Exist or are asked for, and do not serve yet.
    pub pending: u32,
    /// The newest shape has been seen by its controller.
    pub observed: bool,
    /// Its controller has given the rollout up: nothing has moved for longer
    /// than it may take.
    #[serde(default)]
    pub stalled: bool,
    /// Why units do not become ready, most telling first.
    pub problems: Vec<Problem>,
    /// One by one, where they have names that stay: the instances of a group.
    #[serde(default)]
    pub units: Vec<Unit>,
    /// Out of service after a drain that was given up, and none of those above:
    /// each is paid for until somebody ends it.
    #[serde(default)]
    pub kept: Vec<Unit>,
    /// What replaces them one by one, where that was looked at and is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Refresh>,
    /// Launches that failed, where units are missing because of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
}

/// Launches that failed, and that no other has made good since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// How many units are missing.
    pub units: u32,
    /// When the last one failed; none: the place does not say.
    pub at: Option<Timestamp>,
}

/// An instance refresh that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// Its ID.
    pub id: String,
    /// How far it is, in percent.
    pub percent: u32,
    /// It is being cancelled, or goes back.
    pub ends: bool,
    /// It brings a policy or template of its own: the group's cannot change meanwhile.
    pub configured: bool,
    /// The version of the template that stands in there; none: the group's own.
    pub to: Option<String>,
    /// What the place says of it.
    pub reason: Option<String>,
}

impl std::fmt::Display for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ends = if self.ends { ", it is being taken back" } else { "" };
        let reason = self.reason.iter().map(|reason| format!(", {reason}")).collect::<String>();
        write!(f, "{}, {}%{ends}{reason}", self.id, self.percent)
    }
}

impl Workload {
    /// Everything asked for serves in its newest shape, and nothing old is left.
    pub fn is_settled(&self) -> bool {
        self.observed
            && self.ready >= self.desired
            && self.updated >= self.desired
            && self.existing == self.desired + self.surplus
    }

    /// Its newest shape has arrived: nothing old is left, and some of it serves.
    /// What an autoscaler has just asked for may still be on its way.
    pub fn is_rolled_out(&self) -> bool {
        self.observed
            && self.updated >= self.desired
            && self.existing <= self.updated.max(self.desired)
            && (self.ready > 0 || self.desired == 0)
    }
}

/// One instance of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its name: an instance's ID.
    pub name: String,
    /// It serves.
    pub ready: bool,
    /// It is on its way out.
    pub ending: bool,
    /// The version of its template that it was started from; none where that is
    /// not known, or where somebody has set the unit aside.
    #[serde(default)]
    pub version: Option<String>,
    /// Somebody has taken it out of service and keeps it (Standby): it is none of what
    /// is asked for, and not Floodway's to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub set_aside: bool,
    /// Its instance type, if the place says.
    #[serde(default)]
    pub instance_type: Option<String>,
    /// A lifecycle hook of Floodway's holds it, until somebody says go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Wait>,
    /// Where it is reached, of one that stands alone, if that was asked for and is
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// When its place takes it back: a spot notice, if such were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<Timestamp>,
}

/// What an instance waits for in a lifecycle hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// To be put in service.
    ToServe,
    /// To be terminated.
    ToEnd,
}

/// Why a unit does not become ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of trouble.
    pub kind: ProblemKind,
    /// How many units have it.
    pub units: u32,
    /// What the place itself says of it.
    pub message: String,
}

/// The troubles that have a name and a next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The image cannot be pulled.
    ImagePull,
    /// The container ends and is started again and again.
    CrashLoop,
    /// No node has room: GPUs, cpu, memory, taints, labels.
    Unschedulable,
    /// The place refuses to create the unit: quota, limits, Pod Security.
    Refused,
    /// AWS has no capacity of this offering now.
    InsufficientCapacity,
    /// Started, not ready yet.
    Starting,
    /// Anything else.
    Other,
}

/// One node, on-prem or burst.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The ID of the instance that it is, where its provider says.
    #[serde(default)]
    pub instance: Option<String>,
    /// Since when Floodway drains it.
    #[serde(default)]
    pub draining: Option<Timestamp>,
    /// Its labels: which pool it serves is told by them.
    pub labels: BTreeMap<String, String>,
    /// What keeps pods away that do not tolerate it.
    #[serde(default)]
    pub taints: Vec<Taint>,
    /// It is Ready and may be scheduled to.
    pub health: Health,
    /// GPUs that may be asked for.
    pub gpus_allocatable: u32,
    /// GPUs that pods have.
    pub gpus_used: u32,
    /// Of those, GPUs of pods that are ready.
    #[serde(default)]
    pub gpus_ready: u32,
    /// GPUs the node has and does not offer.
    pub gpus_unhealthy: u32,
}

/// A taint that forbids placing (`NoSchedule` or `NoExecute`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value, which may be empty.
    pub value: String,
    /// Its effect.
    pub effect: String,
}

/// Whether a node can carry work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Ready and schedulable.
    Ready,
    /// Ready, and closed to new pods.
    Cordoned,
    /// Not ready.
    NotReady,
}
