//! The service and its stages.

use super::Egress;
use crate::id::{Name, Namespace};
use crate::units::{Cpu, Memory, Rate, Span};
use common::shape::{Port, ServiceName, table};
use std::collections::BTreeMap;

table! {
    /// The service: its name, its model, its stages.
    pub struct Service {
        /// The service's name; names of its Deployments begin with it.
        pub name: Name as ServiceName,
        /// The Kubernetes namespace; created if absent.
        pub namespace: Namespace,
        /// The model that is served, as the model hub names it.
        pub model: String,
        /// Secrets of the namespace with which images are pulled from a private
        /// registry, by name; Floodway never reads them.
        pub image_pull_secrets: Vec<String>,
        /// The parts of the service, by name.
        pub stages: BTreeMap<Name, Stage>,
    }
}

table! {
    /// A part of the service: one Deployment per pool and one gRPC Service.
    pub struct Stage {
        /// The container image; by digest where the environment is protected.
        pub image: String,
        /// GPUs of one replica.
        pub gpus: u32 = 0,
        /// Processors and memory of one replica: its requests and its limits.
        pub resources: Resources,
        /// The stage that this one calls, found by DNS.
        pub next: Option<Name>,
        /// The load that git wants carried, on-prem first, then burst by
        /// price. It makes git the owner of the size of all the stage's pools.
        pub demand: Option<Rate>,
        /// The gRPC port.
        pub port: u16 as Port = 50051,
        /// The largest gRPC message.
        pub max_message: Memory = Memory::from_bytes(100 << 20),
        /// How old a client's connection may grow before the server asks it to
        /// reconnect; what is being answered on it then has `drain` to finish.
        /// Clients look names up again only when they connect, so this is how
        /// soon new replicas get load.
        pub max_connection_age: Span = Span::from_secs(300),
        /// The time that a replica may take to load its weights before it is
        /// restarted.
        pub startup: Span = Span::from_secs(600),
        /// The time that a replica gets to finish its requests when it goes.
        pub drain: Span = Span::from_secs(120),
        /// Room on the node's disk for what one replica writes under `/tmp`, its
        /// home: weights that it downloads, compiled kernels. Only nodes with
        /// that much left are chosen; a replica that writes more is evicted.
        pub scratch: Memory = Memory::from_bytes(10 << 30),
        /// The user ID that the container runs as, never 0; needed where the
        /// image names its user in letters, which Kubernetes cannot tell from
        /// root.
        pub run_as_user: Option<u32>,
        /// Arguments of the container.
        pub args: Vec<String>,
        /// Plain settings in the container's environment; secrets are refused.
        pub env: BTreeMap<String, String>,
        /// Secrets of the namespace, by name: each of their keys becomes a
        /// setting in the container's environment. `env` wins over them, and
        /// Floodway never reads them. Replicas see a changed value when they
        /// are restarted.
        pub env_from: Vec<String>,
        /// Where replicas may connect to beside the next stage and DNS: a model
        /// hub, a weight store.
        pub egress: Vec<Egress>,
    }
}

table! {
    /// Requests and limits of one replica, beside its GPUs.
    pub struct Resources {
        /// Processors.
        pub cpu: Cpu,
        /// Memory.
        pub memory: Memory,
    }
}
