//! Floodway keeps an LLM inference service answering when its own GPUs are full.
//!
//! Data flows one way and a module imports only from its left:
//! [`spec`] (what is wanted) → [`observe`], [`signal`] (what is there) →
//! [`forecast`] (what will come) → [`decide`] (how much, where) → [`desired`]
//! (which objects) → [`plan`] (exactly which changes) → [`execute`] (make it
//! so). Everything up to and including `plan`
//! is a pure function of its inputs; [`backend`] holds the only code that
//! talks to a cluster, a cloud or the embedded simulator, behind the small
//! traits of [`port`].

pub use common::{diag, id, units};

pub mod clock;

pub mod backend;
pub mod cli;
pub mod controller;
pub mod decide;
pub mod desired;
pub mod execute;
pub mod forecast;
pub mod iam;
pub mod observe;
pub mod pipeline;
pub mod plan;
pub mod port;
pub mod render;
pub mod rollout;
pub mod signal;
pub mod spec;
