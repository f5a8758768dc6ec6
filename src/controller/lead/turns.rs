//! Whether the turns of a controller still come to an end.

use super::millis;
use crate::clock::Clock;
use crate::units::Span;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Turns that may be missing before the loop counts as dead.
const MISSING: u32 = 5;
/// A single turn may take so long when a place hardly answers, three times as long as a
/// first look is waited for at most: who restarts a controller then makes it forget, and
/// gains nothing.
const LONGEST: Duration = Duration::from_secs(180);

/// How long none may end of turns that are `interval` apart.
pub fn patience(interval: Span) -> Duration {
    LONGEST.max(interval.duration().saturating_mul(MISSING))
}

/// The turns of a controller: it says when one has ended, and who stands for its election
/// looks whether they still do.
#[derive(Clone)]
pub struct Turns {
    clock: Arc<dyn Clock>,
    /// On the monotonic clock, in milliseconds: when the last one ended; before the first,
    /// when this began.
    ended: Arc<AtomicU64>,
    /// For how long none may end, in milliseconds.
    patience: Arc<AtomicU64>,
}

impl Turns {
    /// Turns that are `interval` apart, and begin now.
    pub fn new(clock: Arc<dyn Clock>, interval: Span) -> Self {
        let ended = Arc::new(AtomicU64::new(millis(clock.monotonic())));
        let patience = Arc::new(AtomicU64::new(millis(patience(interval))));
        Self { clock, ended, patience }
    }

    /// They are so far apart from now on.
    pub fn expect(&self, interval: Span) {
        // They may have been further apart until now.
        self.ended();
        self.patience.store(millis(patience(interval)), Ordering::Release);
    }

    /// One has ended.
    pub fn ended(&self) {
        self.ended.store(millis(self.clock.monotonic()), Ordering::Release);
    }

    /// For how long none has ended, where that is too long.
    pub fn stopped(&self) -> Option<Duration> {
        let since = self.ended.load(Ordering::Acquire);
        let passed = millis(self.clock.monotonic()).saturating_sub(since);
        let most = self.patience.load(Ordering::Acquire);
        (passed > most).then(|| Duration::from_millis(passed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_interval_is_given_its_time() {
        let seconds = |interval| patience(Span::from_secs(interval)).as_secs();
        assert_eq!((seconds(1), seconds(15), seconds(600)), (180, 180, 3000));
    }
}
