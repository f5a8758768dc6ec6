//! Quantities with units. Each is a whole number inside, so that equal texts
//! are equal values and sums do not drift, and each prints the one canonical
//! text that parses back to it.

mod decimal;
mod kube_quantity;
mod money;
mod rate;
mod share;
mod span;

pub use decimal::Decimal;
pub use kube_quantity::{Cpu, Memory};
pub use money::{UsdPerDay, UsdPerHour, UsdPerMonth};
pub use rate::Rate;
pub use share::Share;
pub use span::Span;

/// Why a text is not a quantity: what was read, and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: write it like {example}")]
pub struct UnitError {
    /// What was read.
    pub text: String,
    /// `a duration`, …
    pub what: &'static str,
    /// `"15m"` …
    pub example: &'static str,
}

/// Implements text form and serde (as a string) for a unit whose `parse_text`
/// answers `None` for what it does not accept.
macro_rules! text_unit {
    ($unit:ident, $what:literal, $example:literal, $rule:literal, $pattern:expr) => {
        impl $unit {
            /// What it is, for messages: `a duration`.
            pub const WHAT: &'static str = $what;
            /// How it is written, for messages.
            pub const EXAMPLE: &'static str = $example;
            /// What the example does not show, for messages.
            pub const RULE: &'static str = $rule;
            /// The texts that are accepted, as a regular expression for JSON
            /// Schema.
            pub const PATTERN: &'static str = $pattern;
        }

        impl std::str::FromStr for $unit {
            type Err = $crate::units::UnitError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse_text(text).ok_or_else(|| $crate::units::UnitError {
                    text: text.to_owned(),
                    what: Self::WHAT,
                    example: Self::EXAMPLE,
                })
            }
        }

        impl serde::Serialize for $unit {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $unit {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
use text_unit;

/// The most digits of a number, after the point and before it: what they make
/// fits 64 bits.
const MOST_DIGITS: u32 = 18;

/// Reads a plain decimal like `18` or `99.95` as a whole number of `10^-digits`.
/// No sign, no exponent, no digits beyond the precision, none beyond
/// [`MOST_DIGITS`].
fn parse_decimal(text: &str, digits: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    if text.ends_with('.') || fraction.len() > digits as usize {
        return None;
    }
    if whole.len() > MOST_DIGITS.saturating_sub(digits) as usize {
        return None;
    }
    let scale = 10u64.checked_pow(digits)?;
    let padded = format!("{fraction:0<width$}", width = digits as usize);
    let fraction = if digits == 0 { 0 } else { padded.parse().ok()? };
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(fraction)
}

/// Reads a plain decimal with at most six digits after the point, in millionths.
pub fn millionths_from_text(text: &str) -> Option<u64> {
    parse_decimal(text, 6)
}

/// Writes what [`millionths_from_text`] reads, without trailing zeros.
pub fn millionths_to_text(millionths: u64) -> String {
    write_decimal(millionths, 6)
}

/// `text` before `unit`, without the one space that may stand between them.
fn before_unit<'a>(text: &'a str, unit: &str) -> Option<&'a str> {
    let number = text.strip_suffix(unit)?;
    Some(number.strip_suffix(' ').unwrap_or(number))
}

/// Writes what [`parse_decimal`] reads, without trailing zeros.
fn write_decimal(value: u64, digits: u32) -> String {
    let scale = 10u64.pow(digits);
    let text = format!("{}.{:0width$}", value / scale, value % scale, width = digits as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
