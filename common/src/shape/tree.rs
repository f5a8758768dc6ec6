//! A value on its way out: to TOML text, to JSON.

use serde_json::{Map, Value as Json};

/// A value as it will be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A decimal number, as text.
    Decimal(String),
    /// True or false.
    Boolean(bool),
    /// Values in their order.
    Array(Vec<Tree>),
    /// In the order in which it will be written.
    Table(Vec<(String, Tree)>),
    /// A table of named tables, each of which gets a header.
    Named(Vec<(String, Tree)>),
}

impl Tree {
    /// The same as JSON.
    pub fn to_json(&self) -> Json {
        match self {
            Self::String(text) => Json::from(text.as_str()),
            Self::Integer(number) => Json::from(*number),
            Self::Decimal(text) => text.parse::<f64>().map_or(Json::Null, Json::from),
            Self::Boolean(value) => Json::from(*value),
            Self::Array(values) => values.iter().map(Self::to_json).collect(),
            Self::Table(entries) | Self::Named(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), value.to_json()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}
