//! One side of a comparison: bodies without what names them, and live fields
//! without what a runtime owner moves.

use crate::observe::{Live, Side};
use serde_json::{Map, Value};

/// The body without the fields that say only which object it is.
pub(super) fn wanted(side: Side, body: &Value) -> Value {
    let mut body = body.clone();
    if side == Side::Kubernetes {
        strip_identity(&mut body);
    }
    body
}

/// The owned live fields as they are compared with a body: without the
/// runtime-owned field at `not_git` (JSON pointer).
///
/// Kubernetes says by field ownership whether git holds a field; AWS has no
/// such thing, so there the runtime field counts as git's exactly when `body`
/// sets it.
pub(super) fn owned(live: &Live, body: &Value, not_git: Option<&str>) -> Value {
    let mut fields = live.fields.clone();
    if live.id.side == Side::Kubernetes {
        strip_identity(&mut fields);
    } else if let Some(runtime) = &live.runtime {
        remove(&mut fields, &runtime.path);
        if body.pointer(&runtime.path).is_some() {
            set(&mut fields, &runtime.path, runtime.value.clone());
        }
    }
    if let Some(pointer) = not_git {
        remove(&mut fields, pointer);
    }
    fields
}

fn strip_identity(object: &mut Value) {
    let Some(object) = object.as_object_mut() else { return };
    object.shift_remove("apiVersion");
    object.shift_remove("kind");
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("name");
        metadata.shift_remove("namespace");
        if metadata.is_empty() {
            object.shift_remove("metadata");
        }
    }
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
