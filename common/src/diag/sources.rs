//! Texts, and places in them.

use super::secret::hidden_lines;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

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

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The texts that spans point into. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: BTreeMap<Arc<str>, Arc<Source>>,
    /// Lines that are not to be shown, beside those that look like it.
    hidden: BTreeSet<(Arc<str>, usize)>,
}

#[derive(Debug)]
struct Source {
    text: Arc<str>,
    line_starts: Vec<usize>,
    /// Lines, from 0 and in order, that are not shown, only named.
    hidden_lines: Vec<usize>,
    /// Characters before each [`BLOCK`] of bytes, so that a column is found
    /// without counting through a line of a megabyte.
    chars_before_block: Vec<usize>,
}

const BLOCK: usize = 256;

const BYTE_ORDER_MARK: char = '\u{feff}';

impl Sources {
    /// Adds a file.
    pub fn insert(&mut self, file: Arc<str>, text: Arc<str>) {
        self.files.insert(file, Arc::new(Source::new(text)));
    }

    /// A file's text.
    pub fn text(&self, file: &str) -> Option<&Arc<str>> {
        self.files.get(file).map(|source| &source.text)
    }

    /// The files' names.
    pub fn files(&self) -> impl Iterator<Item = &Arc<str>> {
        self.files.keys()
    }

    /// Line and column of byte `at`; the first place of the file where it is
    /// out of it.
    pub fn place(&self, file: &Arc<str>, at: usize) -> Place {
        let (line, column) = self.files.get(file).map_or((1, 1), |source| source.place(at));
        Place { file: Arc::clone(file), line, column }
    }

    /// The whole lines that hold the bytes of `span`: the number of the first,
    /// and where in the text they are.
    pub fn lines(&self, file: &str, span: &Range<usize>) -> Option<(usize, Range<usize>)> {
        let source = self.files.get(file)?;
        let first = source.line(span.start);
        let last = source.line(span.end.max(span.start + 1) - 1);
        let end = source.line_starts.get(last).map_or(source.text.len(), |next| next - 1);
        // A byte order mark is no text.
        let start = source.line_starts[first - 1].max(source.mark());
        Some((first, start..end.max(start)))
    }

    /// Never shows the lines that hold the bytes of `span`.
    pub fn hide(&mut self, file: &Arc<str>, span: &Range<usize>) {
        let last = self.place(file, span.end.max(span.start + 1) - 1).line;
        let lines = self.place(file, span.start).line..=last;
        self.hidden.extend(lines.map(|line| (Arc::clone(file), line)));
    }

    /// Whether one of `count` lines from line `first` on is not to be shown.
    pub(super) fn has_hidden(&self, file: &str, first: usize, count: usize) -> bool {
        let lines = first..first + count;
        let of = |source: &Arc<Source>| {
            source.hidden_lines.iter().any(|from_0| lines.contains(&(from_0 + 1)))
        };
        let hidden = |(name, line): &(Arc<str>, usize)| **name == *file && lines.contains(line);
        self.files.get(file).is_some_and(of) || self.hidden.iter().any(hidden)
    }
}

impl Source {
    fn new(text: Arc<str>) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1))
            .collect();
        let mut before = 0;
        let chars_before_block = text
            .as_bytes()
            .chunks(BLOCK)
            .map(|block| {
                let here = before;
                before += count_chars(block);
                here
            })
            .collect();
        let hidden_lines = hidden_lines(&text);
        Self { text, line_starts, hidden_lines, chars_before_block }
    }

    /// The line, from 1, that holds byte `at`.
    fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let start = self.line_starts[line - 1].max(self.mark());
        let column = self.chars_before(at).saturating_sub(self.chars_before(start)) + 1;
        (line, column)
    }

    /// Bytes of the byte order mark.
    fn mark(&self) -> usize {
        if self.text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 }
    }

    fn chars_before(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let at = at.min(bytes.len());
        let block = (at / BLOCK).min(self.chars_before_block.len().saturating_sub(1));
        let before = self.chars_before_block.get(block).copied().unwrap_or_default();
        before + count_chars(&bytes[block * BLOCK..at])
    }
}

/// Characters that begin in `bytes` of UTF-8.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> (Sources, Arc<str>) {
        let mut sources = Sources::default();
        let file: Arc<str> = "a.toml".into();
        sources.insert(Arc::clone(&file), text.into());
        (sources, file)
    }

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let (sources, file) = sources("ä = 1\nb = 2\n");
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
    fn a_column_is_right_far_into_a_long_line() {
        let (sources, file) = sources(&format!("x\n{}b", "ä".repeat(1000)));
        assert_eq!(sources.place(&file, 2 + 2000).column, 1001);
        assert_eq!(sources.place(&file, 2 + 600).column, 301);
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let (sources, file) = sources("\u{feff}x = 1\ny = 2\n");
        let place = |at| {
            let place = sources.place(&file, at);
            (place.line, place.column)
        };
        assert_eq!([place(0), place(3), place(7), place(9)], [(1, 1), (1, 1), (1, 5), (2, 1)]);
        assert_eq!(sources.lines("a.toml", &(3..4)), Some((1, 3..8)));
        assert_eq!(sources.lines("a.toml", &(0..1)), Some((1, 3..8)));
    }

    #[test]
    fn lines_are_whole() {
        let (sources, _) = sources("a\nbc\nd\n");
        assert_eq!(sources.lines("a.toml", &(3..4)), Some((2, 2..4)));
        assert_eq!(sources.lines("a.toml", &(0..6)), Some((1, 0..6)));
        assert_eq!(sources.lines("a.toml", &(7..7)), Some((4, 7..7)));
        assert_eq!(sources.lines("b.toml", &(0..1)), None);
    }
}
