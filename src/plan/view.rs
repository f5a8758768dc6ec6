//! One side of a comparison: without what names a thing, and without what a
//! runtime owner moves.

use crate::observe::{Live, Side};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Whether the field `key` of an object around which there is nothing or the
/// object `around` only says which thing it is. It is not compared.
pub(super) fn is_identity(around: Option<&str>, key: &str) -> bool {
    match around {
        None => matches!(key, "apiVersion" | "kind"),
        Some(around) => around == "metadata" && matches!(key, "name" | "namespace"),
    }
}

/// The owned live fields as they are compared with a body: without the
/// runtime-owned field at `not_git` (JSON pointer).
///
/// Kubernetes says by field ownership whether git holds a field; AWS has no
/// such thing, so there the runtime field counts as git's exactly when `body`
/// sets it.
pub(super) fn owned<'a>(live: &'a Live, body: &Value, not_git: Option<&str>) -> Cow<'a, Value> {
    let mut fields = Cow::Borrowed(&live.fields);
    if let (Side::Aws, Some(runtime)) = (live.id.side, &live.runtime) {
        match body.pointer(&runtime.path) {
            Some(_) => set(fields.to_mut(), &runtime.path, runtime.value.clone()),
            None => drop(remove(fields.to_mut(), &runtime.path)),
        }
    }
    if let Some(pointer) = not_git.filter(|pointer| fields.pointer(pointer).is_some()) {
        remove(fields.to_mut(), pointer);
    }
    fields
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
