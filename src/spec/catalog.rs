//! Instance types: their GPUs and what an hour of them costs on demand.

use crate::units::UsdPerHour;
use std::collections::BTreeMap;

/// The table that ships with Floodway; its head names its sources.
const SHIPPED: &str = include_str!("instance_types.csv");

/// What is known of one instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceType {
    /// GPUs that containers can ask for as `nvidia.com/gpu`.
    pub gpus: u32,
    /// On-demand list price, Linux, us-east-1.
    pub usd_per_hour: UsdPerHour,
}

/// The instance types that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    types: BTreeMap<String, InstanceType>,
    gpu_names: BTreeMap<String, String>,
}

impl Catalog {
    /// The instance types that ship with Floodway.
    pub fn shipped() -> Self {
        let mut catalog = Self::default();
        for line in SHIPPED.lines() {
            if let Some((name, gpu, known)) = row(line) {
                catalog.insert(name.to_owned(), known);
                catalog.gpu_names.insert(name.to_owned(), gpu.to_owned());
            }
        }
        catalog
    }

    /// What is known of `name`.
    pub fn get(&self, name: &str) -> Option<&InstanceType> {
        self.types.get(name)
    }

    /// What the GPUs of `name` are called: `L40S`.
    pub fn gpu_name(&self, name: &str) -> Option<&str> {
        self.gpu_names.get(name).map(String::as_str)
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

/// A line of the table; `None` for its comments and its head.
fn row(line: &str) -> Option<(&str, &str, InstanceType)> {
    let mut cells = line.split(',');
    let (name, gpus, gpu, usd) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let usd_per_hour = format!("{usd}/h").parse().ok()?;
    Some((name, gpu, InstanceType { gpus: gpus.parse().ok()?, usd_per_hour }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_shipped_table_is_read() {
        let shipped = Catalog::shipped();
        let rows = SHIPPED.lines().filter(|line| !line.starts_with('#')).count() - 1;
        assert_eq!(shipped.names().count(), rows);
        let known = shipped.get("g6e.12xlarge").unwrap();
        assert_eq!((known.gpus, known.usd_per_hour.micros()), (4, 10_492_640));
        assert_eq!(shipped.gpu_name("p5.48xlarge"), Some("H100"));
        assert!(shipped.names().all(|name| shipped.get(name).is_some_and(|known| known.gpus > 0)));
    }
}
