//! What is paid for and serves nothing.

use crate::decide::todays_pool;
use crate::observe::{Inventory, Ownership};
use crate::spec::Environment;

/// Why instances are left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// They are kept after a drain that was given up: somebody wants to look.
    Kept,
    /// Their group is the environment's, and no pool of it claims it.
    Unclaimed,
}

/// Instances of one group that are left over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOver {
    /// The group.
    pub group: String,
    /// Why.
    pub why: Why,
    /// How many.
    pub units: u32,
}

impl Why {
    /// As metrics write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Unclaimed => "unclaimed",
        }
    }
}

/// The instances of `environment`'s groups that are left over.
pub(super) fn left_over(environment: &Environment, inventory: &Inventory) -> Vec<LeftOver> {
    let is_there = |pool: &str| environment.aws.iter().any(|aws| aws.pools.contains_key(pool));
    let ours = inventory.resources.values().filter(|live| live.ownership == Ownership::Ours);
    let mut left = Vec::new();
    for live in ours.filter(|live| live.id.kind == "AutoScalingGroup") {
        let Some(workload) = &live.workload else { continue };
        let kept = u32::try_from(workload.kept.len()).unwrap_or(u32::MAX);
        let pool = live.pool().map(|marked| todays_pool(environment, marked));
        let claimed = pool.is_some_and(is_there);
        let unclaimed = if claimed || live.deleting { 0 } else { workload.existing };
        let found = [(Why::Kept, kept), (Why::Unclaimed, unclaimed)];
        let found = found.into_iter().filter(|(_, units)| *units > 0);
        left.extend(found.map(|(why, units)| LeftOver { group: live.id.name.clone(), why, units }));
    }
    left
}

#[cfg(test)]
mod tests;
