//! From an inventory, what a decision needs of it.

use super::{CapacityType, OnPremSupply, Supply, SupplyGroup};
use crate::observe::{Inventory, Live, Ownership};
use crate::spec::Environment;

impl Supply {
    /// What runs now in each pool of `environment`, found by marks; a pool that
    /// `[[moved]]` renames is found under its old name too.
    pub fn from_inventory(environment: &Environment, inventory: &Inventory) -> Self {
        let mut supply = Self::default();
        let there = inventory
            .resources
            .values()
            .filter(|live| live.ownership == Ownership::Ours && !live.deleting);
        for live in there {
            let Some(marked) = live.pool() else { continue };
            let pool = todays_pool(environment, marked);
            let onprem = environment.onprem.as_ref().and_then(|o| o.pools.get_key_value(pool));
            let burst = environment.aws.as_ref().and_then(|aws| aws.pools.get_key_value(pool));
            match (live.id.kind.as_str(), &live.workload) {
                ("Deployment", Some(workload)) if let Some((name, _)) = onprem => {
                    let seen = OnPremSupply { desired: workload.desired, ready: workload.ready };
                    // While one replaces another there are two, and the larger
                    // one is what the pool asks for.
                    let known = supply.onprem.entry(name.clone()).or_insert(seen);
                    if (seen.desired, seen.ready) > (known.desired, known.ready) {
                        *known = seen;
                    }
                }
                ("AutoScalingGroup", Some(_)) if let Some((name, _)) = burst => {
                    if let Some(group) = group(live) {
                        supply.burst.entry(name.clone()).or_default().push(group);
                    }
                }
                _ => {}
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
    let text = |key: &str| live.fields.text_at(key);
    let workload = live.workload.as_ref()?;
    Some(SupplyGroup {
        instance_type: text("/instance_types/0")?,
        capacity_type: CapacityType::named(&text("/capacity_type")?),
        region: live.id.scope.clone().unwrap_or_default(),
        desired: workload.desired,
        ready: workload.ready,
    })
}
