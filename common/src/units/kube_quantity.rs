//! Processors and memory, in the canonical form that Kubernetes itself writes,
//! so that what is applied is what is read back.

use super::{before_unit, parse_decimal, text_unit};
use std::fmt;

/// Processor time, in thousandths of a processor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpu(u64);

text_unit!(
    Cpu,
    "an amount of cpu",
    "\"8\" or \"500m\"",
    "with at most three decimals",
    r"^([0-9]{1,18}m|[0-9]{1,15}(\.[0-9]{1,3})?)$"
);

impl Cpu {
    /// From thousandths of a processor.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// In thousandths of a processor.
    pub const fn millis(self) -> u64 {
        self.0
    }

    fn parse_text(text: &str) -> Option<Self> {
        match text.strip_suffix('m') {
            Some(millis) => parse_decimal(millis, 0).map(Self),
            None => parse_decimal(text, 3).map(Self),
        }
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            write!(f, "{}", self.0 / 1000)
        } else {
            write!(f, "{}m", self.0)
        }
    }
}

/// A number of a unit, of which the fractions are whole bytes.
macro_rules! scaled {
    ($digits:literal, $unit:literal) => {
        concat!(
            "[0-9]{1,",
            $digits,
            r"}(\.(0{1,3}|125|250?|375|50{0,2}|625|750?|875))? ?",
            $unit,
            "i"
        )
    };
}
/// Memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(u64);

text_unit!(
    Memory,
    "an amount of memory",
    "\"64Gi\" or \"512Mi\"",
    "in bytes, Ki, Mi, Gi or Ti",
    concat!(
        "^([0-9]{1,18}|",
        scaled!("14", "K"),
        "|",
        scaled!("11", "M"),
        "|",
        scaled!("8", "G"),
        "|",
        scaled!("5", "T"),
        ")$"
    )
);

/// Units, largest first: bytes, and the most digits before the point, which
/// are as many bytes as can be written.
const POWERS: [(&str, u64, u32); 5] =
    [("Ti", 1 << 40, 5), ("Gi", 1 << 30, 8), ("Mi", 1 << 20, 11), ("Ki", 1 << 10, 14), ("", 1, 18)];

impl Memory {
    /// From bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    fn parse_text(text: &str) -> Option<Self> {
        let (suffix, scale, most) =
            POWERS.into_iter().find(|(suffix, _, _)| text.ends_with(suffix))?;
        if suffix.is_empty() {
            return parse_decimal(text, 0).map(Self);
        }
        let number = before_unit(text, suffix)?;
        if number.split('.').next().is_some_and(|whole| whole.len() > most as usize) {
            return None;
        }
        // Thousandths of a unit are enough for `1.5Gi`, and stay exact.
        let bytes = u128::from(parse_decimal(number, 3)?) * u128::from(scale);
        if !bytes.is_multiple_of(1000) {
            return None;
        }
        u64::try_from(bytes / 1000).ok().map(Self)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |&(_, scale, most): &(&str, u64, u32)| {
            let written = self.0 / scale < 10u64.pow(most);
            self.0 > 0 && self.0.is_multiple_of(scale) && written
        };
        let (suffix, scale, _) = POWERS.into_iter().find(fits).unwrap_or(("", 1, 18));
        write!(f, "{}{suffix}", self.0 / scale)
    }
}
