//! What differs between the fields that are wanted and those that are owned.

use super::{FieldChange, quantity};
use crate::observe::FieldPath;
use serde_json::{Map, Value};

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
/// keys of server-side apply where every element has its own.
pub fn diff(live: &Value, wanted: &Value) -> Diff {
    run(live, wanted, true)
}

/// As [`diff`], for a thing whose other fields are somebody else's: only what
/// is wanted is looked at, and nothing is removed.
pub fn diff_wanted(live: &Value, wanted: &Value) -> Diff {
    run(live, wanted, false)
}

fn run(live: &Value, wanted: &Value, removals: bool) -> Diff {
    let mut walk = Walk { diff: Diff::default(), removals };
    walk.compare(&Spot::default(), Some(live), Some(wanted));
    walk.diff
}

/// A place in both trees: for people, and as keys for what depends on the place.
#[derive(Clone, Default)]
struct Spot<'a> {
    path: FieldPath,
    keys: Vec<&'a str>,
}

impl<'a> Spot<'a> {
    fn key(&self, key: &'a str) -> Self {
        let mut keys = self.keys.clone();
        keys.push(key);
        Self { path: self.path.key(key), keys }
    }

    fn element(&self, merge_key: &[String]) -> Self {
        let parts: Vec<&str> = merge_key.iter().map(String::as_str).collect();
        Self { path: self.path.element(&parts), keys: self.keys.clone() }
    }
}

struct Walk {
    diff: Diff,
    removals: bool,
}

impl Walk {
    fn compare<'a>(&mut self, at: &Spot<'a>, live: Option<&'a Value>, wanted: Option<&'a Value>) {
        let (live, wanted) = (live.filter(|v| is_something(v)), wanted.filter(|v| is_something(v)));
        match (live, wanted) {
            (None, None) => {}
            (Some(_), None) if !self.removals => {}
            (Some(Value::Object(live)), Some(Value::Object(wanted))) => {
                self.objects(at, live, wanted);
            }
            (Some(Value::Array(before)), Some(Value::Array(after)))
                if let Some(keys) = merge_keys(before, after) =>
            {
                self.keyed_lists(at, before, after, keys);
            }
            (Some(before), Some(after)) if same(&at.keys, before, after) => {
                self.diff.unchanged += leaves(after);
            }
            (before, after) => self.diff.fields.push(FieldChange {
                path: at.path.to_string(),
                before: before.cloned(),
                after: after.cloned(),
            }),
        }
    }

    fn objects<'a>(
        &mut self,
        at: &Spot<'a>,
        live: &'a Map<String, Value>,
        wanted: &'a Map<String, Value>,
    ) {
        if live.is_empty() && wanted.is_empty() {
            self.diff.unchanged += 1;
        }
        for (key, after) in wanted {
            self.compare(&at.key(key), live.get(key), Some(after));
        }
        for (key, before) in live.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
            self.compare(&at.key(key), Some(before), None);
        }
    }

    fn keyed_lists<'a>(
        &mut self,
        at: &Spot<'a>,
        live: &'a [Value],
        wanted: &'a [Value],
        keys: &[&str],
    ) {
        let find = |list: &'a [Value], id: &[String]| {
            list.iter().find(|element| identity(element, keys).as_deref() == Some(id))
        };
        for after in wanted {
            let id = identity(after, keys).unwrap_or_default();
            self.compare(&at.element(&id), find(live, &id), Some(after));
        }
        for before in live {
            let id = identity(before, keys).unwrap_or_default();
            if find(wanted, &id).is_none() {
                self.compare(&at.element(&id), Some(before), None);
            }
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

/// Values that have no parts.
fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(map) if !map.is_empty() => map.values().map(leaves).sum(),
        Value::Array(list) if !list.is_empty() => list.iter().map(leaves).sum(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
