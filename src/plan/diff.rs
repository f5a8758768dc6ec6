//! What differs between the fields that are wanted and those that are owned.

use super::{FieldChange, quantity};
use crate::observe::{Body, FieldPath};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What differs, and how much does not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    /// In the order of the wanted body; what goes comes after.
    pub fields: Vec<FieldChange>,
    /// Leaves that are the same on both sides.
    pub unchanged: usize,
}

/// Compares the owned `live` fields with `wanted`: an owned field that is not
/// wanted any more is a removal. `null` and an empty list are the same as
/// nothing, quantities are compared by amount, lists of objects by the merge
/// keys of server-side apply where every element has its own. What only names
/// the object (`kind`, `metadata.name`, …) is not compared.
pub fn diff(live: &Value, wanted: &Value) -> Diff {
    run(live, wanted, true)
}

/// As [`diff`], for a thing whose other fields are somebody else's: only what
/// is wanted is looked at, and nothing is removed.
pub fn diff_wanted(live: &Value, wanted: &Value) -> Diff {
    run(live, wanted, false)
}

/// As [`diff`], and what is not there at all is told part by part.
pub(super) fn diff_deep(live: &Value, wanted: &Value) -> Diff {
    let mut walk = Walk { diff: Diff::default(), removals: true, parts: true };
    walk.compare(&Spot::Root, Some(live), Some(wanted));
    walk.diff
}

fn run(live: &Value, wanted: &Value, removals: bool) -> Diff {
    let mut walk = Walk { diff: Diff::default(), removals, parts: false };
    walk.compare(&Spot::Root, Some(live), Some(wanted));
    walk.diff
}

/// A place in both trees. Most places are the same on both sides, so its text
/// is only made where it is asked for.
enum Spot<'a> {
    Root,
    Key(&'a Spot<'a>, &'a str),
    Element(&'a Spot<'a>, &'a [String]),
}

impl<'a> Spot<'a> {
    /// For people.
    fn path(&self) -> FieldPath {
        match self {
            Self::Root => FieldPath::root(),
            Self::Key(around, key) => around.path().key(key),
            Self::Element(around, id) => {
                let parts: Vec<&str> = id.iter().map(String::as_str).collect();
                around.path().element(&parts)
            }
        }
    }

    fn is_identity(&self, key: &str) -> bool {
        match self {
            Self::Root => Body::is_identity(None, key),
            Self::Key(Spot::Root, around) => Body::is_identity(Some(around), key),
            _ => false,
        }
    }

    /// For what depends on the place: list elements left out.
    fn keys(&self) -> Vec<&'a str> {
        match self {
            Self::Root => Vec::new(),
            Self::Key(around, key) => {
                let mut keys = around.keys();
                keys.push(*key);
                keys
            }
            Self::Element(around, _) => around.keys(),
        }
    }
}

struct Walk {
    diff: Diff,
    removals: bool,
    /// What is missing whole is taken apart.
    parts: bool,
}

impl Walk {
    fn compare(&mut self, at: &Spot<'_>, live: Option<&Value>, wanted: Option<&Value>) {
        let (live, wanted) = (live.filter(|v| is_something(v)), wanted.filter(|v| is_something(v)));
        match (live, wanted) {
            (None, None) => {}
            (Some(_), None) if !self.removals => {}
            (Some(Value::Object(live)), Some(Value::Object(wanted))) => {
                self.objects(at, live, wanted);
            }
            (Some(before), Some(after)) if before == after => {
                self.diff.unchanged += leaves(after);
            }
            (Some(Value::Array(before)), Some(Value::Array(after)))
                if let Some(keys) = merge_keys(before, after) =>
            {
                self.keyed_lists(at, before, after, keys);
            }
            (Some(before), Some(after)) if same(&at.keys(), before, after) => {
                self.diff.unchanged += leaves(after);
            }
            (None, Some(Value::Object(wanted))) if self.parts && !wanted.is_empty() => {
                self.objects(at, &Map::new(), wanted);
            }
            (None, Some(Value::Array(after)))
                if self.parts
                    && let Some(keys) = merge_keys(&[], after) =>
            {
                self.keyed_lists(at, &[], after, keys);
            }
            (before, after) => self.diff.fields.push(FieldChange {
                path: at.path().to_string(),
                before: before.cloned(),
                after: after.cloned(),
            }),
        }
    }

    fn objects(&mut self, at: &Spot<'_>, live: &Map<String, Value>, wanted: &Map<String, Value>) {
        if live.is_empty() && wanted.is_empty() {
            self.diff.unchanged += 1;
        }
        let content = |key: &str| !at.is_identity(key);
        for (key, after) in wanted.iter().filter(|(key, _)| content(key)) {
            self.compare(&Spot::Key(at, key), live.get(key), Some(after));
        }
        let gone = live.iter().filter(|(key, _)| content(key) && !wanted.contains_key(*key));
        for (key, before) in gone {
            self.compare(&Spot::Key(at, key), Some(before), None);
        }
    }

    fn keyed_lists(&mut self, at: &Spot<'_>, live: &[Value], wanted: &[Value], keys: &[&str]) {
        let named = |list: &[Value]| -> Vec<Vec<String>> {
            list.iter().map(|element| identity(element, keys).unwrap_or_default()).collect()
        };
        let (before, after) = (named(live), named(wanted));
        let known = |ids: &[Vec<String>]| -> BTreeMap<Vec<String>, usize> {
            ids.iter().cloned().enumerate().map(|(index, id)| (id, index)).collect()
        };
        let (known_before, known_after) = (known(&before), known(&after));
        for (id, element) in after.iter().zip(wanted) {
            let old = known_before.get(id).map(|&index| &live[index]);
            self.compare(&Spot::Element(at, id), old, Some(element));
        }
        for (id, element) in
            before.iter().zip(live).filter(|(id, _)| !known_after.contains_key(*id))
        {
            self.compare(&Spot::Element(at, id), Some(element), None);
        }
    }
}

/// Merge keys of the lists of the Kubernetes API (`x-kubernetes-list-map-keys`
/// in its OpenAPI), the more telling first; a missing `protocol` is TCP.
const MERGE_KEYS: [&[&str]; 10] = [
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["mountPath"],
    &["topologyKey", "whenUnsatisfiable"],
    &["name"],
    &["devicePath"],
    &["uid"],
    &["ip"],
    &["key"],
    &["type"],
];

/// The merge key by which every element of both lists is told from the others.
fn merge_keys(live: &[Value], wanted: &[Value]) -> Option<&'static [&'static str]> {
    let distinct = |list: &[Value], keys: &[&str]| {
        let ids: Option<Vec<_>> = list.iter().map(|element| identity(element, keys)).collect();
        ids.is_some_and(|mut ids| {
            let all = ids.len();
            ids.sort_unstable();
            ids.dedup();
            ids.len() == all
        })
    };
    MERGE_KEYS.into_iter().find(|keys| distinct(live, keys) && distinct(wanted, keys))
}

/// The values of `keys` in a list's element.
fn identity(element: &Value, keys: &[&str]) -> Option<Vec<String>> {
    let element = element.as_object()?;
    keys.iter()
        .map(|key| match element.get(*key) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            None if *key == "protocol" => Some("TCP".to_owned()),
            _ => None,
        })
        .collect()
}

/// `null` and an empty list say nothing, and the API server drops them.
fn is_something(value: &Value) -> bool {
    !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
}

/// Whether two values that are shown whole mean the same.
fn same(keys: &[&str], a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let within = |key: &str| -> bool {
                let mut keys = keys.to_vec();
                keys.push(key);
                let (a, b) = (a.get(key).unwrap_or(&Value::Null), b.get(key));
                let b = b.unwrap_or(&Value::Null);
                (!is_something(a) && !is_something(b)) || same(&keys, a, b)
            };
            a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).all(|key| within(key))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(keys, a, b))
        }
        _ => a == b || (quantity::is_quantity(keys) && quantity::same(a, b)),
    }
}

/// Whether two values, parts of objects, are the same as [`diff`] sees it.
pub(super) fn alike(a: &Value, b: &Value) -> bool {
    same(&[], a, b)
}

/// Values that have no parts.
fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(map) if !map.is_empty() => map.values().map(leaves).sum(),
        Value::Array(list) => list.iter().map(leaves).sum(),
        Value::Null => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
