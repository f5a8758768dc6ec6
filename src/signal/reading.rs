//! One signal as it was just read.

use crate::clock::Timestamp;
use crate::units::Span;

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
    /// The source does not answer.
    Unreachable(String),
}

impl Verdict {
    /// Whether capacity may be released by it (law 6).
    pub fn may_scale_in(&self) -> bool {
        *self == Self::Good
    }
}
