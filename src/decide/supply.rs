//! From an inventory, what a decision needs of it.

use super::{CapacityType, OnPremSupply, Supply, SupplyGroup};
use crate::observe::{Inventory, Live, Lookup, Ownership, Unit};
use crate::spec::Environment;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

impl Supply {
    /// What runs now in each pool of `environment`, found by marks; a pool that
    /// `[[moved]]` renames is found under its old name too.
    pub fn from_inventory(environment: &Environment, inventory: &Inventory) -> Self {
        let mut supply = Self::default();
        for (name, pool) in environment.aws.iter().flat_map(|aws| &aws.pools) {
            let lookup = environment.aws.as_ref().and_then(|aws| Lookup::types_of(aws, pool));
            if let Some(types) = lookup.and_then(|lookup| inventory.found.get(&lookup)) {
                supply.matching.insert(name.clone(), types.clone());
            }
        }
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
                    if let Some(group) = SupplyGroup::of(live) {
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

/// What is read of a live group's fields.
#[derive(Deserialize)]
struct Fields {
    instance_types: Vec<Value>,
    #[serde(default)]
    requirements: Value,
    #[serde(default)]
    max: Value,
}

impl SupplyGroup {
    /// What is there of a live group; none of what says no market.
    pub fn of(live: &Live) -> Option<Self> {
        let fields: Fields = live.fields.read()?;
        let types = fields.instance_types.iter().filter_map(Value::as_str);
        let workload = live.workload.as_ref();
        let passed_on = live.marks.get("passed-on").and_then(|noted| {
            let (number, name) = noted.split_once(' ')?;
            Some((name.to_owned(), number.parse().ok()?))
        });
        Some(Self {
            name: live.id.name.clone(),
            passed_on,
            by_requirements: !fields.requirements.is_null(),
            instance_types: types.map(str::to_owned).collect(),
            capacity_type: CapacityType::named(&live.market()?),
            region: live.id.scope.clone().unwrap_or_default(),
            desired: workload.map_or(0, |workload| workload.desired),
            max: fields.max.as_u64().and_then(|max| u32::try_from(max).ok()),
            surplus: workload.map_or(0, |workload| workload.surplus),
            ready: workload.map_or(0, |workload| workload.ready),
            running: by_type(live.units().iter().filter(|unit| !unit.ending)),
            kept: by_type(workload.iter().flat_map(|workload| &workload.kept)),
        })
    }
}

/// How many there are of each type that is known.
fn by_type<'a>(units: impl Iterator<Item = &'a Unit>) -> BTreeMap<String, u32> {
    let mut types = BTreeMap::new();
    for name in units.filter_map(|unit| unit.instance_type.as_ref()) {
        *types.entry(name.clone()).or_insert(0) += 1;
    }
    types
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::ResourceId;
    use serde_json::json;

    fn group(fields: Value, marks: &[(&str, &str)]) -> Live {
        let own = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
        Live {
            id: ResourceId::group("us-east-1", "prod-g6e"),
            uid: String::new(),
            ownership: Ownership::Ours,
            fields: fields.into(),
            taken: BTreeMap::new(),
            runtime: None,
            marks: marks.iter().map(own).collect(),
            applyset: None,
            workload: None,
            version: None,
            autoscaler: None,
            deleting: false,
        }
    }

    #[test]
    fn a_group_is_what_its_fields_and_marks_say() {
        let fields = json!({
            "instance_types": ["a", 1, "b"], "requirements": null, "max": 7, "tags": {"x": "y"},
        });
        let marks = [("market", "spot"), ("passed-on", "3 prod-new")];
        let known = SupplyGroup::of(&group(fields, &marks)).unwrap();
        assert_eq!((known.instance_types, known.max), (vec!["a".into(), "b".into()], Some(7)));
        assert_eq!(known.passed_on, Some(("prod-new".to_owned(), 3)));
        assert_eq!((known.capacity_type, known.by_requirements), (CapacityType::Spot, false));
    }

    #[test]
    fn what_a_group_does_not_say_is_not_made_up() {
        let said = json!({"instance_types": [], "requirements": {"gpus": 1}, "max": -1});
        let known = SupplyGroup::of(&group(said, &[("market", "on-demand")])).unwrap();
        assert_eq!((known.max, known.passed_on, known.by_requirements), (None, None, true));
        let types = json!({"instance_types": ["a"]});
        assert_eq!(SupplyGroup::of(&group(types, &[])), None, "of no market");
        let market = [("market", "spot")];
        for fields in [json!({}), json!({"instance_types": "a"}), json!([])] {
            assert_eq!(SupplyGroup::of(&group(fields.clone(), &market)), None, "{fields}");
        }
    }
}
