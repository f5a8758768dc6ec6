//! Where each key of the laid tree was written.

use super::node::{At, Node, Table, Value};
use super::origins::Origins;
use crate::diag::{Diagnostic, Sources};
use std::collections::BTreeMap;

/// Keys and values by dotted path.
#[derive(Debug)]
pub struct Spots {
    /// The file that was asked for, as a whole.
    whole: At,
    spots: BTreeMap<String, (At, At)>,
}

impl Spots {
    /// All of `table`; `whole` stands for what is not in it.
    pub fn of(table: &Table, whole: At) -> Self {
        let mut spots = Self { whole, spots: BTreeMap::new() };
        spots.add_table("", table);
        spots
    }

    fn add_table(&mut self, path: &str, table: &Table) {
        for (key, entry) in &table.entries {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.add(path, entry.key.clone(), &entry.node);
        }
    }

    fn add(&mut self, path: String, key: At, node: &Node) {
        match &node.value {
            Value::Table(table) => self.add_table(&path, table),
            Value::Array(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    self.add(format!("{path}.{at}"), node.at.clone(), node);
                }
            }
            _ => {}
        }
        self.spots.insert(path, (key, node.at.clone()));
    }

    /// `diagnostic`, pointing at the value of `path`, or of the nearest table
    /// around it that was written, or else at the whole file.
    pub fn label(&self, diagnostic: Diagnostic, path: &str, text: &str) -> Diagnostic {
        let at = self.find(path).map_or(&self.whole, |(_, value)| value);
        at.label(diagnostic, text)
    }

    /// `diagnostic`, pointing at the last key of `path` itself.
    pub fn label_key(&self, diagnostic: Diagnostic, path: &str) -> Diagnostic {
        self.find(path).map_or(&self.whole, |(key, _)| key).label(diagnostic, "")
    }

    /// Where the value of `path` was written.
    pub fn value(&self, path: &str) -> Option<&At> {
        self.find(path).map(|(_, value)| value)
    }

    fn find(&self, path: &str) -> Option<&(At, At)> {
        let mut path = path;
        loop {
            if let Some(spot) = self.spots.get(path) {
                return Some(spot);
            }
            path = path.rsplit_once('.')?.0;
        }
    }

    /// The line of each key.
    pub fn origins(&self, sources: &Sources) -> Origins {
        let mut origins = Origins::default();
        for (path, (key, _)) in &self.spots {
            origins.insert(path.clone(), sources.place(&key.file, key.span.start));
        }
        origins
    }
}
