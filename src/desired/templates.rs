//! The templates, and what comes out of them.

use super::DesiredError;
use super::marked::{self, Marked};
use super::view::{Meta, View};
use crate::observe::ResourceId;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
        tera.set_escape_fn(marked::mark);
        tera.add_raw_templates(sources).map_err(|error| DesiredError::template("", &error))?;
        Ok(Self(tera))
    }

    /// The text of one template, as YAML.
    pub(super) fn text(
        &self,
        template: &str,
        view: &impl Serialize,
    ) -> Result<String, DesiredError> {
        Ok(marked::as_yaml(&self.marked(template, view)?))
    }

    fn marked(&self, template: &str, view: &impl Serialize) -> Result<String, DesiredError> {
        Context::from_serialize(view)
            .and_then(|context| self.0.render(template, &context))
            .map_err(|error| DesiredError::template(template, &error))
    }
}

/// Reads objects from what templates render, each shape of text once.
pub(super) struct Reader<'a> {
    templates: &'a Templates,
    shapes: Mutex<HashMap<String, Arc<Value>>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(templates: &'a Templates) -> Self {
        Self { templates, shapes: Mutex::default() }
    }

    fn shapes(&self) -> MutexGuard<'_, HashMap<String, Arc<Value>>> {
        self.shapes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object that one template renders, which must be the one named `id`
    /// and carry the labels of the view: lost marks would be lost ownership.
    pub(super) fn object(
        &self,
        template: &str,
        id: &ResourceId,
        view: &impl View,
    ) -> Result<Value, DesiredError> {
        let text = self.templates.marked(template, view)?;
        let parts = Marked::of(&text);
        let known = self.shapes().get(&parts.shape).cloned();
        let read = match known {
            Some(read) => read,
            None => {
                let read = serde_saphyr::from_str(&parts.shape).map_err(|error| {
                    // The same mistake in the text that people know.
                    let known = serde_saphyr::from_str::<Value>(&marked::as_yaml(&text)).err();
                    DesiredError::yaml(template, id, known.unwrap_or(error))
                })?;
                let read = Arc::new(read);
                self.shapes().insert(parts.shape.clone(), Arc::clone(&read));
                read
            }
        };
        let body = parts.fill(&read);
        must_be(&body, template, id, view.meta())?;
        Ok(body)
    }
}

/// Whether `body` is the object that was asked for.
fn must_be(body: &Value, template: &str, id: &ResourceId, meta: &Meta) -> Result<(), DesiredError> {
    let metadata = body.get("metadata");
    let of = |around: Option<&'_ Value>, key: &str| -> String {
        around.and_then(|around| around.get(key)?.as_str()).unwrap_or_default().to_owned()
    };
    let named = [
        ("apiVersion", of(Some(body), "apiVersion"), id.api.as_str()),
        ("kind", of(Some(body), "kind"), &id.kind),
        ("metadata.name", of(metadata, "name"), &id.name),
        ("metadata.namespace", of(metadata, "namespace"), id.scope.as_deref().unwrap_or_default()),
    ];
    let wrong = |field: String, found: String, wanted: &str| {
        let (template, id) = (template.to_owned(), Box::new(id.clone()));
        Err(DesiredError::Identity { template, id, field, found, wanted: wanted.to_owned() })
    };
    for (field, found, wanted) in named {
        if found != wanted {
            return wrong(field.to_owned(), found, wanted);
        }
    }
    let labels = metadata.and_then(|metadata| metadata.get("labels"));
    for (key, wanted) in &meta.labels {
        let found = of(labels, key);
        if found != *wanted {
            return wrong(format!("metadata.labels[{key:?}]"), found, wanted);
        }
    }
    Ok(())
}
