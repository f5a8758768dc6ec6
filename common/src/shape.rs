//! What a key may hold, said once: a [`Shape`] reads a value with every error
//! that is in it, writes it back, and describes itself as JSON Schema.
//! [`table!`] makes a struct and its shape from one declaration, [`choice!`] an
//! enum.

mod collections;
mod decoder;
mod macros;
mod numbers;
mod optional;
mod quoted;
mod reading;
mod scalars;
mod schema;
mod spoiled;
mod texts;
mod tree;

pub use crate::{choice, table};
pub use decoder::Decoder;
pub use numbers::{Dollars, Factor, Fraction, Port};
pub use optional::Optional;
pub use quoted::{quoted, quoted_key};
pub use reading::read;
pub use schema::TableSchema;
pub use spoiled::Spoiled;
pub use texts::is_region;
pub use texts::{Account, Bucket, Region, RoleArn, ServiceName, in_words};
pub use tree::Tree;

use crate::document::{At, Node};
pub use serde_json::Value as Json;

/// A type that a value of the environment file can be.
pub trait Shape: Sized {
    /// Reads a value; `None` after reporting what is wrong with it. What is
    /// wrong inside a table or a list is replaced by its [`Self::stand_in`], so
    /// that the rest is still looked at.
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self>;

    /// The value of a key that is not there, in the table at `table`; `None`
    /// after reporting that it must be.
    fn absent(table: &At, decoder: &mut Decoder<'_>) -> Option<Self> {
        decoder.missing(table);
        None
    }

    /// Any value, in place of one that could not be read.
    fn stand_in() -> Self;

    /// Whether [`Self::absent`] has a value.
    fn may_be_absent() -> bool {
        false
    }

    /// Writes what [`Self::decode`] reads; `None`: by leaving the key out.
    fn encode(&self) -> Option<Tree>;

    /// JSON Schema. A `whole` one asks for all keys that must be there; a file
    /// that is laid upon another may leave them to that.
    fn schema(whole: bool) -> Json;
}

/// How a type is written, where that is not its own [`Shape`].
pub trait Wire<T> {
    /// The value that is meant.
    fn meaning(self) -> T;
    /// What to write for it.
    fn written(value: &T) -> Self;
}

impl<T: Clone> Wire<T> for T {
    fn meaning(self) -> T {
        self
    }

    fn written(value: &T) -> Self {
        value.clone()
    }
}
