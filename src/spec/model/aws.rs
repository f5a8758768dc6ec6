//! Burst capacity.

use super::{ByRegion, Count, Profile, Quotas, Requirements, Reservation};
use crate::id::Name;
use crate::units::{Memory, Rate, Share, Span, UsdPerHour};
use common::shape::{Account, Bucket, Port, Region, RoleArn, choice, table};
use std::collections::{BTreeMap, BTreeSet};

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

choice! {
    /// What becomes of instances that run an older version of their template.
    pub enum RefreshRule {
        /// They stay until somebody or something else ends them.
        Manual = "manual",
        /// An instance refresh replaces them.
        Rolling = "rolling",
    }
}

table! {
    /// Burst capacity on AWS.
    pub struct Aws {
        /// An account, or the embedded simulator.
        pub provider: AwsProvider = AwsProvider::Aws,
        /// The account's twelve digits; checked before anything is believed.
        pub account: Option<String> as Option<Account>,
        /// The profile of the AWS configuration whose credentials are used;
        /// without it, what the environment of the command offers.
        pub profile: Option<String>,
        /// A role to assume with them.
        pub role: Option<String> as Option<RoleArn>,
        /// The region of every pool that names none.
        pub region: String as Region,
        /// Further regions to look in beside those of the pools: one whose last
        /// pool is gone from the file stays here until its groups are gone too.
        pub regions: Vec<String> as Vec<Region>,
        /// Where an environment without a cluster keeps its lock; one with a
        /// cluster keeps it there.
        pub lock: Option<LockBucket>,
        /// How the instances of all pools start; a pool says what is different.
        pub launch: Launch,
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
    /// A bucket in which the lock is an object, written under conditions.
    pub struct LockBucket {
        /// Its name.
        pub bucket: String as Bucket,
        /// Its region; without one, that of `[aws]`.
        pub region: Option<String> as Option<Region>,
        /// Which controller leads is told there too where there is a cluster: for
        /// controllers outside it, which go on when it does not answer.
        pub leads: bool = false,
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
        /// Instance types in order of preference. Those of equal capacity,
        /// replicas and GPUs share a group, in which AWS chooses.
        pub instance_types: Vec<String>,
        /// In their place, what an instance must have.
        pub requirements: Option<Requirements>,
        /// Spot instances beside on-demand ones; without it, on-demand alone.
        pub spot: Option<Spot>,
        /// Capacity that is reserved for it; without it, what AWS has.
        pub reservation: Option<Reservation>,
        /// Where instances start.
        pub subnets: Selector,
        /// How they start, key by key, where it is not as `[aws.launch]` says.
        pub launch: Launch,
        /// The machine image.
        pub image: ImageRef,
        /// What one replica carries inside the SLO on each instance type; with
        /// `requirements`, on `any`.
        pub capacity: BTreeMap<String, Rate>,
        /// How the engine of one replica answers, by the keys of `capacity`;
        /// where the tokens of the load are measured, what it carries follows
        /// from this and the SLO.
        pub profile: BTreeMap<String, Profile>,
        /// Replicas on one instance; without it, the instance's GPUs over the
        /// stage's, rounded down. Needed for a stage without GPUs.
        pub replicas_per_node: Option<u32>,
        /// Stopped instances kept ready; of the on-demand groups, since AWS
        /// allows none with spot.
        pub warm_pool: u32 = 0,
        /// How running instances follow a change of what they start from.
        pub refresh: Refresh,
    }
}

impl BurstPool {
    /// The key of `capacity` that stands for all instances that meet the
    /// requirements.
    pub const ANY: &str = "any";

    /// What one replica carries on an instance of this type.
    pub fn capacity_on(&self, instance_type: &str) -> Rate {
        let key = if self.requirements.is_some() { Self::ANY } else { instance_type };
        self.capacity.get(key).copied().unwrap_or_default()
    }

    /// Replicas of a stage with so many GPUs each that one instance with
    /// `gpus` runs: as declared, else as many as its GPUs suffice for; one of
    /// what needs no GPU.
    pub fn replicas_on(&self, gpus: u32, gpus_per_replica: u32) -> u32 {
        self.replicas_per_node.unwrap_or_else(|| gpus.checked_div(gpus_per_replica).unwrap_or(1))
    }
}

table! {
    /// How running instances follow a change of what they start from.
    pub struct Refresh {
        /// Whether an apply replaces them.
        pub rule: RefreshRule = RefreshRule::Manual,
        /// The share of a group that serves meanwhile; with less than all,
        /// instances may end before others serve in their place.
        pub min_healthy: Share = Share::ALL,
        /// Shares of a group after which the refresh pauses.
        pub checkpoints: Vec<Share>,
        /// How long it pauses there.
        pub checkpoint_delay: Span = Span::from_secs(3600),
        /// CloudWatch alarms that end the refresh and bring back what was
        /// before. The groups then hold to a version of their template until a
        /// refresh moves them on.
        pub alarms: Vec<String>,
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
    /// Things of one kind in the account: these, or those with all these tags.
    pub struct Selector {
        /// Their IDs.
        pub ids: Vec<String>,
        /// Tags that each must have.
        pub tags: BTreeMap<String, String>,
    }
}

impl Selector {
    /// Whether it chooses nothing.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.tags.is_empty()
    }
}

table! {
    /// How instances start.
    pub struct Launch {
        /// The instance profile whose role the instances have, by name.
        pub instance_profile: Option<String>,
        /// Their security groups; without any, the VPC's own.
        pub security_groups: Selector,
        /// Their root volume.
        pub volume: Volume,
        /// Whether they have Elastic Fabric Adapters: on all network cards on
        /// which every instance type of the pool has one. Without a value, where
        /// every type has one.
        pub efa: Option<bool>,
        /// Whether the image's agent completes the launch hook when its engine
        /// serves: an instance that does not is then given up. Without it, an
        /// instance counts as soon as it runs. Without a value, it does.
        pub launch_hook: Option<bool>,
        /// The port on which the image's agent answers the node protocol, of
        /// instances that stand alone; without one, 9470.
        pub agent_port: Option<u16> as Option<Port>,
        /// Whether an on-demand instance whose drain is not completed in time is
        /// kept, out of service, until somebody ends it; it is paid for until
        /// then. Without a value, it is terminated.
        pub retain: Option<bool>,
    }
}

table! {
    /// An encrypted gp3 volume.
    pub struct Volume {
        /// Its size; without one, 200Gi.
        pub size: Option<Memory>,
        /// Operations per second; without a value, the 3,000 that gp3 includes.
        pub iops: Option<u32>,
        /// MiB per second; without a value, the 125 that gp3 includes.
        pub throughput: Option<u32>,
        /// The KMS key it is encrypted with; without one, the account's own.
        pub kms_key: Option<String>,
    }
}

table! {
    /// A machine image: by name and channel, by an SSM parameter, or by its ID.
    pub struct ImageRef {
        /// The recipe's name, under which its builds are published.
        pub name: Option<String>,
        /// The channel that says which build is used, in the SSM parameter
        /// `/floodway/images/NAME/channels/CHANNEL` of the pool's region.
        pub channel: String = "stable".to_owned(),
        /// The SSM parameter that holds the image's ID.
        pub ssm: Option<String>,
        /// The image's ID.
        pub id: Option<String>,
    }
}

impl Launch {
    /// Where the agents of images answer that declare nothing else.
    pub const AGENT_PORT: u16 = 9470;
}

impl Aws {
    /// The region of a pool.
    pub fn region_of<'a>(&'a self, pool: &'a BurstPool) -> &'a str {
        pool.region.as_deref().unwrap_or(&self.region)
    }

    /// Every region that something of the environment may be in.
    pub fn all_regions(&self) -> BTreeSet<&str> {
        let named = [&self.region].into_iter().chain(&self.regions).map(String::as_str);
        named.chain(self.pools.values().map(|pool| self.region_of(pool))).collect()
    }

    /// Where the agents of a pool's instances answer.
    pub fn agent_port(&self, pool: &BurstPool) -> u16 {
        self.launch_of(pool).agent_port.unwrap_or(Launch::AGENT_PORT)
    }

    /// How the instances of a pool start.
    pub fn launch_of(&self, pool: &BurstPool) -> Launch {
        let (own, all) = (&pool.launch, &self.launch);
        let own_groups = !own.security_groups.is_empty();
        Launch {
            instance_profile: own.instance_profile.clone().or(all.instance_profile.clone()),
            security_groups: if own_groups { &own.security_groups } else { &all.security_groups }
                .clone(),
            volume: Volume {
                size: own.volume.size.or(all.volume.size),
                iops: own.volume.iops.or(all.volume.iops),
                throughput: own.volume.throughput.or(all.volume.throughput),
                kms_key: own.volume.kms_key.clone().or(all.volume.kms_key.clone()),
            },
            efa: own.efa.or(all.efa),
            launch_hook: own.launch_hook.or(all.launch_hook),
            agent_port: own.agent_port.or(all.agent_port),
            retain: own.retain.or(all.retain),
        }
    }
}
