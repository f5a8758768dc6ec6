//! Costs over time.

use super::{before_unit, parse_decimal, text_unit, write_decimal};
use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// Dollars per hour, in millionths of a dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsdPerHour(u64);

/// Dollars per month, in millionths of a dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsdPerMonth(u64);

/// Dollars per calendar day, in millionths of a dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsdPerDay(u64);

macro_rules! money {
    ($unit:ident, $suffix:literal) => {
        impl $unit {
            /// From millionths of a dollar.
            pub const fn from_micros(micros: u64) -> Self {
                Self(micros)
            }

            /// In millionths of a dollar.
            pub const fn micros(self) -> u64 {
                self.0
            }

            /// In dollars.
            pub fn as_f64(self) -> f64 {
                self.0 as f64 / 1e6
            }

            /// `count` times this.
            pub const fn times(self, count: u32) -> Self {
                Self(self.0.saturating_mul(count as u64))
            }

            fn parse_text(text: &str) -> Option<Self> {
                let text = text.strip_prefix('$').unwrap_or(text);
                parse_decimal(before_unit(text, $suffix)?, 6).map(Self)
            }
        }

        impl Add for $unit {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl Sum for $unit {
            fn sum<I: Iterator<Item = Self>>(sums: I) -> Self {
                sums.fold(Self::default(), Add::add)
            }
        }

        impl fmt::Display for $unit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "${}{}", write_decimal(self.0, 6), $suffix)
            }
        }
    };
}

text_unit!(
    UsdPerHour,
    "a price per hour",
    "\"$10.49/h\"",
    "with at most six decimals",
    r"^\$?[0-9]{1,12}(\.[0-9]{1,6})? ?/h$"
);
text_unit!(
    UsdPerDay,
    "a price per day",
    "\"$1200/day\"",
    "with at most six decimals",
    r"^\$?[0-9]{1,12}(\.[0-9]{1,6})? ?/day$"
);
text_unit!(
    UsdPerMonth,
    "a price per month",
    "\"$30000/month\"",
    "with at most six decimals",
    r"^\$?[0-9]{1,12}(\.[0-9]{1,6})? ?/month$"
);
money!(UsdPerHour, "/h");
money!(UsdPerDay, "/day");
money!(UsdPerMonth, "/month");
