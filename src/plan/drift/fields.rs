//! Fields of what is in a cluster: who set them is told by who owns them.

use super::super::diff::{alike, diff, diff_deep};
use super::super::{FieldChange, PlanInput, kinds, quantity, view};
use super::{Finding, What};
use crate::desired::Desired;
use crate::observe::{FieldPath, Live, Ownership, RuntimeField, Taken, marks};
use serde_json::Value;

const NOBODYS: &str = "nobody owns it: somebody took it away, or the file asks for it only since \
                       the last apply";

/// What others changed of an object that the file asks for.
pub(super) fn compare(input: &PlanInput<'_>, want: &Desired, live: &Live) -> Vec<Finding> {
    let not_git = want.seed.as_ref().map(|seed| seed.path.as_str());
    let owned = view::owned(live, Some(&want.body), not_git);
    if owned.digest() == want.body.digest() {
        return Vec::new();
    }
    let (owned, wanted) = (owned.value(), want.body.value());
    let shallow = diff(&owned, &wanted).fields;
    // All that is in a policy is looked at, whoever owns it.
    let all_owned = live.id.kind == kinds::NETWORK_POLICY;
    let edited = shallow.iter().any(|field| {
        field.before.is_some() && !(all_owned && live.taken.contains_key(&field.path))
    });
    let mut found = Vec::new();
    let mut tell = |field: &FieldChange, is: Option<Value>, by: Vec<String>, doubt| {
        let what =
            What::Field { path: field.path.clone(), wanted: field.after.clone(), is, by, edited };
        found.push(Finding { id: live.id.clone(), what, doubt });
    };
    for field in parted(live, &owned, &wanted, shallow) {
        if let Some(runtime) = runtime_of(live, &field) {
            if let Some((by, doubt)) = scaled(input, live, runtime, &field) {
                tell(&field, Some(runtime.value.clone()), by, doubt);
            }
            continue;
        }
        match (live.taken.get(&field.path), &field.before) {
            (Some(taken), None) if is_as_wanted(&field, taken) => {}
            (Some(taken), None) => {
                tell(&field, Some(taken.value.clone()), vec![taken.manager.clone()], None);
            }
            (Some(taken), Some(is)) if all_owned => {
                tell(&field, Some(is.clone()), vec![taken.manager.clone()], None);
            }
            // Only Floodway can have set what it owns: the file says otherwise now.
            (_, Some(_)) => {}
            (None, None) => tell(&field, None, Vec::new(), Some(NOBODYS.to_owned())),
        }
    }
    found
}

/// The differences; what is missing whole is taken apart where somebody owns
/// parts of it.
fn parted(
    live: &Live,
    owned: &Value,
    wanted: &Value,
    shallow: Vec<FieldChange>,
) -> Vec<FieldChange> {
    let mut deep = None;
    let mut parted = Vec::new();
    for field in shallow {
        let within = |path: &str| {
            path.strip_prefix(&field.path).is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        let has_parts = field.before.is_none()
            && !live.taken.contains_key(&field.path)
            && live.taken.keys().any(|path| within(path));
        if has_parts {
            let all = deep.get_or_insert_with(|| diff_deep(owned, wanted).fields);
            parted.extend(all.iter().filter(|part| within(&part.path)).cloned());
        } else {
            parted.push(field);
        }
    }
    parted
}

fn is_as_wanted(field: &FieldChange, taken: &Taken) -> bool {
    field.after.as_ref().is_some_and(|after| {
        let quantity = field.path.contains(".resources.");
        alike(after, &taken.value) || (quantity && quantity::same(after, &taken.value))
    })
}

/// The runtime field, where `field` is it and git does not hold it.
fn runtime_of<'a>(live: &'a Live, field: &FieldChange) -> Option<&'a RuntimeField> {
    let runtime = live.runtime.as_ref()?;
    let same = FieldPath::from_pointer(&runtime.path).as_str() == field.path;
    (same && field.before.is_none()).then_some(runtime)
}

/// Who moved the number that git sets, and what is not certain of it; none:
/// nobody did, or its owner of before, whom the file does without now.
fn scaled(
    input: &PlanInput<'_>,
    live: &Live,
    runtime: &RuntimeField,
    field: &FieldChange,
) -> Option<(Vec<String>, Option<String>)> {
    let by = &runtime.managers;
    let handed_over =
        by.iter().any(|name| name.starts_with(marks::MANAGER)) || autoscaled(input, live);
    if handed_over || field.after.as_ref() == Some(&runtime.value) {
        return None;
    }
    let doubt = by.is_empty().then(|| NOBODYS.to_owned());
    Some((by.clone(), doubt))
}

/// Whether an autoscaler of ours still moves it.
fn autoscaled(input: &PlanInput<'_>, live: &Live) -> bool {
    input.inventory.resources.values().any(|other| {
        other.id.kind == kinds::HPA
            && other.ownership == Ownership::Ours
            && other.id.scope == live.id.scope
            && other.fields.text_at("/spec/scaleTargetRef/name").as_ref() == Some(&live.id.name)
    })
}
