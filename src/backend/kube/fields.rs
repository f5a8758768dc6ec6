//! Field ownership: from `managedFields`, the values that a manager owns.

use crate::observe::{FieldPath, marks};
use crate::plan::Takes;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Which fields a manager owns: `fieldsV1`, where `f:name` is a field, `k:{…}`
/// the element of a list with these keys, `v:…` the element with this value,
/// `.` the thing itself; an empty tree owns all that is below it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tree {
    itself: bool,
    fields: HashMap<String, Tree>,
    elements: Vec<(Map<String, Value>, Tree)>,
    values: Vec<Value>,
}

impl Tree {
    /// Reads `fieldsV1`; what is of another form is owned by nobody.
    pub(super) fn of(fields: &Value) -> Self {
        let mut tree = Self::default();
        for (key, below) in fields.as_object().into_iter().flatten() {
            if let Some(name) = key.strip_prefix("f:") {
                tree.fields.insert(name.to_owned(), Self::of(below));
            } else if let Some(keys) = key.strip_prefix("k:") {
                if let Ok(Value::Object(keys)) = serde_json::from_str(keys) {
                    tree.elements.push((keys, Self::of(below)));
                }
            } else if let Some(value) = key.strip_prefix("v:") {
                tree.values.extend(serde_json::from_str::<Value>(value));
            } else {
                tree.itself |= key == ".";
            }
        }
        tree
    }

    fn owns_all(&self) -> bool {
        let Self { itself, fields, elements, values } = self;
        !itself && fields.is_empty() && elements.is_empty() && values.is_empty()
    }

    /// Whether it owns the field at a JSON pointer through objects.
    pub(super) fn owns(&self, pointer: &str) -> bool {
        let mut names = pointer.split('/').skip(1);
        names.try_fold(self, |tree, name| tree.fields.get(name)).is_some()
    }

    /// Leaves of `live` what it owns.
    pub(super) fn owned(&self, live: &mut Value) {
        if !self.keep(live, None) {
            *live = json!({});
        }
    }

    /// Whether something is left of `live`. Of an element of a list its `keys`
    /// stay: without them it could not be told from another.
    fn keep(&self, live: &mut Value, keys: Option<&Map<String, Value>>) -> bool {
        if self.owns_all() {
            return true;
        }
        match live {
            Value::Object(map) => {
                map.retain(|name, value| match self.fields.get(name) {
                    Some(below) => below.keep(value, None),
                    None => keys.is_some_and(|keys| keys.contains_key(name)),
                });
                !map.is_empty() || self.itself
            }
            Value::Array(list) => {
                list.retain_mut(|element| self.keep_element(element));
                true
            }
            _ => false,
        }
    }

    fn keep_element(&self, element: &mut Value) -> bool {
        let found = self.elements.iter().find(|(keys, _)| has(element, keys));
        match found {
            Some((keys, below)) => {
                below.keep(element, Some(keys));
                true
            }
            None => self.values.contains(element),
        }
    }

    /// Every leaf that it owns, with its path as people write it and its live
    /// value.
    pub(super) fn leaves(&self, live: &Value) -> Vec<(FieldPath, Value)> {
        let mut leaves = Vec::new();
        self.walk(&FieldPath::root(), live, &mut leaves);
        leaves
    }

    fn walk(&self, at: &FieldPath, live: &Value, into: &mut Vec<(FieldPath, Value)>) {
        if self.owns_all() {
            into.push((at.clone(), live.clone()));
        }
        for (name, below) in &self.fields {
            if let Some(value) = live.get(name) {
                below.walk(&at.key(name), value, into);
            }
        }
        for (keys, below) in &self.elements {
            let parts: Vec<String> = keys.values().map(text).collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let mut elements = live.as_array().into_iter().flatten();
            if let Some(element) = elements.find(|element| has(element, keys)) {
                below.walk(&at.element(&parts), element, into);
            }
        }
    }
}

fn has(element: &Value, keys: &Map<String, Value>) -> bool {
    keys.iter().all(|(name, value)| element.get(name) == Some(value))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The `managedFields` of `object` in which nobody else owns what Floodway has
/// applied and may take over; none: so it is already.
pub(super) fn without_co_owners(object: &Value, takes: &Takes) -> Option<Value> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let is_own = |entry: &Value| {
        entry["manager"] == marks::MANAGER
            && entry["operation"] == "Apply"
            && entry.get("subresource").is_none()
    };
    let own = entries.iter().find(|entry| is_own(entry))?.get("fieldsV1")?;
    let taken = match takes {
        Takes::Nothing | Takes::Conflicts(None) => return None,
        Takes::Everything => own.clone(),
        Takes::Field(pointer) | Takes::Conflicts(Some(pointer)) if Tree::of(own).owns(pointer) => {
            tree(pointer)
        }
        Takes::Field(_) | Takes::Conflicts(Some(_)) => return None,
    };
    let taken = taken.as_object()?;
    let mut left = Vec::new();
    for entry in entries {
        let theirs = entry["fieldsV1"].as_object().filter(|_| entry["subresource"] != "status");
        let (Some(theirs), false) = (theirs, is_own(entry)) else {
            left.push(entry.clone());
            continue;
        };
        let rest = without(theirs, taken);
        if !rest.is_empty() {
            let mut entry = entry.clone();
            entry["fieldsV1"] = Value::Object(rest);
            left.push(entry);
        }
    }
    (left != *entries).then_some(Value::Array(left))
}

/// The tree that owns what is at a JSON pointer through objects.
fn tree(pointer: &str) -> Value {
    let names: Vec<&str> = pointer.split('/').skip(1).collect();
    names.iter().rev().fold(json!({}), |below, name| json!({ format!("f:{name}"): below }))
}

/// What of `theirs` is not in `own`.
fn without(theirs: &Map<String, Value>, own: &Map<String, Value>) -> Map<String, Value> {
    let mut rest = Map::new();
    for (key, theirs) in theirs {
        let (own, theirs) = (own.get(key).and_then(Value::as_object), theirs.as_object());
        match (theirs, own) {
            (Some(theirs), Some(own)) if !theirs.is_empty() && !own.is_empty() => {
                let below = without(theirs, own);
                if !below.is_empty() {
                    rest.insert(key.clone(), Value::Object(below));
                }
            }
            (Some(_), Some(own)) if own.is_empty() => {}
            (theirs, _) => {
                rest.insert(key.clone(), json!(theirs));
            }
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_owned_is_kept_and_elements_keep_their_keys() {
        let live = json!({"spec": {
            "replicas": 3,
            "containers": [
                {"name": "a", "image": "i", "imagePullPolicy": "Always"},
                {"name": "injected", "image": "x"},
            ],
            "selector": {"matchLabels": {"a": "b"}},
        }, "metadata": {"finalizers": ["x", "y"], "labels": {"ours": "1", "theirs": "2"}}});
        let fields = json!({
            "f:spec": {
                "f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}}},
                "f:selector": {},
            },
            "f:metadata": {"f:finalizers": {"v:\"x\"": {}}, "f:labels": {"f:ours": {}}},
        });
        let tree = Tree::of(&fields);
        let mut owned = live.clone();
        tree.owned(&mut owned);
        assert_eq!(
            owned,
            json!({"spec": {
                "containers": [{"image": "i", "name": "a"}],
                "selector": {"matchLabels": {"a": "b"}},
            }, "metadata": {"finalizers": ["x"], "labels": {"ours": "1"}}})
        );
        assert!(!tree.owns("/spec/replicas") && tree.owns("/spec/selector"));
        let paths: Vec<String> =
            tree.leaves(&live).iter().map(|(path, _)| path.to_string()).collect();
        assert!(paths.contains(&"spec.containers[a].image".to_owned()), "{paths:?}");
    }

    #[test]
    fn a_co_owner_keeps_what_is_its_own_alone() {
        let entry = |manager: &str, operation: &str, fields: Value| json!({"manager": manager, "operation": operation, "fieldsV1": fields});
        let shared = json!({"f:spec": {
            "f:replicas": {}, "f:paused": {},
            "f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}, "f:tty": {}}},
        }});
        let own = json!({"f:spec": {
            "f:paused": {},
            "f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}}},
        }});
        let object = |theirs: Value| {
            let own = entry("floodway", "Apply", own.clone());
            json!({"metadata": {"managedFields": [entry("kubectl", "Update", theirs), own]}})
        };
        let everything = Takes::Everything;
        let left = without_co_owners(&object(shared.clone()), &everything).unwrap();
        let theirs = json!({"f:spec": {
            "f:replicas": {}, "f:containers": {"k:{\"name\":\"a\"}": {"f:tty": {}}},
        }});
        assert_eq!(left[0]["fieldsV1"], theirs);
        assert_eq!(without_co_owners(&object(theirs), &everything), None);
        let nothing_left = without_co_owners(&object(own.clone()), &everything).unwrap();
        assert_eq!(nothing_left.as_array().unwrap().len(), 1);
        assert_eq!(without_co_owners(&object(shared.clone()), &Takes::Conflicts(None)), None);
        let one = Takes::Field("/spec/paused".into());
        let left = without_co_owners(&object(shared), &one).unwrap();
        assert!(left[0]["fieldsV1"]["f:spec"].get("f:paused").is_none());
        assert!(left[0]["fieldsV1"]["f:spec"].get("f:replicas").is_some());
    }

    #[test]
    fn what_is_gone_is_not_owned() {
        let fields = json!({"f:spec": {"f:replicas": {}}});
        let mut live = json!({"spec": {}});
        Tree::of(&fields).owned(&mut live);
        assert_eq!(live, json!({}));
    }
}
