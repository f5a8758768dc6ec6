//! Bytes to a tree, with every syntax error that can be told from the next.

use super::loader::MAX_FILE;
use super::nesting::too_deep;
use super::node::{At, Table};
use crate::diag::{Diagnostic, Diagnostics};
use std::ops::Range;
use std::sync::Arc;
use toml::de::DeTable;

/// What the parser says of a key that was there before.
const TWICE: &str = "duplicate key";

/// What of an environment's files could not be read.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// Where the syntax is wrong: what seems wrong beside it may only seem so.
    pub(super) places: Vec<At>,
    /// Keys may be missing that were meant to be there.
    pub(super) incomplete: bool,
}

/// The tree of a file; as much of it as can be read.
pub(super) fn parse(
    file: &Arc<str>,
    bytes: &[u8],
    diagnostics: &mut Diagnostics,
    damage: &mut Damage,
) -> Table {
    let mut report = |diagnostics: &mut Diagnostics, span: Range<usize>, found: Diagnostic| {
        let at = At { file: Arc::clone(file), span };
        diagnostics.push(at.label(found, ""));
        damage.places.push(at);
        damage.incomplete = true;
    };
    if bytes.len() > MAX_FILE {
        diagnostics.sources.insert(Arc::clone(file), "".into());
        let large = Diagnostic::error(format!("the file is larger than {} KiB", MAX_FILE / 1024));
        report(diagnostics, 0..0, large);
        return Table::default();
    }
    let text = String::from_utf8_lossy(bytes);
    diagnostics.sources.insert(Arc::clone(file), text.as_ref().into());
    if let Err(error) = std::str::from_utf8(bytes) {
        // Up to there the shown text is the file's own, and there it has one
        // replacement character.
        let at = error.valid_up_to();
        let wrong = Diagnostic::error("the file is not UTF-8").help("save it as UTF-8");
        report(diagnostics, at..at + char::REPLACEMENT_CHARACTER.len_utf8(), wrong);
        return Table::default();
    }
    if let Some(span) = too_deep(&text) {
        report(diagnostics, span, Diagnostic::error("nested too deep for an environment"));
        return Table::default();
    }
    let (table, errors) = DeTable::parse_recoverable(&text);
    let mut table_twice: Option<usize> = None;
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let written = text.get(span.clone()).unwrap_or_default();
        if error.message() == TWICE {
            // Of a table that is there twice, every key may be: once is enough.
            let between = table_twice.and_then(|from| text.get(from..span.start));
            if between.is_some_and(|between| !between.contains("\n[")) {
                continue;
            }
            let line = text[..span.start].rfind('\n').map_or(0, |end| end + 1);
            table_twice = text[line..].starts_with('[').then_some(span.end);
        }
        report(diagnostics, span, in_plain_words(error.message(), written));
        if diagnostics.is_full() {
            break;
        }
    }
    Table::of(table.get_ref(), file)
}

fn in_plain_words(message: &str, written: &str) -> Diagnostic {
    match message {
        TWICE => Diagnostic::error(format!("`{written}` is declared twice in one file"))
            .help("a name stands for one thing: rename one of the two, or merge them"),
        _ => Diagnostic::error(format!("not TOML: {message}")),
    }
}
