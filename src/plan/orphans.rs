//! What carries Floodway's marks and no environment claims.

use super::kinds;
use crate::observe::{Inventory, Live, Mark, ResourceId};
use crate::spec::Catalog;
use crate::units::UsdPerHour;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// One thing that nobody claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// The thing.
    pub id: ResourceId,
    /// The environment that its marks name.
    pub environment: String,
    /// Repository and file that its marks name, where they do.
    pub from: Option<String>,
    /// Units that are asked for, of what has units.
    pub units: Option<u32>,
    /// What it costs at on-demand list prices; none: nothing, or not known.
    pub usd_per_hour: Option<UsdPerHour>,
}

/// Everything in `inventory` that is marked with an environment that none of
/// `claimed` is; the dearest first. A mark that names only the environment
/// (a Kubernetes member) is claimed by any environment of that name.
pub fn orphans(inventory: &Inventory, claimed: &[Mark], catalog: &Catalog) -> Vec<Orphan> {
    let mut orphans: Vec<Orphan> = inventory
        .resources
        .values()
        .filter(|live| !claimed.iter().any(|mark| claims(mark, live)))
        .filter_map(|live| orphan(live, catalog))
        .collect();
    orphans.sort_by(|a, b| {
        (Reverse(a.usd_per_hour), kinds::rank(&a.id), &a.id).cmp(&(
            Reverse(b.usd_per_hour),
            kinds::rank(&b.id),
            &b.id,
        ))
    });
    orphans
}

fn claims(mark: &Mark, live: &Live) -> bool {
    let is = |key: &str, value: &str| live.marks.get(key).is_none_or(|marked| marked == value);
    is("environment", &mark.environment)
        && is("repository", &mark.repository)
        && is("file", &mark.file)
}

fn orphan(live: &Live, catalog: &Catalog) -> Option<Orphan> {
    let environment = live.marks.get("environment")?.clone();
    let units = live.workload.as_ref().map(|workload| workload.desired);
    let known = live.fields.text_at("/instance_type");
    let price = known.and_then(|name| catalog.get(&name)).map(|known| known.usd_per_hour);
    let file = live.marks.get("file");
    Some(Orphan {
        id: live.id.clone(),
        environment,
        from: live
            .marks
            .get("repository")
            .zip(file)
            .map(|(repo, file)| format!("{file} of {repo}")),
        units,
        usd_per_hour: price.zip(units).map(|(price, units)| price.times(units)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::world::World;

    #[test]
    fn what_no_environment_claims_is_listed_with_its_price_dearest_first() {
        let mut world = World::applied();
        world.scale("AutoScalingGroup", "prod-g6e-od-g6e.12xlarge", 3, "floodway-run");
        let mark = crate::desired::fixture::mark();
        let catalog = World::catalog();
        assert_eq!(orphans(&world.inventory, std::slice::from_ref(&mark), &catalog), []);

        let copied = Mark { file: "environments/copy.toml".into(), ..mark.clone() };
        let found = orphans(&world.inventory, &[copied], &catalog);
        assert!(
            found.iter().all(|orphan| orphan.id.kind == "AutoScalingGroup"),
            "their tags name the file"
        );

        let found = orphans(&world.inventory, &[], &catalog);
        assert_eq!(found.len(), world.inventory.resources.len());
        assert_eq!(found[0].id.name, "prod-g6e-od-g6e.12xlarge");
        assert_eq!(found[0].usd_per_hour.unwrap().to_string(), "$31.47/h");
        assert_eq!(
            found[0].from.as_deref(),
            Some("environments/prod.toml of github.com/acme/infra")
        );
    }

    #[test]
    fn what_carries_no_marks_is_nobodys_orphan() {
        let mut world = World::applied();
        for live in world.inventory.resources.values_mut() {
            live.marks.clear();
        }
        assert_eq!(orphans(&world.inventory, &[], &World::catalog()), []);
    }
}
