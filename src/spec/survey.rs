//! What a file is among others: an environment, or a part of environments.

use super::layers;
use crate::diag::Diagnostics;
use common::document::{Loader, Value};

/// What is known of a file before it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// The files that it is made of beside itself, by their paths in the
    /// repository.
    pub extends: Vec<String>,
    /// Whether the file itself says what the environment is called. One that
    /// does not, and that others extend, stands for no environment.
    pub names_itself: bool,
}

/// Looks at the file at `entry`; what of it cannot be read is left out.
pub fn survey(entry: &str, loader: &dyn Loader) -> Survey {
    let mut found = Diagnostics::default();
    let layers = layers::read(entry, loader, &mut found);
    let name = match layers.table.entries.get("environment").map(|entry| &entry.node.value) {
        Some(Value::Table(identity)) => identity.entries.get("name"),
        _ => None,
    };
    let files = found.sources.files().map(ToString::to_string);
    Survey {
        extends: files.filter(|file| file != entry).collect(),
        names_itself: name.is_some_and(|name| *name.key.file == *entry),
    }
}
