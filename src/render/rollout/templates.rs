//! The templates of a rollout: those that Floodway ships, and those that an environment
//! has in place of them.

use super::filters;
use super::page::{DocumentError, Format};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use tera::Tera;

/// Where the shipped templates lie.
pub const FOLDER: &str = "templates/rollout/";

/// Includes each named file of `templates/rollout/`.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../templates/rollout/", $name)))),*]
    };
}

/// The templates that Floodway ships, by name.
pub const EMBEDDED: &[(&str, &str)] = embedded![
    "criterion.html",
    "criterion.md",
    "gantt.mmd",
    "phase.html",
    "phase.md",
    "report.css",
    "report.html",
    "report.js",
    "report.md",
    "steps.mmd",
    "timeline.svg",
    "timeline-alone.svg",
];

/// What documents are made with. A template of the environment stands in for the shipped
/// one of its name, and may extend or include that as `templates/rollout/NAME`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Templates {
    /// Where the environment's own lie, with a slash at the end.
    folder: String,
    /// The environment's own, by name.
    own: BTreeMap<String, String>,
}

impl Templates {
    /// Those that Floodway ships.
    pub fn shipped() -> Self {
        Self::default()
    }

    /// The shipped ones and the environment's `own`, by name, which lie in `folder`.
    pub fn with(folder: &str, own: BTreeMap<String, String>) -> Self {
        Self { folder: format!("{}/", folder.trim_end_matches('/')), own }
    }

    /// Whether all of them are Floodway's.
    pub fn are_shipped(&self) -> bool {
        self.own.is_empty()
    }

    /// Where the environment's own lie.
    pub fn folder(&self) -> &str {
        self.folder.trim_end_matches('/')
    }

    /// The path of the file that the template of this name is.
    pub(super) fn path_of(&self, name: &str) -> String {
        let folder = if self.own.contains_key(name) { &self.folder } else { FOLDER };
        format!("{folder}{name}")
    }

    /// Parsed and checked, as far as `format` needs them. A text that is no safe string comes out as the document needs
    /// it, whatever the template.
    ///
    /// # Errors
    /// What is wrong with a template, with its file and line.
    pub(super) fn parsed(&self, format: Format) -> Result<Tera, DocumentError> {
        let mut tera = Tera::new();
        filters::register(&mut tera);
        // Whatever a template is called.
        tera.autoescape_on([""]);
        let mut prefixes = vec![Cow::Borrowed(FOLDER)];
        if !self.are_shipped() {
            prefixes.insert(0, Cow::Owned(self.folder.clone()));
        }
        // Any of them may be a part of the environment's own.
        let needed = |name: &str| !self.are_shipped() || format.is_made_with(name);
        let shipped = EMBEDDED.iter().filter(|(name, _)| needed(name));
        let shipped = shipped.map(|(name, text)| (format!("{FOLDER}{name}"), *text));
        let own =
            self.own.iter().map(|(name, text)| (format!("{}{name}", self.folder), text.as_str()));
        let added = tera
            .set_fallback_prefixes(prefixes)
            .and_then(|()| tera.add_raw_templates(shipped.chain(own).collect::<Vec<_>>()));
        added.map_err(|error| DocumentError::of("", &error))?;
        Ok(tera)
    }
}
