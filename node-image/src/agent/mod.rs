//! The agent of a burst node: who it is, how it stands, and its drain, by the
//! protocol of `docs/node-protocol.md`.
//!
//! Each room does one thing, and what they find meets in [`node`]: `imds`,
//! `identity` and `watch` read what AWS says of the instance, `initrd` what came
//! before in the boot, `engine` what the inference engine says, `serve` answers,
//! `drain` and `standing` decide. A room for weights, for the proxy or for the
//! engine's life stands beside these and tells [`node::Node`] what it sees.

mod clock;
mod drain;
mod engine;
mod fetch;
mod identity;
mod imds;
mod initrd;
mod log;
mod node;
mod options;
mod phases;
mod run;
mod serve;
mod standing;
mod status;
mod watch;

pub use run::main;
