//! What the agent tells the journal: one JSON object a line.

use serde_json::{Value, json};
use std::io::Write;

/// Tells that `event` happened. A journal that is gone stops nothing.
pub(super) fn line(event: &str, fields: &Value) {
    let mut said = json!({ "event": event });
    if let (Some(said), Some(fields)) = (said.as_object_mut(), fields.as_object()) {
        said.extend(fields.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{said}").and_then(|()| out.flush());
}

/// Tells of failures that repeat once, and of their end.
#[derive(Debug, Default)]
pub(super) struct Failures {
    last: Option<String>,
}

impl Failures {
    /// What the last try gave.
    pub(super) fn note(&mut self, of: &str, failure: Option<String>) {
        if self.last == failure {
            return;
        }
        match &failure {
            Some(why) => line("failed", &json!({ "what": of, "why": why })),
            None => line("recovered", &json!({ "what": of })),
        }
        self.last = failure;
    }
}
