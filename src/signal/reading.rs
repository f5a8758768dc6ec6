//! One signal as it was just read.

use crate::clock::Timestamp;
use crate::units::Span;
use std::fmt;

/// The latest value of a signal, and what to believe of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Which: `demand/inference`, `engine/inference/waiting`.
    pub signal: String,
    /// In which unit the value is, as people write it: `req/s`, `tokens/s`.
    pub unit: &'static str,
    /// Where it was asked for: the query, and the server.
    pub source: String,
    /// The newest value that could be used, however old.
    pub value: Option<f64>,
    /// When that was measured.
    pub at: Option<Timestamp>,
    /// What to believe of it.
    pub verdict: Verdict,
}

/// Whether a reading may be acted upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is recent enough to scale in either direction.
    Good,
    /// It is older than it may be; it may hold capacity, and never release any.
    Stale {
        /// How old it is.
        age: Span,
        /// How old it may be.
        limit: Span,
    },
    /// The source answers, and has nothing for it.
    Missing,
    /// The source answers what cannot be: not a number, negative, from the future.
    Wrong(String),
    /// The source has only just begun: what it measures is not the whole yet.
    Settling(String),
    /// Another source that should hold the same says otherwise, or it may be old or less
    /// than the whole: why.
    Contradicted(String),
    /// The source does not answer.
    Unreachable(String),
}

impl Verdict {
    /// Whether capacity may be released by it (law 6).
    pub fn may_scale_in(&self) -> bool {
        *self == Self::Good
    }

    /// In one word, as people and documents name it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Stale { .. } => "stale",
            Self::Missing => "missing",
            Self::Wrong(_) => "wrong",
            Self::Settling(_) => "settling",
            Self::Contradicted(_) => "contradicted",
            Self::Unreachable(_) => "unreachable",
        }
    }

    /// Why, where there is something to say.
    pub fn why(&self) -> Option<String> {
        match self {
            Self::Good | Self::Missing => None,
            Self::Stale { age, limit } => Some(format!("{age} old, and {limit} is the most")),
            Self::Wrong(why)
            | Self::Settling(why)
            | Self::Contradicted(why)
            | Self::Unreachable(why) => Some(why.clone()),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why() {
            Some(why) => write!(f, "{}: {why}", self.word()),
            None => f.write_str(self.word()),
        }
    }
}
