//! How much capacity each pool should have, and why: planning input → decision.

mod burst;
mod carry;
mod decision;
mod legacies;
mod pools;
pub mod scaling;
mod supply;

pub(crate) use burst::split;
pub use burst::successors;
pub use legacies::{Legacy, legacies};
pub use supply::todays_pool;

pub use decision::{
    BurstGroup, CapacityType, Decision, DesiredOwner, GroupType, OnPremSupply, PoolDecision,
    PoolKind, Reason, Supply, SupplyGroup,
};

use crate::spec::{Catalog, Environment, Origins};

/// Everything that a decision may look at.
#[derive(Debug, Clone, Copy)]
pub struct PlanningInput<'a> {
    /// What git declares.
    pub environment: &'a Environment,
    /// The line that each value came from.
    pub origins: &'a Origins,
    /// Instance types, and what they cost.
    pub catalog: &'a Catalog,
    /// What runs now.
    pub supply: &'a Supply,
}

impl PlanningInput<'_> {
    /// A reason that points at the TOML line of `key`.
    pub fn because(&self, key: impl Into<String>, text: impl Into<String>) -> Reason {
        Reason::at(self.origins, key, text)
    }
}

/// Decides the capacity of every pool. Pure: the same input, the same decision.
pub fn decide(input: &PlanningInput<'_>) -> Decision {
    let mut decision = Decision { pools: pools::declared(input), notes: Vec::new() };
    carry::carry_demands(input, &mut decision);
    burst::spread_over_groups(input, &mut decision);
    decision
}

#[cfg(test)]
mod tests;
