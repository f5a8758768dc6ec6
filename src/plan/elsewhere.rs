//! An environment that stands in another namespace than its file says.

use super::{PlanInput, Refusal};
use crate::observe::{Live, Ownership};

/// Why nothing may be planned here, if `live` is what this environment has made
/// from another namespace: it has the names of that, and would be made twice.
pub(super) fn refusal(input: &PlanInput<'_>, live: &Live) -> Option<Refusal> {
    let there = live.marks.get("namespace")?;
    // The set's id is a digest of both names: a mark alone would prove nothing.
    let same_name = live.applyset.as_ref() == Some(&input.mark.applyset_id(there));
    let elsewhere = matches!(live.ownership, Ownership::Other(_)) && same_name;
    let (name, here) = (&input.mark.environment, &input.environment.service.namespace);
    elsewhere.then(|| Refusal {
        guard: "namespace".to_owned(),
        message: format!(
            "environment {name} stands in namespace {there} (so says {}), and {} says {here}",
            live.id, input.mark.file
        ),
        help: format!(
            "keep service.namespace = \"{there}\"; to move, put it back, run `floodway destroy \
             {name}`, then change it and apply; if that is another environment, give this one \
             another environment.name"
        ),
    })
}

#[cfg(test)]
mod tests {
    use crate::desired::fixture::unit;
    use crate::observe::Ownership;
    use crate::plan::tests::world::World;

    /// The environment was applied to one namespace, and its file says another.
    fn moved() -> World {
        let mut world = World::applied();
        world.environment.service.namespace = unit("new");
        world.inventory.resources.retain(|id, _| id.kind == "PriorityClass");
        world.inventory.last_apply = None;
        let class = world.live("PriorityClass", "floodway-prod");
        class.ownership = Ownership::Other("environment prod".into());
        world
    }

    fn guards(world: &World) -> Vec<(String, String)> {
        let refusals = world.draft().plan().refusals.clone();
        refusals.into_iter().map(|refusal| (refusal.guard, refusal.message)).collect()
    }

    #[test]
    fn both_namespaces_are_named_once() {
        let message = "environment prod stands in namespace inference (so says PriorityClass \
                       floodway-prod), and environments/prod.toml says new";
        assert_eq!(guards(&moved()), [("namespace".to_owned(), message.to_owned())]);
    }

    #[test]
    fn a_mark_that_the_sets_id_does_not_prove_is_not_believed() {
        let mut world = moved();
        let class = world.live("PriorityClass", "floodway-prod");
        class.marks.insert("namespace".into(), "anywhere".into());
        let found = guards(&world);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "ownership");
    }
}
