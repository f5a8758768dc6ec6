//! The agents on instances that stand alone, by the protocol of
//! `docs/node-protocol.md`.

mod client;
mod status;

pub use client::Agents;
