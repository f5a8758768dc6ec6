//! What the tests stand on.

#[cfg(feature = "kube")]
pub mod bed;
pub mod programs;
