//! What a measured number is held against.

use crate::units::{Rate, Share, Span};
use common::document::{Node, Value};
use common::shape::{Decoder, Shape, Tree};
use serde_json::{Value as Json, json};
use std::fmt;

const EXAMPLE: &str = "write it like 4, 0.5, \"99.9%\", \"500ms\", \"$120\" or \"12 req/s\"";

/// A share, a time, dollars, a rate: as many digits as a number keeps.
const PATTERNS: [&str; 4] = [
    r"^[0-9]{1,9}(\.[0-9]{1,4})? ?%$",
    r"^([0-9]{1,15} ?ms|[0-9]{1,6}(\.[0-9]{1,3})? ?[dhmsw]|[0-9]{7,9} ?[ms])$",
    r"^\$[0-9]{1,9}(\.[0-9]{1,6})?$",
    r"^[0-9]{1,9}(\.[0-9]{1,3})? ?req/s$",
];

/// A number, and how it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// In the unit that PromQL answers in: shares as fractions, times in seconds, money in
    /// dollars, rates per second.
    pub value: f64,
    /// What it is a number of.
    pub unit: LimitUnit,
}

/// What a number is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LimitUnit {
    /// Nothing in particular.
    #[default]
    Number,
    /// A share of a whole; 1 is all of it.
    Share,
    /// Seconds.
    Seconds,
    /// Dollars.
    Dollars,
    /// Requests per second.
    Rate,
}

impl LimitUnit {
    /// `value` as people read it, as closely as a limit is written: `99.95%`, `420ms`.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Number => digits(value, 4),
            Self::Share => format!("{}%", digits(value * 100.0, 3)),
            Self::Seconds if value < 1.0 => format!("{}ms", digits(value * 1000.0, 0)),
            Self::Seconds if value < 120.0 => format!("{}s", digits(value, 2)),
            Self::Seconds => format!("{}m", digits(value / 60.0, 1)),
            Self::Dollars => format!("${value:.2}"),
            Self::Rate => format!("{} req/s", digits(value, 2)),
        }
    }
}

/// `value` with at most so many decimals, and none that is a closing zero.
fn digits(value: f64, most: usize) -> String {
    let text = format!("{value:.most$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Limit {
    fn parse(text: &str) -> Option<Self> {
        let of = |value, unit| Some(Self { value, unit });
        if let Ok(share) = text.parse::<Share>() {
            return of(share.as_f64(), LimitUnit::Share);
        }
        if let Ok(span) = text.parse::<Span>() {
            return of(span.as_secs_f64(), LimitUnit::Seconds);
        }
        if let Ok(rate) = text.parse::<Rate>() {
            return of(rate.as_f64(), LimitUnit::Rate);
        }
        let dollars =
            text.strip_prefix('$').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        of(dollars?.parse().ok().filter(|value: &f64| value.is_finite())?, LimitUnit::Dollars)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.unit.show(self.value))
    }
}

impl Shape for Limit {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let number = |value| Some(Self { value, unit: LimitUnit::Number });
        let read = match &node.value {
            Value::Integer(Some(value)) => number(*value as f64),
            Value::Float(text) => text
                .replace('_', "")
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite())
                .and_then(number),
            Value::String(text) => Self::parse(text),
            _ => {
                decoder.wrong_type(
                    node,
                    "a number, or one with its unit in a string",
                    Some("\"99.9%\""),
                );
                return None;
            }
        };
        if read.is_none() {
            decoder.wrong_value(
                node,
                "is no number with a unit that is known",
                Some(EXAMPLE.to_owned()),
            );
        }
        read
    }

    fn stand_in() -> Self {
        Self { value: 0.0, unit: LimitUnit::Number }
    }

    fn encode(&self) -> Option<Tree> {
        Some(match self.unit {
            LimitUnit::Number => Tree::Decimal(self.value.to_string()),
            LimitUnit::Share => {
                Tree::String(Share::from_millionths((self.value * 1e6).round() as u64).to_string())
            }
            LimitUnit::Seconds => {
                let millis = (self.value * 1e3).round() as u64;
                // Beyond 30 years as it is exact.
                let span = Span::from_millis(millis).to_string();
                Tree::String(if millis < 10u64.pow(12) { span } else { format!("{millis}ms") })
            }
            LimitUnit::Dollars => Tree::String(format!("${}", self.value)),
            LimitUnit::Rate => {
                Tree::String(Rate::from_millis((self.value * 1e3).round() as u64).to_string())
            }
        })
    }

    fn schema(_: bool) -> Json {
        let texts = PATTERNS.map(|pattern| json!({ "type": "string", "pattern": pattern }));
        let number = json!({ "type": "number" });
        json!({ "anyOf": std::iter::once(number).chain(texts).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_in_the_unit_that_queries_answer_in() {
        for (text, value, unit, shown) in [
            ("99.95%", 0.9995, LimitUnit::Share, "99.95%"),
            ("500ms", 0.5, LimitUnit::Seconds, "500ms"),
            ("90s", 90.0, LimitUnit::Seconds, "90s"),
            ("5m", 300.0, LimitUnit::Seconds, "5m"),
            ("$120", 120.0, LimitUnit::Dollars, "$120.00"),
            ("12 req/s", 12.0, LimitUnit::Rate, "12 req/s"),
        ] {
            let limit = Limit::parse(text).unwrap();
            assert_eq!((limit.value, limit.unit), (value, unit), "{text}");
            assert_eq!(limit.to_string(), shown);
        }
        for text in ["", "many", "$", "$-3", "12", "99"] {
            assert_eq!(Limit::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_value_is_shown_without_closing_zeros() {
        assert_eq!(LimitUnit::Number.show(3.0), "3");
        assert_eq!(LimitUnit::Number.show(0.12345), "0.1235");
        assert_eq!(LimitUnit::Share.show(0.99912), "99.912%");
        assert_eq!(LimitUnit::Seconds.show(100.0 / 3.0), "33.33s");
    }
}
