//! The templates, and what comes out of them.

use super::DesiredError;
use super::marked::{self, Marked};
use super::view::{Meta, View};
use crate::observe::{Body, Pattern, ResourceId};
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
    "aws/user-data.yaml",
    "install/access.yaml",
    "install/controller.yaml",
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
    shapes: Mutex<HashMap<String, Arc<Shape>>>,
}

/// What objects have in common that differ in their values alone.
struct Shape {
    /// As it was read, with numbers in place of values.
    read: Value,
    /// Whether each value stands alone, and in no longer text.
    whole: bool,
    /// The numbers of the values that are keys.
    keys: Vec<usize>,
    /// What makes bodies of it, by the values of the keys.
    patterns: Mutex<HashMap<String, Arc<Pattern>>>,
}

impl Shape {
    fn body(&self, parts: &Marked<'_>) -> Body {
        let Some(keys) = parts.chosen(&self.keys).filter(|_| self.whole) else {
            return parts.fill(&self.read).into();
        };
        let known = held(&self.patterns).get(&keys).cloned();
        let pattern = known.unwrap_or_else(|| {
            let hole = |text: &str| marked::number(text).filter(|at| *at < parts.values.len());
            let pattern = Arc::new(Pattern::new(&parts.fill_keys(&self.read), hole));
            held(&self.patterns).insert(keys, Arc::clone(&pattern));
            pattern
        });
        pattern.fill(&parts.values)
    }
}

/// What a lock holds; nothing that panics is done while it is held.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Reader<'a> {
    pub(super) fn new(templates: &'a Templates) -> Self {
        Self { templates, shapes: Mutex::default() }
    }

    /// The object that one template renders, which must be the one named `id`
    /// and carry the labels of the view: lost marks would be lost ownership.
    pub(super) fn object(
        &self,
        template: &str,
        id: &ResourceId,
        view: &impl View,
    ) -> Result<Body, DesiredError> {
        let text = self.templates.marked(template, view)?;
        let parts = Marked::of(&text);
        let known = held(&self.shapes).get(&parts.shape).cloned();
        let shape = match known {
            Some(shape) => shape,
            None => {
                let read = serde_saphyr::from_str(&parts.shape).map_err(|error| {
                    // The same mistake in the text that people know.
                    let known = serde_saphyr::from_str::<Value>(&marked::as_yaml(&text)).err();
                    DesiredError::yaml(template, id, known.unwrap_or(error))
                })?;
                let (whole, keys) = (marked::is_whole(&read), marked::keys(&read));
                let shape = Arc::new(Shape { read, whole, keys, patterns: Mutex::default() });
                held(&self.shapes).insert(parts.shape.clone(), Arc::clone(&shape));
                shape
            }
        };
        must_be(&shape.read, &parts, template, id, view.meta())?;
        Ok(shape.body(&parts))
    }
}

/// Whether what was `read`, with its values in place, is the object that was
/// asked for.
fn must_be(
    read: &Value,
    parts: &Marked<'_>,
    template: &str,
    id: &ResourceId,
    meta: &Meta,
) -> Result<(), DesiredError> {
    let metadata = read.get("metadata");
    let of = |around: Option<&Value>, key: &str| -> String {
        let found = around.and_then(|around| around.get(key)?.as_str());
        found.map(|found| parts.fill_text(found)).unwrap_or_default()
    };
    let named = [
        ("apiVersion", of(Some(read), "apiVersion"), id.api.as_str()),
        ("kind", of(Some(read), "kind"), &id.kind),
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
    let labels = metadata.and_then(|metadata| metadata.get("labels")?.as_object());
    let labels: HashMap<String, String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((parts.fill_text(key), parts.fill_text(value.as_str()?))))
        .collect();
    for (key, wanted) in &meta.labels {
        if labels.get(key) != Some(wanted) {
            let found = labels.get(key).cloned().unwrap_or_default();
            return wrong(format!("metadata.labels[{key:?}]"), found, wanted);
        }
    }
    Ok(())
}
