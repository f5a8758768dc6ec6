//! Keys of the environment inside the environment: what a step of a phase sets.

use common::document::{At, Entry, Node, Table, Value};
use common::shape::{Decoder, Shape, Tree};
use serde_json::{Value as Json, json};

/// A part of an environment's tree, as it was written; laid upon the file it is
/// read and held to the rules like any other key.
///
/// Two are equal where they mean the same, wherever that was written.
#[derive(Debug, Clone, Default)]
pub struct Overrides(Table);

impl PartialEq for Overrides {
    fn eq(&self, other: &Self) -> bool {
        tree_of_table(&self.0) == tree_of_table(&other.0)
    }
}

impl Overrides {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// The tree.
    pub fn table(&self) -> &Table {
        &self.0
    }

    /// `value` without its places.
    pub(crate) fn tree(value: &Value) -> Tree {
        tree(value)
    }

    /// The dotted path of each value that is no table, with where it stands.
    pub fn leaves(&self) -> Vec<(String, &Node)> {
        let mut leaves = Vec::new();
        add(&mut leaves, "", &self.0);
        leaves
    }
}

fn add<'t>(leaves: &mut Vec<(String, &'t Node)>, around: &str, table: &'t Table) {
    for (key, Entry { node, .. }) in &table.entries {
        let path = if around.is_empty() { key.clone() } else { format!("{around}.{key}") };
        match &node.value {
            Value::Table(inner) if !inner.entries.is_empty() => add(leaves, &path, inner),
            _ => leaves.push((path, node)),
        }
    }
}

impl Shape for Overrides {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        decoder.table(node).cloned().map(Self)
    }

    fn absent(_: &At, _: &mut Decoder<'_>) -> Option<Self> {
        Some(Self::default())
    }

    fn stand_in() -> Self {
        Self::default()
    }

    fn may_be_absent() -> bool {
        true
    }

    fn encode(&self) -> Option<Tree> {
        (!self.is_empty()).then(|| tree_of_table(&self.0))
    }

    fn schema(whole: bool) -> Json {
        // A file's own schema asks for no key: it may be laid upon another.
        if whole { json!({ "type": "object" }) } else { json!({ "$ref": "#" }) }
    }
}

fn tree_of_table(table: &Table) -> Tree {
    let entry = |(key, entry): (&String, &Entry)| (key.clone(), tree(&entry.node.value));
    Tree::Table(table.entries.iter().map(entry).collect())
}

fn tree(value: &Value) -> Tree {
    match value {
        Value::String(text) | Value::Datetime(text) => Tree::String(text.clone()),
        Value::Integer(number) => Tree::Integer(number.unwrap_or(i64::MAX)),
        Value::Float(text) => Tree::Decimal(text.clone()),
        Value::Boolean(value) => Tree::Boolean(*value),
        Value::Array(nodes) => Tree::Array(nodes.iter().map(|node| tree(&node.value)).collect()),
        Value::Table(table) => tree_of_table(table),
    }
}
