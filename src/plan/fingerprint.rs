//! What a change was computed from, in a form that can be compared later (law 4).

use super::{Action, Fingerprint, view};
use crate::observe::{Body, Live, Ownership, Side};
use serde_json::{Value, json};
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
    pub fn of(live: &Live, action: Action, body: Option<&Body>, owned_by: Option<&str>) -> Self {
        let marks = json!({ "ownership": live.ownership, "marks": live.marks });
        let identity = json!({ "uid": live.uid, "deleting": live.deleting });
        let parts = [
            half_digest(&identity.into()),
            half_digest(&marks.into()),
            half_digest(&fields(live, action, body, owned_by)),
            half_digest(&facts(live, action, body).into()),
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
    body: Option<&Body>,
    owned_by: Option<&str>,
) -> Cow<'a, Body> {
    let runtime = live.runtime.as_ref().map(|runtime| runtime.path.as_str());
    let not_git = runtime.filter(|path| owned_by == Some(*path));
    match (&live.ownership, action) {
        (Ownership::Ours, _) => view::owned(live, body, not_git),
        (_, Action::NoOp | Action::Delete) => Cow::Owned(Value::Null.into()),
        _ => {
            let owned = view::owned(live, body, not_git).value();
            let wanted = body.map(Body::value).unwrap_or_default();
            Cow::Owned(json!(view::difference(live, &owned, &wanted).fields).into())
        }
    }
}

/// What guards relied on, coarse enough to hold while autoscalers work: that
/// what is destroyed was idle (or not), by how much a group's new max was below
/// what it runs.
fn facts(live: &Live, action: Action, body: Option<&Body>) -> Value {
    let Some(workload) = &live.workload else { return Value::Null };
    match action {
        Action::Delete | Action::Replace => json!({ "runs": workload.existing > 0 }),
        Action::Update | Action::NoOp => {
            let max = body.filter(|_| live.id.side == Side::Aws).and_then(|body| body.at("/max"));
            match max.and_then(|max| max.as_u64()) {
                Some(max) => {
                    json!({ "above_max": u64::from(workload.desired).saturating_sub(max) })
                }
                None => Value::Null,
            }
        }
        Action::Create => Value::Null,
    }
}

/// A body's digest, in hex.
pub(super) fn half_digest(body: &Body) -> String {
    body.digest().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
