//! What all objects of one environment share: names, labels, reasons.

use super::templates::Reader;
use super::view::{Meta, View};
use super::{Desired, DesiredError, DesiredInput, Templates, names};
use crate::decide::Reason;
use crate::id::Name;
use crate::observe::{ByPool, ResourceId, marks};
use crate::spec::Environment;
use serde::Serialize;
use std::collections::BTreeMap;

/// The input, with what is worked out of it once.
pub(super) struct Scene<'a> {
    pub(super) input: DesiredInput<'a>,
    templates: &'a Templates,
    reader: Reader<'a>,
    /// What is there, by pool.
    pub(super) there: ByPool<'a>,
    /// Workload names by pool.
    pub(super) workloads: BTreeMap<Name, String>,
    applyset: String,
}

/// What an object carries beside its body.
pub(super) struct About {
    pub(super) reason: Reason,
    pub(super) after: Vec<ResourceId>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(input: DesiredInput<'a>, templates: &'a Templates) -> Self {
        let (environment, inventory) = (input.environment, input.inventory);
        let there = inventory.by_pool();
        Self {
            input,
            templates,
            reader: Reader::new(templates),
            workloads: names::workloads(environment, input.decision, inventory, &there),
            there,
            applyset: input.mark.applyset_id(environment.service.namespace.as_str()),
        }
    }

    pub(super) fn environment(&self) -> &'a Environment {
        self.input.environment
    }

    pub(super) fn environment_name(&self) -> String {
        self.environment().environment.name.to_string()
    }

    pub(super) fn namespace(&self) -> &'a str {
        self.environment().service.namespace.as_str()
    }

    /// A namespaced object's id.
    pub(super) fn id(&self, api: &str, kind: &str, name: &str) -> ResourceId {
        ResourceId::kubernetes(api, kind, Some(self.namespace()), name)
    }

    pub(super) fn parent_id(&self) -> ResourceId {
        self.id("v1", "ConfigMap", &self.input.mark.parent_name())
    }

    /// Cluster-scoped, so its name carries the environment.
    pub(super) fn priority_class_id(&self) -> ResourceId {
        let name = self.input.mark.parent_name();
        ResourceId::kubernetes("scheduling.k8s.io/v1", "PriorityClass", None, &name)
    }

    /// The stage's Service, or what else carries the stage's name.
    pub(super) fn stage_id(&self, api: &str, kind: &str, stage: &Name) -> ResourceId {
        self.id(api, kind, &names::of_stage(self.environment(), stage))
    }

    /// A member's metadata; `marked` are labels beyond those of every member.
    pub(super) fn member(&self, id: &ResourceId, marked: &[(&str, &str)]) -> Meta {
        let mut meta = self.stranger(id);
        meta.labels.insert(marks::APPLYSET_PART_OF.to_owned(), self.applyset.clone());
        let marked = marked.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
        meta.labels.extend(marked);
        meta
    }

    /// Metadata of what is Floodway's work but no member: namespace and parent.
    pub(super) fn stranger(&self, id: &ResourceId) -> Meta {
        let labels = [
            (marks::MANAGED_BY.to_owned(), marks::MANAGER.to_owned()),
            (marks::ENVIRONMENT.to_owned(), self.environment_name()),
        ];
        Meta { name: id.name.clone(), namespace: id.scope.clone(), labels: labels.into() }
    }

    pub(super) fn applyset(&self) -> &str {
        &self.applyset
    }

    /// A reason that points at the TOML line of `key`.
    pub(super) fn because(&self, key: impl Into<String>, text: impl Into<String>) -> Reason {
        Reason::at(self.input.origins, key, text)
    }

    /// Renders a text that is no object of a cluster.
    pub(super) fn text(
        &self,
        template: &str,
        view: &impl Serialize,
    ) -> Result<String, DesiredError> {
        self.templates.text(template, view)
    }

    /// Renders a member of the ApplySet.
    pub(super) fn render(
        &self,
        template: &str,
        id: ResourceId,
        view: &impl View,
        about: About,
    ) -> Result<Desired, DesiredError> {
        Ok(Desired {
            body: self.reader.object(template, &id, view)?,
            id,
            seed: None,
            pool: None,
            reason: about.reason,
            after: about.after,
            immutable: Vec::new(),
            member: true,
        })
    }
}
