//! What may be absent, lists, and tables with keys of the user's choice.

use super::{Decoder, Shape, Tree};
use crate::document::{At, Entry, Node, Value};
use crate::id::Name;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

impl<T: Shape> Shape for Option<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        T::decode(node, decoder).map(Some)
    }

    fn absent(_: &At, _: &mut Decoder<'_>) -> Option<Self> {
        Some(None)
    }

    fn stand_in() -> Self {
        None
    }

    fn may_be_absent() -> bool {
        true
    }

    fn encode(&self) -> Option<Tree> {
        self.as_ref().and_then(T::encode)
    }

    fn schema(whole: bool) -> Json {
        T::schema(whole)
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Value::Array(nodes) = &node.value else {
            decoder.wrong_type(node, "an array", None);
            return None;
        };
        let item = |(at, node): (usize, &Node)| {
            decoder.within(&at.to_string(), |decoder| T::decode(node, decoder))
        };
        Some(nodes.iter().enumerate().map(item).collect())
    }

    fn absent(_: &At, _: &mut Decoder<'_>) -> Option<Self> {
        Some(Self::new())
    }

    fn stand_in() -> Self {
        Self::new()
    }

    fn may_be_absent() -> bool {
        true
    }

    fn encode(&self) -> Option<Tree> {
        Some(Tree::Array(self.iter().filter_map(T::encode).collect()))
    }

    fn schema(_: bool) -> Json {
        // Arrays replace as one, so what stands in them is whole.
        json!({ "type": "array", "items": T::schema(true) })
    }
}

/// Named things: pools, stages, phases.
impl<T: Shape> Shape for BTreeMap<Name, T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let table = decoder.table(node)?;
        let mut named = Self::new();
        for (key, entry) in &table.entries {
            let value = decoder.within(key, |decoder| T::decode(&entry.node, decoder));
            match key.parse() {
                Ok(name) => drop(named.insert(name, value)),
                Err(error) => {
                    let node = Node { value: Value::Boolean(true), at: entry.key.clone() };
                    decoder.wrong_value(&node, &format!("{error}"), None);
                    decoder.lose_name();
                }
            }
        }
        Some(named)
    }

    fn absent(_: &At, _: &mut Decoder<'_>) -> Option<Self> {
        Some(Self::new())
    }

    fn stand_in() -> Self {
        Self::new()
    }

    fn may_be_absent() -> bool {
        true
    }

    fn encode(&self) -> Option<Tree> {
        let entry = |(name, value): (&Name, &T)| Some((name.to_string(), value.encode()?));
        let entries: Vec<_> = self.iter().filter_map(entry).collect();
        // Only tables get headers of their own.
        let table = |(_, tree): &(String, Tree)| matches!(tree, Tree::Table(_) | Tree::Named(_));
        let named = entries.iter().all(table);
        Some(if named { Tree::Named(entries) } else { Tree::Table(entries) })
    }

    fn schema(whole: bool) -> Json {
        json!({
            "type": "object",
            "propertyNames": { "pattern": Name::PATTERN },
            "additionalProperties": T::schema(whole),
        })
    }
}

/// Keys that are not ours: labels, tags, instance types.
impl<T: Shape> Shape for BTreeMap<String, T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let table = decoder.table(node)?;
        let entry = |(key, entry): (&String, &Entry)| {
            let value = decoder.within(key, |decoder| T::decode(&entry.node, decoder));
            (key.clone(), value)
        };
        Some(table.entries.iter().map(entry).collect())
    }

    fn absent(_: &At, _: &mut Decoder<'_>) -> Option<Self> {
        Some(Self::new())
    }

    fn stand_in() -> Self {
        Self::new()
    }

    fn may_be_absent() -> bool {
        true
    }

    fn encode(&self) -> Option<Tree> {
        let entry = |(key, value): (&String, &T)| Some((key.clone(), value.encode()?));
        Some(Tree::Table(self.iter().filter_map(entry).collect()))
    }

    fn schema(whole: bool) -> Json {
        json!({ "type": "object", "additionalProperties": T::schema(whole) })
    }
}
