//! A real Kubernetes cluster behind the ports.

mod act;
mod check;
mod cluster;
mod connect;
mod drain;
mod error;
mod fields;
mod hands;
mod kinds;
mod lease;
mod live;
mod managed;
mod namespace;
mod nodes;
mod notes;
mod observe;
mod page;
mod pods;
mod quota;
mod retry;
mod tell;
mod watch;
mod workload;

pub use connect::{Way, connect};
