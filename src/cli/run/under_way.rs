//! What is waited for within bounds, and goes on beside the turns where it takes longer.

use std::time::Duration;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

/// One thing at a time that nothing can cut off.
pub(super) struct UnderWay<T> {
    task: Option<JoinHandle<T>>,
    /// Nobody wants what it comes to any more.
    unwanted: bool,
}

impl<T> Default for UnderWay<T> {
    fn default() -> Self {
        Self { task: None, unwanted: false }
    }
}

impl<T> UnderWay<T> {
    /// From now on nobody wants what that comes to which is under way.
    pub(super) fn leave(&mut self) {
        self.unwanted = self.task.is_some();
    }

    /// What that comes to which is under way; else, what `begin` begins. None: it is not
    /// at its end within `most`, or, where it was waited for before, now; or something
    /// that nobody wants still is under way.
    pub(super) async fn within(
        &mut self,
        most: Duration,
        begin: impl FnOnce() -> JoinHandle<T>,
    ) -> Option<Result<T, JoinError>> {
        if self.unwanted {
            if self.task.as_ref().is_some_and(|task| !task.is_finished()) {
                return None;
            }
            *self = Self::default();
        }
        let patience = if self.task.is_some() { Duration::ZERO } else { most };
        let task = self.task.get_or_insert_with(begin);
        let ended = timeout(patience, task).await.ok()?;
        self.task = None;
        Some(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::sync::oneshot;
    use tokio::time::{Instant, sleep};

    const MOST: Duration = Duration::from_secs(30);

    fn another() -> JoinHandle<u32> {
        panic!("two are under way");
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_ends_is_waited_for_once_and_nothing_begins_beside_it() {
        let mut one = UnderWay::<u32>::default();
        let begun = Instant::now();
        assert!(one.within(MOST, || tokio::spawn(pending())).await.is_none());
        assert!(begun.elapsed() >= MOST && begun.elapsed() < 2 * MOST, "{:?}", begun.elapsed());
        for _ in 0..9 {
            assert!(one.within(MOST, another).await.is_none());
            one.leave();
        }
        assert!(begun.elapsed() < 2 * MOST, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_later_counts_unless_nobody_wants_it_any_more() {
        for (wanted, came_to) in [(true, 1), (false, 2)] {
            let mut one = UnderWay::<u32>::default();
            let (end, ends) = oneshot::channel::<u32>();
            let begin = || tokio::spawn(async move { ends.await.unwrap_or(0) });
            assert!(one.within(MOST, begin).await.is_none());
            if !wanted {
                one.leave();
            }
            end.send(1).unwrap();
            sleep(Duration::from_millis(10)).await;
            let next = one.within(MOST, || tokio::spawn(async { 2 })).await;
            assert_eq!(next.unwrap().unwrap(), came_to);
        }
    }
}
