//! Instance types: their GPUs and what an hour of them costs on demand.

use crate::units::UsdPerHour;
use std::collections::BTreeMap;

/// What is known of one instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceType {
    /// GPUs (or other accelerators).
    pub gpus: u32,
    /// On-demand list price, Linux, us-east-1.
    pub usd_per_hour: UsdPerHour,
}

/// The instance types that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    types: BTreeMap<String, InstanceType>,
}

impl Catalog {
    /// What is known of `name`.
    pub fn get(&self, name: &str) -> Option<&InstanceType> {
        self.types.get(name)
    }

    /// Adds a type.
    pub fn insert(&mut self, name: String, known: InstanceType) {
        self.types.insert(name, known);
    }

    /// All known names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }
}
