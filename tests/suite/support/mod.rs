//! What the tests stand on.

#[cfg(feature = "kube")]
pub mod bed;
pub mod environment;
pub mod programs;
pub mod repository;
