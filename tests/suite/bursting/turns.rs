//! A few fleets at a time: each wants to be served in time, and waits most of it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many two processors serve in time.
const AT_ONCE: usize = 3;

static TAKEN: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

/// The right to be one of them, until it is dropped.
pub struct Turn(());

impl Turn {
    /// Waits for it.
    pub fn wait() -> Self {
        let full = |taken: &mut usize| *taken >= AT_ONCE;
        let mut taken = FREED.wait_while(taken(), full).unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        Self(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *taken() -= 1;
        FREED.notify_one();
    }
}

fn taken() -> MutexGuard<'static, usize> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}
