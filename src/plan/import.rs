//! Making what is there part of an environment, where it stands.

use super::{Action, Change, Plan, PlanError, PlanOptions, Refusal, Target, kinds};
use crate::observe::{Inventory, Ownership, ResourceId};
use std::collections::BTreeSet;

/// What an import would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Things that carry the environment's marks already.
    pub already: Vec<ResourceId>,
    /// The plan that adopts the others; none: there are no others.
    pub plan: Option<Plan>,
}

/// Which of `things` are the environment's already, and how to plan for the
/// others: adopted, with what they need, and nothing else.
pub fn import_options(
    things: &BTreeSet<ResourceId>,
    inventory: &Inventory,
) -> (Vec<ResourceId>, PlanOptions) {
    let is_ours = |id: &ResourceId| {
        inventory.resources.get(id).is_some_and(|live| live.ownership == Ownership::Ours)
    };
    let (already, others): (Vec<_>, Vec<_>) = things.iter().cloned().partition(is_ours);
    let targets = others.iter().cloned().map(Target::Exact).collect();
    let options =
        PlanOptions { adopt: others.into_iter().collect(), targets, ..PlanOptions::default() };
    (already, options)
}

/// What the plan made with [`import_options`] means: what it would replace is
/// refused, for an import leaves things where they are.
///
/// # Errors
/// Something to import that does not exist.
pub fn imported(
    already: Vec<ResourceId>,
    mut plan: Plan,
    options: &PlanOptions,
    inventory: &Inventory,
) -> Result<Import, PlanError> {
    if let Some(id) = options.adopt.iter().find(|id| !inventory.resources.contains_key(*id)) {
        return Err(PlanError::NotThere(Box::new(id.clone())));
    }
    let replaced = plan.changes.iter().filter_map(|change| {
        let old = change.replaces.as_ref().filter(|_| change.action == Action::Replace)?;
        options.adopt.contains(old).then(|| not_in_place(&plan.mark.environment, old, change))
    });
    let refusals: Vec<Refusal> = replaced.collect();
    plan.refusals.extend(refusals);
    Ok(Import { already, plan: Some(plan) })
}

fn not_in_place(environment: &str, old: &ResourceId, change: &Change) -> Refusal {
    let why = change.notes.first().map(|why| format!(" ({why})")).unwrap_or_default();
    Refusal {
        guard: "in_place".to_owned(),
        message: format!(
            "{old} cannot be adopted in place: {} would replace it{why}",
            change.id.name
        ),
        help: format!(
            "leave it alone, or let it be replaced: floodway apply {environment} --adopt {}",
            kinds::written(old)
        ),
    }
}
