//! What is wanted: the environment's TOML, layered, resolved and validated.

mod catalog;
pub mod model;
mod origins;

pub use catalog::{Catalog, InstanceType};
pub use model::{BurstPool, Count, Environment, OnPremPool, Spot};
pub use origins::Origins;
