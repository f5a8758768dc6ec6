//! From an inventory, what a decision needs of it.

use super::{CapacityType, OnPremSupply, Supply, SupplyGroup};
use crate::observe::{Inventory, Live, Ownership};
use crate::spec::Environment;
use serde_json::Value;

impl Supply {
    /// What runs now in each pool of `environment`, found by marks; a pool that
    /// `[[moved]]` renames is found under its old name too.
    pub fn from_inventory(environment: &Environment, inventory: &Inventory) -> Self {
        let mut supply = Self::default();
        let ours = || inventory.resources.values().filter(|live| live.ownership == Ownership::Ours);
        let serves = |live: &Live, pool: &str| {
            live.pool().is_some_and(|marked| {
                marked == pool || environment.moved.iter().any(|m| m.from == marked && m.to == pool)
            })
        };
        for name in environment.onprem.iter().flat_map(|onprem| onprem.pools.keys()) {
            // While one replaces another there are two, and the larger one is
            // what the pool asks for.
            let found = ours()
                .filter(|live| live.id.kind == "Deployment" && serves(live, name.as_str()))
                .filter_map(|live| live.workload.as_ref())
                .max_by_key(|workload| (workload.desired, workload.ready));
            if let Some(workload) = found {
                let live = OnPremSupply { desired: workload.desired, ready: workload.ready };
                supply.onprem.insert(name.clone(), live);
            }
        }
        for name in environment.aws.iter().flat_map(|aws| aws.pools.keys()) {
            let groups: Vec<_> = ours()
                .filter(|live| live.id.kind == "AutoScalingGroup" && serves(live, name.as_str()))
                .filter_map(group)
                .collect();
            if !groups.is_empty() {
                supply.burst.insert(name.clone(), groups);
            }
        }
        supply
    }
}

/// The name that a pool has today, after all `[[moved]]`: of a pool that is
/// declared, its own; of a circle, one of it.
pub fn todays_pool<'a>(environment: &'a Environment, marked: &'a str) -> &'a str {
    let declared = |pool: &str| {
        environment.onprem.iter().any(|onprem| onprem.pools.contains_key(pool))
            || environment.aws.iter().any(|aws| aws.pools.contains_key(pool))
    };
    let mut pool = marked;
    for _ in &environment.moved {
        let moved = environment.moved.iter().find(|moved| moved.from == pool);
        match moved.filter(|_| !declared(pool)) {
            Some(moved) => pool = &moved.to,
            None => break,
        }
    }
    pool
}

fn group(live: &Live) -> Option<SupplyGroup> {
    let text = |key: &str| live.fields.get(key).and_then(Value::as_str);
    let workload = live.workload.as_ref()?;
    Some(SupplyGroup {
        instance_type: text("instance_type")?.to_owned(),
        capacity_type: match text("capacity_type")? {
            "spot" => CapacityType::Spot,
            _ => CapacityType::OnDemand,
        },
        desired: workload.desired,
        ready: workload.ready,
    })
}
