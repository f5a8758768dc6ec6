//! Everything that an environment owns, taken away.

use super::draft::in_order;
use super::slots::Pair;
use super::{
    Action, Change, Fingerprint, Flow, Plan, PlanError, PlanInput, PoolDelta, Refusal, Step, edges,
    elsewhere, guard, kinds, one, parent, steps, totals,
};
use crate::decide::Reason;
use crate::desired::DesiredWorld;
use crate::observe::{Live, Ownership};

/// The plan that deletes all that `input.inventory` shows to be ours: workloads
/// are drained first, the ApplySet's parent goes last. `namespace` takes the
/// service's namespace too, if nothing foreign is left in it. Neither what
/// should exist nor targets are looked at, and `max_destroy` is no limit here:
/// destroying is what was asked for. Nothing has to be checked by the places.
///
/// # Errors
/// None that a user can cause.
pub fn destroy_plan(input: &PlanInput<'_>, namespace: bool) -> Result<Plan, PlanError> {
    let inventory = input.inventory;
    let mut refusals = guard::right_place(input);
    let there = inventory.resources.values();
    refusals.extend(there.filter_map(|live| elsewhere::refusal(input, live)));
    let mut warnings: Vec<String> =
        inventory.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
    let owned = inventory
        .resources
        .values()
        .filter(|live| live.ownership == Ownership::Ours && kinds::may_be_pruned(&live.id));
    let mut changes: Vec<Change> = owned.map(|live| deletion(input, live)).collect();
    if namespace {
        match the_namespace(input) {
            Ok(change) => changes.push(change),
            Err(refusal) => refusals.push(refusal),
        }
    }
    refusals.extend(guard::hold_back(&inventory.gaps, &mut changes));
    let kept = inventory.resources.values().filter(|live| {
        live.ownership == Ownership::Ours && live.id.kind == "PersistentVolumeClaim"
    });
    warnings.extend(kept.map(|live| format!("{} stays: it holds data", live.id)));

    let changes = last_things_last(input, changes)?;
    let destroyed = guard::destroyed(&changes);
    let confirm = input.options.confirm.as_deref();
    refusals.extend(guard::protection(input.environment, confirm, &destroyed, None));
    let mut pools = totals::pools(input, &changes);
    pools.retain(|pool| pool.units.before > 0);
    pools.iter_mut().for_each(nothing_after);
    Ok(Plan {
        mark: input.mark.clone(),
        environment_digest: input.environment_digest.to_owned(),
        environment_text: input.environment_text.to_owned(),
        as_of: inventory.taken_at,
        locations: inventory.locations.clone(),
        believed: inventory.believed.clone(),
        totals: totals::totals(input.mark, &changes, &pools),
        changes,
        // A destruction is no rollout.
        waves: None,
        targets: Vec::new(),
        pools,
        warnings,
        refusals,
    })
}

fn reason(text: &str) -> Reason {
    Reason { key: None, at: None, text: text.to_owned() }
}

fn deletion(input: &PlanInput<'_>, live: &Live) -> Change {
    let outcome = one::change(input, &Pair::Unwanted { live, successor: None });
    let mut change = Change { reason: reason("the environment is destroyed"), ..outcome.change };
    let runs = live.workload.as_ref().map_or(0, |workload| workload.existing);
    let forced = input.options.force_instances && live.id.kind == kinds::GROUP;
    if forced && runs > 0 && change.action == Action::Delete {
        change.notes = vec![match runs {
            1 => "ends 1 instance at once, without its drain".to_owned(),
            _ => format!("ends {runs} instances at once, without their drain"),
        }];
        change.steps = steps::end_at_once(live, runs);
    }
    change
}

fn the_namespace(input: &PlanInput<'_>) -> Result<Change, Refusal> {
    let name = input.environment.service.namespace.as_str();
    let refusal = |message: String, help: &str| Refusal {
        guard: "namespace".to_owned(),
        message,
        help: help.to_owned(),
    };
    let found = input
        .inventory
        .resources
        .values()
        .find(|live| live.id.kind == kinds::NAMESPACE && live.id.name == name);
    let Some(live) = found else {
        return Err(refusal(
            format!("namespace {name} was not found"),
            "destroy without the namespace; if it should be there, check the role's rights",
        ));
    };
    if let Some(foreign) = input.inventory.capabilities.namespace_foreign.as_deref()
        && let [first, rest @ ..] = foreign
    {
        let more =
            if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        return Err(refusal(
            format!("namespace {name} holds what is not this environment's: {first}{more}"),
            "remove that first, or destroy without the namespace",
        ));
    }
    let mut change = deletion(input, live);
    change.reason = reason("asked for by name");
    change.fingerprint = Fingerprint::of(live, Action::Delete, None, None);
    if input.inventory.capabilities.namespace_foreign.is_none() {
        change.notes.push("only if nothing else is left in it then".to_owned());
    }
    Ok(change)
}

/// The parent after its members, the namespace after all that is in it.
fn last_things_last(input: &PlanInput<'_>, changes: Vec<Change>) -> Result<Vec<Change>, PlanError> {
    let stages = vec![None; changes.len()];
    let mut after = edges::edges(input.mark, &DesiredWorld::default(), &changes, &stages, None);
    let lateness = |change: &Change| {
        let parent = parent::is_parent(input.mark, &change.id);
        u8::from(parent) + 2 * u8::from(change.id.kind == kinds::NAMESPACE)
    };
    for (index, change) in changes.iter().enumerate() {
        let earlier = (0..changes.len()).filter(|&other| {
            changes[other].action != Action::NoOp && lateness(&changes[other]) < lateness(change)
        });
        after[index].extend(earlier);
        after[index].sort_unstable();
        after[index].dedup();
    }
    in_order(changes, &after)
}

fn nothing_after(pool: &mut PoolDelta) {
    pool.units.after = 0;
    pool.gpus.after = 0;
    pool.capacity = Flow { after: crate::units::Rate::default(), ..pool.capacity };
    pool.cost = pool.cost.then_nothing();
    for market in &mut pool.markets {
        market.costs = market.costs.then_nothing();
    }
}

impl Plan {
    /// Instances that end at once, without their drain, when it is applied.
    pub fn ends_at_once(&self) -> u32 {
        let ends = |step: &Step| match step {
            Step::Delete { ends, .. } => *ends,
            _ => 0,
        };
        self.changes.iter().flat_map(|change| &change.steps).map(ends).sum()
    }

    /// Takes back the refusal that asks for the environment's name, if `name` is
    /// that: for a plan that was saved before it was confirmed.
    pub fn confirm(&mut self, name: &str) {
        if name == self.mark.environment {
            self.refusals.retain(|refusal| refusal.guard != "protected");
        }
    }
}
