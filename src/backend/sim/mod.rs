//! The embedded simulator: a small world of nodes, pods, groups and instances
//! that behaves, in what plans depend on, as Kubernetes and AWS do. It is the
//! default backend and the one fake of all tests.
//!
//! The world is data on a virtual clock with a seed: the same commands make
//! the same world. Sleeping on its clock moves it forward at once.

mod apply;
mod capacity;
mod faults;
mod groups;
mod keyed;
mod nodes;
mod object;
mod observe;
mod pods;
mod ports;
mod scenario;
mod store;
#[cfg(test)]
mod tests;
mod world;

pub use ports::Simulator;
pub use scenario::{Actor, Delay, Event, FaultKind, NodeSet, Scenario, ScenarioError};
pub use world::World;
