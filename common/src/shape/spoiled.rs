//! What could not be read, so that no rule judges by what stands in its place.

use std::collections::BTreeSet;

/// What could not be read and has a stand-in.
#[derive(Debug, Default)]
pub struct Spoiled {
    /// Dotted keys.
    paths: BTreeSet<String>,
    /// Tables in which something has a name that could not be read.
    nameless: BTreeSet<String>,
    /// Parts of files could not be read: what seems to be absent may be there.
    pub incomplete: bool,
}

impl Spoiled {
    pub(super) fn new(incomplete: bool) -> Self {
        Self { incomplete, ..Self::default() }
    }

    pub(super) fn add(&mut self, path: &[String]) {
        self.paths.insert(path.join("."));
    }

    pub(super) fn lose_name(&mut self, table: &[String]) {
        self.nameless.insert(table.join("."));
    }

    /// Whether what is at `path` could not be read, or something around it.
    pub fn hides(&self, path: &str) -> bool {
        let ends = || path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        !self.paths.is_empty() && ends().any(|end| self.paths.contains(&path[..end]))
    }

    /// Whether anything that is at `path` could not be read, or something
    /// around it.
    pub fn touches(&self, path: &str) -> bool {
        let inside = || {
            let first = format!("{path}.");
            self.paths.range(first.clone()..).next().is_some_and(|next| next.starts_with(&first))
        };
        !self.paths.is_empty() && (self.hides(path) || inside())
    }

    /// Whether something may have been meant to be at `path`, though nothing is.
    pub fn may_hold(&self, path: &str) -> bool {
        self.incomplete || self.hides(path) || self.nameless.contains(path)
    }
}
