//! Instance types: their vCPUs, GPUs, EFA and firmware, and what an hour of them costs
//! on demand.

use super::Origins;
use super::boot::BootMode;
use super::efa::EfaCards;
use super::model::Aws;
use super::price::Price;
use super::price_table::{self, PriceRow};
use crate::diag::Diagnostics;
use std::collections::{BTreeMap, BTreeSet};

/// The types that ship with Floodway; the file's head names its sources.
const TYPES: &str = include_str!("instance_types.csv");

/// The prices that ship with Floodway; the file's head names its sources.
const PRICES: &str = include_str!("list_prices.csv");

/// What is said of the prices that ship with Floodway.
const SHIPPED: &str = "shipped with Floodway";

/// What is known of one instance type, wherever it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceType {
    /// GPUs that containers can ask for as `nvidia.com/gpu`.
    pub gpus: u32,
    /// What AWS counts against its quotas.
    pub vcpus: u32,
    /// Its network cards with an Elastic Fabric Adapter, if it has some.
    pub efa: Option<EfaCards>,
}

/// The instance types that are known, and prices by type and region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    types: BTreeMap<String, InstanceType>,
    gpu_names: BTreeMap<String, String>,
    /// Types that boot by a BIOS and by nothing else.
    bios_only: BTreeSet<String>,
    prices: BTreeMap<String, BTreeMap<String, Price>>,
}

impl Catalog {
    /// The instance types and list prices that ship with Floodway.
    pub fn shipped() -> Self {
        let mut catalog = Self::default();
        for line in TYPES.lines() {
            if let Some(Row { name, gpu, boots, known }) = row(line) {
                catalog.insert(name.to_owned(), known);
                if !gpu.is_empty() {
                    catalog.gpu_names.insert(name.to_owned(), gpu.to_owned());
                }
                if boots == BootMode::LegacyBios.as_str() {
                    catalog.bios_only.insert(name.to_owned());
                }
            }
        }
        let mut none = Diagnostics::default();
        let rows = price_table::read(&"list_prices.csv".into(), PRICES, &mut none);
        catalog.add_prices(rows, SHIPPED);
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

    /// How instances of `name` boot: by UEFI, where nothing else is known.
    pub fn boot_mode(&self, name: &str) -> BootMode {
        match self.bios_only.contains(name) {
            true => BootMode::LegacyBios,
            false => BootMode::Uefi,
        }
    }

    /// Adds a type.
    pub fn insert(&mut self, name: String, known: InstanceType) {
        self.types.insert(name, known);
    }

    /// The network cards with EFA that all of `types` have.
    pub fn shared_efa<'a>(&self, types: impl IntoIterator<Item = &'a String>) -> Option<EfaCards> {
        let mut cards = types.into_iter().map(|name| self.get(name)?.efa);
        let first = cards.next()??;
        cards.try_fold(first, |shared, cards| shared.shared(cards?))
    }

    /// All known names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// Adds prices, in place of those that are there for the same type and
    /// region; `source` says whose they are.
    pub fn add_prices(&mut self, rows: impl IntoIterator<Item = PriceRow>, source: &str) {
        for row in rows {
            let price = Price {
                usd_per_hour: row.usd_per_hour,
                as_of: Some(row.date),
                source: source.to_owned(),
            };
            self.prices.entry(row.instance_type).or_default().insert(row.region, price);
        }
    }

    /// The price of one type in one region, as the tables have it. None: it is
    /// not known. That of another region is never taken for it.
    pub fn list_price(&self, instance_type: &str, region: &str) -> Option<&Price> {
        self.prices.get(instance_type)?.get(region)
    }

    /// What an hour of one type costs on demand in one region: as
    /// `[aws.prices]` says, or else as the tables have it.
    pub fn price(
        &self,
        aws: Option<&Aws>,
        origins: &Origins,
        instance_type: &str,
        region: &str,
    ) -> Option<Price> {
        let declared = aws.and_then(|aws| aws.prices.get(instance_type));
        let declared = declared.and_then(|prices| prices.get(region));
        let Some(usd_per_hour) = declared.copied() else {
            return self.list_price(instance_type, region).cloned();
        };
        let key = format!("aws.prices.{instance_type}");
        let place = origins.origin(&format!("{key}.{region}"));
        let source = match place {
            Some(place) => format!("{}:{}", place.file, place.line),
            None => "[aws.prices]".to_owned(),
        };
        Some(Price { usd_per_hour, as_of: None, source })
    }
}

/// A line of the table of types.
struct Row<'l> {
    name: &'l str,
    gpu: &'l str,
    /// The one way to boot, where there is but one.
    boots: &'l str,
    known: InstanceType,
}

/// What a line says; `None` for comments and the head.
fn row(line: &str) -> Option<Row<'_>> {
    let mut cells = line.split(',');
    let (name, vcpus, gpus, gpu) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let efa = match cells.next()? {
        "" => None,
        cards => Some(cards.parse().ok()?),
    };
    let boots = cells.next()?;
    let known = InstanceType { gpus: gpus.parse().ok()?, vcpus: vcpus.parse().ok()?, efa };
    Some(Row { name, gpu, boots, known })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(table: &str) -> usize {
        table.lines().filter(|line| !line.starts_with('#')).count() - 1
    }

    #[test]
    fn every_row_of_the_shipped_tables_is_read() {
        let shipped = Catalog::shipped();
        assert_eq!(shipped.names().count(), rows(TYPES));
        assert_eq!(shipped.prices.values().map(BTreeMap::len).sum::<usize>(), rows(PRICES));
        let efa = "0".parse().ok();
        assert_eq!(shipped.get("g6e.12xlarge"), Some(&InstanceType { gpus: 4, vcpus: 48, efa }));
        let price = shipped.list_price("g6e.12xlarge", "us-east-1").unwrap();
        assert_eq!(price.usd_per_hour.micros(), 10_492_640);
        assert_eq!(price.as_of.unwrap().to_string(), "2026-07-20");
        assert_eq!(shipped.gpu_name("p5.48xlarge"), Some("H100"));
        for name in shipped.names() {
            let known = shipped.get(name).unwrap();
            assert_eq!(known.gpus > 0, shipped.gpu_name(name).is_some(), "{name}");
            assert!(known.vcpus >= 4 && known.vcpus <= 192, "{name}");
            assert!(shipped.list_price(name, "us-east-1").is_some(), "{name}");
        }
    }

    #[test]
    fn efa_is_what_all_types_have_and_none_where_one_has_none_or_is_not_known() {
        let shipped = Catalog::shipped();
        let shared = |types: &[&str]| {
            let types: Vec<String> = types.iter().map(|&name| name.to_owned()).collect();
            shipped.shared_efa(&types).map(|cards| cards.to_string())
        };
        assert_eq!(shared(&["p5.48xlarge"]).as_deref(), Some("0-31"));
        assert_eq!(shared(&["p5.48xlarge", "p4d.24xlarge"]).as_deref(), Some("0-3"));
        assert_eq!(shared(&["p6-b300.48xlarge"]).as_deref(), Some("1-16"));
        for none in [&["g6e.xlarge"][..], &["p5.48xlarge", "g6e.xlarge"], &["x9.huge"], &[]] {
            assert_eq!(shared(none), None, "{none:?}");
        }
    }

    #[test]
    fn the_types_that_know_no_uefi_are_told_and_an_unknown_one_is_none_of_them() {
        let shipped = Catalog::shipped();
        let by_bios = shipped.names().filter(|n| shipped.boot_mode(n) == BootMode::LegacyBios);
        let by_bios: Vec<&str> = by_bios.filter(|name| name.starts_with("p4")).collect();
        assert_eq!(by_bios, ["p4d.24xlarge", "p4de.24xlarge"]);
        assert_eq!(shipped.boot_mode("p3.2xlarge"), BootMode::LegacyBios);
        for by_uefi in ["g6e.12xlarge", "p3dn.24xlarge", "p5.48xlarge", "x9.huge"] {
            assert_eq!(shipped.boot_mode(by_uefi), BootMode::Uefi, "{by_uefi}");
        }
    }

    #[test]
    fn a_price_of_one_region_is_none_of_another() {
        let shipped = Catalog::shipped();
        for name in shipped.names() {
            assert_eq!(shipped.list_price(name, "us-west-2"), None, "{name}");
        }
    }
}
