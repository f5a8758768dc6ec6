//! Bytes to a tree, with every syntax error that can be told from the next.

use super::loader::MAX_FILE;
use super::nesting::too_deep;
use super::node::{At, Table};
use super::twice;
use crate::diag::{Diagnostic, Diagnostics};
use std::sync::Arc;
use toml::de::DeTable;

/// What the parser says of a key that was there before.
const TWICE: &str = "duplicate key";

/// What of an environment's files could not be read.
#[derive(Debug, Default)]
pub struct Damage {
    /// Where the syntax is wrong: what seems wrong beside it may only seem so.
    pub places: Vec<At>,
    /// Keys may be missing that were meant to be there.
    pub incomplete: bool,
}

/// The tree of a file; as much of it as can be read.
pub fn parse(
    file: &Arc<str>,
    bytes: &[u8],
    diagnostics: &mut Diagnostics,
    damage: &mut Damage,
) -> Table {
    let report = |diagnostics: &mut Diagnostics, damage: &mut Damage, span, found: Diagnostic| {
        let at = At { file: Arc::clone(file), span };
        diagnostics.push(at.label(found, ""));
        damage.places.push(at);
        damage.incomplete = true;
    };
    if bytes.len() > MAX_FILE {
        diagnostics.sources.insert(Arc::clone(file), "".into());
        let large = Diagnostic::error(format!("the file is larger than {} KiB", MAX_FILE / 1024));
        report(diagnostics, damage, 0..0, large);
        return Table::default();
    }
    let text = String::from_utf8_lossy(bytes);
    diagnostics.sources.insert(Arc::clone(file), text.as_ref().into());
    if let Err(error) = std::str::from_utf8(bytes) {
        // Up to there the shown text is the file's own, and there it has one
        // replacement character.
        let at = error.valid_up_to();
        let wrong = Diagnostic::error("the file is not UTF-8").help("save it as UTF-8");
        report(diagnostics, damage, at..at + char::REPLACEMENT_CHARACTER.len_utf8(), wrong);
        return Table::default();
    }
    if let Some(span) = too_deep(&text) {
        report(diagnostics, damage, span, Diagnostic::error("nested too deep for an environment"));
        return Table::default();
    }
    let (table, errors) = DeTable::parse_recoverable(&text);
    let table = Table::of(table.get_ref(), file);
    // Of a table that is there twice, every key may be: once is enough.
    let mut table_twice = 0..0;
    for (at, error) in errors.iter().enumerate() {
        let span = error.span().unwrap_or(0..0);
        let twice = error.message() == TWICE;
        if twice && table_twice.contains(&span.start) {
            continue;
        }
        if diagnostics.is_full() {
            let rest = &errors[at..];
            diagnostics.leave_out_errors(rest.len());
            damage.incomplete |= rest.iter().any(|error| error.message() != TWICE);
            break;
        }
        if !twice {
            report(diagnostics, damage, span, in_plain_words(error.message()));
            continue;
        }
        let line = text[..span.start].rfind('\n').map_or(0, |end| end + 1);
        if text[line..].starts_with('[') {
            let length = text[span.end..].find("\n[").unwrap_or(text.len() - span.end);
            table_twice = span.end..span.end + length;
        }
        let at = At { file: Arc::clone(file), span };
        diagnostics.push(declared_twice(&text, &table, &at));
        damage.places.push(at);
    }
    table
}

/// Nothing of it is lost: the first declaration is read.
fn declared_twice(text: &str, table: &Table, again: &At) -> Diagnostic {
    let name = text.get(again.span.clone()).unwrap_or_default();
    let twice = Diagnostic::error(format!("`{name}` is declared twice in one file"))
        .help("remove one of the two, or give it another name");
    match twice::first(table, text, again) {
        Some(first) => first.label(again.label(twice, "again"), "first"),
        None => again.label(twice, ""),
    }
}

fn in_plain_words(message: &str) -> Diagnostic {
    Diagnostic::error(format!("not TOML: {message}"))
}
