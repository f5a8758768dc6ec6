//! Which calls are made again, and after which pause.

use super::error::conflicts;
use kube::core::Status;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Before a busy server is asked again, at most.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(8)];
/// As long as a server may make us wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Tries of one write: controllers write a Deployment's status several times a
/// second while its pods start.
const TRIES: u32 = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(640);

/// What a server says of a write that was overtaken (`OptimisticLockErrorMsg` of
/// Kubernetes' apiserver, which gives such a conflict no reason of its own).
const OVERTAKEN: &str = "the object has been modified";

/// One read of a server that has no time right now: too many calls, or nobody
/// there to answer them.
#[derive(Debug, Default)]
pub(super) struct Busy {
    turned_away: usize,
}

impl Busy {
    /// Whether to ask again, after the pause that the server asks for or a short
    /// one.
    pub(super) async fn again(&mut self, status: &Status) -> bool {
        let busy = matches!(status.code, 429 | 502 | 503 | 504);
        let Some(most) = PAUSES.get(self.turned_away).filter(|_| busy) else { return false };
        self.turned_away += 1;
        let asked = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
        let pause = match asked {
            0 => at_random(*most),
            asked => Duration::from_secs(asked.into()).min(LONGEST_WAIT),
        };
        tokio::time::sleep(pause).await;
        true
    }
}

/// One write that is tried until nobody comes in between.
#[derive(Debug, Default)]
pub(super) struct Contended {
    overtaken: u32,
}

impl Contended {
    /// Whether to read and write again, after a pause.
    pub(super) async fn again(&mut self, status: &Status) -> bool {
        if !is_overtaken(status) || self.overtaken == TRIES {
            return false;
        }
        let most = (FIRST_PAUSE * 2_u32.pow(self.overtaken)).min(LONGEST_PAUSE);
        self.overtaken += 1;
        tokio::time::sleep(at_random(most)).await;
        true
    }
}

/// Neither a field that another manager owns nor an object with another UID.
fn is_overtaken(status: &Status) -> bool {
    status.code == 409 && conflicts(status).is_empty() && status.message.contains(OVERTAKEN)
}

/// Up to `most`, so that not all who were turned away come back at once.
fn at_random(most: Duration) -> Duration {
    most.mul_f64((RandomState::new().hash_one(()) % 1000) as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflict(message: &str) -> Status {
        Status { code: 409, message: message.to_owned(), ..Status::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_is_overtaken_is_made_again_and_not_for_ever() {
        let overtaken = conflict(
            "Operation cannot be fulfilled on deployments.apps \"llm\": the object has been \
             modified; please apply your changes to the latest version and try again",
        );
        let (mut write, mut tries) = (Contended::default(), 0);
        while write.again(&overtaken).await {
            tries += 1;
        }
        assert_eq!(tries, TRIES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_to_another_object_than_was_meant_is_not_made_again() {
        let other = conflict("Precondition failed: UID in precondition: a, UID in object meta: b");
        assert!(!Contended::default().again(&other).await);
    }
}
