//! Texts, numbers, names and quantities.

use super::{Decoder, Shape, Tree, Wire};
use crate::id::Name;
use crate::spec::node::{Node, Value};
use crate::units::{Cpu, Memory, Rate, Share, Span, UsdPerHour, UsdPerMonth};
use crate::units::{millionths_from_text, millionths_to_text};
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

macro_rules! whole_number {
    ($number:ty) => {
        impl Shape for $number {
            fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
                let Value::Integer(number) = node.value else {
                    decoder.wrong_type(node, "a whole number", None);
                    return None;
                };
                let fitting = number.and_then(|number| Self::try_from(number).ok());
                if fitting.is_none() {
                    let why = format!("must be between 0 and {}", Self::MAX);
                    decoder.wrong_value(node, &why, None);
                }
                fitting
            }

            fn stand_in() -> Self {
                0
            }

            fn encode(&self) -> Option<Tree> {
                Some(Tree::Integer(i64::from(*self)))
            }

            fn schema(_: bool) -> Json {
                json!({ "type": "integer", "minimum": 0, "maximum": Self::MAX })
            }
        }
    };
}
whole_number!(u32);
whole_number!(u16);

impl Shape for Name {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = String::decode(node, decoder)?;
        text.parse().map_err(|error| decoder.wrong_value(node, &format!("{error}"), None)).ok()
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
                    decoder.wrong_value(node, &why, Some(format!("write it like {}", Self::EXAMPLE)));
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

/// Dollars as a bare number: the key names the unit.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::spec) struct Dollars {
    micros: u64,
}

impl Shape for Dollars {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = match &node.value {
            Value::Integer(Some(number)) => number.to_string(),
            Value::Float(text) => text.clone(),
            _ => {
                decoder.wrong_type(node, "a number of dollars", Some("120 or 99.5"));
                return None;
            }
        };
        let micros = millionths_from_text(&text);
        if micros.is_none() {
            let why = "must be dollars, not negative, with at most six decimals";
            decoder.wrong_value(node, why, Some("write it like 120 or 99.5".to_owned()));
        }
        micros.map(|micros| Self { micros })
    }

    fn stand_in() -> Self {
        Self { micros: 0 }
    }

    fn encode(&self) -> Option<Tree> {
        Some(match i64::try_from(self.micros / 1_000_000) {
            Ok(whole) if self.micros.is_multiple_of(1_000_000) => Tree::Integer(whole),
            _ => Tree::Decimal(millionths_to_text(self.micros)),
        })
    }

    fn schema(_: bool) -> Json {
        json!({ "type": "number", "minimum": 0 })
    }
}

impl Wire<Option<UsdPerHour>> for Option<Dollars> {
    fn meaning(self) -> Option<UsdPerHour> {
        self.map(|dollars| UsdPerHour::from_micros(dollars.micros))
    }

    fn written(value: &Option<UsdPerHour>) -> Self {
        value.map(|usd| Dollars { micros: usd.micros() })
    }
}

impl Wire<Option<UsdPerMonth>> for Option<Dollars> {
    fn meaning(self) -> Option<UsdPerMonth> {
        self.map(|dollars| UsdPerMonth::from_micros(dollars.micros))
    }

    fn written(value: &Option<UsdPerMonth>) -> Self {
        value.map(|usd| Dollars { micros: usd.micros() })
    }
}

/// A share as a bare number between 0 and 1, both excluded: a quantile.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::spec) struct Fraction(Share);

impl Shape for Fraction {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let example = "0.95";
        let Value::Float(text) = &node.value else {
            decoder.wrong_type(node, "a number between 0 and 1", Some(example));
            return None;
        };
        let inside = millionths_from_text(text).filter(|share| (1..1_000_000).contains(share));
        if inside.is_none() {
            let why = format!("`{text}` is not between 0 and 1, or has more than six decimals");
            decoder.wrong_value(node, &why, Some(format!("write it like {example}")));
        }
        inside.map(|millionths| Self(Share::from_millionths(millionths)))
    }

    fn stand_in() -> Self {
        Self(Share::percent(50))
    }

    fn encode(&self) -> Option<Tree> {
        Some(Tree::Decimal(millionths_to_text(self.0.millionths())))
    }

    fn schema(_: bool) -> Json {
        json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 })
    }
}

impl Wire<Share> for Fraction {
    fn meaning(self) -> Share {
        self.0
    }

    fn written(value: &Share) -> Self {
        Self(*value)
    }
}

/// `"a", "b" or "c"`.
pub(in crate::spec) fn in_words(texts: &[&str]) -> String {
    match texts {
        [] => String::new(),
        [one] => format!("\"{one}\""),
        [all @ .., last] => {
            let all: Vec<_> = all.iter().map(|text| format!("\"{text}\"")).collect();
            format!("{} or \"{last}\"", all.join(", "))
        }
    }
}
