//! What goes on beside the turns: a place that answers slowly keeps none waiting.

use crate::clock::Timestamp;
use crate::plan::{FailureKind, PortError};
use futures::future::{Either, select};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A write, and what else a turn asks for, that has no answer for so long is not
/// waited for: the next look tells what became of it. One that was begun under the
/// lease ends before another may lead.
const LONGEST: Duration = Duration::from_millis(3500);

/// One thing at a time that goes on beside the turns.
#[derive(Debug)]
pub(super) struct Aside<T> {
    running: Option<(Timestamp, JoinHandle<T>)>,
}

impl<T> Default for Aside<T> {
    fn default() -> Self {
        Self { running: None }
    }
}

impl<T: Send + 'static> Aside<T> {
    /// Begins it, if it is not going on.
    pub(super) fn begin(&mut self, now: Timestamp, work: impl Future<Output = T> + Send + 'static) {
        if self.running.is_none() {
            self.running = Some((now, tokio::spawn(work)));
        }
    }

    /// What it came to, and when it had begun; none: it is not at its end within
    /// `patience`, or does not go on.
    pub(super) async fn within(&mut self, patience: Duration) -> Option<(Timestamp, T)> {
        let (begun, task) = self.running.as_mut()?;
        let ended = tokio::time::timeout(patience, task).await.ok()?;
        let begun = *begun;
        self.running = None;
        // One that panicked is begun anew.
        ended.ok().map(|came_to| (begun, came_to))
    }

    /// Since when it goes on.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.running.as_ref().map(|(begun, _)| *begun)
    }
}

impl<T> Aside<T> {
    /// What it would come to is of no use any more.
    pub(super) fn drop_it(&mut self) {
        if let Some((_, task)) = self.running.take() {
            task.abort();
        }
    }
}

impl<T> Drop for Aside<T> {
    fn drop(&mut self) {
        self.drop_it();
    }
}

/// For so long what goes on beside the load keeps a turn that has it: of the time in
/// which a number must be asked for once the load is known, a part.
const A_MOMENT: Duration = Duration::from_millis(25);

/// What `load` comes to. What is asked `beside` it is waited for a moment longer at
/// most; without `patience` to its end.
pub(super) async fn with_beside<T>(
    patience: Option<Duration>,
    load: impl Future<Output = T>,
    beside: impl Future<Output = ()>,
) -> T {
    match select(pin!(load), pin!(beside)).await {
        Either::Right(((), load)) => load.await,
        Either::Left((came_to, beside)) => {
            match patience {
                None => beside.await,
                Some(_) => drop(tokio::time::timeout(A_MOMENT, beside).await),
            }
            came_to
        }
    }
}

/// What `asked` answers, waited for as long as a turn may be kept; without
/// `patience` for as long as it takes.
pub(super) async fn bounded<T>(
    patience: Option<Duration>,
    asked: impl Future<Output = Result<T, PortError>>,
) -> Result<T, PortError> {
    if patience.is_none() {
        return asked.await;
    }
    tokio::time::timeout(LONGEST, asked).await.unwrap_or_else(|_| {
        Err(PortError {
            kind: FailureKind::Unknown,
            message: format!(
                "no answer within {} s: the next look tells what became of it",
                LONGEST.as_secs_f64()
            ),
            help: None,
        })
    })
}
