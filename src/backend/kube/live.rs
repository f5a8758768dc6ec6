//! An object as the inventory has it: what is ours of it, and no more.

use super::{fields, workload};
use crate::observe::{Live, Mark, Ownership, ResourceId, RuntimeField, Taken, marks};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Reduces an object, as the API server lists it, to what plans look at.
pub(super) fn live(id: ResourceId, object: &Value, mark: &Mark, namespace: &str) -> Live {
    let ownership = ownership(object, mark, namespace);
    let managed = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let entries: Vec<Entry<'_>> = managed.into_iter().flatten().filter_map(Entry::of).collect();
    let own = entries.iter().find(|entry| entry.applied && entry.manager == marks::MANAGER);
    let mut fields = match (&ownership, own) {
        (Ownership::Unmarked | Ownership::Other(_), _) => manifest(object),
        (Ownership::Ours, Some(entry)) => fields::owned(object, entry.fields),
        (Ownership::Ours, None) => json!({}),
    };
    if id.kind == "NetworkPolicy" && ownership == Ownership::Ours {
        // What others add to it opens a way: nothing in it is theirs.
        fields["spec"] = object["spec"].clone();
    }
    Live {
        uid: text(object, "/metadata/uid").unwrap_or_default().to_owned(),
        fields: fields.into(),
        taken: taken(object, &entries),
        runtime: runtime(&id, object, &entries),
        marks: own_marks(object),
        workload: (id.kind == "Deployment").then(|| workload::of_status(object)),
        deleting: object.pointer("/metadata/deletionTimestamp").is_some(),
        ownership,
        id,
    }
}

/// An entry of `managedFields`.
struct Entry<'a> {
    manager: &'a str,
    /// By server-side apply, not by an update.
    applied: bool,
    fields: &'a Value,
}

impl<'a> Entry<'a> {
    /// None: of a subresource (status, scale), which says nothing of drift.
    fn of(entry: &'a Value) -> Option<Self> {
        let subresource = text(entry, "/subresource").unwrap_or_default();
        (subresource.is_empty() || subresource == "scale").then_some(Self {
            manager: text(entry, "/manager")?,
            applied: text(entry, "/operation") == Some("Apply"),
            fields: entry.get("fieldsV1")?,
        })
    }

    fn is_own(&self) -> bool {
        self.manager == marks::MANAGER || self.manager == marks::HANDOVER_MANAGER
    }
}

/// Whose an object is, by its ApplySet labels.
pub(super) fn ownership(object: &Value, mark: &Mark, namespace: &str) -> Ownership {
    let label = |key: &str| object.pointer("/metadata/labels").and_then(|l| l.get(key)?.as_str());
    let notes = object.pointer("/metadata/annotations");
    let tooling = notes.and_then(|notes| notes.get(marks::APPLYSET_TOOLING)?.as_str());
    // A parent belongs to the tool that it names, whatever its id (KEP-3659).
    if let Some(other) = tooling.filter(|tool| tool.split('/').next() != Some(marks::MANAGER)) {
        return Ownership::Other(format!("the ApplySet of {other}"));
    }
    match label(marks::APPLYSET_PART_OF).or_else(|| label(marks::APPLYSET_ID)) {
        Some(set) if set == mark.applyset_id(namespace) => Ownership::Ours,
        Some(set) => Ownership::Other(match label(marks::ENVIRONMENT) {
            Some(environment) => format!("environment {environment} (ApplySet {set})"),
            None => format!("ApplySet {set}"),
        }),
        None => Ownership::Unmarked,
    }
}

/// The object without its status and what the server keeps in its metadata.
fn manifest(object: &Value) -> Value {
    let mut object = object.clone();
    if let Value::Object(map) = &mut object {
        map.shift_remove("status");
    }
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        for kept_by_server in [
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "managedFields",
            "selfLink",
        ] {
            metadata.shift_remove(kept_by_server);
        }
    }
    object
}

fn taken(object: &Value, entries: &[Entry<'_>]) -> BTreeMap<String, Taken> {
    let mut taken = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.is_own()) {
        for (path, value) in fields::leaves(object, entry.fields) {
            let manager = entry.manager.to_owned();
            taken.insert(path.to_string(), Taken { manager, value });
        }
    }
    // What the Deployment controller notes for itself is nobody's drift.
    taken.retain(|path, _| !path.contains("deployment.kubernetes.io/revision"));
    taken
}

fn runtime(id: &ResourceId, object: &Value, entries: &[Entry<'_>]) -> Option<RuntimeField> {
    let path = match id.kind.as_str() {
        "Deployment" => "/spec/replicas",
        "EndpointSlice" => "/endpoints",
        _ => return None,
    };
    let owners = entries.iter().filter(|entry| fields::owns(entry.fields, path));
    let mut managers: Vec<String> = owners.map(|entry| entry.manager.to_owned()).collect();
    managers.sort();
    managers.dedup();
    let value = object.pointer(path).cloned().unwrap_or_else(|| json!([]));
    Some(RuntimeField { path: path.to_owned(), value, managers })
}

fn own_marks(object: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for place in ["/metadata/annotations", "/metadata/labels"] {
        let map = object.pointer(place).and_then(Value::as_object);
        for (key, value) in map.into_iter().flatten() {
            if let (Some(key), Some(value)) = (key.strip_prefix(marks::PREFIX), value.as_str()) {
                found.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    found
}

pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer)?.as_str()
}
