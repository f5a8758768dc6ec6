//! Lengths of time.

use super::{parse_decimal, text_unit};
use std::fmt;
use std::time::Duration;

/// A length of time, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

text_unit!(
    Span,
    "a duration",
    "\"500ms\", \"15m\" or \"2w\"",
    "in ms, s, m, h, d or w, with at most three decimals",
    r"^([0-9]{1,18} ?ms|[0-9]{1,9}(\.[0-9]{1,3})? ?[smhdw])$"
);

/// Units, longest first, in milliseconds.
const UNITS: [(&str, u64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The most digits before the point, in seconds and longer units: of weeks, they
/// are as many milliseconds as can be written.
const MOST_DIGITS: u32 = 9;

impl Span {
    /// From milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// In milliseconds.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// In seconds, a begun one counted whole.
    pub const fn secs_ceil(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// As the standard library has it.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    fn parse_text(text: &str) -> Option<Self> {
        let number_ends = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = text.split_at(number_ends);
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let (_, scale) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        if scale == 1 {
            return parse_decimal(number, 0).map(Self);
        }
        if number.split('.').next().is_some_and(|whole| whole.len() > MOST_DIGITS as usize) {
            return None;
        }
        // Thousandths of a unit are enough for `1.5h`, and stay exact.
        let millis = u128::from(parse_decimal(number, 3)?) * u128::from(scale) / 1000;
        u64::try_from(millis).ok().map(Self)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.duration()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |&(_, scale): &(&str, u64)| {
            let written = self.0 / scale < 10u64.pow(MOST_DIGITS) || scale == 1;
            self.0 > 0 && self.0.is_multiple_of(scale) && written
        };
        let (unit, scale) = UNITS.into_iter().find(fits).unwrap_or(("s", 1000));
        write!(f, "{}{unit}", self.0 / scale)
    }
}
