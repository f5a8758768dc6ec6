//! What something costs, and who says so.

use crate::clock::Date;
use crate::units::UsdPerHour;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an hour of something costs, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Of one instance, or of one replica on-prem.
    pub usd_per_hour: UsdPerHour,
    /// The day that it was true on; none: it is declared, whenever.
    pub as_of: Option<Date>,
    /// Who says so: `environments/prod.toml:68`, `environments/prices.csv`.
    pub source: String,
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.usd_per_hour, self.source)?;
        match self.as_of {
            Some(day) => write!(f, ", {day})"),
            None => f.write_str(")"),
        }
    }
}
