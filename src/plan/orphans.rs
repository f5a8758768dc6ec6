//! What carries Floodway's marks and no environment claims.

use super::{kinds, of_group};
use crate::decide::SupplyGroup;
use crate::observe::{Inventory, Live, Mark, ResourceId};
use crate::spec::Catalog;
use crate::units::UsdPerHour;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

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

/// What one file claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The file's repository.
    pub repository: String,
    /// The file in it.
    pub file: String,
    /// Name and namespace; none: the file cannot be read now, and claims whatever
    /// is marked with it.
    pub environment: Option<(String, String)>,
}

impl Claim {
    /// What `mark`'s file claims, with its service in `namespace`.
    pub fn new(mark: &Mark, namespace: &str) -> Self {
        Self {
            repository: mark.repository.clone(),
            file: mark.file.clone(),
            environment: Some((mark.environment.clone(), namespace.to_owned())),
        }
    }

    fn holds(&self, live: &Live, from: Option<Source<'_>>) -> bool {
        let same_file = from.map(|from| from == (&self.repository, &self.file));
        let Some((name, namespace)) = &self.environment else { return same_file == Some(true) };
        let same_name = match &live.applyset {
            Some(set) => *set == self.mark(name).applyset_id(namespace),
            None => live.marks.get("environment") == Some(name),
        };
        same_name && same_file != Some(false)
    }

    fn mark(&self, environment: &str) -> Mark {
        Mark {
            environment: environment.to_owned(),
            repository: self.repository.clone(),
            file: self.file.clone(),
        }
    }
}

/// Repository and file.
type Source<'a> = (&'a String, &'a String);

/// The parents of all sets: only they say from where a member comes.
struct Parents<'a>(BTreeMap<&'a str, Source<'a>>);

impl<'a> Parents<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let parents = inventory.resources.values().filter(|live| live.id.kind == "ConfigMap");
        let named = |live: &'a Live| Some((live.applyset.as_deref()?, marked(live)?));
        Self(parents.filter_map(named).collect())
    }

    fn source(&self, live: &'a Live) -> Option<Source<'a>> {
        let by_parent = || self.0.get(live.applyset.as_deref()?).copied();
        marked(live).or_else(by_parent)
    }
}

fn marked(live: &Live) -> Option<Source<'_>> {
    live.marks.get("repository").zip(live.marks.get("file"))
}

/// Everything in `inventory` that carries the marks of an environment and that
/// none of `claims` holds; the dearest first. Of a copy of an environment, from
/// another repository, file or namespace, the set's id and its parent tell.
pub fn orphans(inventory: &Inventory, claims: &[Claim], catalog: &Catalog) -> Vec<Orphan> {
    let parents = Parents::of(inventory);
    let mut orphans: Vec<Orphan> = inventory
        .resources
        .values()
        .map(|live| (live, parents.source(live)))
        .filter(|(live, from)| !claims.iter().any(|claim| claim.holds(live, *from)))
        .filter_map(|(live, from)| orphan(live, from, catalog))
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

fn orphan(live: &Live, from: Option<Source<'_>>, catalog: &Catalog) -> Option<Orphan> {
    let environment = live.marks.get("environment")?.clone();
    let units = live.workload.as_ref().map(|workload| workload.desired);
    let cost = SupplyGroup::of(live).and_then(|group| {
        let price = |name: &str| Some(catalog.list_price(name, &group.region)?.usd_per_hour);
        let running = group.running.iter().map(|(name, units)| (price(name), *units)).collect();
        let startable = group.instance_types.iter().map(|name| price(name));
        of_group(running, startable, group.desired).exact()
    });
    Some(Orphan {
        id: live.id.clone(),
        environment,
        from: from.map(|(repository, file)| format!("{file} of {repository}")),
        units,
        usd_per_hour: cost,
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
        let list = |claim: Claim| orphans(&world.inventory, &[claim], &catalog);
        let ours = Claim::new(&mark, "inference");
        assert_eq!(list(ours.clone()), []);
        assert_eq!(
            list(Claim { environment: None, ..ours.clone() }),
            [],
            "though it is unreadable"
        );

        let all = world.inventory.resources.len();
        let copied = Claim { file: "environments/copy.toml".into(), ..ours.clone() };
        let forked = Claim { repository: "github.com/acme/fork".into(), ..ours };
        for elsewhere in [copied, forked] {
            let found = list(elsewhere);
            assert_eq!(found.len(), all);
            let from = found.iter().map(|orphan| orphan.from.as_deref());
            assert!(from.eq([Some("environments/prod.toml of github.com/acme/infra")].repeat(all)));
        }
        let moved = list(Claim::new(&mark, "elsewhere"));
        assert!(moved.iter().any(|orphan| orphan.id.kind == "Deployment"));
        assert!(moved.iter().all(|orphan| orphan.id.kind != "AutoScalingGroup"), "in no namespace");

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
