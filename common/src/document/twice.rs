//! Where a key that is there twice was first.

use super::node::{At, Node, Table, Value};
use std::ops::Range;
use toml_edit::Key;

/// Where the key at `again` was declared before, in `text` or in its tree. None:
/// it is in an inline table, or cannot be told.
pub(super) fn first(tree: &Table, text: &str, again: &At) -> Option<At> {
    let At { file, span: again } = again;
    let line = text.get(..again.start)?.rfind('\n').map_or(0, |end| end + 1);
    if text[line..].starts_with('[') {
        let span = header(&text[..line], text[line..].lines().next()?)?;
        return Some(At { file: file.clone(), span });
    }
    let path = path(text, line, again.end)?;
    let (last, tables) = path.split_last()?;
    let mut table = tree;
    for key in tables {
        table = inside(&table.entries.get(key)?.node, again.start)?;
    }
    let at = &table.entries.get(last)?.key;
    (at.span.end <= again.start).then(|| at.clone())
}

/// The table of `node`; of an array of tables, the last that begins before `at`.
fn inside(node: &Node, at: usize) -> Option<&Table> {
    match &node.value {
        Value::Table(table) => Some(table),
        Value::Array(nodes) => {
            let before = nodes.iter().rev().find(|node| node.at.span.start < at)?;
            inside(before, at)
        }
        _ => None,
    }
}

/// The first header like the one that `line` begins with. The tree knows only
/// the last.
fn header(before: &str, line: &str) -> Option<Range<usize>> {
    let (wanted, _) = line.split_once(']')?;
    let starts = before.split_inclusive('\n').scan(0, |end, line| {
        let start = *end;
        *end += line.len();
        Some((start, line))
    });
    let mut like = starts.filter(|(_, line)| line.split(']').next() == Some(wanted));
    like.next().map(|(start, _)| start + 1..start + wanted.len())
}

/// The keys that lead to the one that ends at `end`, on the line at `line`:
/// those of the header around it and those on its own line.
fn path(text: &str, line: usize, end: usize) -> Option<Vec<String>> {
    let header = match text[..line].rfind("\n[") {
        Some(before) => Some(&text[before + 2..]),
        None => text.strip_prefix('['),
    };
    let mut path = match header {
        Some(header) => keys(header.strip_prefix('[').unwrap_or(header).split(']').next()?)?,
        None => Vec::new(),
    };
    path.extend(keys(text.get(line..end)?)?);
    Some(path)
}

fn keys(dotted: &str) -> Option<Vec<String>> {
    let keys = Key::parse(dotted.trim()).ok()?;
    Some(keys.iter().map(|key| key.get().to_owned()).collect())
}
