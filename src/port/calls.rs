//! How often a place was called.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts calls while they are made.
#[derive(Debug, Default)]
pub struct Calls {
    made: AtomicU64,
    failed: AtomicU64,
    throttled: AtomicU64,
}

/// Calls since the process began; each try of one counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// All of them.
    pub made: u64,
    /// Of those, not answered, or with an error; what was throttled is one.
    pub failed: u64,
    /// Of those, turned away because there were too many.
    pub throttled: u64,
}

impl Calls {
    /// Adds one call.
    pub fn note(&self, failed: bool, throttled: bool) {
        self.made.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(failed || throttled), Ordering::Relaxed);
        self.throttled.fetch_add(u64::from(throttled), Ordering::Relaxed);
    }

    /// So far.
    pub fn counts(&self) -> CallCounts {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        CallCounts {
            made: read(&self.made),
            failed: read(&self.failed),
            throttled: read(&self.throttled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_throttled_has_failed_and_each_try_counts() {
        let calls = Calls::default();
        let tries = [
            (false, false),
            (false, false),
            (false, false),
            (true, false),
            (true, true),
            (false, true),
        ];
        for (failed, throttled) in tries {
            calls.note(failed, throttled);
        }
        assert_eq!(calls.counts(), CallCounts { made: 6, failed: 3, throttled: 2 });
    }
}
