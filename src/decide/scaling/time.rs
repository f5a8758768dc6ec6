//! Sums of times that cannot fail.

use crate::clock::Timestamp;
use crate::units::Span;

/// `at`, and `span` more.
pub(super) fn later(at: Timestamp, span: Span) -> Timestamp {
    at.saturating_add(span.duration()).unwrap_or(Timestamp::MAX)
}

/// `at`, and `span` less.
pub(super) fn earlier(at: Timestamp, span: Span) -> Timestamp {
    at.saturating_sub(span.duration()).unwrap_or(Timestamp::MIN)
}

/// From `from` to `to`; nothing where that is later.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Span {
    let millis = to.as_millisecond().saturating_sub(from.as_millisecond());
    Span::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// `span`, `times` times.
pub(super) fn times(span: Span, times: u32) -> Span {
    Span::from_millis(span.millis().saturating_mul(u64::from(times)))
}
