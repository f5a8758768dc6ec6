//! How many, and who says so.

use common::document::{Node, Value};
use common::shape::{Decoder, Shape, Tree, table};
use serde_json::{Value as Json, json};

/// A number, or bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// `replicas = 12`
    Fixed(u32),
    /// `replicas = { min = 3, max = 20 }`
    Between {
        /// At least so many.
        min: u32,
        /// At most so many.
        max: u32,
    },
}

impl Count {
    /// The least that it allows.
    pub const fn min(self) -> u32 {
        match self {
            Self::Fixed(number) => number,
            Self::Between { min, .. } => min,
        }
    }

    /// The most that it allows.
    pub const fn max(self) -> u32 {
        match self {
            Self::Fixed(number) => number,
            Self::Between { max, .. } => max,
        }
    }
}

table! {
    /// The least and the most; the number between has another owner than git.
    struct Bounds {
        /// At least so many.
        pub min: u32,
        /// At most so many.
        pub max: u32,
    }
}

impl Shape for Count {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &node.value {
            Value::Integer(_) | Value::Float(_) => u32::decode(node, decoder).map(Self::Fixed),
            Value::Table(_) => {
                let Bounds { min, max } = Bounds::decode(node, decoder)?;
                Some(Self::Between { min, max })
            }
            _ => {
                decoder.wrong_type(node, "a number or bounds", Some("12 or { min = 3, max = 20 }"));
                None
            }
        }
    }

    fn stand_in() -> Self {
        Self::Fixed(0)
    }

    fn encode(&self) -> Option<Tree> {
        match *self {
            Self::Fixed(number) => number.encode(),
            Self::Between { min, max } => Bounds { min, max }.encode(),
        }
    }

    fn schema(whole: bool) -> Json {
        json!({ "anyOf": [u32::schema(whole), Bounds::schema(whole)] })
    }
}
