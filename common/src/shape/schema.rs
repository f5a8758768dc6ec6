//! JSON Schema of a table.

use super::{Shape, Wire};
use serde_json::{Map, Value as Json, json};

/// Builds the schema of a struct.
pub struct TableSchema {
    about: String,
    properties: Map<String, Json>,
}

impl TableSchema {
    /// One without keys; `about` says what it is.
    pub fn new(about: &str) -> Self {
        Self { about: one_line(about), properties: Map::new() }
    }

    /// Adds a key.
    pub fn property<W: Shape + Wire<T>, T>(
        &mut self,
        key: &str,
        doc: &str,
        default: Option<fn() -> T>,
        whole: bool,
    ) {
        let mut schema = W::schema(whole);
        if let Json::Object(fields) = &mut schema {
            let doc = one_line(doc);
            if !doc.is_empty() {
                fields.insert("description".to_owned(), doc.into());
            }
            if let Some(tree) = default.and_then(|default| W::written(&default()).encode()) {
                fields.insert("default".to_owned(), tree.to_json());
            }
        }
        self.properties.insert(key.to_owned(), schema);
    }

    /// The schema, which asks for the keys in `required`.
    pub fn finish(self, required: Vec<&str>) -> Json {
        let mut schema = json!({
            "type": "object",
            "description": self.about,
            "properties": self.properties,
            "additionalProperties": false,
        });
        if let (false, Json::Object(fields)) = (required.is_empty(), &mut schema) {
            fields.insert("required".to_owned(), required.into());
        }
        schema
    }
}

/// A doc comment as one line.
fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
