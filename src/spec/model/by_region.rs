//! One value for every region, or one for each.

use common::document::{Node, Value};
use common::shape::{Decoder, Shape, Tree};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// One value for every region, or one for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByRegion<T> {
    /// `"g6e.12xlarge" = "$9.44/h"`
    Everywhere(T),
    /// `"g6e.12xlarge" = { us-east-1 = "$9.44/h", eu-west-1 = "$11.20/h" }`
    In(BTreeMap<String, T>),
}

impl<T> ByRegion<T> {
    /// The value for `region`, if there is one.
    pub fn get(&self, region: &str) -> Option<&T> {
        match self {
            Self::Everywhere(value) => Some(value),
            Self::In(values) => values.get(region),
        }
    }

    /// The regions that are named.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        let named = match self {
            Self::Everywhere(_) => None,
            Self::In(values) => Some(values),
        };
        named.into_iter().flat_map(BTreeMap::keys).map(String::as_str)
    }
}

impl<T: Shape> Shape for ByRegion<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => BTreeMap::decode(node, decoder).map(Self::In),
            _ => T::decode(node, decoder).map(Self::Everywhere),
        }
    }

    fn stand_in() -> Self {
        Self::Everywhere(T::stand_in())
    }

    fn encode(&self) -> Option<Tree> {
        match self {
            Self::Everywhere(value) => value.encode(),
            Self::In(values) => values.encode(),
        }
    }

    fn schema(whole: bool) -> Json {
        json!({ "anyOf": [T::schema(whole), BTreeMap::<String, T>::schema(whole)] })
    }
}
