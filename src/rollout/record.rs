//! What was measured before and after a phase, kept as files of the environment.

mod compare;
mod wire;

pub use compare::{Comparison, Row, comparisons};
pub use wire::RecordError;

use super::{Finding, Kind, Verdict};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::spec::model::{BuiltIn, LimitUnit};

/// Before a phase, or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Before it is live.
    Before,
    /// When it is done, or given up.
    After,
}

impl Moment {
    /// The word that stands for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// A snapshot of what is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The environment's name.
    pub environment: String,
    /// The phase.
    pub phase: Name,
    /// Whether it is of before or after.
    pub moment: Moment,
    /// When it was taken.
    pub at: Timestamp,
    /// Who took it.
    pub by: String,
    /// What Floodway measures by itself, then the phase's criteria.
    pub numbers: Vec<Recorded>,
    /// What runs; empty where it could not be seen.
    pub pools: Vec<PoolRecord>,
    /// Why a part of it is missing.
    pub notes: Vec<String>,
}

/// One number of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// `availability`, `exit.slo`, `abort.errors`.
    pub name: String,
    /// What is measured: a name that Floodway knows, or a query.
    pub measured: String,
    /// Over how long, as people write it.
    pub window: String,
    /// What it is a number of.
    pub unit: LimitUnit,
    /// The number; none: nothing was known.
    pub value: Option<f64>,
    /// What it was held against; none: against nothing.
    pub target: Option<String>,
    /// How it stood: `met`, `not yet`, `clear`, `abort`, `no data`; none: it was held
    /// against nothing.
    pub verdict: Option<String>,
    /// Why nothing was known.
    pub why: Option<String>,
}

/// What ran of one pool.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolRecord {
    /// Its name.
    pub name: String,
    /// `replicas` or `instances`.
    pub unit: String,
    /// Units asked for.
    pub desired: u32,
    /// Units that served.
    pub ready: u32,
    /// What they carried inside the SLO.
    pub requests_per_second: f64,
    /// GPUs that its pods had; none: it needs none.
    pub gpus: Option<u32>,
    /// What it cost; none: a price is unknown.
    pub usd_per_hour: Option<f64>,
}

impl Record {
    /// The name of its file: `2026-12-01-short-before.toml`.
    pub fn file_name(&self) -> String {
        let day = self.at.to_string();
        let day = day.split('T').next().unwrap_or_default();
        format!("{day}-{}-{}.toml", self.phase, self.moment.as_str())
    }

    /// As its file holds it.
    pub fn to_text(&self) -> String {
        wire::write(self)
    }

    /// Reads what [`Self::to_text`] wrote.
    ///
    /// # Errors
    /// It is no record, or one of a newer Floodway.
    pub fn from_text(text: &str) -> Result<Self, RecordError> {
        wire::read(text)
    }
}

impl Recorded {
    /// What was found of a criterion, over a window that people write so.
    pub fn of(finding: &Finding, window: String) -> Self {
        let kind = match finding.kind {
            Kind::Exit => "exit",
            Kind::Abort => "abort",
        };
        Self {
            name: format!("{kind}.{}", finding.name),
            measured: finding.measured.clone(),
            window,
            unit: finding.unit,
            value: finding.value,
            target: Some(finding.target.clone()),
            verdict: Some(finding.verdict.word().to_owned()),
            why: finding.verdict.why().filter(|_| finding.value.is_none()).map(str::to_owned),
        }
    }

    /// What was found of what Floodway measures by itself; held against nothing.
    pub fn of_measure(measure: BuiltIn, found: &Finding, window: String) -> Self {
        let name = measure.as_str().to_owned();
        Self { name, target: None, verdict: None, ..Self::of(found, window) }
    }
}

impl Verdict {
    /// In a word or two.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotYet => "not yet",
            Self::Clear => "clear",
            Self::Abort => "abort",
            Self::NoData(_) => "no data",
        }
    }

    /// Why there is no data.
    pub fn why(&self) -> Option<&str> {
        if let Self::NoData(why) = self { Some(why) } else { None }
    }
}

#[cfg(test)]
mod tests;
