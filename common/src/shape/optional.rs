//! A key that may be left out, of a type that is written in another way.

use super::{Decoder, Shape, Tree, Wire};
use crate::document::{At, Node};
use serde_json::Value as Json;

/// How an `Option<T>` is written whose `T` is written as `W`.
pub struct Optional<W>(Option<W>);

impl<W: Shape> Shape for Optional<W> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        Option::decode(node, decoder).map(Self)
    }

    fn absent(table: &At, decoder: &mut Decoder<'_>) -> Option<Self> {
        Option::absent(table, decoder).map(Self)
    }

    fn stand_in() -> Self {
        Self(Option::stand_in())
    }

    fn may_be_absent() -> bool {
        Option::<W>::may_be_absent()
    }

    fn encode(&self) -> Option<Tree> {
        self.0.encode()
    }

    fn schema(whole: bool) -> Json {
        Option::<W>::schema(whole)
    }
}

impl<W: Wire<T>, T> Wire<Option<T>> for Optional<W> {
    fn meaning(self) -> Option<T> {
        self.0.map(W::meaning)
    }

    fn written(value: &Option<T>) -> Self {
        Self(value.as_ref().map(W::written))
    }
}
