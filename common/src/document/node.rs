//! A TOML document with the place of every value, so that values of several
//! files can be merged and each still names its line.

use crate::diag::Diagnostic;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// Its name, as the sources of the diagnostics know it.
    pub file: Arc<str>,
    /// From the first to behind the last.
    pub span: Range<usize>,
}

/// A value, and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What was written.
    pub value: Value,
    /// Where.
    pub at: At,
}

/// A value of TOML; numbers as they were written.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    String(String),
    /// None: beyond 64 bits.
    Integer(Option<i64>),
    /// A decimal number.
    Float(String),
    /// True or false.
    Boolean(bool),
    /// A date, a time, or both.
    Datetime(String),
    /// Values in their order.
    Array(Vec<Node>),
    /// Values by keys.
    Table(Table),
}

/// Keys and values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// By key.
    pub entries: BTreeMap<String, Entry>,
    /// It stands for something that was no table in a layer below, so nothing
    /// of what lies below that may show through.
    pub replaces: bool,
}

/// A value under its key.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key was written.
    pub key: At,
    /// The value.
    pub node: Node,
}

impl At {
    /// `diagnostic`, pointing here.
    pub fn label(&self, diagnostic: Diagnostic, text: impl Into<String>) -> Diagnostic {
        diagnostic.at(&self.file, self.span.clone(), text)
    }
}

impl Table {
    /// From the parser's tree, whose depth is bounded.
    pub fn of(table: &DeTable<'_>, file: &Arc<str>) -> Self {
        let at = |span| At { file: Arc::clone(file), span };
        let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| Entry {
            key: at(key.span()),
            node: Node { value: Value::of(value.get_ref(), file), at: at(value.span()) },
        };
        let entries = table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), entry((key, value))))
            .collect();
        Self { entries, replaces: false }
    }
}

impl Value {
    fn of(value: &DeValue<'_>, file: &Arc<str>) -> Self {
        match value {
            DeValue::String(text) => Self::String(text.to_string()),
            DeValue::Integer(number) => {
                Self::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok())
            }
            DeValue::Float(number) => Self::Float(number.as_str().to_owned()),
            DeValue::Boolean(value) => Self::Boolean(*value),
            DeValue::Datetime(value) => Self::Datetime(value.to_string()),
            DeValue::Array(values) => Self::Array(
                values
                    .iter()
                    .map(|value| Node {
                        value: Self::of(value.get_ref(), file),
                        at: At { file: Arc::clone(file), span: value.span() },
                    })
                    .collect(),
            ),
            DeValue::Table(table) => Self::Table(Table::of(table, file)),
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a decimal number",
            Self::Boolean(_) => "true or false",
            Self::Datetime(_) => "a date or time",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

/// `over` laid upon `base`: tables merge key by key, anything else replaces.
/// Laying is associative, so layers may be grouped in any way.
pub fn lay(base: Table, over: Table) -> Table {
    if over.replaces {
        return over;
    }
    let mut merged = base;
    for (key, above) in over.entries {
        let entry = match merged.entries.remove(&key) {
            None => above,
            Some(below) => lay_entry(below, above),
        };
        merged.entries.insert(key, entry);
    }
    merged
}

fn lay_entry(below: Entry, above: Entry) -> Entry {
    let Entry { key, node: Node { value, at } } = above;
    let value = match (below.node.value, value) {
        (Value::Table(below), Value::Table(above)) => Value::Table(lay(below, above)),
        (_, Value::Table(above)) => Value::Table(Table { replaces: true, ..above }),
        (_, above) => above,
    };
    Entry { key, node: Node { value, at } }
}

#[cfg(test)]
mod tests;
