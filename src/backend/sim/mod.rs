//! The embedded simulator: a small world of nodes, pods, groups and instances
//! that behaves, in what plans depend on, as Kubernetes and AWS do. It is the
//! default backend and the one fake of all tests.
//!
//! The world is data on a virtual clock with a seed: the same commands make
//! the same world. Sleeping on its clock moves it forward at once.
//!
//! Groups keep their schedules and never act on them; an instance refresh
//! replaces one instance at a time and knows neither checkpoints nor alarms.

mod apply;
mod autoscale;
mod capacity;
mod drain;
mod faults;
mod groups;
mod hands;
mod keyed;
mod load;
mod lock;
mod nodes;
mod object;
mod observe;
mod place;
mod pods;
mod ports;
mod scenario;
mod store;
#[cfg(test)]
mod tests;
mod told;
mod types;
mod world;

pub use load::SimulatedLoad;
pub use ports::Simulator;
pub use scenario::{
    Actor, CapacityChange, CapacityLimit, CapacityType, Create, Delay, Delete, Event, Fault,
    FaultKind, GpusUnhealthy, LoadPoint, NodeSet, Reservation, Scenario, Set, SpotOffer, Unset,
};
pub use told::Told;
pub use world::World;
