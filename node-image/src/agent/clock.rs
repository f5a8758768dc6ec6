//! The two clocks of a node.

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// One moment by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Since the kernel started; never set, never back, goes on while suspended.
    pub(super) since_boot: Duration,
    /// By the wall; early in a boot it may still be set.
    pub(super) wall: Timestamp,
}

/// Since the kernel started: `CLOCK_BOOTTIME`, see `clock_gettime(2)`.
pub(super) fn since_boot() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

/// This moment.
pub(super) fn now() -> Moment {
    Moment { since_boot: since_boot(), wall: Timestamp::now() }
}

/// To the millisecond: more is noise to who reads it.
pub(super) fn to_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}
