//! One pair of past and future becomes one change.

use super::Step;
use super::steps::{self, Limits};
use super::{
    Action, Change, Checked, Diff, FieldChange, Fingerprint, PlanInput, Refusal, Takes,
    diff::alike,
    elsewhere, heirs, kinds,
    owners::{recognise_drift, take_over},
    reasons, sharing, shrinking,
    slots::Pair,
    view,
};
use crate::decide::Reason;
use crate::desired::{Desired, Seed};
use crate::observe::{FieldPath, Live, Ownership, ProblemKind, Side, Workload, marks};
use serde_json::Value;

/// What became of a pair.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) change: Change,
    /// It does more than its write shows: field ownership moves, or a step
    /// follows. A server that sees no difference does not make this a no-op.
    pub(super) is_needed: bool,
    /// What is taken from other managers.
    pub(super) takes: Takes,
    pub(super) refusals: Vec<Refusal>,
    pub(super) warnings: Vec<String>,
}

/// The change that `pair` asks for.
pub(super) fn change(input: &PlanInput<'_>, pair: &Pair<'_>) -> Outcome {
    match pair {
        Pair::Wanted { want, live: None, replaces: Some(old) } => replacement(input, want, old),
        Pair::Wanted { want, live: None, .. } => creation(input, want),
        Pair::Wanted { want, live: Some(live), .. } => existing(input, want, live),
        Pair::Unwanted { live, successor } => deletion(input, live, *successor),
    }
}

fn creation(input: &PlanInput<'_>, want: &Desired) -> Outcome {
    let limits = Limits { environment: input.environment };
    let namespace = want.id.kind == kinds::NAMESPACE;
    if namespace && input.inventory.capabilities.namespace_exists {
        return Change::new(want, Action::NoOp).into();
    }
    let mut change = Change::new(want, Action::Create);
    if let Some(reason) = sharing::own_group(input, want) {
        change.reason = reason;
    }
    change.steps = heirs::notes(input, want);
    change.steps.extend(steps::create(limits, want, want.seed.clone()));
    change.into()
}

fn replacement(input: &PlanInput<'_>, want: &Desired, old: &Live) -> Outcome {
    let limits = Limits { environment: input.environment };
    let mut change = Change::new(want, Action::Replace);
    let count = old.runtime.as_ref().map(|runtime| runtime.value.clone());
    // At 0 the new one would stand where no autoscaler scales it from.
    let least = least_on_prem(input, want).filter(|_| want.id.kind == kinds::DEPLOYMENT);
    let least = least.unwrap_or(0);
    let stuck = |count: &Value| *count == 0 && least > 0;
    let count = count.map(|count| if stuck(&count) { least.into() } else { count });
    let seed = want
        .seed
        .as_ref()
        .map(|seed| Seed { value: count.unwrap_or_else(|| seed.value.clone()), ..seed.clone() });
    change.owned_by = seed.as_ref().map(owned_by);
    let difference = differing(want, old);
    (change.fields, change.unchanged) = (difference.fields, difference.unchanged);
    let fixed = immutable_differences(want, old);
    let names = fixed.join(", ");
    change.notes.push(if names.is_empty() {
        format!("replaces {}: create, ready, drain, delete", old.id)
    } else {
        format!("{names} cannot change in place: replaces {}", old.id)
    });
    if fixed.iter().any(|field| field == "capacity_type") {
        let note = "in place, AWS would replace instances of its own choice to match the market";
        change.notes.push(note.to_owned());
    }
    if old.ownership == Ownership::Unmarked {
        change.notes.push(format!("adopts {}", old.id));
    }
    change.steps = steps::replace(limits, want, seed, old);
    change.before = Some(old.fields.clone());
    change.replaces = Some(old.id.clone());
    change.fingerprint = Fingerprint::of(old, Action::Replace, change.body.as_ref(), None);
    change.into()
}

fn existing(input: &PlanInput<'_>, want: &Desired, live: &Live) -> Outcome {
    if live.deleting {
        let mut outcome: Outcome = keep(want, live);
        outcome.warnings.push(format!("{} is being deleted: plan again when it is gone", live.id));
        return outcome;
    }
    match &live.ownership {
        Ownership::Other(owner) => {
            let elsewhere = elsewhere::refusal(input, live);
            let moved = || Refusal::of_another_file(input.mark, live);
            let refusal = elsewhere.or_else(moved);
            let refusal = refusal.unwrap_or_else(|| Refusal::owned_by_other(&live.id, owner));
            refused(want, live, refusal)
        }
        Ownership::Unmarked if want.id.kind == kinds::NAMESPACE => keep(want, live),
        Ownership::Unmarked if !input.options.adopt.contains(&live.id) => {
            refused(want, live, Refusal::not_adopted(&live.id))
        }
        _ => {
            let fixed = immutable_differences(want, live);
            if fixed.is_empty() {
                update(input, want, live)
            } else {
                refused(want, live, Refusal::immutable(&live.id, &fixed))
            }
        }
    }
}

fn update(input: &PlanInput<'_>, want: &Desired, live: &Live) -> Outcome {
    let ours = live.ownership == Ownership::Ours;
    let mut difference = differing(want, live);
    let mut change = Change::new(want, Action::Update);
    let mut takes_over = false;
    if let Some(runtime) = &live.runtime {
        takes_over = take_over(&mut difference, &mut change.notes, runtime);
    }
    recognise_drift(&mut difference, &mut change.notes, live);
    // A group's number has no owner that could lose it.
    let in_cluster = live.id.side == Side::Kubernetes;
    let hands_over = want.seed.as_ref().filter(|seed| {
        let held_by_git = live.fields.at(&seed.path).is_some_and(|value| !value.is_null());
        in_cluster && (held_by_git || (!ours && live.runtime.is_some()))
    });
    if let Some(seed) = hands_over.filter(|_| ours) {
        let (field, owner) = (FieldPath::from_pointer(&seed.path), seed.owner);
        let value = live.fields.at(&seed.path).map(|value| value.to_string()).unwrap_or_default();
        change.notes.push(format!("hands {field} = {value} over to {owner}"));
    }
    if !ours {
        change.notes.push("adopted: it carries no marks yet".to_owned());
    }
    let moved = live.pool().filter(|from| {
        let to = want.pool.as_ref().map(AsRef::as_ref);
        Some(*from) != to && input.environment.moved.iter().any(|moved| moved.from == *from)
    });
    change.notes.extend(moved.map(|from| format!("moved from {from}")));

    let raise = raise(input, want, live, hands_over.is_some());
    let raises = raise.is_some();
    let nothing =
        difference.fields.is_empty() && hands_over.is_none() && !takes_over && !raises && ours;
    let path = live.runtime.as_ref().filter(|_| takes_over).map(|runtime| runtime.path.clone());
    let takes = match (ours, input.options.force_conflicts) {
        (false, _) => Takes::Everything,
        (true, true) => Takes::Conflicts(path),
        (true, false) => path.map_or(Takes::Nothing, Takes::Field),
    };
    let mut warnings = Vec::new();
    if nothing {
        change.action = Action::NoOp;
        change.notes.clear();
        if let Some(workload) = live.workload.as_ref().filter(|w| !w.is_rolled_out()) {
            warnings.push(cut_off(live, workload));
            change.steps = steps::wait(Limits { environment: input.environment }, want);
        }
    } else {
        let limits = Limits { environment: input.environment };
        let rolls = difference.fields.iter().any(|field| starts_units(want, &field.path));
        let hold = hands_over.map(|seed| seed.path.as_str());
        change.before = Some(live.fields.clone());
        change.steps = steps::update(limits, want, live, hold, takes.clone(), rolls);
        let ending = shrinking::ending(want, live);
        if !ending.is_empty() {
            change.notes.push(format!("drains {} first", ending.join(", ")));
            // First its hooks and bounds, so that who ends finishes its work; then
            // who ends, by name; and only then the number that leaves no room.
            let before = steps::roomy(want, live, takes.clone());
            change.steps.splice(..0, [before, steps::drain_units(limits, live, ending)]);
            warnings.extend(held_up(live));
        }
        change.notes.extend(sharing::staying(want, live));
        if let Some((note, step)) = raise {
            change.notes.push(note);
            change.steps.extend(heirs::notes(input, want));
            change.steps.push(step);
            change.steps.extend(steps::wait(limits, want));
        }
    }
    if let Some(reason) = reasons::of(input, want, &difference.fields) {
        change.reason = reason;
    }
    (change.fields, change.unchanged) = (difference.fields, difference.unchanged);
    live_facts(&mut change, live);
    Outcome {
        is_needed: hands_over.is_some() || takes_over || raises || !ours,
        takes,
        warnings,
        ..Outcome::from(change)
    }
}

/// What gives a runtime-owned workload more than it has, and why: a group carries
/// on for others that go; or a drain of ours, or git before it hands the number
/// over, has left a Deployment at nothing, from where an autoscaler does not scale.
fn raise(
    input: &PlanInput<'_>,
    want: &Desired,
    live: &Live,
    hands_over: bool,
) -> Option<(String, Step)> {
    let (seed, runtime) = (want.seed.as_ref()?, live.runtime.as_ref()?);
    let (id, uid, path) = (live.id.clone(), live.uid.clone(), seed.path.clone());
    if let Some(least) = heirs::least(input, want, live) {
        let has = live.workload.as_ref().map_or(0, |workload| workload.desired);
        let note = format!("raised by {} to {least}, for what goes", least.saturating_sub(has));
        return Some((note, Step::Raise { id, uid, path, least }));
    }
    let least = least_on_prem(input, want)?;
    let drained_by_us = runtime.managers.iter().any(|name| name == marks::HANDOVER_MANAGER);
    let ours = hands_over || drained_by_us;
    let drained = runtime.value == 0 && least > 0 && ours && want.id.kind == kinds::DEPLOYMENT;
    let note = "stands at 0, from where no autoscaler scales".to_owned();
    drained.then_some((note, Step::Raise { id, uid, path, least }))
}

/// The least replicas of an on-prem pool; none: it is another. Replicas on burst nodes
/// follow the nodes, whose number is the pool's.
fn least_on_prem(input: &PlanInput<'_>, want: &Desired) -> Option<u32> {
    let pool = want.pool.as_ref()?;
    input.environment.onprem.as_ref()?.pools.get(pool)?;
    Some(input.decision.pools.get(pool)?.min)
}

/// What an apply that was cut off, or failed, has left behind.
fn cut_off(live: &Live, workload: &Workload) -> String {
    let problems = workload.problems.iter();
    let why: Vec<_> = problems.map(|p| format!("; {} × {}", p.units, p.message)).collect();
    let (ready, desired) = (workload.ready, workload.desired);
    format!("{} is not rolled out yet: {ready} of {desired} ready{}", live.id, why.concat())
}

fn deletion(input: &PlanInput<'_>, live: &Live, successor: Option<&Desired>) -> Outcome {
    let mut change = Change {
        id: live.id.clone(),
        replaces: None,
        action: Action::Delete,
        reason: sharing::joins_another(input, live)
            .unwrap_or_else(|| no_longer_wanted(input, live)),
        fields: Vec::new(),
        image: None,
        unchanged: 0,
        before: Some(live.fields.clone()),
        body: None,
        owned_by: None,
        pool: live.pool().map(str::to_owned),
        fingerprint: Fingerprint::of(live, Action::Delete, None, None),
        checked: Checked::NotNeeded,
        notes: Vec::new(),
        steps: Vec::new(),
        after: Vec::new(),
        wave: 0,
    };
    if live.deleting {
        (change.action, change.before) = (Action::NoOp, None);
        change.fingerprint = Fingerprint::of(live, Action::NoOp, None, None);
        change.notes.push("is being deleted already".to_owned());
        return change.into();
    }
    if let Some(workload) = live.workload.as_ref().filter(|workload| workload.existing > 0) {
        let unit = if live.id.kind == kinds::GROUP { "instance" } else { "replica" };
        let plural = if workload.existing == 1 { "" } else { "s" };
        change.notes.push(format!("drains {} {unit}{plural} first", workload.existing));
    }
    let successor = successor.or_else(|| heirs::of(input, live));
    change.steps = steps::delete(Limits { environment: input.environment }, live, successor);
    Outcome { warnings: held_up(live), ..Outcome::from(change) }
}

/// What keeps units of `live` from starting or ending, as its place says.
fn held_up(live: &Live) -> Vec<String> {
    let problems = live.workload.iter().flat_map(|workload| &workload.problems);
    let held = problems.filter(|problem| problem.kind == ProblemKind::Refused);
    held.map(|problem| format!("{}: {}", live.id, problem.message)).collect()
}

fn no_longer_wanted(input: &PlanInput<'_>, live: &Live) -> Reason {
    let text = match live.pool() {
        Some(pool) if !input.decision.pools.contains_key(pool) => {
            format!("pool {pool} is not in {} any more", input.mark.file)
        }
        _ => format!("nothing in {} asks for it any more", input.mark.file),
    };
    Reason { key: None, at: None, text }
}

/// It stays as it is, whatever it is.
fn keep(want: &Desired, live: &Live) -> Outcome {
    let mut change = Change::new(want, Action::NoOp);
    live_facts(&mut change, live);
    change.into()
}

/// It may not be touched: shown, and never done.
fn refused(want: &Desired, live: &Live, refusal: Refusal) -> Outcome {
    let mut change = Change::new(want, Action::Update);
    change.notes.push(refusal.message.clone());
    change.checked = Checked::Not("refused".to_owned());
    live_facts(&mut change, live);
    Outcome { refusals: vec![refusal], ..Outcome::from(change) }
}

fn live_facts(change: &mut Change, live: &Live) {
    if let (Some(owned), Some(runtime)) = (&mut change.owned_by, &live.runtime) {
        owned.1 = Some(runtime.value.clone());
    }
    let owned = change.owned_by.as_ref().map(|(path, ..)| path.as_str());
    change.fingerprint = Fingerprint::of(live, change.action, change.body.as_ref(), owned);
}

/// What differs between what git wants and what it owns.
fn differing(want: &Desired, live: &Live) -> Diff {
    let not_git = want.seed.as_ref().map(|seed| seed.path.as_str());
    let owned = view::owned(live, Some(&want.body), not_git);
    if owned.digest() == want.body.digest() {
        return Diff { fields: Vec::new(), unchanged: want.body.leaves() };
    }
    view::difference(live, &owned.value(), &want.body.value())
}

/// Pointers in `want.immutable` at which both sides have a value, and not the same.
fn immutable_differences(want: &Desired, live: &Live) -> Vec<String> {
    if want.immutable.is_empty() || live.fields.digest() == want.body.digest() {
        return Vec::new();
    }
    let (owned, wanted) = (live.fields.value(), want.body.value());
    let differs = |pointer: &&&str| match (owned.pointer(pointer), wanted.pointer(pointer)) {
        // A list stays what it is while some of it stays.
        (Some(Value::Array(owned)), Some(Value::Array(wanted))) => {
            owned != wanted && !owned.iter().any(|one| wanted.contains(one))
        }
        (Some(owned), Some(wanted)) => !alike(owned, wanted),
        _ => false,
    };
    let text = |pointer: &&str| FieldPath::from_pointer(pointer).to_string();
    want.immutable.iter().filter(differs).map(text).collect()
}

/// Whether a change of this field makes new units, which then have to get ready.
fn starts_units(want: &Desired, path: &str) -> bool {
    if want.id.kind == kinds::GROUP { !path.starts_with("tags") } else { path.starts_with("spec") }
}

fn owned_by(seed: &Seed) -> (String, Option<Value>, crate::decide::DesiredOwner) {
    (seed.path.clone(), Some(seed.value.clone()), seed.owner)
}

impl Change {
    /// A change of `want` without steps, as if nothing were there.
    pub(super) fn new(want: &Desired, action: Action) -> Self {
        Self {
            id: want.id.clone(),
            replaces: None,
            action,
            reason: want.reason.clone(),
            fields: Vec::<FieldChange>::new(),
            image: None,
            unchanged: 0,
            before: None,
            body: Some(want.body.clone()),
            owned_by: want.seed.as_ref().map(owned_by),
            pool: want.pool.as_ref().map(ToString::to_string),
            fingerprint: Fingerprint::absent(),
            checked: Checked::NotNeeded,
            notes: Vec::new(),
            steps: Vec::new(),
            after: Vec::new(),
            wave: 0,
        }
    }
}

impl From<Change> for Outcome {
    fn from(change: Change) -> Self {
        Self {
            change,
            is_needed: false,
            takes: Takes::Nothing,
            refusals: Vec::new(),
            warnings: Vec::new(),
        }
    }
}
