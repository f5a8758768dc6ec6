//! What templates see: names, numbers and canonical quantities, ready to be
//! written. No secrets: an environment has none.

use serde::Serialize;
use std::collections::BTreeMap;

/// `metadata` of an object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Meta {
    /// Its name.
    pub(super) name: String,
    /// Its namespace; none for what the whole cluster shares.
    pub(super) namespace: Option<String>,
    /// Its labels, membership included.
    pub(super) labels: BTreeMap<String, String>,
}

/// What an object's template sees.
pub(super) trait View: Serialize {
    /// The metadata that the object must come out with.
    fn meta(&self) -> &Meta;
}

macro_rules! views {
    ($($view:ident),*) => {
        $(impl View for $view {
            fn meta(&self) -> &Meta {
                &self.meta
            }
        })*
    };
}
views!(Plain, Parent, PriorityClass, Service, Deployment, Autoscaler, StagePolicy, Alerts);

/// An object that is nothing but its metadata.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Plain {
    /// See there.
    #[serde(flatten)]
    pub(super) meta: Meta,
    /// The environment, for selectors.
    pub(super) environment: String,
}

/// The ApplySet's parent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Parent {
    /// See there.
    #[serde(flatten)]
    pub(super) meta: Meta,
    /// `floodway/v0.1.0`
    pub(super) tooling: String,
    /// Kinds of the members, sorted: `ConfigMap,Deployment.apps`.
    pub(super) group_kinds: String,
    /// How many members there are, beside the parent.
    pub(super) members: usize,
    /// See [`crate::observe::Mark`].
    pub(super) repository: String,
    /// See [`crate::observe::Mark`].
    pub(super) file: String,
}

/// A PriorityClass.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PriorityClass {
    /// See there.
    #[serde(flatten)]
    pub(super) meta: Meta,
    /// Its value.
    pub(super) priority: i32,
    /// For people.
    pub(super) description: String,
}

/// A stage's Service, or a standalone pool's EndpointSlice on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Service {
    /// See there.
    #[serde(flatten)]
    pub(super) meta: Meta,
    /// For the selector.
    pub(super) environment: String,
    /// For the selector.
    pub(super) stage: String,
    /// The Service's name.
    pub(super) service: String,
    /// gRPC.
    pub(super) port: u16,
}

/// A pool's Deployment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Deployment {
    /// See there.
    #[serde(flatten)]
    pub(super) meta: Meta,
    /// For pod labels.
    pub(super) environment: String,
    /// For pod labels.
    pub(super) stage: String,
    /// Only where git owns it.
    pub(super) replicas: Option<u32>,
    /// When a rollout counts as stuck.
    pub(super) progress_deadline_seconds: u64,
    /// How a rollout replaces pods.
    pub(super) strategy: Strategy,
    /// Of the stage.
    pub(super) service_account: String,
    /// Of the environment.
    pub(super) priority_class: String,
    /// From the request to end until the kill.
    pub(super) grace_seconds: u64,
    /// Of these, time in which it still serves new requests.
    pub(super) pre_stop_seconds: u64,
    /// Nodes that it may run on.
    pub(super) node_selector: BTreeMap<String, String>,
    /// Taints that it may run beside.
    pub(super) tolerations: Vec<Toleration>,
    /// Secrets that the image is pulled with, by name.
    pub(super) image_pull_secrets: Vec<String>,
    /// The container's user; none: the image's own, which must not be root.
    pub(super) run_as_user: Option<u32>,
    /// Container image.
    pub(super) image: String,
    /// The image's arguments.
    pub(super) args: Vec<String>,
    /// Sorted by name, each name once.
    pub(super) env: Vec<Variable>,
    /// Secrets whose keys become variables, by name.
    pub(super) env_from: Vec<String>,
    /// gRPC.
    pub(super) port: u16,
    /// Prometheus.
    pub(super) metrics_port: u16,
    /// Canonical: `8`, `500m`.
    pub(super) cpu: String,
    /// Canonical: `64Gi`.
    pub(super) memory: String,
    /// Size of `/tmp`, canonical: `40Gi`.
    pub(super) scratch: String,
    /// That and the container's logs, canonical.
    pub(super) ephemeral_storage: String,
    /// Of one replica; 0: none.
    pub(super) gpus: u32,
    /// Size of `/dev/shm`, canonical, for stages with GPUs.
    pub(super) shared_memory: Option<String>,
    /// How long a replica may take to start.
    pub(super) startup: Startup,
}

/// `spec.strategy.rollingUpdate`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Strategy {
    /// Replicas beyond the wanted number, rounded up.
    pub(super) max_surge: NumberOrPercent,
    /// Replicas that need not serve, rounded down.
    pub(super) max_unavailable: NumberOrPercent,
}

/// What Kubernetes calls IntOrString.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum NumberOrPercent {
    /// `1`
    Number(u32),
    /// `10%`
    Percent(&'static str),
}

/// An entry of `tolerations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Toleration {
    /// The taint's key.
    pub(super) key: String,
    /// `Equal` with a value, else `Exists`.
    pub(super) operator: &'static str,
    /// The taint's value.
    pub(super) value: Option<String>,
    /// The taint's effect; none: any.
    pub(super) effect: Option<String>,
}

/// An entry of `env`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Variable {
    /// Its name.
    pub(super) name: String,
    /// Its value.
    pub(super) value: String,
}

/// `startupProbe`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Startup {
    /// Between two looks.
    pub(super) period_seconds: u64,
    /// So many failures are too many: period × threshold ≥ the stage's startup.
    pub(super) failure_threshold: u64,
}

/// A pool's HorizontalPodAutoscaler.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Autoscaler {
    /// See there.
    #[serde(flatten)]
    pub(super) meta: Meta,
    /// For the metric's selector.
    pub(super) environment: String,
    /// For the metric's selector.
    pub(super) stage: String,
    /// Bounds.
    pub(super) min: u32,
    /// Bounds.
    pub(super) max: u32,
    /// Target utilization of the requested CPU.
    pub(super) cpu_percent: Option<u64>,
    /// Target per replica, a canonical quantity: `14`, `1k`.
    pub(super) requests_per_second: Option<String>,
    /// Scale down only to the highest need of this window.
    pub(super) scale_down_seconds: u64,
}

/// A stage's NetworkPolicy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct StagePolicy {
    /// See there.
    #[serde(flatten)]
    pub(super) meta: Meta,
    /// For selectors.
    pub(super) environment: String,
    /// For selectors.
    pub(super) stage: String,
    /// Stages that call this one; none: gateways do.
    pub(super) callers: Vec<String>,
    /// Address ranges of callers outside the cluster.
    pub(super) callers_outside: Vec<&'static str>,
    /// gRPC.
    pub(super) port: u16,
    /// Prometheus.
    pub(super) metrics_port: u16,
    /// Where Prometheus runs, as far as its URLs name namespaces.
    pub(super) prometheus_namespaces: Vec<String>,
    /// The stage that this one calls.
    pub(super) next: Option<NextStage>,
    /// What else it may connect to.
    pub(super) egress: Vec<Reach>,
}

/// A range of addresses that a stage may connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Reach {
    /// The range.
    pub(super) cidr: String,
    /// Ranges inside it that stay closed.
    pub(super) except: Vec<&'static str>,
    /// TCP.
    pub(super) port: u16,
}

/// The stage that another one calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct NextStage {
    /// Its name.
    pub(super) stage: String,
    /// Its gRPC port.
    pub(super) port: u16,
    /// Address ranges of its replicas outside the cluster.
    pub(super) outside: Vec<&'static str>,
}

/// The alert rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Alerts {
    /// See there.
    #[serde(flatten)]
    pub(super) meta: Meta,
    /// For matchers and labels.
    pub(super) environment: String,
    /// Stage by stage.
    pub(super) stages: Vec<StageAlerts>,
    /// A fraction of the limit: 0.85.
    pub(super) resource_threshold: f64,
    /// A fraction: 0.995.
    pub(super) completion_threshold: f64,
    /// The objective as written: `0.5%`.
    pub(super) error_rate: String,
    /// Those that the SLO declares.
    pub(super) latencies: Vec<LatencyAlert>,
    /// Fast and slow.
    pub(super) burns: Vec<BurnAlert>,
    /// Of Floodway's own controllers; none: the environment needs none.
    pub(super) controller: Option<ControllerAlerts>,
}

/// What alert rules know of the controllers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct ControllerAlerts {
    /// From when on a decision is old.
    pub(super) decision_age_seconds: u64,
    /// Burst has a budget.
    pub(super) has_budget: bool,
}

/// What alert rules know of a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct StageAlerts {
    /// Its name.
    pub(super) name: String,
    /// Regular expression over its pods' names; none: it has none in the cluster.
    pub(super) pods: Option<String>,
    /// Regular expression over its Deployments' names.
    pub(super) deployments: Option<String>,
    /// The same names one by one.
    pub(super) each_deployment: Vec<String>,
    /// Regular expression over its autoscalers' names; none: it has none.
    pub(super) autoscalers: Option<String>,
    /// How long replicas may be missing: `1500s`.
    pub(super) missing_for: String,
}

/// One latency objective.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct LatencyAlert {
    /// The alert's name.
    pub(super) alert: &'static str,
    /// The histogram, without `_bucket`.
    pub(super) metric: &'static str,
    /// For people: `time to first token`.
    pub(super) what: &'static str,
    /// The key under `[slo]`.
    pub(super) key: &'static str,
    /// The objective, in seconds.
    pub(super) seconds: f64,
    /// The objective, as written: `500ms`.
    pub(super) objective: String,
}

/// One burn-rate alert over two windows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct BurnAlert {
    /// The alert's name.
    pub(super) alert: &'static str,
    /// How many times faster than the budget allows.
    pub(super) factor: String,
    /// The share of failed requests at which that is so.
    pub(super) error_rate: f64,
    /// The window that makes it matter: `1h`.
    pub(super) long: &'static str,
    /// The window that says that it still goes on: `5m`.
    pub(super) short: &'static str,
    /// How soon a budget of 30 days is gone: `2 days`.
    pub(super) gone_in: &'static str,
    /// `critical` or `warning`.
    pub(super) severity: &'static str,
}
