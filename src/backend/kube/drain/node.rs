//! Which Node an instance has become.

use crate::backend::kube::cluster::Cluster;
use crate::backend::kube::kinds::Resource;
use crate::backend::kube::live::text;
use crate::clock::Timestamp;
use crate::observe::marks;
use crate::plan::PortError;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

pub(super) const NODES: Resource<'static> = Resource::new("v1", "nodes", None);

/// As many names as are remembered; then all are forgotten.
const MOST: usize = 4096;

/// A Node that an instance has become.
#[derive(Debug, Clone)]
pub(super) struct Joined {
    pub(super) name: String,
    pub(super) uid: String,
    /// By whomever.
    pub(super) cordoned: bool,
    /// Since when we drain it.
    pub(super) since: Option<Timestamp>,
}

/// The Nodes' names by instance: an instance becomes one Node, and only a list of
/// all tells which.
#[derive(Default)]
pub(super) struct Names(Mutex<HashMap<String, String>>);

impl Names {
    /// The Node of an instance, as it is now.
    pub(super) async fn find(
        &self,
        cluster: &Cluster,
        instance: &str,
    ) -> Result<Option<Joined>, PortError> {
        let known = self.known().get(instance).cloned();
        if let Some(name) = known {
            let node = cluster.get(&NODES, &name).await?;
            if let Some(node) = node.filter(|node| is_of(node, instance)) {
                return Ok(Some(joined(&node)));
            }
        }
        let of = |node: Value| is_of(&node, instance).then(|| joined(&node));
        let found = cluster.list(&NODES, "", of).await?.into_iter().next();
        let mut names = self.known();
        match &found {
            Some(node) => {
                if names.len() >= MOST {
                    names.clear();
                }
                names.insert(instance.to_owned(), node.name.clone());
            }
            None => drop(names.remove(instance)),
        }
        Ok(found)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By `aws:///us-east-1a/i-0abc`, by its label, or by its own name.
fn is_of(node: &Value, instance: &str) -> bool {
    let provided = text(node, "/spec/providerID").and_then(|id| id.rsplit('/').next());
    let labelled = node.pointer("/metadata/labels").and_then(|l| l.get(marks::INSTANCE)?.as_str());
    let named = text(node, "/metadata/name");
    !instance.is_empty() && [provided, labelled, named].contains(&Some(instance))
}

fn joined(node: &Value) -> Joined {
    let notes = node.pointer("/metadata/annotations");
    let since = notes.and_then(|notes| notes.get(marks::DRAINING)?.as_str());
    Joined {
        name: text(node, "/metadata/name").unwrap_or_default().to_owned(),
        uid: text(node, "/metadata/uid").unwrap_or_default().to_owned(),
        cordoned: node.pointer("/spec/unschedulable") == Some(&Value::Bool(true)),
        since: since.and_then(|since| since.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_is_told_by_the_whole_instance_id() {
        let node = json!({"metadata": {"name": "ip-10-0-0-1"},
            "spec": {"providerID": "aws:///us-east-1a/i-0abc"}});
        assert!(is_of(&node, "i-0abc"));
        for other in ["0abc", "i-0ab", "us-east-1a", ""] {
            assert!(!is_of(&node, other), "{other}");
        }
        assert!(is_of(&json!({"metadata": {"name": "i-1"}}), "i-1"));
        let labelled = json!({"metadata": {"name": "n", "labels": {marks::INSTANCE: "i-2"}}});
        assert!(is_of(&labelled, "i-2"));
        assert!(!is_of(&json!({"metadata": {"name": "n"}, "spec": {"providerID": ""}}), ""));
    }
}
