//! An object as the inventory has it: what is ours of it, and no more.

use super::managed::{Managed, Manager};
use super::workload;
use crate::observe::{Autoscaler, Live, Mark, Ownership, ResourceId, RuntimeField, Taken, marks};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where an EndpointSlice lists its endpoints.
pub(super) const ENDPOINTS: &str = "/endpoints";

/// Reduces an object, as the API server lists it, to what plans look at.
pub(super) fn live(id: ResourceId, managed: Managed, mark: &Mark, namespace: &str) -> Live {
    let Managed { object, managers } = managed;
    let ownership = ownership(&object, mark, namespace);
    Live {
        uid: text(&object, "/metadata/uid").unwrap_or_default().to_owned(),
        taken: taken(&object, &managers),
        runtime: runtime(&id, &object, &managers),
        marks: own_marks(&object),
        applyset: applyset(&object).map(str::to_owned),
        workload: (id.kind == "Deployment").then(|| workload::of_status(&object)),
        version: None,
        autoscaler: (id.kind == "HorizontalPodAutoscaler").then(|| Autoscaler::of(&object)),
        deleting: object.pointer("/metadata/deletionTimestamp").is_some(),
        fields: fields(&id, object, &ownership, &managers).into(),
        ownership,
        id,
    }
}

fn fields(
    id: &ResourceId,
    mut object: Value,
    ownership: &Ownership,
    managers: &[Manager],
) -> Value {
    if *ownership != Ownership::Ours {
        return manifest(object);
    }
    // What others add to a NetworkPolicy opens a way: nothing in it is theirs.
    let spec = (id.kind == "NetworkPolicy").then(|| object["spec"].clone());
    match managers.iter().find(|manager| manager.applied && manager.name == marks::MANAGER) {
        Some(own) => own.fields.owned(&mut object),
        None => object = json!({}),
    }
    if let Some(spec) = spec {
        object["spec"] = spec;
    }
    object
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
    match applyset(object) {
        Some(set) if set == mark.applyset_id(namespace) => Ownership::Ours,
        Some(set) => Ownership::Other(match (label(marks::ENVIRONMENT), label(marks::NAMESPACE)) {
            (Some(environment), Some(within)) => {
                format!("environment {environment} in namespace {within} (ApplySet {set})")
            }
            (Some(environment), None) => format!("environment {environment} (ApplySet {set})"),
            (None, _) => format!("ApplySet {set}"),
        }),
        None => Ownership::Unmarked,
    }
}

/// The ApplySet whose member or parent an object is.
pub(super) fn applyset(object: &Value) -> Option<&str> {
    let labels = object.pointer("/metadata/labels")?;
    let set = [marks::APPLYSET_PART_OF, marks::APPLYSET_ID];
    set.iter().find_map(|key| labels.get(*key)?.as_str())
}

/// The object without its status and what the server keeps in its metadata.
fn manifest(mut object: Value) -> Value {
    if let Value::Object(map) = &mut object {
        map.shift_remove("status");
    }
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        for kept_by_server in
            ["uid", "resourceVersion", "generation", "creationTimestamp", "selfLink"]
        {
            metadata.shift_remove(kept_by_server);
        }
    }
    object
}

fn taken(object: &Value, managers: &[Manager]) -> BTreeMap<String, Taken> {
    let mut taken = BTreeMap::new();
    for manager in managers.iter().filter(|manager| !manager.is_own()) {
        for (path, value) in manager.fields.leaves(object) {
            let manager = manager.name.clone();
            taken.insert(path.to_string(), Taken { manager, value });
        }
    }
    // What the Deployment controller notes for itself is nobody's drift.
    taken.retain(|path, _| !path.contains("deployment.kubernetes.io/revision"));
    taken
}

fn runtime(id: &ResourceId, object: &Value, managers: &[Manager]) -> Option<RuntimeField> {
    let path = match id.kind.as_str() {
        "Deployment" => "/spec/replicas",
        "EndpointSlice" => ENDPOINTS,
        _ => return None,
    };
    let owners = managers.iter().filter(|manager| manager.fields.owns(path));
    let mut managers: Vec<String> = owners.map(|manager| manager.name.clone()).collect();
    managers.sort();
    managers.dedup();
    let value = list(object.pointer(path));
    Some(RuntimeField { path: path.to_owned(), value, managers })
}

/// The value at a path; no list, which the API server tells as null, is an empty one.
pub(super) fn list(value: Option<&Value>) -> Value {
    value.filter(|value| !value.is_null()).cloned().unwrap_or_else(|| json!([]))
}

fn own_marks(object: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for place in ["/metadata/annotations", "/metadata/labels"] {
        let map = object.pointer(place).and_then(Value::as_object);
        for (key, value) in map.into_iter().flatten() {
            if let (Some(key), Some(value)) = (key.strip_prefix(marks::PREFIX), value.as_str())
                // What operators say is no mark: a plan stays good when they say it.
                && key != marks::HANDS_KEY
                && key != marks::NOTES_KEY
            {
                found.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    found
}

pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer)?.as_str()
}
