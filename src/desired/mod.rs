//! Which Kubernetes objects and AWS groups should exist.

mod world;

pub use world::{Desired, DesiredWorld, Seed};
