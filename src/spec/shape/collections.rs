//! What may be absent, lists, and tables with keys of the user's choice.

use super::{Decoder, Shape, Tree};
use crate::id::Name;
use crate::spec::node::{At, Node, Table, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

impl<T: Shape> Shape for Option<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        T::decode(node, decoder).map(Some)
    }

    fn absent(_: &At, _: &mut Decoder<'_>) -> Option<Self> {
        Some(None)
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
        // Collected first, so that an error in one does not hide the next.
        let values: Vec<Option<T>> = nodes
            .iter()
            .enumerate()
            .map(|(at, node)| decoder.within(&at.to_string(), |decoder| T::decode(node, decoder)))
            .collect();
        values.into_iter().collect()
    }

    fn absent(_: &At, _: &mut Decoder<'_>) -> Option<Self> {
        Some(Self::new())
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
        let entries = each::<T>(table, decoder);
        let named: Vec<Option<(Name, T)>> = entries
            .into_iter()
            .map(|(key, at, value)| {
                let named = decoder.within(key, |decoder| {
                    let node = Node { value: Value::String(key.to_owned()), at: at.clone() };
                    Name::decode(&node, decoder)
                });
                Some((named?, value?))
            })
            .collect();
        named.into_iter().collect()
    }

    fn absent(_: &At, _: &mut Decoder<'_>) -> Option<Self> {
        Some(Self::new())
    }

    fn may_be_absent() -> bool {
        true
    }

    fn encode(&self) -> Option<Tree> {
        let entry = |(name, value): (&Name, &T)| Some((name.to_string(), value.encode()?));
        Some(Tree::Named(self.iter().filter_map(entry).collect()))
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
        each::<T>(table, decoder)
            .into_iter()
            .map(|(key, _, value)| Some((key.to_owned(), value?)))
            .collect()
    }

    fn absent(_: &At, _: &mut Decoder<'_>) -> Option<Self> {
        Some(Self::new())
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

/// Every value of `table`, each with all of its errors reported.
fn each<'t, T: Shape>(
    table: &'t Table,
    decoder: &mut Decoder<'_>,
) -> Vec<(&'t str, &'t At, Option<T>)> {
    table
        .entries
        .iter()
        .map(|(key, entry)| {
            let value = decoder.within(key, |decoder| T::decode(&entry.node, decoder));
            (key.as_str(), &entry.key, value)
        })
        .collect()
}
