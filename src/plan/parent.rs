//! The ApplySet's parent is written twice: first with every kind that members
//! have or will have (KEP-3659: no member may be of a kind it does not name)
//! and the count that the last apply left; and, when all else is done, with the
//! kinds and the count that are left (law 12: a count must never promise more
//! than was made).

use super::one::Outcome;
use super::{Action, Change, Checked, Fingerprint, Precondition, Step, diff, view};
use crate::observe::{Body, Live, Mark, Ownership, ResourceId, marks};
use serde_json::Value;
use std::collections::BTreeSet;

/// Whether `id` is the parent of `mark`'s ApplySet.
pub(super) fn is_parent(mark: &Mark, id: &ResourceId) -> bool {
    id.is_parent_of(mark)
}

/// The two writes, in place of the parent's one change; those that would change
/// nothing are left out, except that one of them always stays to be shown.
#[derive(Debug)]
pub(super) struct Writes {
    pub(super) opening: Option<Change>,
    pub(super) closing: Option<Change>,
}

/// Splits the parent's outcome. `left` is what the plan leaves behind, beside
/// the parent; none: unknown, because something could not be seen.
pub(super) fn split(
    outcome: &Outcome,
    live: Option<&Live>,
    left: Option<&BTreeSet<&ResourceId>>,
) -> Writes {
    let whole = &outcome.change;
    let ours = |live: &Live| live.ownership == Ownership::Ours && !live.deleting;
    let (Some(body), true) = (&whole.body, live.is_none_or(ours)) else {
        return Writes { opening: Some(whole.clone()), closing: None };
    };
    let (body, fields) = (body.value(), live.map(|live| live.fields.value()));
    let recorded = |key| fields.as_ref().and_then(|fields| annotation(fields, key));
    let before = recorded(marks::APPLYSET_GROUP_KINDS);
    let count_before = recorded(marks::MEMBERS);
    let regions_before = recorded(marks::REGIONS);

    let mut last = body.clone();
    match left {
        Some(left) => {
            let members = left.len().to_string();
            let cluster = left.iter().filter(|id| id.side == crate::observe::Side::Kubernetes);
            let kinds = cluster.map(|id| id.group_kind()).collect();
            annotate(&mut last, marks::APPLYSET_GROUP_KINDS, Some(join(&kinds)));
            annotate(&mut last, marks::MEMBERS, Some(members));
            let aws = left.iter().filter(|id| id.side == crate::observe::Side::Aws);
            let regions: BTreeSet<String> = aws.filter_map(|id| id.scope.clone()).collect();
            annotate(&mut last, marks::REGIONS, listed(&regions));
        }
        None => {
            let kinds = union(annotation(&body, marks::APPLYSET_GROUP_KINDS), before);
            annotate(&mut last, marks::APPLYSET_GROUP_KINDS, Some(kinds));
            annotate(&mut last, marks::MEMBERS, count_before.map(str::to_owned));
            annotate(&mut last, marks::REGIONS, regions_before.map(str::to_owned));
        }
    }
    let mut first = last.clone();
    let kinds = union(annotation(&last, marks::APPLYSET_GROUP_KINDS), before);
    // Where something is made is noted before it is, so that it is looked for there.
    let regions = union(annotation(&last, marks::REGIONS), regions_before);
    annotate(&mut first, marks::REGIONS, Some(regions).filter(|regions| !regions.is_empty()));
    annotate(&mut first, marks::APPLYSET_GROUP_KINDS, Some(kinds));
    annotate(&mut first, marks::MEMBERS, count_before.map(str::to_owned));

    let opening = write(whole, outcome, live, &first, fields.as_ref());
    let mut closing = write(whole, outcome, live, &last, Some(&first));
    if closing.action != Action::NoOp {
        closing.checked = Checked::NotNeeded;
        closing.notes = vec!["written last: what this apply leaves".to_owned()];
    }
    match (opening.action == Action::NoOp, closing.action == Action::NoOp) {
        (_, true) => Writes { opening: Some(opening), closing: None },
        (true, false) => Writes { opening: None, closing: Some(closing) },
        (false, false) => Writes { opening: Some(opening), closing: Some(closing) },
    }
}

/// One write of the parent: from what it is `before` to `body`.
fn write(
    whole: &Change,
    outcome: &Outcome,
    live: Option<&Live>,
    body: &Value,
    before: Option<&Value>,
) -> Change {
    let mut change = Change { body: Some(body.into()), ..whole.clone() };
    change.steps = vec![Step::Apply {
        id: change.id.clone(),
        body: body.into(),
        seed: None,
        precondition: match live {
            Some(live) => Precondition::Is(live.uid.clone()),
            None => Precondition::Absent,
        },
        takes: outcome.takes.clone(),
    }];
    match before {
        None => change.action = Action::Create,
        Some(before) => {
            let difference = diff(before, body);
            change.action =
                if difference.fields.is_empty() { Action::NoOp } else { Action::Update };
            (change.fields, change.unchanged) = (difference.fields, difference.unchanged);
        }
    }
    if change.action == Action::NoOp {
        change.steps.clear();
        change.notes.clear();
    }
    change.before = before.filter(|_| change.action == Action::Update).map(Body::from);
    if let Some(live) = live {
        change.fingerprint = Fingerprint::of(live, change.action, change.body.as_ref(), None);
    }
    change
}

fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

fn annotate(object: &mut Value, key: &str, value: Option<String>) {
    let pointer = format!("/metadata/annotations/{}", key.replace('/', "~1"));
    match value {
        Some(value) => view::set(object, &pointer, value.into()),
        None => {
            let annotations = object.pointer_mut("/metadata/annotations");
            if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
                annotations.shift_remove(key);
            }
        }
    }
}

fn union(a: Option<&str>, b: Option<&str>) -> String {
    let kinds = [a, b].into_iter().flatten().flat_map(|text| text.split(','));
    join(&kinds.filter(|kind| !kind.is_empty()).map(str::to_owned).collect())
}

fn listed(regions: &BTreeSet<String>) -> Option<String> {
    (!regions.is_empty()).then(|| join(regions))
}

fn join(kinds: &BTreeSet<String>) -> String {
    kinds.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}
