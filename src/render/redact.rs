//! Secrets never reach a screen or a document. None is ever put into an
//! environment's TOML on purpose; this is for the one who did it all the same.

use crate::diag::is_secret_name;
use serde_json::{Map, Value};

/// What stands for a hidden value.
pub const HIDDEN: &str = "(hidden)";

/// As [`is_secret_name`], for a key at any place of an object, where `key` and
/// `topologyKey` are ordinary words: only names written like variables count.
fn is_secret_variable(name: &str) -> bool {
    let like_a_variable = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(like_a_variable) && is_secret_name(name)
}

/// Whether a field's path, as people write it, leads to a secret.
pub(super) fn is_secret_path(path: &str) -> bool {
    let segments: Vec<&str> =
        path.split(['.', '[', ']', '"', '/']).filter(|segment| !segment.is_empty()).collect();
    segments.iter().enumerate().any(|(at, segment)| {
        let parent = at.checked_sub(1).and_then(|before| segments.get(before));
        let holds_settings = parent.is_some_and(|parent| holds_settings(parent));
        is_secret_variable(segment) || (holds_settings && is_secret_name(segment))
    })
}

fn holds_settings(key: &str) -> bool {
    matches!(key, "env" | "data" | "stringData" | "binaryData")
}

/// Hides secrets in `value`. Returns the value and, in its shape, `true` where
/// something was hidden; none: nowhere.
pub(super) fn redact(value: &Value) -> (Value, Option<Value>) {
    match value {
        Value::Object(map) => redact_object(map, false),
        Value::Array(items) => redact_array(items),
        other => (other.clone(), None),
    }
}

fn redact_object(map: &Map<String, Value>, settings: bool) -> (Value, Option<Value>) {
    let names_secret = map.get("name").and_then(Value::as_str).is_some_and(is_secret_name);
    let mut clean = Map::new();
    let mut hidden = Map::new();
    for (key, value) in map {
        let secret = (key == "value" && names_secret)
            || is_secret_variable(key)
            || (settings && is_secret_name(key));
        let (value, mark) = match value {
            Value::Null | Value::Bool(_) => (value.clone(), None),
            Value::Object(inner) => redact_object(inner, holds_settings(key)),
            Value::Array(items) => redact_array(items),
            _ if secret => (Value::from(HIDDEN), Some(Value::Bool(true))),
            other => (other.clone(), None),
        };
        if let Some(mark) = mark {
            hidden.insert(key.clone(), mark);
        }
        clean.insert(key.clone(), value);
    }
    (Value::Object(clean), (!hidden.is_empty()).then_some(Value::Object(hidden)))
}

fn redact_array(items: &[Value]) -> (Value, Option<Value>) {
    let mut clean = Vec::with_capacity(items.len());
    let mut marks = Vec::with_capacity(items.len());
    let mut next_is_secret = false;
    for item in items {
        let (value, mark) = match item.as_str() {
            Some(text) => argument(text, &mut next_is_secret),
            None => redact(item),
        };
        clean.push(value);
        marks.push(mark);
    }
    let any = marks.iter().any(Option::is_some);
    let marks = marks.into_iter().map(|mark| mark.unwrap_or(Value::Bool(false))).collect();
    (Value::Array(clean), any.then_some(Value::Array(marks)))
}

/// `--api-key=…`, `API_KEY=…`, or the word after `--api-key`.
fn argument(text: &str, next_is_secret: &mut bool) -> (Value, Option<Value>) {
    let after_flag = std::mem::take(next_is_secret);
    if after_flag && !text.starts_with('-') {
        return (Value::from(HIDDEN), Some(Value::Bool(true)));
    }
    match text.split_once('=') {
        Some((name, _)) if !name.contains(' ') && is_secret_name(name) => {
            (Value::from(format!("{name}={HIDDEN}")), Some(Value::Bool(true)))
        }
        _ => {
            *next_is_secret = text.starts_with("--") && is_secret_name(text);
            (Value::from(text), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_secret_settings_are_hidden_and_their_places_marked() {
        let (clean, hidden) = redact(&json!({
            "env": [{"name": "MODEL", "value": "r1"}, {"name": "HF_TOKEN", "value": "hf_abc"}],
            "args": ["--api-key=sk-1", "--port", "80", "--auth-token", "t0p"],
            "data": {"password": "x", "rules.yaml": "groups: []"},
        }));
        assert_eq!(
            clean,
            json!({
                "env": [{"name": "MODEL", "value": "r1"}, {"name": "HF_TOKEN", "value": "(hidden)"}],
                "args": ["--api-key=(hidden)", "--port", "80", "--auth-token", "(hidden)"],
                "data": {"password": "(hidden)", "rules.yaml": "groups: []"},
            })
        );
        assert_eq!(
            hidden,
            Some(json!({
                "env": [false, {"value": true}],
                "args": [true, false, false, false, true],
                "data": {"password": true},
            }))
        );
    }

    #[test]
    fn kubernetes_own_keys_are_no_secrets() {
        let body = json!({
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "topologySpreadConstraints": [{"topologyKey": "zone", "matchLabelKeys": ["a"]}],
            "automountServiceAccountToken": false,
        });
        assert_eq!(redact(&body), (body.clone(), None));
        assert!(!is_secret_path("spec.tolerations[0].key"));
        assert!(is_secret_path("spec.template.spec.containers[server].env[HF_TOKEN].value"));
        assert!(is_secret_path("data.db-password"));
    }
}
