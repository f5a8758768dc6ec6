//! Capacity on the team's own cluster.

use super::{Count, Profile};
use crate::id::Name;
use crate::units::{Rate, Share, Span, UsdPerHour};
use common::shape::{Dollars, Optional, Wire, choice, table};
use std::collections::BTreeMap;

choice! {
    /// What stands behind the on-prem side.
    pub enum OnPremProvider {
        /// A Kubernetes cluster.
        Kubernetes = "kubernetes",
        /// The embedded simulator.
        Sim = "sim",
    }
}

table! {
    /// Capacity on the team's own Kubernetes cluster.
    pub struct OnPrem {
        /// A cluster, or the embedded simulator.
        pub provider: OnPremProvider = OnPremProvider::Kubernetes,
        /// The kubeconfig context; without one, the current context. In a pod
        /// without a kubeconfig, the cluster around it, known by `cluster_uid`.
        pub context: Option<String>,
        /// The UID of the cluster's `kube-system` namespace, by which a cluster
        /// is known; `init` offers it.
        pub cluster_uid: Option<String>,
        /// For how long capacity that cannot be seen is held to be there as it
        /// was; then scale-out counts it as lost. Nothing is scaled in by that.
        pub lost_after: Span = Span::from_secs(5 * 60),
        /// The pools, by name.
        pub pools: BTreeMap<Name, OnPremPool>,
    }
}

table! {
    /// Identical capacity on the cluster that one stage runs on.
    pub struct OnPremPool {
        /// The stage that runs here.
        pub stage: Name,
        /// Replicas: a number, which git then owns, or min and max.
        pub replicas: Count,
        /// What one replica carries inside the SLO.
        pub capacity: Rate,
        /// How the engine of one replica answers; where the tokens of the load
        /// are measured, what it carries follows from this and the SLO.
        pub profile: Option<Profile>,
        /// What one replica costs, in dollars per hour; without it, nothing
        /// more than is paid anyway.
        pub usd_per_hour: Option<UsdPerHour> as Option<Dollars>,
        /// A HorizontalPodAutoscaler that owns the number between min and max.
        pub hpa: Option<Hpa>,
        /// Labels that a node must have.
        pub node_selector: BTreeMap<String, String>,
        /// Taints that the pods tolerate.
        pub tolerations: Vec<Toleration>,
    }
}

table! {
    /// What the autoscaler holds each replica to.
    pub struct Hpa {
        /// Share of the requested processors.
        pub cpu: Option<Share>,
        /// Requests per second.
        pub requests_per_second: Option<u32>,
    }
}

table! {
    /// A taint that is tolerated, as in a pod's specification.
    pub struct Toleration {
        /// The taint's key.
        pub key: String,
        /// The taint's value; without one, any.
        pub value: Option<String>,
        /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; without one, all.
        pub effect: Option<String> as Optional<Effect>,
    }
}

choice! {
    /// What a taint does to pods that do not tolerate it.
    enum Effect {
        /// They are not placed.
        NoSchedule = "NoSchedule",
        /// They are placed elsewhere if they can be.
        PreferNoSchedule = "PreferNoSchedule",
        /// They are evicted.
        NoExecute = "NoExecute",
    }
}

impl Wire<String> for Effect {
    fn meaning(self) -> String {
        self.as_str().to_owned()
    }

    fn written(value: &String) -> Self {
        let all = [Self::NoSchedule, Self::PreferNoSchedule, Self::NoExecute];
        all.into_iter().find(|effect| effect.as_str() == value).unwrap_or(Self::NoSchedule)
    }
}
