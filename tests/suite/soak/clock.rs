//! A clock that jumps.

use async_trait::async_trait;
use floodway::backend::sim::Simulator;
use floodway::clock::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The clock of a replica's machine, which somebody sets.
pub struct Wrong {
    right: Arc<Simulator>,
    /// By so many minutes it is ahead.
    minutes: AtomicI64,
}

impl Wrong {
    /// One that is right, as that of `world`.
    pub fn of(world: &Arc<Simulator>) -> Arc<Self> {
        Arc::new(Self { right: Arc::clone(world), minutes: AtomicI64::default() })
    }

    /// It is ahead by so many minutes from now on.
    pub fn set(&self, minutes: i64) {
        self.minutes.store(minutes, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        let ahead = jiff::SignedDuration::from_mins(self.minutes.load(Ordering::Relaxed));
        self.right.now().saturating_add(ahead).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.right.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        self.right.sleep(duration).await;
    }
}
