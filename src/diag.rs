//! Diagnostics as data: what is wrong, where, and what to do.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing can be done before it is mended.
    Error,
    /// It is allowed, and probably not meant.
    Warning,
}

/// A part of a file that a diagnostic points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The file, as [`Sources`] knows it.
    pub file: Arc<str>,
    /// Bytes of it.
    pub span: Range<usize>,
    /// What to say about it; may be empty.
    pub text: String,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in a sentence.
    pub message: String,
    /// Where, the most telling place first; empty: nowhere in a file.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), labels: vec![], help: None }
    }

    /// A warning.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// With a place.
    #[must_use]
    pub fn at(mut self, file: &Arc<str>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { file: Arc::clone(file), span, text: text.into() });
        self
    }

    /// With what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A place for people and editors.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, relative to the repository.
    pub file: Arc<str>,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// The texts that spans point into.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: BTreeMap<Arc<str>, Source>,
}

#[derive(Debug, Clone)]
struct Source {
    text: Arc<str>,
    line_starts: Vec<usize>,
}

impl Sources {
    /// Adds a file.
    pub fn insert(&mut self, file: Arc<str>, text: Arc<str>) {
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1))
            .collect();
        self.files.insert(file, Source { text, line_starts });
    }

    /// A file's text.
    pub fn text(&self, file: &str) -> Option<&Arc<str>> {
        self.files.get(file).map(|source| &source.text)
    }

    /// Line and column of byte `at`; the first place of the file where it is
    /// out of it.
    pub fn place(&self, file: &Arc<str>, at: usize) -> Place {
        let mut place = Place { file: Arc::clone(file), line: 1, column: 1 };
        if let Some(source) = self.files.get(file) {
            let line = source.line_starts.partition_point(|start| *start <= at);
            let start = source.line_starts[line - 1];
            place.line = line;
            let before = source.text.get(start..at).unwrap_or_default();
            place.column = before.chars().count() + 1;
        }
        place
    }
}

/// The name in `known` that `written` was probably meant to be.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count().min(12) / 4)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let mut sources = Sources::default();
        let file: Arc<str> = "a.toml".into();
        sources.insert(Arc::clone(&file), "ä = 1\nb = 2\n".into());
        let place = |at| {
            let place = sources.place(&file, at);
            (place.line, place.column)
        };
        assert_eq!(
            [place(0), place(3), place(7), place(13), place(99)],
            [(1, 1), (1, 3), (2, 1), (3, 1), (3, 1)]
        );
    }

    #[test]
    fn the_nearest_name_is_near_or_none() {
        let known = ["replicas", "capacity", "stage"];
        assert_eq!(nearest("replica", known), Some("replicas"));
        assert_eq!(nearest("capcaity", known), Some("capacity"));
        assert_eq!(nearest("budget", known), None);
    }
}
