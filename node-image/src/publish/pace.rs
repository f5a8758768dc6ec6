//! How many calls are on their way at once: as many as allowed, fewer while AWS or
//! the link cannot keep up.

use super::error::{Error, Kind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Calls that are refused together count once.
const ONE_BLOW: Duration = Duration::from_millis(500);

/// A limit that halves when calls are refused and grows by one when as many in
/// turn have succeeded, as TCP's does.
#[derive(Debug)]
pub(super) struct Pace {
    permits: Semaphore,
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Permits to take away as they come back.
    debt: usize,
    good: usize,
    struck: Option<Instant>,
}

impl Pace {
    /// At most `most` at once, and at first.
    pub(super) fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let state = State { limit: most, debt: 0, good: 0, struck: None };
        Self { permits: Semaphore::new(most), most, state: Mutex::new(state) }
    }

    /// Makes the call when it is its turn.
    pub(super) async fn run<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        // It is never closed.
        let permit = self.permits.acquire().await.ok();
        let end = call.await;
        match &end {
            Ok(_) => self.good(),
            Err(error) if matches!(error.kind, Kind::Throttled | Kind::Silent) => {
                self.bad(Instant::now());
            }
            Err(_) => {}
        }
        self.give_back(permit);
        end
    }

    fn good(&self) {
        let mut state = self.state();
        state.good += 1;
        if state.limit < self.most && state.good >= state.limit {
            state.good = 0;
            state.limit += 1;
            if state.debt > 0 {
                state.debt -= 1;
            } else {
                self.permits.add_permits(1);
            }
        }
    }

    fn bad(&self, now: Instant) {
        let mut state = self.state();
        if state.struck.is_some_and(|struck| now.duration_since(struck) < ONE_BLOW) {
            return;
        }
        state.struck = Some(now);
        state.good = 0;
        let fewer = (state.limit / 2).max(1);
        let taken = state.limit - fewer;
        state.limit = fewer;
        state.debt += taken - self.permits.forget_permits(taken);
    }

    fn give_back(&self, permit: Option<SemaphorePermit<'_>>) {
        let mut state = self.state();
        if state.debt > 0
            && let Some(permit) = permit
        {
            state.debt -= 1;
            permit.forget();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The most calls that were on their way at once.
    async fn peak(pace: &Pace, calls: usize) -> usize {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let call = || async {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Err::<(), _>(Error::new(Kind::Refused, "it changes nothing"))
        };
        futures::future::join_all((0..calls).map(|_| pace.run(call()))).await;
        most.into_inner()
    }

    #[tokio::test]
    async fn no_more_are_on_their_way_than_allowed() {
        assert_eq!(peak(&Pace::new(8), 50).await, 8);
        assert_eq!(peak(&Pace::new(0), 5).await, 1);
    }

    #[tokio::test]
    async fn it_halves_when_it_is_refused_and_grows_again() {
        let pace = Pace::new(8);
        let mut at = Instant::now();
        for expected in [4, 2, 1, 1] {
            pace.bad(at);
            pace.bad(at);
            assert_eq!(peak(&pace, 50).await, expected);
            at += Duration::from_secs(1);
        }
        for limit in 1..8 {
            (0..limit).for_each(|_| pace.good());
            assert_eq!(peak(&pace, 50).await, limit + 1);
        }
        (0..100).for_each(|_| pace.good());
        assert_eq!(peak(&pace, 50).await, 8, "never more than at first");
    }

    #[tokio::test]
    async fn those_on_their_way_come_back_to_the_lower_limit() {
        // What gets no answer is a sign of a link that cannot keep up.
        for kind in [Kind::Throttled, Kind::Silent] {
            let pace = Pace::new(8);
            let busy = futures::future::join_all((0..8).map(|_| {
                pace.run(async {
                    tokio::task::yield_now().await;
                    Err::<(), _>(Error::new(kind, "no"))
                })
            }));
            busy.await;
            assert_eq!(peak(&pace, 50).await, 4, "{kind:?}");
        }
    }
}
