//! Numbers whose unit stands beside them.

/// A number that is not negative, in millionths: a time in milliseconds, where
/// the key says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(u64);

impl Decimal {
    /// From millionths.
    pub const fn from_millionths(millionths: u64) -> Self {
        Self(millionths)
    }

    /// In millionths.
    pub const fn millionths(self) -> u64 {
        self.0
    }

    /// As a fraction.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}
