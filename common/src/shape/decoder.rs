//! Reading with all errors at once, each with its key, its line and what to
//! write instead.

use super::quoted::dotted;
use super::{Shape, Spoiled, Wire};
use crate::diag::{Diagnostic, Diagnostics, nearest};
use crate::document::{At, Entry, Node, Table, Value};

/// Keys of one file, which say what it is laid upon: the layers have taken them.
const OF_FILE: [&str; 2] = ["extends", "unset"];

/// Where reading is, and what was wrong so far.
pub struct Decoder<'d> {
    diagnostics: &'d mut Diagnostics,
    path: Vec<String>,
    /// Keys that are not there; of no account where files are incomplete.
    missing: Diagnostics,
    spoiled: Spoiled,
}

impl<'d> Decoder<'d> {
    /// `incomplete`: parts of the files could not be read.
    pub fn new(diagnostics: &'d mut Diagnostics, incomplete: bool) -> Self {
        let spoiled = Spoiled::new(incomplete);
        Self { diagnostics, path: Vec::new(), missing: Diagnostics::default(), spoiled }
    }

    /// Ends reading: reports what is missing, unless it may be just what could
    /// not be read.
    pub fn finish(self) -> Spoiled {
        if !self.spoiled.incomplete {
            self.diagnostics.append(self.missing);
        }
        self.spoiled
    }

    /// Reads with `key` as the last part of the path; what cannot be read gets
    /// its stand-in.
    pub fn within<T: Shape>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> T {
        self.path.push(key.to_owned());
        let value = read(self).unwrap_or_else(|| {
            self.spoiled.add(&self.path);
            T::stand_in()
        });
        self.path.pop();
        value
    }

    /// Something here has no name that could be known.
    pub fn lose_name(&mut self) {
        self.spoiled.lose_name(&self.path);
    }

    /// Reads `key` of `table`; where it is not there, `default` or what the
    /// shape has for that.
    pub fn field<W: Shape + Wire<T>, T>(
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
    pub fn table<'n>(&mut self, node: &'n Node) -> Option<&'n Table> {
        match &node.value {
            Value::Table(table) => Some(table),
            _ => {
                self.wrong_type(node, "a table", None);
                None
            }
        }
    }

    /// Reports the keys of `table` that are not `known`. To be done before its
    /// keys are read: one that is there under a wrong name is not missing.
    pub fn reject_unknown(&mut self, table: &Table, known: &[&str]) {
        for (key, entry) in &table.entries {
            if !known.contains(&key.as_str()) {
                self.unknown(table, key, entry, known);
            }
        }
    }

    fn unknown(&mut self, table: &Table, key: &str, entry: &Entry, known: &[&str]) {
        let top = self.path.is_empty();
        let place =
            if top { "at the top".to_owned() } else { format!("in `{}`", dotted(&self.path)) };
        let unknown = Diagnostic::error(format!("unknown key `{key}` {place}"));
        if self.diagnostics.is_full() {
            return self.diagnostics.push(unknown);
        }
        let near = nearest(key, known.iter().copied());
        let of_file =
            |name: &&&str| key == **name || (near.is_none() && nearest(key, [**name]).is_some());
        let of_file = OF_FILE.iter().find(of_file);
        // What it was meant to extend is not there.
        self.spoiled.incomplete |= of_file.is_some();
        let diagnostic = match near {
            _ if let Some(name) = of_file
                && top =>
            {
                unknown.help(format!("did you mean `{name}`?"))
            }
            _ if let Some(name) = of_file => Diagnostic::error(format!(
                "`{name}` must stand before the first table, not {place}"
            ))
            .help("a key belongs to the `[table]` above it: move the line to the top of the file"),
            Some(near) => {
                if !table.entries.contains_key(near) {
                    self.path.push(near.to_owned());
                    self.spoiled.add(&self.path);
                    self.path.pop();
                }
                unknown.help(format!("did you mean `{near}`?"))
            }
            None => {
                let of_file = if top { &OF_FILE[..] } else { &[] };
                unknown.help(format!("known here: {}", [of_file, known].concat().join(", ")))
            }
        };
        self.diagnostics.push(entry.key.label(diagnostic, ""));
    }

    /// Reports that a value of another type must stand here.
    pub fn wrong_type(&mut self, node: &Node, wanted: &str, example: Option<&str>) {
        let message =
            format!("`{}` must be {wanted}, not {}", dotted(&self.path), node.value.kind());
        self.report(node, message, example.map(|example| format!("write it like {example}")));
    }

    /// Reports something wrong about the value here.
    pub fn wrong_value(&mut self, node: &Node, why: &str, help: Option<String>) {
        let message = format!("`{}`: {why}", dotted(&self.path));
        self.report(node, message, help);
    }

    /// Reports that a key must be in the table at `table`.
    pub fn missing(&mut self, table: &At) {
        if self.spoiled.hides(&self.path.join(".")) {
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
        self.missing.push(table.label(diagnostic, ""));
    }

    fn report(&mut self, node: &Node, message: String, help: Option<String>) {
        let mut diagnostic = node.at.label(Diagnostic::error(message), "");
        diagnostic.help = help;
        self.diagnostics.push(diagnostic);
    }
}
