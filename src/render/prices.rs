//! What the capacity of an environment costs, for readers.

use super::style::{Ink, Style};
use super::text::{Line, Screen, Table, count, money};
use crate::observe::Mark;
use crate::spec::Resolved;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

/// All prices that an environment uses. Also the document that `prices --json`
/// prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Floodway prices")]
pub struct PricesView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The environment's name.
    pub environment: String,
    /// The file that declares it.
    pub file: String,
    /// On demand, by type and region.
    pub on_demand: Vec<OnDemandView>,
    /// On-prem pools that declare what a replica costs.
    pub on_prem: Vec<ReplicaView>,
    /// All of it in one line.
    pub summary: String,
}

/// What an hour of one instance costs on demand.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OnDemandView {
    /// Instance type.
    pub instance_type: String,
    /// AWS region.
    pub region: String,
    /// The pools that use it.
    pub pools: Vec<String>,
    /// Its vCPUs, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<u32>,
    /// Its GPUs: `4 × L40S`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpus: Option<String>,
    /// Dollars; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<f64>,
    /// The day that it was true on; absent for what is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// Who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What an hour of one replica on-prem costs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReplicaView {
    /// The pool.
    pub pool: String,
    /// Dollars.
    pub usd_per_hour: f64,
}

impl PricesView {
    /// What readers are told about the prices of `resolved`.
    pub fn new(mark: &Mark, resolved: &Resolved) -> Self {
        let environment = &resolved.environment;
        let on_demand = on_demand(resolved);
        let pools = environment.onprem.iter().flat_map(|onprem| &onprem.pools);
        let on_prem = pools
            .filter_map(|(name, pool)| {
                let usd_per_hour = pool.usd_per_hour?.as_f64();
                Some(ReplicaView { pool: name.to_string(), usd_per_hour })
            })
            .collect();
        let unknown: Vec<String> = on_demand
            .iter()
            .filter(|price| price.usd_per_hour.is_none())
            .map(|price| format!("{} in {}", price.instance_type, price.region))
            .collect();
        let summary = match (on_demand.len(), unknown.as_slice()) {
            (0, _) => "No burst pools: nothing is bought by the hour.".to_owned(),
            (all, []) => format!("{}, all known.", count(all, "price")),
            (all, unknown) => format!(
                "{}, of which {} unknown: {}. Write them in [aws.prices], or see `floodway prices \
                 refresh --help`.",
                count(all, "price"),
                unknown.len(),
                unknown.join(", ")
            ),
        };
        Self {
            format_version: FORMAT_VERSION.into(),
            environment: mark.environment.clone(),
            file: mark.file.clone(),
            on_demand,
            on_prem,
            summary,
        }
    }
}

fn on_demand(resolved: &Resolved) -> Vec<OnDemandView> {
    let Some(aws) = &resolved.environment.aws else { return Vec::new() };
    let mut used: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    // What a capacity block comes to, no list has.
    for (name, pool) in aws.pools.iter().filter(|(_, pool)| pool.block().is_none()) {
        let region = pool.region.as_ref().unwrap_or(&aws.region);
        for instance_type in &pool.instance_types {
            used.entry((instance_type, region)).or_default().push(name.to_string());
        }
    }
    let catalog = &resolved.catalog;
    let view = |((instance_type, region), pools): ((&str, &str), Vec<String>)| {
        let price = catalog.price(Some(aws), &resolved.origins, instance_type, region);
        let known = catalog.get(instance_type);
        let gpus = known.zip(catalog.gpu_name(instance_type));
        OnDemandView {
            instance_type: instance_type.to_owned(),
            region: region.to_owned(),
            pools,
            vcpus: known.map(|known| known.vcpus),
            gpus: gpus.map(|(known, name)| format!("{} × {name}", known.gpus)),
            usd_per_hour: price.as_ref().map(|price| price.usd_per_hour.as_f64()),
            as_of: price.as_ref().and_then(|price| price.as_of).map(|day| day.to_string()),
            source: price.map(|price| price.source),
        }
    };
    used.into_iter().map(view).collect()
}

/// All prices as text.
pub fn text(view: &PricesView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    let head = Line::of(Ink::Strong, format!("Prices of {}", view.environment));
    screen.hanging(0, 2, &head.ink(Ink::Dim, format!("  {}", view.file)));
    screen.blank();
    if !view.on_demand.is_empty() {
        let headings = ["TYPE", "REGION", ">VCPUS", "GPUS", ">$/H", "POOLS"];
        let mut table = Table::new(&headings);
        for price in &view.on_demand {
            table.row(row(price));
            let source = [price.source.as_deref(), price.as_of.as_deref()];
            let source: Vec<&str> = source.into_iter().flatten().collect();
            if !source.is_empty() {
                table.across(2, Line::of(Ink::Dim, source.join(", ")));
            }
        }
        screen.table(&table);
        screen.blank();
    }
    for replica in &view.on_prem {
        let text = format!(
            "a replica of {}: ${}/h, as declared",
            replica.pool,
            money(replica.usd_per_hour)
        );
        screen.line(0, text.as_str());
    }
    screen.blank();
    screen.unwrapped(&Line::of(Ink::Strong, &view.summary));
    screen.finish()
}

fn row(price: &OnDemandView) -> [Line; 6] {
    let dash = || "–".to_owned();
    let usd = match price.usd_per_hour {
        Some(usd) => Line::from(money(usd)),
        None => Line::of(Ink::Warn, "unknown"),
    };
    [
        Line::of(Ink::Strong, &price.instance_type),
        Line::from(price.region.as_str()),
        Line::from(price.vcpus.map_or_else(dash, |vcpus| vcpus.to_string())),
        Line::from(price.gpus.clone().unwrap_or_else(dash)),
        usd,
        Line::from(price.pools.join(", ")),
    ]
}
