//! The integration tests, one binary.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail loudly")]
#![allow(unreachable_pub, dead_code, reason = "support is shared by tests of several features")]

mod alerts;
mod aws;
#[cfg(all(feature = "aws", feature = "kube", feature = "prometheus"))]
mod bursting;
mod cli;
mod conformance;
#[cfg(all(feature = "aws", feature = "image"))]
mod images;
#[cfg(feature = "kube")]
mod kube;
mod laws;
mod layers;
#[cfg(feature = "serve")]
mod listening;
#[cfg(feature = "node")]
mod node;
#[cfg(feature = "kube")]
mod objects;
#[cfg(feature = "prometheus")]
mod rollout;
#[cfg(feature = "prometheus")]
mod signals;
mod soak;
mod spec;
mod support;
#[cfg(feature = "kube")]
mod testbed;
mod traces;
