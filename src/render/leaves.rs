//! The leaves of an object, each with its path as people write it.

use crate::observe::FieldPath;
use serde_json::Value;

/// Every leaf of `value` in the object's own order. An empty list or table is
/// a leaf too.
pub(super) fn leaves(value: &Value) -> Vec<(FieldPath, &Value)> {
    let mut found = Vec::new();
    walk(value, FieldPath::root(), &mut found);
    found
}

fn walk<'v>(value: &'v Value, path: FieldPath, found: &mut Vec<(FieldPath, &'v Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, inner) in map {
                walk(inner, path.key(key), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, inner) in items.iter().enumerate() {
                let name = inner.get("name").and_then(Value::as_str);
                let segment = name.map_or_else(|| at.to_string(), str::to_owned);
                walk(inner, path.element(&[&segment]), found);
            }
        }
        leaf => found.push((path, leaf)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_name_list_items_and_quote_what_has_dots() {
        let body = json!({
            "metadata": {"labels": {"floodway.dev/pool": "h100"}},
            "spec": {"containers": [{"name": "server", "args": ["-x"]}], "volumes": []},
        });
        let paths: Vec<_> = leaves(&body).into_iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(
            paths,
            [
                "metadata.labels[\"floodway.dev/pool\"]",
                "spec.containers[server].name",
                "spec.containers[server].args[0]",
                "spec.volumes",
            ]
        );
    }
}
