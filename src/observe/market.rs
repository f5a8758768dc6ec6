//! What the market and the account say: prices of the moment, and quotas.
//!
//! People are shown these prices, and nothing is decided by them: a plan must
//! not change because the market did.

use crate::clock::Timestamp;
use crate::spec::model::QuotaFamily;
use crate::units::UsdPerHour;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An instance type in a region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Offer {
    /// AWS region.
    pub region: String,
    /// Instance type.
    pub instance_type: String,
}

/// What an hour of spot costs: of the zones that were asked about, the dearest,
/// so that a sum is not below what it will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpotPrice {
    /// Of one instance.
    pub usd_per_hour: UsdPerHour,
    /// The zone that it is of: `us-east-1a`.
    pub zone: String,
    /// Since when the place says so.
    pub at: Timestamp,
}

/// What a quota is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QuotaOf {
    /// AWS region.
    pub region: String,
    /// Family and market.
    pub family: QuotaFamily,
}

/// What the places say of prices and limits; empty where none was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    /// Spot prices.
    pub spot: BTreeMap<Offer, SpotPrice>,
    /// vCPUs that the account may run at once, as the place itself says: what
    /// is declared stands in the environment.
    pub quotas: BTreeMap<QuotaOf, u32>,
}

impl Market {
    /// What an hour of spot costs, if a place says so.
    pub fn spot(&self, instance_type: &str, region: &str) -> Option<&SpotPrice> {
        let (region, instance_type) = (region.to_owned(), instance_type.to_owned());
        self.spot.get(&Offer { region, instance_type })
    }

    /// The vCPUs that may run at once, if a place says so.
    pub fn quota(&self, family: QuotaFamily, region: &str) -> Option<u32> {
        self.quotas.get(&QuotaOf { region: region.to_owned(), family }).copied()
    }

    /// Joins what another place said.
    pub(super) fn merge(&mut self, other: Self) {
        self.spot.extend(other.spot);
        self.quotas.extend(other.quotas);
    }
}
