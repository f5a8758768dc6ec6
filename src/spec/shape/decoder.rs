//! Reading with all errors at once, each with its key, its line and what to
//! write instead.

use super::{Shape, Wire};
use crate::diag::{Diagnostic, Diagnostics, nearest};
use crate::spec::node::{At, Node, Table, Value};
use std::collections::BTreeSet;

/// What could not be read and has a stand-in: no rule can judge by it.
#[derive(Debug, Default)]
pub(in crate::spec) struct Spoiled {
    /// Keys, or the pool or stage that they are in.
    paths: BTreeSet<String>,
    /// Something was not even given a name, so names may seem unknown.
    pub(in crate::spec) names: bool,
}

impl Spoiled {
    /// A path counts to its pool or stage: what that is depends on all its keys.
    const DEPTH: usize = 3;

    fn add(&mut self, path: &[String]) {
        self.paths.insert(path[..path.len().min(Self::DEPTH)].join("."));
    }

    /// Whether what is at `path` depends on something that could not be read.
    pub(in crate::spec) fn touches(&self, path: &str) -> bool {
        let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        !self.paths.is_empty()
            && ends.take(Self::DEPTH).any(|end| self.paths.contains(&path[..end]))
    }

    /// Whether anything could not be read.
    pub(in crate::spec) fn any(&self) -> bool {
        self.names || !self.paths.is_empty()
    }
}

/// Where reading is, and what was wrong so far.
pub(in crate::spec) struct Decoder<'d> {
    diagnostics: &'d mut Diagnostics,
    path: Vec<String>,
    /// Files have syntax errors: what seems to be missing may be just there.
    damaged: bool,
    pub(in crate::spec) spoiled: Spoiled,
}

impl<'d> Decoder<'d> {
    pub(in crate::spec) fn new(diagnostics: &'d mut Diagnostics, damaged: bool) -> Self {
        Self { diagnostics, path: Vec::new(), damaged, spoiled: Spoiled::default() }
    }

    /// Reads with `key` as the last part of the path; what cannot be read gets
    /// its stand-in.
    pub(in crate::spec) fn within<T: Shape>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> T {
        self.path.push(key.to_owned());
        let value = read(self).unwrap_or_else(|| {
            self.spoiled.add(&self.path);
            T::stand_in()
        });
        self.path.pop();
        value
    }

    /// Something has no name that could be known.
    pub(super) fn lose_names(&mut self) {
        self.spoiled.names = true;
    }

    /// Reads `key` of `table`; where it is not there, `default` or what the
    /// shape has for that.
    pub(in crate::spec) fn field<W: Shape + Wire<T>, T>(
        &mut self,
        (table, at): (&Table, &At),
        key: &str,
        default: Option<fn() -> T>,
    ) -> T {
        let read = |decoder: &mut Self| match table.entries.get(key) {
            Some(entry) => W::decode(&entry.node, decoder),
            None => W::absent(at, decoder),
        };
        match default {
            Some(default) if !table.entries.contains_key(key) => default(),
            _ => self.within(key, read).meaning(),
        }
    }

    /// The node's table, or a report that it is none.
    pub(in crate::spec) fn table<'n>(&mut self, node: &'n Node) -> Option<&'n Table> {
        match &node.value {
            Value::Table(table) => Some(table),
            _ => {
                self.wrong_type(node, "a table", None);
                None
            }
        }
    }

    /// Reports the keys of `table` that are not `known`.
    pub(in crate::spec) fn reject_unknown(&mut self, table: &Table, known: &[&str]) {
        for (key, entry) in &table.entries {
            if known.contains(&key.as_str()) || self.diagnostics.is_full() {
                continue;
            }
            let place = if self.path.is_empty() {
                "at the top".to_owned()
            } else {
                format!("in `{}`", dotted(&self.path))
            };
            let help = match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            let diagnostic = Diagnostic::error(format!("unknown key `{key}` {place}")).help(help);
            self.diagnostics.push(entry.key.label(diagnostic, ""));
        }
    }

    /// Reports that a value of another type must stand here.
    pub(in crate::spec) fn wrong_type(&mut self, node: &Node, wanted: &str, example: Option<&str>) {
        let message =
            format!("`{}` must be {wanted}, not {}", dotted(&self.path), node.value.kind());
        self.report(node, message, example.map(|example| format!("write it like {example}")));
    }

    /// Reports something wrong about the value here.
    pub(in crate::spec) fn wrong_value(&mut self, node: &Node, why: &str, help: Option<String>) {
        let message = format!("`{}`: {why}", dotted(&self.path));
        self.report(node, message, help);
    }

    /// Reports that a key must be in the table at `table`.
    pub(super) fn missing(&mut self, table: &At) {
        if self.damaged {
            return;
        }
        let message = format!("`{}` is missing", dotted(&self.path));
        let (key, inside) = self.path.split_last().map_or(("", &[][..]), |(k, i)| (k.as_str(), i));
        let where_to = if inside.is_empty() {
            String::new()
        } else {
            format!(" to `{}`, here or in a file that this one extends", dotted(inside))
        };
        let diagnostic = Diagnostic::error(message).help(format!("add `{key} = …`{where_to}"));
        self.diagnostics.push(table.label(diagnostic, ""));
    }

    fn report(&mut self, node: &Node, message: String, help: Option<String>) {
        let mut diagnostic = node.at.label(Diagnostic::error(message), "");
        diagnostic.help = help;
        self.diagnostics.push(diagnostic);
    }
}

/// A path as TOML writes it.
pub(in crate::spec) fn dotted(path: &[String]) -> String {
    path.iter().map(|key| quoted_key(key)).collect::<Vec<_>>().join(".")
}

/// A key as TOML writes it: bare where it can be.
pub(in crate::spec) fn quoted_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        toml_edit::Key::new(key).to_string()
    }
}
