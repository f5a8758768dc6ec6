//! Diagnostics as data: what is wrong, where, and what to do.

mod json;
mod quote;
mod render;
mod secret;
mod sources;

pub use quote::is_plain;
use quote::printable;
pub use quote::steers;
pub use render::{Colour, Look};
pub use secret::{is_secret_name, is_secret_setting, looks_secret, secret_arguments};
pub use sources::{Place, Sources};

use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
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
    /// Bytes of it; `0..0` for the file as a whole.
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
        let message = printable(message.into());
        Self { severity: Severity::Error, message, labels: vec![], help: None }
    }

    /// A warning.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// With a place.
    #[must_use]
    pub fn at(mut self, file: &Arc<str>, span: Range<usize>, text: impl Into<String>) -> Self {
        let text = printable(text.into());
        self.labels.push(Label { file: Arc::clone(file), span, text });
        self
    }

    /// With what to do; an empty text says nothing.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(printable(help.into())).filter(|help| !help.is_empty());
        self
    }
}

/// All that is wrong with something, and the texts that it points into.
///
/// What a hostile file can make it hold is bounded: past [`Self::MAX`] it only
/// counts.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    left_out: usize,
    errors: usize,
    /// The texts that labels point into.
    pub sources: Sources,
}

impl Diagnostics {
    /// The most that are kept.
    pub const MAX: usize = 100;

    /// Adds one. An error takes the place of a warning where there is no other
    /// left: what must be mended is always among those that are kept.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let is_error = diagnostic.severity == Severity::Error;
        self.errors += usize::from(is_error);
        if self.items.len() < Self::MAX {
            self.items.push(diagnostic);
            return;
        }
        self.left_out += 1;
        if is_error && let Some(warning) = self.last_warning() {
            self.items[warning] = diagnostic;
        }
    }

    fn last_warning(&self) -> Option<usize> {
        self.items.iter().rposition(|kept| kept.severity == Severity::Warning)
    }

    /// Whether more are only counted: a hint for them need not be sought.
    pub fn is_full(&self) -> bool {
        self.items.len() >= Self::MAX && self.last_warning().is_none()
    }

    /// Those that are kept.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }

    /// Counts errors that are found where no more can be kept.
    pub fn leave_out_errors(&mut self, number: usize) {
        self.errors += number;
        self.left_out += number;
    }

    /// How many were found and not kept.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether anything must be mended.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors were found, and how many warnings.
    pub fn counts(&self) -> (usize, usize) {
        (self.errors, self.items.len() + self.left_out - self.errors)
    }

    /// Errors first, and each kind in the order of the text.
    pub fn sort(&mut self) {
        self.items.sort_by_cached_key(|diagnostic| {
            let place =
                diagnostic.labels.first().map(|label| (Arc::clone(&label.file), label.span.start));
            (diagnostic.severity, place)
        });
    }

    /// Adds those of `other`.
    pub fn append(&mut self, other: Self) {
        let kept_errors = other.items.iter().filter(|d| d.severity == Severity::Error).count();
        self.errors += other.errors - kept_errors;
        self.left_out += other.left_out;
        for diagnostic in other.items {
            self.push(diagnostic);
        }
    }

    /// Keeps those for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&Diagnostic) -> bool) {
        let errors = &mut self.errors;
        self.items.retain(|diagnostic| {
            let kept = keep(diagnostic);
            *errors -= usize::from(!kept && diagnostic.severity == Severity::Error);
            kept
        });
    }
}

/// The name in `known` that `written` was probably meant to be: at most a third
/// of it is different, and no more than three characters.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody meant a name of that length, and comparing with it is slow.
    if written.len() > 80 {
        return None;
    }
    let length = |text: &str| text.chars().count();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, name)| {
            *distance > 0 && *distance <= (length(name).max(length(written)) / 3).min(3)
        })
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_can_be_read_is_only_counted() {
        let mut all = Diagnostics::default();
        for _ in 0..250 {
            all.push(Diagnostic::error("x"));
        }
        assert_eq!((all.iter().count(), all.left_out(), all.counts()), (100, 150, (250, 0)));
    }

    #[test]
    fn an_error_is_kept_whatever_number_of_warnings_came_before_it() {
        let mut all = Diagnostics::default();
        for _ in 0..150 {
            all.push(Diagnostic::warning("w"));
        }
        assert!(!all.is_full());
        all.push(Diagnostic::error("first"));
        let mut more = Diagnostics::default();
        more.push(Diagnostic::error("second"));
        all.append(more);
        all.sort();
        let errors = all.iter().take_while(|d| d.severity == Severity::Error);
        assert_eq!(errors.count(), 2);
        assert_eq!((all.iter().count(), all.left_out(), all.counts()), (100, 52, (2, 150)));
    }

    #[test]
    fn the_nearest_name_is_near_or_none() {
        let known = ["replicas", "capacity", "stage"];
        assert_eq!(nearest("replica", known), Some("replicas"));
        assert_eq!(nearest("capcaity", known), Some("capacity"));
        assert_eq!(nearest("budget", known), None);
        assert_eq!(nearest("stage", known), None);
        assert_eq!(nearest("", ["x"]), None);
        assert_eq!(nearest(".", ["x"]), None);
        assert_eq!(nearest("prd", ["prod"]), Some("prod"));
        assert_eq!(nearest("g6", ["g6e"]), Some("g6e"));
        assert_eq!(nearest("g6e.12xlarge", ["p5e.48xlarge"]), None);
    }
}
