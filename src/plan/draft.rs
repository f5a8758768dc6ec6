//! The plan as it can be made without asking the places once more.

use super::one::{self, Outcome};
use super::slots::{self, Pair};
use super::{
    Action, Change, CheckRequest, Checked, Plan, PlanError, PlanInput, Step, Takes, WavePlan,
    edges, guard, kinds, moving, order, parent, refresh, refreshing, reservations, room, spending,
    target, totals, waves,
};
use crate::decide::{DesiredOwner, PoolKind};
use crate::observe::{Ownership, ResourceId};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// A plan that the places have not been asked about yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub(super) plan: Plan,
    pub(super) requests: Vec<(usize, CheckRequest)>,
    /// Changes that are no no-op even if the server sees no difference.
    pub(super) needed: BTreeSet<usize>,
}

impl Draft {
    /// What to ask the places, with the index of the change that each is about.
    /// The answers go to [`super::finish`].
    pub fn check_requests(&self) -> &[(usize, CheckRequest)] {
        &self.requests
    }

    /// The plan so far.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// Works out what would change. Pure: the same input, the same draft.
///
/// # Errors
/// Unknown targets; a circle in what should exist.
pub fn draft(input: &PlanInput<'_>) -> Result<Draft, PlanError> {
    slots::all_can_be_adopted(input)?;
    let selection = target::select(input)?;
    let mut refusals = guard::places(input);
    let mut warnings: Vec<String> = guard::unknown_cluster(input).into_iter().collect();
    warnings.extend(input.decision.notes.iter().map(ToString::to_string));
    warnings.extend(input.inventory.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)));

    let mut drafted = Drafted::default();
    let mut parent = None;
    let pairs = slots::pairs(input, &selection);
    let outcomes: Vec<_> = pairs.par_iter().map(|pair| one::change(input, pair)).collect();
    for (pair, outcome) in pairs.iter().zip(outcomes) {
        refusals.extend(outcome.refusals.iter().cloned());
        // A place may have said so already.
        let new = outcome.warnings.iter().filter(|warning| !warnings.contains(warning));
        let new: Vec<String> = new.cloned().collect();
        warnings.extend(new);
        let is_parent = parent::is_parent(input.mark, &outcome.change.id);
        if is_parent && matches!(pair, Pair::Wanted { .. }) {
            parent = Some(outcome);
        } else {
            drafted.push(outcome);
        }
    }
    warnings.extend(refreshing::told(input, &drafted.changes));
    refusals.extend(refreshing::refused(input, &drafted.changes));
    let (refreshes, others) = refresh::changes(input, &mut drafted.changes);
    refusals.extend(others);
    drafted.changes.extend(refreshes);
    refusals.extend(guard::missing(input, &drafted.changes));
    refusals.extend(guard::hold_back(&input.inventory.gaps, &mut drafted.changes));
    moving::wait_for_pods(input, &mut drafted.changes);
    let closing = parent.and_then(|outcome| drafted.add_parent(input, &outcome));
    let waves = waves::declared(input);
    let changes = arrange(input, drafted.changes, closing, waves.as_ref())?;
    let mut pools = totals::pools(input, &changes);
    if !input.options.targets.is_empty() {
        totals::leave_others(input, &mut pools, &changes);
    }
    let totals = totals::totals(input.mark, &changes, &pools);
    warnings.extend(totals::warnings(input, &changes, &pools));
    let (unfit, told) = reservations::check(input, &changes);
    refusals.extend(unfit);
    warnings.extend(told);
    warnings.extend(room::too_few_gpus(input, &changes, &pools));
    refusals.extend(guard::destruction(
        input.environment,
        input.options.confirm.as_deref(),
        &changes,
    ));
    refusals.extend(guard::foreign_autoscalers(input, &changes));
    let (over, notes) = spending::limits(input, &changes, &pools, &totals);
    refusals.extend(over);
    warnings.extend(notes);
    let targets: Vec<String> = input.options.targets.iter().map(ToString::to_string).collect();
    if !targets.is_empty() {
        warnings.push(format!(
            "this plan is partial: only {} and what it needs; plan all of it afterwards",
            targets.join(", ")
        ));
    }
    let mut draft = Draft {
        plan: Plan {
            mark: input.mark.clone(),
            environment_digest: input.environment_digest.to_owned(),
            environment_text: input.environment_text.to_owned(),
            as_of: input.inventory.taken_at,
            locations: input.inventory.locations.clone(),
            believed: input.inventory.believed.clone(),
            totals,
            changes,
            waves,
            targets,
            pools,
            warnings,
            refusals,
        },
        requests: Vec::new(),
        needed: BTreeSet::new(),
    };
    ask(input, &mut draft, &drafted.needed);
    Ok(draft)
}

/// The changes so far, and what of their outcomes is needed later.
#[derive(Default)]
struct Drafted {
    changes: Vec<Change>,
    needed: BTreeSet<ResourceId>,
}

impl Drafted {
    fn push(&mut self, outcome: Outcome) {
        if outcome.is_needed {
            self.needed.insert(outcome.change.id.clone());
        }
        self.changes.push(outcome.change);
    }

    /// Adds the parent's writes, and says which is to be the last of all.
    fn add_parent(&mut self, input: &PlanInput<'_>, outcome: &Outcome) -> Option<usize> {
        let live = input.inventory.resources.get(&outcome.change.id);
        if live.is_none() && something_is_unseen(input) {
            return None;
        }
        let left = left_behind(input, &self.changes);
        let writes = parent::split(outcome, live, left.as_ref());
        self.changes.extend(writes.opening);
        let closing = self.changes.len();
        self.changes.extend(writes.closing);
        (self.changes.len() > closing).then_some(closing)
    }
}

fn something_is_unseen(input: &PlanInput<'_>) -> bool {
    input.inventory.gaps.iter().any(|gap| gap.hides_members)
}

/// What carries the environment's marks when the plan is done, beside the
/// parent; none: not known, because something could not be seen.
fn left_behind<'a>(
    input: &PlanInput<'a>,
    changes: &'a [Change],
) -> Option<BTreeSet<&'a ResourceId>> {
    if something_is_unseen(input) {
        return None;
    }
    let there = input.inventory.resources.values().filter(|l| l.ownership == Ownership::Ours);
    let mut left: BTreeSet<&ResourceId> = there.map(|live| &live.id).collect();
    for change in changes {
        match change.action {
            Action::Delete => {
                left.remove(&change.id);
            }
            Action::NoOp => {}
            Action::Create | Action::Update | Action::Replace => {
                left.insert(&change.id);
                if let Some(old) = &change.replaces {
                    left.remove(old);
                }
            }
        }
    }
    left.retain(|id| kinds::may_be_pruned(id) && !parent::is_parent(input.mark, id));
    Some(left)
}

/// Puts changes in the order of applying, with their edges.
fn arrange(
    input: &PlanInput<'_>,
    mut changes: Vec<Change>,
    closing: Option<usize>,
    waves: Option<&WavePlan>,
) -> Result<Vec<Change>, PlanError> {
    let stages: Vec<Option<String>> = changes.iter().map(|change| stage(input, change)).collect();
    let after = edges::edges(input.mark, input.desired, &changes, &stages, closing);
    if let Some(waves) = waves {
        let assigned = waves::assign(waves, &changes, &after, closing);
        changes.iter_mut().zip(assigned).for_each(|(change, wave)| change.wave = wave);
    }
    in_order(changes, &after)
}

/// Puts `changes` in an order in which each stands behind those it is `after`.
pub(super) fn in_order(
    changes: Vec<Change>,
    after: &[Vec<usize>],
) -> Result<Vec<Change>, PlanError> {
    let key = |index: usize| {
        let change = &changes[index];
        (change.wave, change.action == Action::Delete, kinds::rank(&change.id), &change.id)
    };
    let order = order::topological(after, key).map_err(|circle| {
        PlanError::Cycle(circle.iter().map(|&index| changes[index].id.clone()).collect())
    })?;
    let mut position = vec![0; changes.len()];
    for (new, &old) in order.iter().enumerate() {
        position[old] = new;
    }
    let mut places: Vec<Option<Change>> = changes.into_iter().map(Some).collect();
    let ordered = order.iter().filter_map(|&old| {
        let mut change = places[old].take()?;
        change.after = after[old].iter().map(|&first| position[first]).collect();
        change.after.sort_unstable();
        Some(change)
    });
    Ok(ordered.collect())
}

/// The stage that a workload serves, or served.
fn stage(input: &PlanInput<'_>, change: &Change) -> Option<String> {
    let decided = change.pool.as_deref().and_then(|pool| input.decision.pools.get(pool));
    let marked = input.inventory.resources.get(&change.id).and_then(|l| l.marks.get("stage"));
    match change.action {
        Action::Delete => marked.cloned(),
        _ => decided.map(|pool| pool.stage.to_string()),
    }
}

/// What the places are asked, and what they cannot be asked.
fn ask(input: &PlanInput<'_>, draft: &mut Draft, needed: &BTreeSet<ResourceId>) {
    let new_namespaces: BTreeSet<String> = draft
        .plan
        .changes
        .iter()
        .filter(|c| c.action == Action::Create && c.id.kind == kinds::NAMESPACE)
        .map(|change| change.id.name.clone())
        .collect();
    let mut asked = BTreeSet::new();
    for (index, change) in draft.plan.changes.iter_mut().enumerate() {
        if needed.contains(&change.id) {
            draft.needed.insert(index);
        }
        let Some(body) =
            change.body.as_ref().filter(|_| change.action != Action::NoOp && change.has_work())
        else {
            continue;
        };
        let namespace = change.id.scope.as_ref().filter(|scope| new_namespaces.contains(*scope));
        if let Some(namespace) = namespace {
            change.checked = Checked::Not(format!("namespace {namespace} does not exist yet"));
        } else if asked.insert(change.id.clone()) {
            // Of the parent's two writes the second is the first with a count.
            let request = CheckRequest {
                id: change.id.clone(),
                body: body.clone(),
                exists: input.inventory.resources.contains_key(&change.id),
                takes: takes(&change.steps),
                units: units(input, change),
            };
            draft.requests.push((index, request));
        }
    }
}

/// What the change's own write takes over.
fn takes(steps: &[Step]) -> Takes {
    let of_write = |step: &Step| match step {
        Step::Apply { takes, .. } => Some(takes.clone()),
        _ => None,
    };
    steps.iter().find_map(of_write).unwrap_or_default()
}

/// How many units a workload, or what an autoscaler moves, has at least and at
/// most, for quotas.
fn units(input: &PlanInput<'_>, change: &Change) -> Option<(u32, u32)> {
    let pool = input.decision.pools.get(change.pool.as_deref()?)?;
    let per_unit = match (&pool.kind, change.id.kind.as_str()) {
        (PoolKind::Burst(groups), kinds::DEPLOYMENT) => {
            groups.iter().map(|group| group.replicas_per_node).max().unwrap_or(1)
        }
        (_, kinds::DEPLOYMENT | kinds::GROUP | kinds::HPA) => 1,
        _ => return None,
    };
    let (least, most) = match pool.owner {
        DesiredOwner::Git => (pool.desired, pool.desired),
        DesiredOwner::Hpa | DesiredOwner::Controller => (pool.min, pool.max),
    };
    Some((least.saturating_mul(per_unit), most.saturating_mul(per_unit)))
}
