//! The files of an environment: read, and laid upon what they extend.

use crate::diag::{Diagnostic, Diagnostics, nearest};
use common::document::{At, Damage, Entry, LoadError, Loader, Table, Value, beside, lay, parse};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most files between an environment and the last that it extends.
const LONGEST_CHAIN: usize = 16;

/// The most files of one environment.
const MOST_FILES: usize = 64;

/// An environment's tree, laid together from its files.
#[derive(Debug)]
pub(super) struct Layers {
    /// Keys of all files; the file that was asked for wins.
    pub(super) table: Table,
    /// The beginning of the file that was asked for.
    pub(super) at: At,
    /// What of the files could not be read.
    pub(super) damage: Damage,
}

/// Reads `entry` and all that it extends.
pub(super) fn read(entry: &str, loader: &dyn Loader, diagnostics: &mut Diagnostics) -> Layers {
    let damage = Damage::default();
    let mut reader =
        Reader { entry, loader, diagnostics, read: BTreeMap::new(), chain: Vec::new(), damage };
    let table = reader.file(entry, None);
    Layers { table, at: At { file: entry.into(), span: 0..0 }, damage: reader.damage }
}

struct Reader<'r> {
    /// The file that was asked for.
    entry: &'r str,
    loader: &'r dyn Loader,
    diagnostics: &'r mut Diagnostics,
    /// Files by their real path, with all that they extend.
    read: BTreeMap<String, Table>,
    /// Real and given path of the files that are being read: each extends the next.
    chain: Vec<(String, String)>,
    damage: Damage,
}

impl Reader<'_> {
    /// The keys of `path` and of all that it extends; `by` is where it is named.
    fn file(&mut self, path: &str, by: Option<&At>) -> Table {
        self.load(path, by.is_some()).unwrap_or_else(|diagnostic| {
            self.refuse(diagnostic, by);
            Table::default()
        })
    }

    fn load(&mut self, path: &str, extended: bool) -> Result<Table, Diagnostic> {
        let loaded =
            self.loader.load(path).map_err(|error| self.cannot_load(path, &error, extended))?;
        if let Some(start) = self.chain.iter().position(|(real, _)| *real == loaded.real) {
            return Err(circle(&self.chain[start..], path));
        }
        if let Some(table) = self.read.get(&loaded.real) {
            return Ok(table.clone());
        }
        if self.chain.len() >= LONGEST_CHAIN || self.read.len() >= MOST_FILES {
            return Err(Diagnostic::error("too many files extend each other").help(format!(
                "at most {LONGEST_CHAIN} in a row and {MOST_FILES} in all: merge some of them"
            )));
        }
        let file: Arc<str> = path.into();
        let own = parse(&file, &loaded.bytes, self.diagnostics, &mut self.damage);
        self.chain.push((loaded.real.clone(), path.to_owned()));
        let table = self.upon_extended(&file, own);
        self.chain.pop();
        self.read.insert(loaded.real, table.clone());
        Ok(table)
    }

    /// `own` laid upon the files that its `extends` names, in their order.
    fn upon_extended(&mut self, file: &Arc<str>, mut own: Table) -> Table {
        let unset = own.entries.remove("unset");
        let Some(Entry { node, .. }) = own.entries.remove("extends") else {
            if let Some(Entry { key, .. }) = unset {
                let wrong =
                    "`unset` takes keys away from files that this one extends; it extends none";
                self.refuse(Diagnostic::error(wrong), Some(&key));
            }
            return own;
        };
        let named = match node.value {
            Value::Array(nodes) => nodes,
            _ => vec![node],
        };
        let mut below = Table::default();
        for node in named {
            let Value::String(relative) = &node.value else {
                let wrong = Diagnostic::error("`extends` must be a path or an array of paths")
                    .help("write it like \"base.toml\"");
                self.refuse(wrong, Some(&node.at));
                continue;
            };
            match beside(file, relative) {
                Ok(path) => below = lay(below, self.file(&path, Some(&node.at))),
                Err(why) => {
                    let wrong = Diagnostic::error(format!("cannot extend `{relative}`: {why}"))
                        .help("name a file of this repository by its path from this file");
                    self.refuse(wrong, Some(&node.at));
                }
            }
        }
        if let Some(Entry { node, .. }) = unset {
            for (wrong, at) in super::unset::unset(&mut below, node, !self.damage.incomplete) {
                self.diagnostics.push(at.label(wrong, ""));
            }
        }
        lay(below, own)
    }

    /// Reports that a file is left out: what it holds may seem to be missing.
    fn refuse(&mut self, diagnostic: Diagnostic, by: Option<&At>) {
        self.damage.incomplete = true;
        let whole = At { file: self.entry.into(), span: 0..0 };
        self.diagnostics.push(by.unwrap_or(&whole).label(diagnostic, ""));
    }

    fn cannot_load(&self, path: &str, error: &LoadError, extended: bool) -> Diagnostic {
        let verb = if extended { "extend" } else { "read" };
        let diagnostic = Diagnostic::error(format!("cannot {verb} `{path}`: {error}"));
        match error {
            LoadError::NotFound => match self.meant(path) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None if extended => {
                    diagnostic.help("the path is taken from the folder of the file that extends it")
                }
                None => diagnostic,
            },
            LoadError::Outside => diagnostic
                .help("an environment is made only of files of its repository: copy what you need"),
            _ => diagnostic,
        }
    }

    /// The file that is there and has almost the name of `path`.
    fn meant(&self, path: &str) -> Option<String> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let siblings = self.loader.siblings(path);
        let whole = format!("{name}.toml");
        if siblings.contains(&whole) {
            return Some(whole);
        }
        nearest(name, siblings.iter().map(String::as_str)).map(str::to_owned)
    }
}

fn circle(chain: &[(String, String)], again: &str) -> Diagnostic {
    let files: Vec<_> = chain.iter().map(|(_, path)| path.as_str()).chain([again]).collect();
    Diagnostic::error(format!("`extends` goes in a circle: {}", files.join(" -> ")))
        .help("take one `extends` of the circle away")
}
