//! What a change was computed from, in a form that can be compared later (law 4).

use super::{Action, Fingerprint, diff_wanted, view};
use crate::observe::{Live, Ownership};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The fingerprint of nothing.
const ABSENT: &str = "absent";

/// Which parts of a fingerprint differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Differences {
    pub(super) identity: bool,
    pub(super) marks: bool,
    pub(super) fields: bool,
    pub(super) facts: bool,
}

impl Fingerprint {
    /// Nothing was there.
    pub fn absent() -> Self {
        Self(ABSENT.to_owned())
    }

    /// Whether it says that nothing was there.
    pub fn is_absent(&self) -> bool {
        self.0 == ABSENT
    }

    /// The fingerprint of `live` for a change that does `action` with `body`
    /// and leaves `owned_by` (JSON pointer) to its runtime owner.
    pub fn of(live: &Live, action: Action, body: Option<&Value>, owned_by: Option<&str>) -> Self {
        let marks = json!({ "ownership": live.ownership, "marks": live.marks });
        let parts = [
            json!({ "uid": live.uid, "deleting": live.deleting }),
            marks,
            fields(live, action, body, owned_by),
            facts(live, action, body),
        ];
        Self(parts.map(|part| half_digest(&part)).join("."))
    }

    /// Which parts differ; none where the shapes cannot be compared.
    pub(super) fn differences(&self, other: &Self) -> Option<Differences> {
        let split = |text: &str| -> Option<[String; 4]> {
            text.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().ok()
        };
        let ([a, b, c, d], [e, f, g, h]) = (split(&self.0)?, split(&other.0)?);
        Some(Differences { identity: a != e, marks: b != f, fields: c != g, facts: d != h })
    }
}

/// The owned fields that the change read. Of a thing that is not ours, only
/// what the change would make different: the rest is somebody else's to move.
fn fields(live: &Live, action: Action, body: Option<&Value>, owned_by: Option<&str>) -> Value {
    let none = Value::Null;
    let body = body.unwrap_or(&none);
    let runtime = live.runtime.as_ref().map(|runtime| runtime.path.as_str());
    let not_git = runtime.filter(|path| owned_by == Some(*path));
    match (&live.ownership, action) {
        (Ownership::Ours, _) => view::owned(live, body, not_git),
        (_, Action::NoOp | Action::Delete) => Value::Null,
        _ => {
            let wanted = view::wanted(live.id.side, body);
            json!(diff_wanted(&view::owned(live, body, not_git), &wanted).fields)
        }
    }
}

/// What guards relied on, coarse enough to hold while autoscalers work: that
/// what is destroyed was idle (or not), that a group's new max was not below
/// what it runs (or was).
fn facts(live: &Live, action: Action, body: Option<&Value>) -> Value {
    let Some(workload) = &live.workload else { return Value::Null };
    match action {
        Action::Delete | Action::Replace => json!({ "runs": workload.existing > 0 }),
        Action::Update | Action::NoOp => {
            match body.and_then(|body| body.get("max")).and_then(Value::as_u64) {
                Some(max) => json!({ "above_max": u64::from(workload.desired) > max }),
                None => Value::Null,
            }
        }
        Action::Create => Value::Null,
    }
}

/// The first 16 bytes of the SHA-256 of the canonical JSON, in hex.
fn half_digest(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// JSON with sorted keys and no spaces.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                canonical(value, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests;
