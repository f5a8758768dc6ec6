//! What an object counts for, beside its pods.

use super::pods::ONE;
use crate::backend::kube::kinds::Resource;
use crate::observe::ResourceId;
use serde_json::Value;

/// Kinds, and what the cluster makes for each new one.
const MADE_FOR: [(&str, &str); 3] = [
    ("Deployment", "replicasets.apps"),
    ("Service", "endpointslices.discovery.k8s.io"),
    ("Service", "endpoints"),
];

/// How many more of what `key` counts there are when `object` is applied.
pub(super) fn more(key: &str, id: &ResourceId, object: &Value, live: Option<&Value>) -> i128 {
    let plural = key.strip_prefix("count/").unwrap_or(key);
    let itself = live.is_none() && Resource::of(id).is_some_and(|kind| kind.full() == plural);
    let makes = MADE_FOR.contains(&(id.kind.as_str(), plural)) && is_made_for(id, object, live);
    if itself || makes { ONE } else { 0 }
}

/// A new thing, or one whose pods are made anew: their set is a new one.
fn is_made_for(id: &ResourceId, object: &Value, live: Option<&Value>) -> bool {
    let template = |object: &Value| object.pointer("/spec/template").cloned();
    match live {
        None => true,
        Some(live) => id.kind == "Deployment" && template(live) != template(object),
    }
}
