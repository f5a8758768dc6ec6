//! What the tests stand on.

pub mod aws;
#[cfg(feature = "kube")]
pub mod bed;
pub mod environment;
pub mod gate;
#[cfg(feature = "node")]
pub mod node;
pub mod programs;
pub mod prometheus;
pub mod pty;
pub mod repository;
pub mod running;
pub mod web;
