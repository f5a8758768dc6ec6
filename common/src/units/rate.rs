//! Requests per second.

use super::{before_unit, parse_decimal, text_unit, write_decimal};
use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// A request rate, in thousandths of a request per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

text_unit!(
    Rate,
    "a request rate",
    "\"18 req/s\"",
    "with at most three decimals",
    r"^[0-9]{1,15}(\.[0-9]{1,3})? ?req/s$"
);

impl Rate {
    /// From thousandths of a request per second.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// In thousandths of a request per second.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// In requests per second.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// `count` times this rate.
    pub const fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(count as u64))
    }

    /// What is left of this rate after `other`.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// How many units of `per_unit` carry this rate; none are needed for
    /// nothing, and `u32::MAX` where a unit carries nothing.
    pub fn div_ceil(self, per_unit: Self) -> u32 {
        match (self.0, per_unit.0) {
            (0, _) => 0,
            (_, 0) => u32::MAX,
            (rate, unit) => u32::try_from(rate.div_ceil(unit)).unwrap_or(u32::MAX),
        }
    }

    fn parse_text(text: &str) -> Option<Self> {
        parse_decimal(before_unit(text, "req/s")?, 3).map(Self)
    }
}

impl Add for Rate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Rate {
    fn sum<I: Iterator<Item = Self>>(rates: I) -> Self {
        rates.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} req/s", write_decimal(self.0, 3))
    }
}
