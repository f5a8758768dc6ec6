//! The JSON Schema of the environment file, for editors.

use super::model::Environment;
use common::shape::Shape as _;
use serde_json::{Value as Json, json};

/// Where the schema lives; not fetched by anything.
const ID: &str = "https://floodway.dev/schemas/environment/v1.json";

/// The schema of one file of an environment, in JSON Schema 2020-12.
///
/// A file may leave keys to those that it extends, or to those that extend it;
/// so the schema holds every key and value to account, and only `validate`
/// knows which keys are missing from the whole.
pub fn schema() -> Json {
    with_head(Environment::schema(false))
}

/// [`schema`] for a file that extends nothing: it asks for all keys that have
/// no default.
pub fn schema_of_whole() -> Json {
    with_head(Environment::schema(true))
}

fn with_head(mut schema: Json) -> Json {
    let extends = json!({
        "description": "Files that this one is laid upon, by their path from this file; \
                        tables merge key by key, anything else is replaced, and later ones win.",
        "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string", "minLength": 1 } },
        ],
    });
    let unset = json!({
        "description": "Keys of those files that this environment does without, dotted: \
                        `onprem.pools.a100`.",
        "type": "array",
        "items": { "type": "string", "minLength": 1 },
    });
    let head = [
        ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
        ("$id", json!(ID)),
        ("title", json!("Floodway environment")),
    ];
    let body = schema.as_object_mut().map(std::mem::take).unwrap_or_default();
    let mut whole: serde_json::Map<_, _> =
        head.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    whole.extend(body);
    if let Some(Json::Object(properties)) = whole.get_mut("properties") {
        properties.shift_insert(0, "extends".to_owned(), extends);
        properties.shift_insert(1, "unset".to_owned(), unset);
    }
    whole.into()
}

#[cfg(test)]
mod tests;
