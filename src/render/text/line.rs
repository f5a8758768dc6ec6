//! One logical line: pieces of text, each with its ink.

use crate::render::style::Ink;

/// A line before it is wrapped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::render) struct Line(pub(super) Vec<(Ink, String)>);

impl Line {
    /// A line with nothing on it.
    pub(in crate::render) fn new() -> Self {
        Self::default()
    }

    /// A line of one piece.
    pub(in crate::render) fn of(ink: Ink, text: impl Into<String>) -> Self {
        Self::new().ink(ink, text)
    }

    /// Adds ordinary text.
    #[must_use]
    pub(in crate::render) fn text(self, text: impl Into<String>) -> Self {
        self.ink(Ink::Plain, text)
    }

    /// Adds what somebody says: line breaks and runs of blanks become one blank.
    #[must_use]
    pub(in crate::render) fn prose(self, text: &str) -> Self {
        self.text(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Adds text of a kind.
    #[must_use]
    pub(in crate::render) fn ink(mut self, ink: Ink, text: impl Into<String>) -> Self {
        self.0.push((ink, text.into()));
        self
    }

    /// Without the spaces that it begins with.
    pub(super) fn trimmed(&self) -> Self {
        let mut line = self.clone();
        for (_, text) in &mut line.0 {
            text.drain(..text.len() - text.trim_start().len());
            if !text.is_empty() {
                break;
            }
        }
        line
    }

    /// Adds another line's pieces.
    #[must_use]
    pub(in crate::render) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().text(text)
    }
}
