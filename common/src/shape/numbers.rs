//! Numbers. A decimal is read by its value, however it is written, as any
//! reader of JSON does: `3.0` is 3, and `1e2` is 100.

use super::{Decoder, Shape, Tree, Wire};
use crate::document::{Node, Value};
use crate::units::{Decimal, Share, UsdPerDay, UsdPerHour, UsdPerMonth};
use crate::units::{millionths_from_text, millionths_to_text};
use serde_json::{Value as Json, json};

/// What Kubernetes and AWS count in: 32 signed bits.
const MOST: u32 = i32::MAX.unsigned_abs();

/// The node's number where it is whole and inside the bounds, or a report.
fn whole(node: &Node, decoder: &mut Decoder<'_>, least: u32, most: u32) -> Option<u32> {
    let number = match &node.value {
        Value::Integer(number) => *number,
        // A float is exact far beyond any bound here.
        Value::Float(text) => decimal(text).filter(|n| n.fract() == 0.0).map(|n| n as i64),
        _ => None,
    };
    if number.is_none() && !matches!(node.value, Value::Integer(_)) {
        decoder.wrong_type(node, "a whole number", None);
        return None;
    }
    let fitting = number.and_then(|number| u32::try_from(number).ok());
    let fitting = fitting.filter(|number| (least..=most).contains(number));
    if fitting.is_none() {
        decoder.wrong_value(node, &format!("must be between {least} and {most}"), None);
    }
    fitting
}

/// What a float of TOML is worth.
fn decimal(text: &str) -> Option<f64> {
    text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}

/// A float of TOML in millionths, rounded; none below 0.
fn millionths(text: &str) -> Option<u64> {
    let rounded = |number: f64| (number >= 0.0).then(|| (number * 1e6).round() as u64);
    millionths_from_text(text).or_else(|| decimal(text).and_then(rounded))
}

impl Shape for u32 {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        whole(node, decoder, 0, MOST)
    }

    fn stand_in() -> Self {
        0
    }

    fn encode(&self) -> Option<Tree> {
        Some(Tree::Integer(i64::from(*self)))
    }

    fn schema(_: bool) -> Json {
        json!({ "type": "integer", "minimum": 0, "maximum": MOST })
    }
}

/// A TCP port.
#[derive(Debug, Clone, PartialEq)]
pub struct Port(u16);

impl Shape for Port {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let port = whole(node, decoder, 1, u16::MAX.into())?;
        u16::try_from(port).ok().map(Self)
    }

    fn stand_in() -> Self {
        Self(1)
    }

    fn encode(&self) -> Option<Tree> {
        Some(Tree::Integer(self.0.into()))
    }

    fn schema(_: bool) -> Json {
        json!({ "type": "integer", "minimum": 1, "maximum": u16::MAX })
    }
}

impl Wire<u16> for Port {
    fn meaning(self) -> u16 {
        self.0
    }

    fn written(value: &u16) -> Self {
        Self(*value)
    }
}

impl Wire<Option<u16>> for Option<Port> {
    fn meaning(self) -> Option<u16> {
        self.map(|port| port.0)
    }

    fn written(value: &Option<u16>) -> Self {
        value.map(Port)
    }
}

/// Dollars as a bare number: the key names the unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Dollars {
    micros: u64,
}

impl Dollars {
    /// More than anyone has.
    const MOST: u64 = 999_999_999;
}

impl Shape for Dollars {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let micros = match &node.value {
            Value::Integer(number) => number
                .and_then(|number| u64::try_from(number).ok())
                .map(|number| number.saturating_mul(1_000_000)),
            Value::Float(text) => millionths(text),
            _ => {
                decoder.wrong_type(node, "a number of dollars", Some("120 or 99.5"));
                return None;
            }
        };
        let micros = micros.filter(|micros| *micros <= Self::MOST * 1_000_000);
        if micros.is_none() {
            let why = format!("must be dollars, between 0 and {}", Self::MOST);
            decoder.wrong_value(node, &why, Some("write it like 120 or 99.5".to_owned()));
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
        json!({ "type": "number", "minimum": 0, "maximum": Self::MOST })
    }
}

/// Dollars over some time.
macro_rules! dollars {
    ($($unit:ident),*) => {$(
        impl Wire<Option<$unit>> for Option<Dollars> {
            fn meaning(self) -> Option<$unit> {
                self.map(|dollars| $unit::from_micros(dollars.micros))
            }

            fn written(value: &Option<$unit>) -> Self {
                value.map(|usd| Dollars { micros: usd.micros() })
            }
        }
    )*};
}
dollars!(UsdPerHour, UsdPerDay, UsdPerMonth);

impl Decimal {
    /// More than any time that a token takes, in milliseconds.
    const MOST: u64 = 1_000_000;
}

impl Shape for Decimal {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let millionths = match &node.value {
            Value::Integer(number) => number
                .and_then(|number| u64::try_from(number).ok())
                .map(|number| number.saturating_mul(1_000_000)),
            Value::Float(text) => millionths(text),
            _ => {
                decoder.wrong_type(node, "a number", Some("7.47"));
                return None;
            }
        };
        let inside = millionths.filter(|number| *number <= Self::MOST * 1_000_000);
        if inside.is_none() {
            let why = format!("must be between 0 and {}", Self::MOST);
            decoder.wrong_value(node, &why, Some("write it like 7.47".to_owned()));
        }
        inside.map(Self::from_millionths)
    }

    fn stand_in() -> Self {
        Self::default()
    }

    fn encode(&self) -> Option<Tree> {
        Some(match i64::try_from(self.millionths() / 1_000_000) {
            Ok(whole) if self.millionths().is_multiple_of(1_000_000) => Tree::Integer(whole),
            _ => Tree::Decimal(millionths_to_text(self.millionths())),
        })
    }

    fn schema(_: bool) -> Json {
        json!({ "type": "number", "minimum": 0, "maximum": Self::MOST })
    }
}

/// A share as a bare number between 0 and 1, both excluded: a quantile.
#[derive(Debug, Clone, PartialEq)]
pub struct Fraction(Share);

impl Shape for Fraction {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let example = "0.95";
        let Value::Float(text) = &node.value else {
            decoder.wrong_type(node, "a number between 0 and 1", Some(example));
            return None;
        };
        let inside = decimal(text).is_some_and(|number| number > 0.0 && number < 1.0);
        // Rounded, and still neither nothing nor all.
        let share = millionths(text).filter(|_| inside).map(|share| share.clamp(1, 999_999));
        if share.is_none() {
            let why = format!("`{text}` is not between 0 and 1");
            decoder.wrong_value(node, &why, Some(format!("write it like {example}")));
        }
        share.map(|millionths| Self(Share::from_millionths(millionths)))
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

/// What something is multiplied by: a bare number above zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor(f64);

impl Factor {
    const LEAST: f64 = 0.01;
    const MOST: f64 = 100.0;
}

impl Shape for Factor {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let number = match &node.value {
            Value::Integer(number) => number.map(|number| number as f64),
            Value::Float(text) => decimal(text),
            _ => {
                decoder.wrong_type(node, "a number", Some("1.8"));
                return None;
            }
        };
        let fitting = number.filter(|number| (Self::LEAST..=Self::MOST).contains(number));
        if fitting.is_none() {
            let why = format!("must be between {} and {}", Self::LEAST, Self::MOST);
            decoder.wrong_value(node, &why, None);
        }
        // As precise as a person means it, and as it is written back.
        fitting.map(|number| Self((number * 1e6).round() / 1e6))
    }

    fn stand_in() -> Self {
        Self(1.0)
    }

    fn encode(&self) -> Option<Tree> {
        let millionths = (self.0 * 1e6).round() as u64;
        Some(match millionths.is_multiple_of(1_000_000) {
            true => Tree::Integer((millionths / 1_000_000) as i64),
            false => Tree::Decimal(millionths_to_text(millionths)),
        })
    }

    fn schema(_: bool) -> Json {
        json!({ "type": "number", "minimum": Self::LEAST, "maximum": Self::MOST })
    }
}

impl Wire<f64> for Factor {
    fn meaning(self) -> f64 {
        self.0
    }

    fn written(value: &f64) -> Self {
        Self(*value)
    }
}
