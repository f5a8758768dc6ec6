//! The words of a decision.

use crate::id::Name;
use crate::spec::{BootMode, BurstPool, Origins, Price};
use crate::units::{Rate, UsdPerHour};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Why something is as it is: the TOML line, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Key in the environment: `onprem.pools.h100.replicas`.
    pub key: Option<String>,
    /// `environments/prod.toml:41`, where the key has a line.
    pub at: Option<String>,
    /// In words, without the place: `replicas = 12`, `220 req/s ÷ 18 req/s per replica`.
    pub text: String,
}

impl Reason {
    /// A reason that points at the TOML line of `key`.
    pub fn at(origins: &Origins, key: impl Into<String>, text: impl Into<String>) -> Self {
        let key = key.into();
        let at = origins.origin(&key).map(|place| format!("{}:{}", place.file, place.line));
        Self { key: Some(key), at, text: text.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.at {
            Some(at) => write!(f, " ({at})"),
            None => Ok(()),
        }
    }
}

/// Who sets a pool's desired capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesiredOwner {
    /// A number, or a demand to carry, in the TOML.
    Git,
    /// The HorizontalPodAutoscaler.
    Hpa,
    /// `floodway run`.
    Controller,
}

impl fmt::Display for DesiredOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Git => "git",
            Self::Hpa => "the HPA",
            Self::Controller => "the controller",
        })
    }
}

/// Spot or on-demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityType {
    /// Paid by the hour, kept until given back.
    OnDemand,
    /// Cheaper, taken back with two minutes' notice.
    Spot,
    /// Paid in advance, from one date to another.
    CapacityBlock,
}

impl CapacityType {
    /// As Karpenter and the tags of groups write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
            Self::CapacityBlock => "capacity-block",
        }
    }

    /// What a group says it is; on demand, where it says nothing else.
    pub fn named(text: &str) -> Self {
        match text {
            "spot" => Self::Spot,
            "capacity-block" => Self::CapacityBlock,
            _ => Self::OnDemand,
        }
    }
}

/// What runs in a pool now, as far as a decision needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supply {
    /// By on-prem pool.
    pub onprem: BTreeMap<Name, OnPremSupply>,
    /// By burst pool and group.
    pub burst: BTreeMap<Name, Vec<SupplyGroup>>,
    /// The instance types that meet a burst pool's requirements.
    pub matching: BTreeMap<Name, Vec<String>>,
}

/// Live replicas of an on-prem pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnPremSupply {
    /// Asked for now.
    pub desired: u32,
    /// Serving.
    pub ready: u32,
}

/// Live instances of a burst pool's group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupplyGroup {
    /// Its own name.
    pub name: String,
    /// Who carries on for it, where a plan that was begun says so: that one's
    /// name, and how many it then has.
    pub passed_on: Option<(String, u32)>,
    /// Its types are not named: AWS finds them by what they have.
    pub by_requirements: bool,
    /// The instance types that it may start, the best first.
    pub instance_types: Vec<String>,
    /// Spot or on-demand.
    pub capacity_type: CapacityType,
    /// AWS region.
    pub region: String,
    /// Asked for now.
    pub desired: u32,
    /// It may ask for so many, as its place has it now; none: its place does not say.
    pub max: Option<u32>,
    /// Beyond those: each ends when it is named, and not before.
    pub surplus: u32,
    /// In service.
    pub ready: u32,
    /// Instances that are not on their way out, by type; those of an unknown
    /// type are in none.
    pub running: BTreeMap<String, u32>,
    /// Instances out of service that are paid for until somebody ends them, by
    /// type.
    pub kept: BTreeMap<String, u32>,
}

impl SupplyGroup {
    /// Asked for, and beyond that what stays until it is named.
    pub fn runs(&self) -> u32 {
        self.desired.saturating_add(self.surplus)
    }
}

/// The capacity that each pool should have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// By pool, on-prem and burst.
    pub pools: BTreeMap<Name, PoolDecision>,
    /// What users should know and nothing acts on.
    pub notes: Vec<Reason>,
}

/// One pool's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolDecision {
    /// The stage it serves.
    pub stage: Name,
    /// On-prem or burst, with what only that has.
    pub kind: PoolKind,
    /// Who sets desired.
    pub owner: DesiredOwner,
    /// Bounds, in units: replicas on-prem, instances in a burst pool.
    pub min: u32,
    /// See `min`.
    pub max: u32,
    /// Units wanted: git's number; for a runtime owner what is live, within
    /// the bounds, or `min` where nothing is.
    pub desired: u32,
    /// Units that are asked for now; none: the pool does not exist yet.
    pub live: Option<u32>,
    /// Inside the SLO, per unit (of a burst pool: of its first type).
    pub capacity_per_unit: Rate,
    /// GPUs per unit.
    pub gpus_per_unit: u32,
    /// Why this many, first the deciding one.
    pub reasons: Vec<Reason>,
}

/// What kind of pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// A Deployment on nodes that are there anyway.
    OnPrem,
    /// Groups of instances, in order of preference.
    Burst(Vec<BurstGroup>),
}

/// One Auto Scaling group of a burst pool: one capacity type, and instance types
/// that carry the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BurstGroup {
    /// Its types are not named: AWS finds them by what they have.
    pub by_requirements: bool,
    /// What it may start, the best first: AWS chooses among them. By
    /// requirements, what met them when the plan was made, the cheapest first.
    pub types: Vec<GroupType>,
    /// How all of them boot; where AWS finds the types, how those boot that were found.
    #[serde(default)]
    pub boot_mode: BootMode,
    /// Spot or on-demand.
    pub capacity_type: CapacityType,
    /// AWS region.
    pub region: String,
    /// The group's own max: the pool's.
    pub max: u32,
    /// Instances wanted of this group.
    pub desired: u32,
    /// Pods (or engines) per instance.
    pub replicas_per_node: u32,
    /// Per instance: per replica × replicas per node.
    pub capacity_per_node: Rate,
    /// GPUs of an instance.
    pub gpus_per_node: u32,
}

/// An instance type that a group may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupType {
    /// `g6e.12xlarge`
    pub name: String,
    /// vCPUs of an instance, if known.
    pub vcpus: Option<u32>,
    /// On-demand price of an instance (an upper bound for spot), if known; of a
    /// capacity block, what is declared.
    pub price: Option<Price>,
}

impl BurstGroup {
    /// What an hour of an instance of its best type costs on demand, if known.
    pub fn usd_per_hour(&self) -> Option<UsdPerHour> {
        self.types.first()?.usd_per_hour()
    }

    /// What it is named for: its best type, or `any` that meets requirements.
    pub fn label(&self) -> &str {
        match self.types.first() {
            Some(first) if !self.by_requirements => &first.name,
            _ => BurstPool::ANY,
        }
    }

    /// Whether it may start instances of this type.
    pub fn has_type(&self, name: &str) -> bool {
        self.types.iter().any(|known| known.name == name)
    }

    /// What is declared of a capacity block's instance; no list has its price.
    pub fn block_price(&self) -> Option<&Price> {
        let block = self.capacity_type == CapacityType::CapacityBlock;
        self.types.first().filter(|_| block)?.price.as_ref()
    }
}

impl GroupType {
    /// What an hour of an instance costs on demand, if known.
    pub fn usd_per_hour(&self) -> Option<UsdPerHour> {
        self.price.as_ref().map(|price| price.usd_per_hour)
    }
}
