//! Lists whose elements have a key, as maps: then every field of an object has
//! a path that stays when elements come and go, and ownership can name it.

use crate::observe::FieldPath;
use serde_json::{Map, Value};

/// Begins the key of a list's element, so that it is told from a field.
const ELEMENT: char = '\u{1}';

/// A field's path in the keyed form.
pub(super) type Path = Vec<String>;

/// The fields that tell a list's elements apart, by the list's own name. All
/// other lists are owned as a whole, as the API server has it.
fn merge_keys(list: &str) -> &'static [&'static str] {
    match list {
        "containers" | "env" | "volumes" => &["name"],
        "ports" => &["containerPort", "port", "protocol"],
        "volumeMounts" => &["mountPath"],
        "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
        _ => &[],
    }
}

/// From JSON as people write it.
pub(super) fn key(value: &Value) -> Value {
    keyed("", value)
}

fn keyed(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (k.clone(), keyed(k, v))).collect())
        }
        Value::Array(list) if !list.is_empty() => {
            let keys = merge_keys(name);
            let identity = |element: &Value| {
                let parts: Vec<String> =
                    keys.iter().filter_map(|k| element.get(k)).map(text).collect();
                (!parts.is_empty()).then(|| format!("{ELEMENT}{}", parts.join("/")))
            };
            let elements: Option<Map<String, Value>> =
                list.iter().map(|v| Some((identity(v)?, keyed("", v)))).collect();
            match elements {
                Some(map) if map.len() == list.len() => Value::Object(map),
                _ => value.clone(),
            }
        }
        other => other.clone(),
    }
}

/// Back to JSON as people write it.
pub(super) fn unkey(value: &Value) -> Value {
    match value {
        Value::Object(map) if !map.is_empty() && map.keys().all(|k| k.starts_with(ELEMENT)) => {
            Value::Array(map.values().map(unkey).collect())
        }
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (k.clone(), unkey(v))).collect())
        }
        other => other.clone(),
    }
}

/// Every path that ends in something other than a map with entries.
pub(super) fn leaves(value: &Value) -> Vec<(Path, Value)> {
    fn walk(at: &mut Path, value: &Value, into: &mut Vec<(Path, Value)>) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    at.push(key.clone());
                    walk(at, value, into);
                    at.pop();
                }
            }
            leaf => into.push((at.clone(), leaf.clone())),
        }
    }
    let mut into = Vec::new();
    walk(&mut Vec::new(), value, &mut into);
    into
}

/// The value at `path`.
pub(super) fn get<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |at, key| at.get(key))
}

/// Puts `new` at `path`, making the maps on the way.
pub(super) fn set(value: &mut Value, path: &[String], new: Value) {
    let Some((last, before)) = path.split_last() else {
        *value = new;
        return;
    };
    let mut at = value;
    for key in before {
        at = entry(at, key);
    }
    *entry(at, last) = new;
}

fn entry<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map.entry(key).or_insert(Value::Null),
        other => other,
    }
}

/// Takes the value at `path` away, and the maps that are empty without it.
pub(super) fn remove(value: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    let Value::Object(map) = value else { return };
    if rest.is_empty() {
        map.shift_remove(first);
    } else if let Some(inner) = map.get_mut(first) {
        remove(inner, rest);
        if inner.as_object().is_some_and(Map::is_empty) {
            map.shift_remove(first);
        }
    }
}

/// The path as people write it.
pub(super) fn shown(path: &[String]) -> FieldPath {
    path.iter().fold(FieldPath::root(), |at, key| match key.strip_prefix(ELEMENT) {
        Some(element) => at.element(&[element]),
        None => at.key(key),
    })
}

/// Whether `path` is a field that tells an element of a list from the others.
pub(super) fn names_an_element(path: &[String]) -> bool {
    let [.., list, element, field] = path else { return false };
    element.starts_with(ELEMENT) && merge_keys(list).contains(&field.as_str())
}

/// The path as a JSON pointer.
pub(super) fn to_pointer(path: &[String]) -> String {
    path.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
}

/// A JSON pointer through maps only, as a path.
pub(super) fn pointer(pointer: &str) -> Path {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keying_is_undone_by_unkeying() {
        let object = json!({"spec": {
            "containers": [{"name": "a", "ports": [{"containerPort": 1, "protocol": "TCP"}]}, {"name": "b"}],
            "args": ["x", "y"], "empty": [], "volumes": [],
        }});
        let keyed = key(&object);
        assert_eq!(unkey(&keyed), object);
        let paths: Vec<String> =
            leaves(&keyed).iter().map(|(path, _)| shown(path).to_string()).collect();
        assert!(paths.contains(&"spec.containers[a].ports[1/TCP].protocol".to_owned()));
        assert!(paths.contains(&"spec.args".to_owned()));
    }

    #[test]
    fn a_removed_leaf_takes_empty_maps_with_it() {
        let mut value = json!({"a": {"b": {"c": 1}}, "d": 2});
        remove(&mut value, &pointer("/a/b/c"));
        assert_eq!(value, json!({"d": 2}));
    }
}
