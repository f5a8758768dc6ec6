//! The templates, and what comes out of them.

use super::DesiredError;
use super::view::{Meta, View};
use super::yaml::write_scalar;
use crate::observe::ResourceId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use tera::{Context, Tera};

/// Named templates, parsed and checked. Names are paths in the repository:
/// `templates/kubernetes/service.yaml`.
///
/// In a `.yaml` template each `{{ string }}` comes out as one complete YAML
/// scalar; `{{ string | safe }}` is as it stands, for inside a longer text.
#[derive(Clone)]
pub struct Templates(Tera);

/// Includes each named file of `templates/`.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$((concat!("templates/", $name), include_str!(concat!("../../templates/", $name)))),*]
    };
}

/// The templates that Floodway ships, by name.
pub const EMBEDDED: &[(&str, &str)] = embedded![
    "alerts/rules.yaml",
    "kubernetes/alerts-configmap.yaml",
    "kubernetes/alerts-prometheusrule.yaml",
    "kubernetes/deployment.yaml",
    "kubernetes/endpointslice.yaml",
    "kubernetes/horizontalpodautoscaler.yaml",
    "kubernetes/namespace.yaml",
    "kubernetes/networkpolicy-default-deny.yaml",
    "kubernetes/networkpolicy-dns.yaml",
    "kubernetes/networkpolicy-stage.yaml",
    "kubernetes/parent.yaml",
    "kubernetes/poddisruptionbudget.yaml",
    "kubernetes/priorityclass.yaml",
    "kubernetes/service.yaml",
    "kubernetes/serviceaccount.yaml",
];

impl Templates {
    /// The templates that Floodway ships.
    pub fn embedded() -> Result<Self, DesiredError> {
        Self::with_overrides(std::iter::empty::<(String, String)>())
    }

    /// The shipped templates, some replaced by the caller's own (name, text).
    /// Errors name the file, the line and what is wrong there.
    pub fn with_overrides(
        overrides: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
    ) -> Result<Self, DesiredError> {
        let mut sources: Vec<(String, String)> =
            EMBEDDED.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect();
        for (name, text) in overrides {
            let (name, text) = (name.as_ref(), text.as_ref());
            match sources.iter_mut().find(|(known, _)| known == name) {
                Some(known) => known.1 = text.to_owned(),
                None => sources.push((name.to_owned(), text.to_owned())),
            }
        }
        let mut tera = Tera::new();
        tera.autoescape_on([".yaml"]);
        tera.set_escape_fn(write_scalar);
        tera.add_raw_templates(sources).map_err(|error| DesiredError::template("", &error))?;
        Ok(Self(tera))
    }

    /// The text of one template.
    pub(super) fn text(
        &self,
        template: &str,
        view: &impl Serialize,
    ) -> Result<String, DesiredError> {
        Context::from_serialize(view)
            .and_then(|context| self.0.render(template, &context))
            .map_err(|error| DesiredError::template(template, &error))
    }

    /// The object that one template renders, which must be the one named `id`
    /// and carry the labels of the view: lost marks would be lost ownership.
    pub(super) fn object(
        &self,
        template: &str,
        id: &ResourceId,
        view: &impl View,
    ) -> Result<Value, DesiredError> {
        let text = self.text(template, view)?;
        let body: Value = serde_saphyr::from_str(&text).map_err(|error| DesiredError::Yaml {
            template: template.to_owned(),
            id: Box::new(id.clone()),
            report: error.to_string(),
        })?;
        let header = Header::deserialize(&body).map_err(|error| DesiredError::Yaml {
            template: template.to_owned(),
            id: Box::new(id.clone()),
            report: error.to_string(),
        })?;
        header.must_be(template, id, view.meta())?;
        Ok(body)
    }
}

/// What every Kubernetes object begins with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    api_version: String,
    kind: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl Header {
    fn must_be(self, template: &str, id: &ResourceId, meta: &Meta) -> Result<(), DesiredError> {
        let named = [
            ("apiVersion", self.api_version, &id.api),
            ("kind", self.kind, &id.kind),
            ("metadata.name", self.metadata.name, &id.name),
            (
                "metadata.namespace",
                self.metadata.namespace.unwrap_or_default(),
                id.scope.as_ref().unwrap_or(&String::new()),
            ),
        ]
        .map(|(field, found, wanted)| (field.to_owned(), found, wanted.clone()));
        let labelled = meta.labels.iter().map(|(key, wanted)| {
            let found = self.metadata.labels.get(key).cloned().unwrap_or_default();
            (format!("metadata.labels[{key:?}]"), found, wanted.clone())
        });
        let wrong = named.into_iter().chain(labelled).find(|(_, found, wanted)| found != wanted);
        wrong.map_or(Ok(()), |(field, found, wanted)| {
            let (template, id) = (template.to_owned(), Box::new(id.clone()));
            Err(DesiredError::Identity { template, id, field, found, wanted })
        })
    }
}
