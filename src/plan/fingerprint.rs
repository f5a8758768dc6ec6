//! What a change was computed from, in a form that can be compared later (law 4).

use super::{Action, Fingerprint, diff_wanted, view};
use crate::observe::{Live, Ownership};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

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
        let identity = json!({ "uid": live.uid, "deleting": live.deleting });
        let parts = [
            half_digest(&identity),
            half_digest(&marks),
            half_digest(&fields(live, action, body, owned_by)),
            half_digest(&facts(live, action, body)),
        ];
        Self(parts.join("."))
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
fn fields<'a>(
    live: &'a Live,
    action: Action,
    body: Option<&Value>,
    owned_by: Option<&str>,
) -> Cow<'a, Value> {
    let body = body.unwrap_or(&Value::Null);
    let runtime = live.runtime.as_ref().map(|runtime| runtime.path.as_str());
    let not_git = runtime.filter(|path| owned_by == Some(*path));
    match (&live.ownership, action) {
        (Ownership::Ours, _) => view::owned(live, body, not_git),
        (_, Action::NoOp | Action::Delete) => Cow::Owned(Value::Null),
        _ => Cow::Owned(json!(diff_wanted(&view::owned(live, body, not_git), body).fields)),
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

/// The first 16 bytes of the SHA-256 of the canonical form, in hex.
fn half_digest(value: &Value) -> String {
    let mut json = Vec::new();
    canonical(value, Around::Nothing, &mut json);
    Sha256::digest(json).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Where a value stands, as far as that says whether it is a name.
#[derive(Clone, Copy)]
enum Around<'a> {
    Nothing,
    Object(&'a str),
    More,
}

impl Around<'_> {
    fn is_identity(self, key: &str) -> bool {
        match self {
            Self::Nothing => view::is_identity(None, key),
            Self::Object(around) => view::is_identity(Some(around), key),
            Self::More => false,
        }
    }
}

/// Like JSON, with sorted keys, one form for each value, and without what only
/// names the object.
fn canonical(value: &Value, around: Around<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> =
                map.iter().filter(|(key, _)| !around.is_identity(key)).collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push(b'{');
            for (key, value) in entries {
                text(key, out);
                out.push(b':');
                let within = match around {
                    Around::Nothing => Around::Object(key),
                    Around::Object(_) | Around::More => Around::More,
                };
                canonical(value, within, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::Array(list) => {
            out.push(b'[');
            for value in list {
                canonical(value, Around::More, out);
                out.push(b',');
            }
            out.push(b']');
        }
        Value::String(string) => text(string, out),
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Null => out.extend_from_slice(b"null"),
    }
}

/// A text by its length, which no other text can imitate.
fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.len().to_string().as_bytes());
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests;
