//! The signals that end a command which goes on by itself.

use super::exit::{Exit, Failure};
use std::pin::pin;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

/// SIGTERM and SIGINT, listened to from now on.
pub(super) struct Ends {
    terminated: Signal,
    interrupted: Signal,
    /// One has come.
    asked: bool,
}

impl Ends {
    /// # Errors
    /// The system does not tell of signals.
    pub(super) fn listen() -> Result<Self, Failure> {
        let of = |kind| {
            signal(kind).map_err(|error| Failure::new(Exit::Failed, format!("no signals: {error}")))
        };
        let (terminated, interrupted) =
            (of(SignalKind::terminate())?, of(SignalKind::interrupt())?);
        Ok(Self { terminated, interrupted, asked: false })
    }

    /// Returns when it is asked to end, or was before.
    pub(super) async fn asked(&mut self) {
        if !self.asked {
            tokio::select! {
                _ = self.terminated.recv() => {}
                _ = self.interrupted.recv() => {}
            }
            self.asked = true;
        }
    }

    /// What `work` comes to; none: it is asked to end first, and `work` has not come to
    /// its end within a `moment` from then.
    pub(super) async fn before<T>(
        &mut self,
        moment: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            () = self.asked() => {}
        }
        timeout(moment, work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    /// As the system would tell.
    fn asked() -> Ends {
        Ends { asked: true, ..Ends::listen().unwrap() }
    }

    #[tokio::test]
    async fn what_hangs_is_left_when_it_is_asked_to_end_and_what_is_done_in_a_moment_counts() {
        assert_eq!(asked().before(Duration::ZERO, pending::<u32>()).await, None);
        let soon = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            7
        };
        assert_eq!(asked().before(Duration::from_secs(60), soon).await, Some(7));
        let mut ends = Ends::listen().unwrap();
        assert_eq!(ends.before(Duration::ZERO, async { 7 }).await, Some(7));
        assert!(!ends.asked);
    }
}
