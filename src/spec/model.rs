//! The resolved environment: every value present, every default filled in.

#![allow(missing_docs)]

use crate::id::Name;
use crate::units::{Cpu, Memory, Rate, Share, Span, UsdPerHour, UsdPerMonth};
use std::collections::BTreeMap;

/// One environment, resolved from its TOML file and the files it extends.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    pub environment: Identity,
    pub slo: Slo,
    pub service: Service,
    pub onprem: Option<OnPrem>,
    pub aws: Option<Aws>,
    pub burst: Burst,
    pub signals: Option<Signals>,
    pub rollout: Rollout,
    pub moved: Vec<Moved>,
}

/// `[environment]`
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    pub name: Name,
    /// The rollout phase that is live; one of `[rollout.phases]`.
    pub phase: Option<Name>,
    /// Destroying asks for the name.
    pub protected: bool,
    /// How many things one apply may destroy; default 0 ... see spec.
    pub max_destroy: u32,
}

/// `[slo]`
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    pub availability: Share,
    pub ttft_p99: Option<Span>,
    pub tpot_p99: Option<Span>,
    pub e2e_p99: Option<Span>,
    pub error_rate: Share,
}

/// `[service]`
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub name: Name,
    pub namespace: Name,
    pub model: String,
    pub stages: BTreeMap<Name, Stage>,
}

/// `[service.stages.X]`: one Deployment per pool and one gRPC Service.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    pub image: String,
    /// GPUs of one replica.
    pub gpus: u32,
    pub resources: Resources,
    /// The stage that this one calls, found by DNS.
    pub next: Option<Name>,
    /// Load that git wants carried: on-prem first, then burst by price.
    pub demand: Option<Rate>,
    /// gRPC port; default 50051.
    pub port: u16,
    /// Largest gRPC message; default 100Mi.
    pub max_message: Memory,
    /// Time a replica may take to load its weights before it is restarted.
    pub startup: Span,
    /// Time a replica gets to finish its requests.
    pub drain: Span,
    pub args: Vec<String>,
    /// Plain settings; never secrets.
    pub env: BTreeMap<String, String>,
}

/// Requests and limits of one replica, beside its GPUs.
#[derive(Debug, Clone, PartialEq)]
pub struct Resources {
    pub cpu: Cpu,
    pub memory: Memory,
}

/// Which implementation stands behind a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPremProvider {
    Kubernetes,
    Sim,
}
/// See [`OnPremProvider`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsProvider {
    Aws,
    Sim,
}

/// `[onprem]`
#[derive(Debug, Clone, PartialEq)]
pub struct OnPrem {
    pub provider: OnPremProvider,
    /// kubeconfig context; none: the current one, or in-cluster.
    pub context: Option<String>,
    /// UID of the cluster's `kube-system` namespace.
    pub cluster_uid: Option<String>,
    pub pools: BTreeMap<Name, OnPremPool>,
}

/// A number, or bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// `replicas = 12`
    Fixed(u32),
    /// `replicas = { min = 3, max = 20 }`
    Between { min: u32, max: u32 },
}

/// `[onprem.pools.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct OnPremPool {
    pub stage: Name,
    pub replicas: Count,
    /// Per replica, inside the SLO.
    pub capacity: Rate,
    pub hpa: Option<Hpa>,
    pub node_selector: BTreeMap<String, String>,
    pub tolerations: Vec<Toleration>,
}

/// Targets per replica.
#[derive(Debug, Clone, PartialEq)]
pub struct Hpa {
    pub cpu: Option<Share>,
    pub requests_per_second: Option<u32>,
}

/// As in a pod spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Toleration {
    pub key: String,
    pub value: Option<String>,
    pub effect: Option<String>,
}

/// `[aws]`
#[derive(Debug, Clone, PartialEq)]
pub struct Aws {
    pub provider: AwsProvider,
    pub account: Option<String>,
    /// Of every pool that names none.
    pub region: String,
    /// Declared on-demand prices; they win over the shipped table.
    pub prices: BTreeMap<String, UsdPerHour>,
    pub pools: BTreeMap<Name, BurstPool>,
}

/// How a burst node serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    Kubernetes,
    Standalone,
}

/// `[aws.pools.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct BurstPool {
    pub stage: Name,
    /// Instances, over all groups of the pool.
    pub size: Count,
    pub join: Join,
    /// None: `[aws] region`.
    pub region: Option<String>,
    /// In order of preference.
    pub instance_types: Vec<String>,
    pub spot: Option<Spot>,
    pub subnets: Subnets,
    pub image: ImageRef,
    /// Per replica on each instance type.
    pub capacity: BTreeMap<String, Rate>,
    /// Needed for a stage without GPUs; else ⌊GPUs ÷ the stage's gpus⌋.
    pub replicas_per_node: Option<u32>,
    pub warm_pool: u32,
}

/// Spot beside on-demand.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    pub share: Share,
    pub base_on_demand: u32,
}

/// Where instances start.
#[derive(Debug, Clone, PartialEq)]
pub struct Subnets {
    pub ids: Vec<String>,
    pub tags: BTreeMap<String, String>,
}

/// Image name and channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRef {
    pub name: String,
    pub channel: String,
}

/// `[burst]`
#[derive(Debug, Clone, PartialEq)]
pub struct Burst {
    pub target_utilization: Share,
    pub forecast: ForecastPolicy,
    pub scale_in: ScaleIn,
    pub budget: Option<Budget>,
}

/// How far and how cautiously to look ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastPolicy {
    pub horizon: Span,
    /** 0 < q < 1, as a share */
    pub quantile: Share,
}

/// When capacity may go.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleIn {
    pub stabilization: Span,
    pub drain: Span,
}

/// The most that burst may cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    pub usd_per_hour: Option<UsdPerHour>,
    pub usd_per_month: Option<UsdPerMonth>,
}

/// `[signals]`
#[derive(Debug, Clone, PartialEq)]
pub struct Signals {
    pub prometheus: String,
    pub demand: Option<String>,
}

/// `[rollout]`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rollout {
    pub phases: BTreeMap<Name, Phase>,
}

/// `[rollout.phases.X]`
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    pub order: u32,
    pub window: Option<String>,
    pub summary: Option<String>,
}

/// `[[moved]]`: a pool was renamed; its instances stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    pub from: String,
    pub to: String,
}
