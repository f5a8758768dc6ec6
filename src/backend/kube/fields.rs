//! Field ownership: from `managedFields`, the values that a manager owns.
//!
//! `fieldsV1` is a tree: `f:name` is a field, `k:{…}` the element of a list
//! with these keys, `v:…` the element with this value, `.` the thing itself;
//! an empty tree owns all that is below it.

use crate::observe::{FieldPath, marks};
use crate::plan::Takes;
use serde_json::{Map, Value, json};

/// The values of `live` at what `fields` owns.
pub(super) fn owned(live: &Value, fields: &Value) -> Value {
    project(live, fields).unwrap_or_else(|| json!({}))
}

fn project(live: &Value, fields: &Value) -> Option<Value> {
    let tree = fields.as_object()?;
    if tree.is_empty() {
        return Some(live.clone());
    }
    match live {
        Value::Object(map) => {
            let mut kept = Map::new();
            // In the object's own order.
            for (name, value) in map {
                if let Some(below) = tree.get(&format!("f:{name}"))
                    && let Some(value) = project(value, below)
                {
                    kept.insert(name.clone(), value);
                }
            }
            (!kept.is_empty() || tree.contains_key(".")).then_some(Value::Object(kept))
        }
        Value::Array(list) => {
            let kept: Vec<Value> =
                list.iter().filter_map(|element| project_element(element, tree)).collect();
            Some(Value::Array(kept))
        }
        _ => None,
    }
}

fn project_element(element: &Value, tree: &Map<String, Value>) -> Option<Value> {
    for (key, below) in tree {
        if let Some(keys) = key.strip_prefix("k:")
            && let Some(keys) = merge_key(keys)
            && keys.iter().all(|(name, value)| element.get(name) == Some(value))
        {
            // Without its keys an element could not be told from another.
            let mut kept = project(element, below).unwrap_or_else(|| json!({}));
            if let Value::Object(map) = &mut kept {
                for (name, value) in keys {
                    map.entry(name).or_insert(value);
                }
            }
            return Some(kept);
        }
        if let Some(value) = key.strip_prefix("v:")
            && serde_json::from_str::<Value>(value).ok().as_ref() == Some(element)
        {
            return Some(element.clone());
        }
    }
    None
}

fn merge_key(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text).ok()? {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

/// Every leaf that `fields` owns, with its path as people write it and its
/// live value.
pub(super) fn leaves(live: &Value, fields: &Value) -> Vec<(FieldPath, Value)> {
    fn walk(at: &FieldPath, live: &Value, fields: &Value, into: &mut Vec<(FieldPath, Value)>) {
        let Some(tree) = fields.as_object() else { return };
        if tree.is_empty() {
            into.push((at.clone(), live.clone()));
        }
        for (key, below) in tree {
            if let Some(name) = key.strip_prefix("f:") {
                if let Some(value) = live.get(name) {
                    walk(&at.key(name), value, below, into);
                }
            } else if let Some(keys) = key.strip_prefix("k:").and_then(merge_key) {
                let found = live.as_array().into_iter().flatten().find(|element| {
                    keys.iter().all(|(name, value)| element.get(name) == Some(value))
                });
                let parts: Vec<String> = keys.values().map(text).collect();
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                if let Some(element) = found {
                    walk(&at.element(&parts), element, below, into);
                }
            }
        }
    }
    let mut into = Vec::new();
    walk(&FieldPath::root(), live, fields, &mut into);
    into
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
        Takes::Nothing => return None,
        Takes::Everything => own.clone(),
        Takes::Field(pointer) if owns(own, pointer) => tree(pointer),
        Takes::Field(_) => return None,
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

/// Whether `fields` owns the field at a JSON pointer through objects.
pub(super) fn owns(fields: &Value, pointer: &str) -> bool {
    let mut at = fields;
    for name in pointer.split('/').skip(1) {
        match at.get(format!("f:{name}")) {
            Some(below) => at = below,
            None => return false,
        }
    }
    true
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
        assert_eq!(
            owned(&live, &fields),
            json!({"spec": {
                "containers": [{"image": "i", "name": "a"}],
                "selector": {"matchLabels": {"a": "b"}},
            }, "metadata": {"finalizers": ["x"], "labels": {"ours": "1"}}})
        );
        assert!(!owns(&fields, "/spec/replicas") && owns(&fields, "/spec/selector"));
        let paths: Vec<String> =
            leaves(&live, &fields).iter().map(|(path, _)| path.to_string()).collect();
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
        let one = Takes::Field("/spec/paused".into());
        let left = without_co_owners(&object(shared), &one).unwrap();
        assert!(left[0]["fieldsV1"]["f:spec"].get("f:paused").is_none());
        assert!(left[0]["fieldsV1"]["f:spec"].get("f:replicas").is_some());
    }

    #[test]
    fn what_is_gone_is_not_owned() {
        let fields = json!({"f:spec": {"f:replicas": {}}});
        assert_eq!(owned(&json!({"spec": {}}), &fields), json!({}));
    }
}
