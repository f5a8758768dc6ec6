//! Texts, switches, names and quantities.

use super::{Decoder, Shape, Tree};
use crate::document::{Node, Value};
use crate::id::{Name, Namespace};
use crate::units::{Cpu, Memory, Rate, Share, Span, UsdPerHour, UsdPerMonth};
use serde_json::{Value as Json, json};

impl Shape for String {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Value::String(text) = &node.value else {
            decoder.wrong_type(node, "a string", None);
            return None;
        };
        Some(text.clone())
    }

    fn stand_in() -> Self {
        Self::new()
    }

    fn encode(&self) -> Option<Tree> {
        Some(Tree::String(self.clone()))
    }

    fn schema(_: bool) -> Json {
        json!({ "type": "string" })
    }
}

impl Shape for bool {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Value::Boolean(value) = node.value else {
            decoder.wrong_type(node, "true or false", None);
            return None;
        };
        Some(value)
    }

    fn stand_in() -> Self {
        false
    }

    fn encode(&self) -> Option<Tree> {
        Some(Tree::Boolean(*self))
    }

    fn schema(_: bool) -> Json {
        json!({ "type": "boolean" })
    }
}

macro_rules! name {
    ($name:ty) => {
        impl Shape for $name {
            fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
                let text = String::decode(node, decoder)?;
                let read = text.parse();
                read.map_err(|error| decoder.wrong_value(node, &format!("{error}"), None)).ok()
            }

            fn stand_in() -> Self {
                Self::placeholder()
            }

            fn encode(&self) -> Option<Tree> {
                Some(Tree::String(self.to_string()))
            }

            fn schema(_: bool) -> Json {
                json!({ "type": "string", "pattern": Self::PATTERN })
            }
        }
    };
}
name!(Name);
name!(Namespace);

macro_rules! quantity {
    ($($unit:ty),*) => {$(
        impl Shape for $unit {
            fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
                let Value::String(text) = &node.value else {
                    let wanted = format!("{} in a string", Self::WHAT);
                    decoder.wrong_type(node, &wanted, Some(Self::EXAMPLE));
                    return None;
                };
                let read = text.parse();
                if read.is_err() {
                    let why = format!("`{text}` is not {}", Self::WHAT);
                    let help = format!("write it like {}, {}", Self::EXAMPLE, Self::RULE);
                    decoder.wrong_value(node, &why, Some(help));
                }
                read.ok()
            }

            fn stand_in() -> Self {
                Self::default()
            }

            fn encode(&self) -> Option<Tree> {
                Some(Tree::String(self.to_string()))
            }

            fn schema(_: bool) -> Json {
                json!({ "type": "string", "pattern": Self::PATTERN })
            }
        }
    )*};
}
quantity!(Cpu, Memory, Rate, Share, Span, UsdPerHour, UsdPerMonth);
