//! The clock, as a trait: only the outermost code knows the real one.

pub use jiff::Timestamp;
pub use jiff::civil::Date;
use std::time::Duration;

/// Where the time comes from, and the only way to wait.
///
/// The simulator's clock is virtual: sleeping moves its world forward at once.
#[async_trait::async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// The time since some moment before: it goes on while the process is stopped or the
    /// machine suspended, and nobody sets it.
    fn monotonic(&self) -> Duration {
        Duration::try_from(self.now().duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default()
    }

    /// Returns after `duration` has passed on this clock.
    async fn sleep(&self, duration: Duration);
}

/// The machine's own clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

#[async_trait::async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        passed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Since the machine started, `CLOCK_BOOTTIME` of `clock_gettime(2)`: an `Instant` stands
/// still while it is suspended, and a lease runs out meanwhile.
#[cfg(target_os = "linux")]
fn passed() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

/// Since it was first asked for, as far as the standard library tells.
#[cfg(not(target_os = "linux"))]
fn passed() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn what_has_passed_counts_the_time_in_which_the_machine_was_suspended() {
        use super::{Clock, Duration, SystemClock};
        use rustix::time::{ClockId, clock_gettime};
        let since_boot = || Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap();
        let before = since_boot();
        let told = SystemClock.monotonic();
        assert!((before..=since_boot()).contains(&told), "{told:?}");
    }
}
