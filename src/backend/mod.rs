//! The ports, implemented: the only code that talks to a cluster, a cloud, a
//! Prometheus, the embedded simulator or the disk. No backend knows another, and none decides.

#[cfg(feature = "aws")]
pub mod aws;
pub mod files;
#[cfg(feature = "kube")]
pub mod kube;
#[cfg(any(feature = "aws", feature = "kube"))]
mod lease;
#[cfg(feature = "node")]
pub mod node;
pub mod offers;
#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "serve")]
pub mod serve;
pub mod sim;
