//! Days and weeks, in steps.

use crate::signal::Series;
use crate::units::Span;

/// A day.
pub(super) const DAY: Span = Span::from_secs(86_400);
/// A week.
pub(super) const WEEK: Span = Span::from_secs(7 * 86_400);

/// How many steps of `series` a span is, at least one.
pub(super) fn steps_in(span: Span, series: &Series) -> usize {
    let step = series.step().millis().max(1);
    usize::try_from((span.millis() + step / 2) / step).unwrap_or(usize::MAX).max(1)
}
