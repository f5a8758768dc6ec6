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

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
