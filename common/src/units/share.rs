//! Parts of a whole.

use super::{before_unit, parse_decimal, text_unit, write_decimal};
use std::fmt;

/// A share, in millionths: `99.95%` is 999,500.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u64);

text_unit!(
    Share,
    "a percentage",
    "\"99.95%\"",
    "with at most four decimals",
    r"^[0-9]{1,14}(\.[0-9]{1,4})? ?%$"
);

impl Share {
    /// The whole.
    pub const ALL: Self = Self(1_000_000);

    /// From millionths.
    pub const fn from_millionths(millionths: u64) -> Self {
        Self(millionths)
    }

    /// From whole percent.
    pub const fn percent(percent: u64) -> Self {
        Self(percent * 10_000)
    }

    /// In millionths.
    pub const fn millionths(self) -> u64 {
        self.0
    }

    /// As a fraction: 0.9995.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// In percent, rounded down.
    pub const fn whole_percent(self) -> u64 {
        self.0 / 10_000
    }

    /// This share of `count`, rounded down.
    pub fn of(self, count: u32) -> u32 {
        let part = u128::from(self.0) * u128::from(count) / 1_000_000;
        u32::try_from(part).unwrap_or(u32::MAX)
    }

    /// What is missing to the whole; nothing where it is more.
    pub const fn rest(self) -> Self {
        Self(Self::ALL.0.saturating_sub(self.0))
    }

    fn parse_text(text: &str) -> Option<Self> {
        parse_decimal(before_unit(text, "%")?, 4).map(Self)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", write_decimal(self.0, 4))
    }
}
