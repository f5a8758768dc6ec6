//! What operators say by hand: an annotation of the ApplySet's parent, which
//! belongs to a field manager of its own.

use super::cluster::{ApplyMode, Cluster};
use super::error::failed;
use super::kinds::Resource;
use super::live::{ownership, text};
use super::retry::Contended;
use crate::observe::{Hands, Ownership, marks};
use crate::plan::{FailureKind, PortError, Takes};
use crate::port::{KeepHands, Said, Scope};
use async_trait::async_trait;
use serde_json::{Value, json};

#[async_trait]
impl KeepHands for Cluster {
    async fn read(&self, scope: &Scope) -> Result<Said, PortError> {
        match self.parent_of(scope).await? {
            Some(parent) => said(&parent, scope),
            // Nobody can have said anything.
            None => Said::of(None, String::new(), ""),
        }
    }

    async fn write(&self, scope: &Scope, hands: &Hands, over: &Said) -> Result<(), PortError> {
        let (resource, name) = (parents(scope), scope.mark.parent_name());
        let mut contended = Contended::default();
        loop {
            let Some(parent) = self.parent_of(scope).await? else { return Err(not_there(scope)) };
            if version(&parent) != over.version {
                return Err(Said::overtaken());
            }
            // At the version that was read: applies write the parent too, and that
            // is no reason to be refused.
            let mut body = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {
                    "name": name, "namespace": scope.namespace,
                    "uid": parent["metadata"]["uid"],
                    "resourceVersion": parent["metadata"]["resourceVersion"],
                },
            });
            if let Some(text) = hands.to_text() {
                body["metadata"]["annotations"] = json!({marks::HANDS: text});
            }
            let mode = ApplyMode {
                manager: marks::HANDS_MANAGER,
                takes: &Takes::Everything,
                dry_run: false,
            };
            match self.apply(&resource, &name, &body, mode).await {
                Ok(written) if annotation(&written) == hands.to_text().as_deref() => return Ok(()),
                // Somebody else wrote the same text, and it stays when we let go of it.
                Ok(written) => return self.take_away(scope, &written).await,
                Err(kube::Error::Api(status)) if contended.again(&status).await => {}
                Err(error) => return Err(failed(error, "patch", &resource, &name)),
            }
        }
    }
}

impl Cluster {
    /// The parent, if it is there; it must be this environment's.
    pub(super) async fn parent_of(&self, scope: &Scope) -> Result<Option<Value>, PortError> {
        let name = scope.mark.parent_name();
        let Some(parent) = self.get(&parents(scope), &name).await? else { return Ok(None) };
        let note = |key: &str| parent.pointer("/metadata/annotations")?.get(key)?.as_str();
        let marked = [(marks::REPOSITORY, &scope.mark.repository), (marks::FILE, &scope.mark.file)];
        let ours = ownership(&parent, &scope.mark, &scope.namespace) == Ownership::Ours
            && marked.iter().all(|(key, value)| note(key) == Some(value.as_str()));
        if ours {
            return Ok(Some(parent));
        }
        let whose = match (note(marks::FILE), note(marks::REPOSITORY)) {
            (Some(file), Some(repository)) => format!("{file} of {repository}"),
            _ => "nobody that says so".to_owned(),
        };
        Err(PortError {
            kind: FailureKind::Rejected,
            message: format!("ConfigMap {}/{name} belongs to {whose}", scope.namespace),
            help: Some("check the environment's name, namespace and file".to_owned()),
        })
    }

    async fn take_away(&self, scope: &Scope, parent: &Value) -> Result<(), PortError> {
        let (resource, name) = (parents(scope), scope.mark.parent_name());
        let patch = json!({"metadata": {
            "resourceVersion": parent["metadata"]["resourceVersion"],
            "annotations": {marks::HANDS: null},
        }});
        match self.merge(&resource, &name, &patch).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => Err(Said::overtaken()),
            Err(error) => Err(failed(error, "patch", &resource, &name)),
        }
    }
}

pub(super) fn parents(scope: &Scope) -> Resource<'_> {
    Resource::new("v1", "configmaps", Some(&scope.namespace))
}

fn annotation(parent: &Value) -> Option<&str> {
    parent.pointer("/metadata/annotations")?.get(marks::HANDS)?.as_str()
}

fn version(parent: &Value) -> String {
    let uid = text(parent, "/metadata/uid").unwrap_or_default();
    format!("{uid} {}", annotation(parent).unwrap_or_default())
}

fn said(parent: &Value, scope: &Scope) -> Result<Said, PortError> {
    let (namespace, name) = (&scope.namespace, scope.mark.parent_name());
    let place = format!("annotation {} of ConfigMap {namespace}/{name}", marks::HANDS);
    Said::of(annotation(parent), version(parent), &place)
}

pub(super) fn not_there(scope: &Scope) -> PortError {
    PortError {
        kind: FailureKind::Rejected,
        message: format!(
            "nothing of environment {} is there yet, and nothing to say by hand",
            scope.mark.environment
        ),
        help: Some("apply it first".to_owned()),
    }
}
