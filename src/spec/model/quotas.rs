//! How much AWS lets an account run at once, in vCPUs.

use super::ByRegion;
use common::shape::table;
use serde::{Deserialize, Serialize};

table! {
    /// vCPUs that AWS lets the account run at once, by family and market: a
    /// number for every region, or a table by region. What is not written here
    /// is not checked, unless AWS itself was asked.
    #[derive(Default)]
    pub struct Quotas {
        /// On-demand G and VT instances: quota L-DB2E81BA.
        pub on_demand_g: Option<ByRegion<u32>>,
        /// On-demand P instances: quota L-417A185B.
        pub on_demand_p: Option<ByRegion<u32>>,
        /// On-demand Inf instances: quota L-1945791B.
        pub on_demand_inf: Option<ByRegion<u32>>,
        /// On-demand Trn instances: quota L-2C3B7624.
        pub on_demand_trn: Option<ByRegion<u32>>,
        /// Spot G and VT instances: quota L-3819A6DF.
        pub spot_g: Option<ByRegion<u32>>,
        /// Spot P4, P3 and P2 instances: quota L-7212CCBC.
        pub spot_p: Option<ByRegion<u32>>,
        /// Spot P5 instances: quota L-C4BD4855.
        pub spot_p5: Option<ByRegion<u32>>,
        /// Spot Inf instances: quota L-B5D1601B.
        pub spot_inf: Option<ByRegion<u32>>,
        /// Spot Trn instances: quota L-6B0D517C.
        pub spot_trn: Option<ByRegion<u32>>,
    }
}

/// What AWS counts together, in vCPUs of a region. Names and codes:
/// <https://docs.aws.amazon.com/general/latest/gr/ec2-service.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaFamily {
    /// `G` and `VT` on demand.
    OnDemandG,
    /// `P` on demand.
    OnDemandP,
    /// `Inf` on demand.
    OnDemandInf,
    /// `Trn` on demand.
    OnDemandTrn,
    /// `G` and `VT` as spot.
    SpotG,
    /// `P4`, `P3` and `P2` as spot.
    SpotP,
    /// `P5` as spot.
    SpotP5,
    /// `Inf` as spot.
    SpotInf,
    /// `Trn` as spot.
    SpotTrn,
}

impl QuotaFamily {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::OnDemandG,
        Self::OnDemandP,
        Self::OnDemandInf,
        Self::OnDemandTrn,
        Self::SpotG,
        Self::SpotP,
        Self::SpotP5,
        Self::SpotInf,
        Self::SpotTrn,
    ];

    /// What an instance type counts against; none: a family that is not known
    /// here (AWS has no published spot quota for P6).
    pub fn of(instance_type: &str, spot: bool) -> Option<Self> {
        let end = instance_type.find(|c: char| !c.is_ascii_lowercase())?;
        let (letters, rest) = instance_type.split_at(end);
        Some(match (letters, spot) {
            ("g" | "gr" | "vt", false) => Self::OnDemandG,
            ("g" | "gr" | "vt", true) => Self::SpotG,
            ("p", false) => Self::OnDemandP,
            ("p", true) if rest.starts_with(['2', '3', '4']) => Self::SpotP,
            ("p", true) if rest.starts_with('5') => Self::SpotP5,
            ("inf", false) => Self::OnDemandInf,
            ("inf", true) => Self::SpotInf,
            ("trn", false) => Self::OnDemandTrn,
            ("trn", true) => Self::SpotTrn,
            _ => return None,
        })
    }

    /// Its key in `[aws.quotas]`.
    pub const fn key(self) -> &'static str {
        self.names().0
    }

    /// What AWS calls it.
    pub const fn title(self) -> &'static str {
        self.names().1
    }

    /// Its code at AWS Service Quotas, service `ec2`.
    pub const fn code(self) -> &'static str {
        self.names().2
    }

    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::OnDemandG => {
                ("on_demand_g", "Running On-Demand G and VT instances", "L-DB2E81BA")
            }
            Self::OnDemandP => ("on_demand_p", "Running On-Demand P instances", "L-417A185B"),
            Self::OnDemandInf => ("on_demand_inf", "Running On-Demand Inf instances", "L-1945791B"),
            Self::OnDemandTrn => ("on_demand_trn", "Running On-Demand Trn instances", "L-2C3B7624"),
            Self::SpotG => ("spot_g", "All G and VT Spot Instance Requests", "L-3819A6DF"),
            Self::SpotP => ("spot_p", "All P4, P3 and P2 Spot Instance Requests", "L-7212CCBC"),
            Self::SpotP5 => ("spot_p5", "All P5 Spot Instance Requests", "L-C4BD4855"),
            Self::SpotInf => ("spot_inf", "All Inf Spot Instance Requests", "L-B5D1601B"),
            Self::SpotTrn => ("spot_trn", "All Trn Spot Instance Requests", "L-6B0D517C"),
        }
    }
}

impl Quotas {
    /// What is declared for `family`.
    pub const fn get(&self, family: QuotaFamily) -> Option<&ByRegion<u32>> {
        match family {
            QuotaFamily::OnDemandG => self.on_demand_g.as_ref(),
            QuotaFamily::OnDemandP => self.on_demand_p.as_ref(),
            QuotaFamily::OnDemandInf => self.on_demand_inf.as_ref(),
            QuotaFamily::OnDemandTrn => self.on_demand_trn.as_ref(),
            QuotaFamily::SpotG => self.spot_g.as_ref(),
            QuotaFamily::SpotP => self.spot_p.as_ref(),
            QuotaFamily::SpotP5 => self.spot_p5.as_ref(),
            QuotaFamily::SpotInf => self.spot_inf.as_ref(),
            QuotaFamily::SpotTrn => self.spot_trn.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Catalog;

    #[test]
    fn every_known_type_counts_against_something_on_demand() {
        for name in Catalog::shipped().names() {
            assert!(QuotaFamily::of(name, false).is_some(), "{name}");
        }
        for (name, family) in [
            ("gr6.4xlarge", Some(QuotaFamily::SpotG)),
            ("p4de.24xlarge", Some(QuotaFamily::SpotP)),
            ("p5en.48xlarge", Some(QuotaFamily::SpotP5)),
            ("p6-b200.48xlarge", None),
            ("inf2.xlarge", Some(QuotaFamily::SpotInf)),
            ("m7i.large", None),
            ("", None),
        ] {
            assert_eq!(QuotaFamily::of(name, true), family, "{name}");
        }
    }
}
