//! One side of a comparison: without what names a thing, and without what a
//! runtime owner moves.

use super::{Diff, FieldChange, diff, diff_wanted};
use crate::observe::{Body, Live, Ownership, Side, marks};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The field of what others put into a group or a template.
const OTHERS: &str = "others";

/// The owned live fields as they are compared with a body: without the
/// runtime-owned field at `not_git` (JSON pointer).
///
/// Kubernetes says by field ownership whether git holds a field; AWS has no
/// such thing, so there the runtime field counts as git's exactly when `body`
/// sets it, and the tag that tells what was applied is nobody's field.
pub(super) fn owned<'a>(
    live: &'a Live,
    body: Option<&Body>,
    not_git: Option<&str>,
) -> Cow<'a, Body> {
    let runtime = live.runtime.as_ref().filter(|_| live.id.side == Side::Aws);
    let moved = runtime.map(|runtime| (runtime, body.and_then(|body| body.at(&runtime.path))));
    let hidden = not_git.filter(|pointer| live.fields.at(pointer).is_some() || moved.is_some());
    if moved.is_none() && hidden.is_none() {
        return Cow::Borrowed(&live.fields);
    }
    let mut owned = live.fields.clone();
    owned.edit(|fields| {
        match moved {
            Some((runtime, Some(_))) => set(fields, &runtime.path, runtime.value.clone()),
            Some((runtime, None)) => drop(remove(fields, &runtime.path)),
            None => {}
        }
        if live.id.side == Side::Aws {
            remove(fields, &applied_tag());
        }
        if let Some(pointer) = hidden {
            remove(fields, pointer);
        }
    });
    Cow::Owned(owned)
}

/// How the `owned` fields of `live` differ from those that are `wanted`. Of what is
/// not ours only what is wanted is looked at; but a group, or a template, is
/// written whole, and keeps nothing except the tags of others.
pub(super) fn difference(live: &Live, owned: &Value, wanted: &Value) -> Diff {
    let ours = live.ownership == Ownership::Ours;
    if live.id.side == Side::Kubernetes {
        return if ours { diff(owned, wanted) } else { diff_wanted(owned, wanted) };
    }
    let mut difference = if owned.get(OTHERS).is_some() && wanted.get(OTHERS).is_none() {
        // Each part is told, not all of them as one.
        let mut wanted = wanted.clone();
        set(&mut wanted, "/others", json!({}));
        diff(owned, &wanted)
    } else {
        diff(owned, wanted)
    };
    let stays = |field: &FieldChange| field.after.is_none() && field.path.starts_with("tags");
    difference.fields.retain(|field| ours || !stays(field));
    difference
}

/// JSON pointer of the tag that tells what was applied of a group.
pub(super) fn applied_tag() -> String {
    format!("/tags/{}", marks::APPLIED.replace('/', "~1"))
}

/// Takes what is at a JSON pointer through objects away.
pub(super) fn remove(value: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, key) = pointer.rsplit_once('/')?;
    value.pointer_mut(parent)?.as_object_mut()?.shift_remove(key)
}

/// Puts `new` at a JSON pointer through objects, making those on the way.
pub(super) fn set(value: &mut Value, pointer: &str, new: Value) {
    let mut at = value;
    for key in pointer.split('/').skip(1) {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Some(map) = at.as_object_mut() else { return };
        at = map.entry(key.replace("~1", "/").replace("~0", "~")).or_insert(Value::Null);
    }
    *at = new;
}
