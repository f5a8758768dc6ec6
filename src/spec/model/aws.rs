//! Burst capacity.

use super::{ByRegion, Count, Quotas};
use crate::id::Name;
use crate::spec::shape::{Account, Region, choice, table};
use crate::units::{Rate, Share, UsdPerHour};
use std::collections::BTreeMap;

choice! {
    /// What stands behind the AWS side.
    pub enum AwsProvider {
        /// An AWS account.
        Aws = "aws",
        /// The embedded simulator.
        Sim = "sim",
    }
}

choice! {
    /// How a burst node serves.
    pub enum Join {
        /// It becomes a Node of the on-prem cluster.
        Kubernetes = "kubernetes",
        /// Its endpoint stands in an EndpointSlice of the stage's Service.
        Standalone = "standalone",
    }
}

table! {
    /// Burst capacity on AWS.
    pub struct Aws {
        /// An account, or the embedded simulator.
        pub provider: AwsProvider = AwsProvider::Aws,
        /// The account's twelve digits; checked before anything is believed.
        pub account: Option<String> as Option<Account>,
        /// The region of every pool that names none.
        pub region: String as Region,
        /// On-demand prices by instance type, for every region or by region;
        /// they win over `prices.csv` beside this file, and that over the list
        /// prices that ship with Floodway.
        pub prices: BTreeMap<String, ByRegion<UsdPerHour>>,
        /// vCPUs that AWS lets the account run at once.
        pub quotas: Quotas,
        /// The pools, by name.
        pub pools: BTreeMap<Name, BurstPool>,
    }
}

table! {
    /// Identical capacity on AWS that one stage bursts into.
    pub struct BurstPool {
        /// The stage that runs here.
        pub stage: Name,
        /// Instances over all groups of the pool: a number, or min and max.
        pub size: Count,
        /// Whether instances join the on-prem cluster or stand alone.
        pub join: Join,
        /// The region; without one, that of `[aws]`.
        pub region: Option<String> as Option<Region>,
        /// Instance types in order of preference.
        pub instance_types: Vec<String>,
        /// Spot instances beside on-demand ones; without it, on-demand alone.
        pub spot: Option<Spot>,
        /// Where instances start.
        pub subnets: Subnets,
        /// The machine image.
        pub image: ImageRef,
        /// What one replica carries inside the SLO on each instance type.
        pub capacity: BTreeMap<String, Rate>,
        /// Replicas on one instance; without it, the instance's GPUs over the
        /// stage's, rounded down. Needed for a stage without GPUs.
        pub replicas_per_node: Option<u32>,
        /// Stopped instances kept ready; of the on-demand groups, since AWS
        /// allows none with spot.
        pub warm_pool: u32 = 0,
    }
}

impl BurstPool {
    /// Replicas of a stage with so many GPUs each that one instance with
    /// `gpus` runs: as declared, else as many as its GPUs suffice for; one of
    /// what needs no GPU.
    pub fn replicas_on(&self, gpus: u32, gpus_per_replica: u32) -> u32 {
        self.replicas_per_node.unwrap_or_else(|| gpus.checked_div(gpus_per_replica).unwrap_or(1))
    }
}

table! {
    /// Spot beside on-demand.
    pub struct Spot {
        /// Share of the instances above `base_on_demand` that are spot.
        pub share: Share,
        /// Instances that are on-demand before any is spot.
        pub base_on_demand: u32 = 0,
    }
}

table! {
    /// Where instances start: these subnets, or those with all these tags.
    pub struct Subnets {
        /// Subnet IDs.
        pub ids: Vec<String>,
        /// Tags that a subnet must have.
        pub tags: BTreeMap<String, String>,
    }
}

table! {
    /// A machine image by name and channel.
    pub struct ImageRef {
        /// The recipe's name.
        pub name: String,
        /// The channel that says which build is used.
        pub channel: String = "stable".to_owned(),
    }
}
