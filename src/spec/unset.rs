//! `unset`: keys of the files below that an environment does without.

use super::overlay;
use crate::diag::{Diagnostic, nearest};
use common::document::{At, Node, Table, Value};

/// How `unset` is written.
const EXAMPLE: &str = "write it like [\"onprem.pools.a100\", \"service.stages.preprocess\"]";

/// Takes the keys that `named` lists away from `below`. What cannot be taken
/// away comes back, each with its place; missing keys only where all of `below`
/// is `known`.
pub(super) fn unset(below: &mut Table, named: Node, known: bool) -> Vec<(Diagnostic, At)> {
    let Value::Array(nodes) = named.value else {
        let wrong = Diagnostic::error("`unset` must be an array of dotted keys").help(EXAMPLE);
        return vec![(wrong, named.at)];
    };
    let whole = below.clone();
    let mut wrong = Vec::new();
    for Node { value, at } in nodes {
        let path = match &value {
            Value::String(text) => toml_edit::Key::parse(text).ok(),
            _ => None,
        };
        let Some(path) = path else {
            let message = "`unset` must be an array of dotted keys";
            wrong.push((Diagnostic::error(message).help(EXAMPLE), at));
            continue;
        };
        let path: Vec<&str> = path.iter().map(toml_edit::Key::get).collect();
        // One key may lie below another that was taken away.
        if let (Err(diagnostic), true) = (take(&mut whole.clone(), &path), known) {
            wrong.push((diagnostic, at));
        }
        let _ = take(below, &path);
    }
    wrong
}

/// Takes the keys that `nodes` hold away from `laid`: those of a step of a phase. One
/// that is not there is told, and is no error: the file may have caught up.
pub(super) fn unset_in_phase(laid: &mut Table, nodes: Vec<Node>) -> Vec<(Diagnostic, At)> {
    let mut missing = Vec::new();
    for Node { value, at } in nodes {
        let Value::String(text) = value else { continue };
        let Some(path) = overlay::path_of(&text) else { continue };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Err(Diagnostic { help, .. }) = take(laid, &path) {
            let wrong = Diagnostic::warning(format!("there is no `{text}` here to unset"));
            missing.push((wrong.help(help.unwrap_or_default()), at));
        }
    }
    missing
}

fn take(below: &mut Table, path: &[&str]) -> Result<(), Diagnostic> {
    let Some((last, around)) = path.split_last() else { return Ok(()) };
    let mut table = below;
    for (depth, key) in around.iter().enumerate() {
        if !matches!(table.entries.get(*key), Some(entry) if is_table(&entry.node)) {
            return Err(missing(table, path, depth));
        }
        match table.entries.get_mut(*key).map(|entry| &mut entry.node.value) {
            Some(Value::Table(inner)) => table = inner,
            _ => return Err(Diagnostic::error("`unset` goes through no table")),
        }
    }
    match table.entries.remove(*last) {
        Some(_) => Ok(()),
        None => Err(missing(table, path, path.len() - 1)),
    }
}

fn is_table(node: &Node) -> bool {
    matches!(node.value, Value::Table(_))
}

/// `path` ends at `depth`, in `table`.
fn missing(table: &Table, path: &[&str], depth: usize) -> Diagnostic {
    let whole = path.join(".");
    let diagnostic =
        Diagnostic::error(format!("no file that this one extends has `{whole}` to unset"));
    let key = path.get(depth).copied().unwrap_or_default();
    match nearest(key, table.entries.keys().map(String::as_str)) {
        Some(near) => {
            let meant = [&path[..depth], &[near], &path[depth + 1..]].concat().join(".");
            diagnostic.help(format!("did you mean `{meant}`?"))
        }
        None => diagnostic.help("take it out of `unset`"),
    }
}
