//! A controller's notes: an annotation of the ApplySet's parent, which belongs to a
//! field manager of its own.

use super::cluster::{ApplyMode, Cluster};
use super::error::failed;
use super::hands::{not_there, parents};
use crate::observe::marks;
use crate::plan::{PortError, Takes};
use crate::port::{KeepNotes, Scope};
use async_trait::async_trait;
use serde_json::json;

#[async_trait]
impl KeepNotes for Cluster {
    async fn read_notes(&self, scope: &Scope) -> Result<Option<String>, PortError> {
        let parent = self.parent_of(scope).await?;
        let noted = parent.as_ref().and_then(|parent| {
            parent.pointer("/metadata/annotations")?.get(marks::NOTES)?.as_str()
        });
        Ok(noted.map(str::to_owned))
    }

    async fn note(&self, scope: &Scope, text: &str) -> Result<(), PortError> {
        let (resource, name) = (parents(scope), scope.mark.parent_name());
        let Some(parent) = self.parent_of(scope).await? else { return Err(not_there(scope)) };
        let body = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": name, "namespace": scope.namespace, "uid": parent["metadata"]["uid"],
                "annotations": {marks::NOTES: text},
            },
        });
        let mode =
            ApplyMode { manager: marks::NOTES_MANAGER, takes: &Takes::Everything, dry_run: false };
        let noted = self.apply(&resource, &name, &body, mode).await;
        noted.map(|_| ()).map_err(|error| failed(error, "patch", &resource, &name))
    }
}
