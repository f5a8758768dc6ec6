//! What carries Floodway's marks and no environment claims, for readers.

use super::name::address;
use super::style::{Ink, Style};
use super::text::{Line, Screen, Table, count, money};
use crate::plan::Orphan;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.0";

/// All orphans. Also the document that `orphans --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Floodway orphans")]
pub struct OrphansView {
    /// `MAJOR.MINOR`. A higher minor only adds; refuse another major.
    #[schemars(regex(pattern = r"^1\.[0-9]+$"))]
    pub format_version: String,
    /// The dearest first.
    pub orphans: Vec<OrphanView>,
    /// What they cost together, as far as prices are known.
    pub usd_per_hour: f64,
    /// All of it in one line.
    pub summary: String,
}

/// One thing that nobody claims.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OrphanView {
    /// Its unique name.
    pub address: String,
    /// For people: `AutoScalingGroup us-east-1/prod-g6e`.
    pub title: String,
    /// The environment that its marks name.
    pub environment: String,
    /// File and repository that its marks name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Units that are asked for, of what has units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<u32>,
    /// At on-demand list prices; absent for what costs nothing, or is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<f64>,
}

impl OrphansView {
    /// What readers are told about `orphans`.
    pub fn new(orphans: &[Orphan]) -> Self {
        let orphans: Vec<OrphanView> = orphans
            .iter()
            .map(|orphan| OrphanView {
                address: address(&orphan.id),
                title: orphan.id.to_string(),
                environment: orphan.environment.clone(),
                from: orphan.from.clone(),
                units: orphan.units,
                usd_per_hour: orphan.usd_per_hour.map(|price| price.as_f64()),
            })
            .collect();
        let usd_per_hour = orphans.iter().filter_map(|orphan| orphan.usd_per_hour).sum();
        let summary = match orphans.len() {
            0 => "No orphans: an environment claims everything that Floodway made.".to_owned(),
            number => format!(
                "{}: ${}/h at on-demand list prices.",
                count(number, "orphan"),
                money(usd_per_hour)
            ),
        };
        Self { format_version: FORMAT_VERSION.into(), orphans, usd_per_hour, summary }
    }
}

/// All orphans as text.
pub fn text(view: &OrphansView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    if !view.orphans.is_empty() {
        let mut table = Table::new(&["ORPHAN", "ENVIRONMENT", ">UNITS", ">$/H"]);
        for orphan in &view.orphans {
            let dash = || "–".to_owned();
            table.row([
                Line::of(Ink::Strong, &orphan.title),
                Line::from(orphan.environment.as_str()),
                Line::from(orphan.units.map_or_else(dash, |units| units.to_string())),
                Line::from(orphan.usd_per_hour.map_or_else(dash, money)),
            ]);
            if let Some(from) = &orphan.from {
                table.across(2, Line::of(Ink::Dim, format!("made by {from}")));
            }
        }
        screen.table(&table);
        screen.blank();
    }
    screen.unwrapped(&Line::of(Ink::Strong, &view.summary));
    screen.finish()
}
