//! The leaves of an object, each with its path as people write it.

use serde_json::Value;

/// Every leaf of `value` in the object's own order. An empty list or table is
/// a leaf too.
pub(super) fn leaves(value: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    walk(value, String::new(), &mut found);
    found
}

fn walk<'v>(value: &'v Value, path: String, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, inner) in map {
                walk(inner, join(&path, key), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, inner) in items.iter().enumerate() {
                let name = inner.get("name").and_then(Value::as_str);
                let segment = name.map_or_else(|| at.to_string(), str::to_owned);
                walk(inner, format!("{path}[{segment}]"), found);
            }
        }
        leaf => found.push((path, leaf)),
    }
}

/// `spec.replicas`; `metadata.labels["floodway.dev/pool"]`.
fn join(path: &str, key: &str) -> String {
    let plain = key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    match (plain, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[\"{key}\"]"),
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
        let paths: Vec<String> = leaves(&body).into_iter().map(|(path, _)| path).collect();
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
