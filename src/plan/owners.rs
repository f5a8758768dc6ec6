//! Fields that other managers hold: whose they are, and since when not ours.

use super::{Diff, quantity};
use crate::observe::{FieldPath, Live, RuntimeField};

/// Git sets a field that a runtime owner holds: says from what and from whom.
pub(super) fn take_over(
    difference: &mut Diff,
    notes: &mut Vec<String>,
    runtime: &RuntimeField,
) -> bool {
    let path = FieldPath::from_pointer(&runtime.path);
    let field = difference.fields.iter_mut().find(|field| field.path == path.as_str());
    let Some(field) = field.filter(|field| field.before.is_none() && field.after.is_some()) else {
        return false;
    };
    field.before = Some(runtime.value.clone());
    let same = field.before == field.after;
    let others: Vec<&str> = runtime.managers.iter().map(String::as_str).collect();
    let from = if others.is_empty() { "its runtime owner".to_owned() } else { others.join(", ") };
    notes.push(format!("takes {path} over from {from}"));
    if same {
        difference.fields.retain(|field| field.path != path.as_str());
        difference.unchanged += 1;
    }
    true
}

/// A wanted field that git does not own any more was taken by somebody: shows
/// the value they gave it, and them. The same value is no difference.
pub(super) fn recognise_drift(difference: &mut Diff, notes: &mut Vec<String>, live: &Live) {
    let mut managers = Vec::new();
    let mut same = 0;
    difference.fields.retain_mut(|field| {
        let Some(taken) = live.taken.get(&field.path).filter(|_| field.before.is_none()) else {
            return true;
        };
        let equal = field.after.as_ref().is_some_and(|after| {
            let quantity = field.path.contains(".resources.");
            *after == taken.value || (quantity && quantity::same(after, &taken.value))
        });
        if equal {
            same += 1;
            return false;
        }
        field.before = Some(taken.value.clone());
        let note = format!("{} was changed by {}", field.path, taken.manager);
        if !managers.contains(&note) {
            managers.push(note);
        }
        true
    });
    difference.unchanged += same;
    notes.extend(managers);
}
