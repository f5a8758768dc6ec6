//! Calls that are tried again: which, how often, with what pauses.

use super::error::{Error, Kind};
use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// The first pause; it doubles.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(15);

/// How long it is waited in all between the tries of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// While AWS takes no more calls.
    pub(super) throttled: Duration,
    /// While AWS fails, or no answer comes.
    pub(super) lost: Duration,
    /// While what has just been made is not to be seen.
    pub(super) absent: Duration,
}

impl Patience {
    /// For EBS direct: a new snapshot is unknown to some of its servers for up to
    /// two minutes.
    pub(super) const EBS: Self = Self {
        throttled: Duration::from_secs(600),
        lost: Duration::from_secs(180),
        absent: Duration::from_secs(130),
    };
    /// For EC2, whose client has its own: only for what is not to be seen yet.
    pub(super) const EC2: Self =
        Self { throttled: Duration::ZERO, lost: Duration::ZERO, absent: Duration::from_secs(130) };

    /// For a failure of this kind; none: it is not tried again.
    fn of(&self, kind: Kind) -> Option<(usize, Duration)> {
        match kind {
            Kind::Throttled => Some((0, self.throttled)),
            Kind::Failed | Kind::Silent | Kind::Unreachable => Some((1, self.lost)),
            Kind::Absent => Some((2, self.absent)),
            _ => None,
        }
    }
}

/// Makes a call until it succeeds, fails for good, or patience is out.
///
/// # Errors
/// The last failure.
pub(super) async fn persist<T, F, C>(patience: Patience, mut call: C) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
    C: FnMut() -> F,
{
    let mut waited = [Duration::ZERO; 3];
    for tried in 0.. {
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Some((sort, limit)) = patience.of(error.kind) else { return Err(error) };
        if waited[sort] >= limit {
            return Err(error);
        }
        let pause = pause(tried, dice()).min(limit - waited[sort]);
        tokio::time::sleep(pause).await;
        waited[sort] += pause;
    }
    Err(Error::new(Kind::Late, "it was tried without end"))
}

/// The pause after the try number `tried`, from 0: between half and all of what
/// doubles each time. `dice` is from 0 to 1.
fn pause(tried: u32, dice: f64) -> Duration {
    let whole = FIRST.saturating_mul(2_u32.saturating_pow(tried.min(16))).min(LONGEST);
    whole.mul_f64(0.5 + dice.clamp(0.0, 1.0) / 2.0)
}

/// From 0 to 1, by what the standard library draws for its hash tables.
fn dice() -> f64 {
    let drawn = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(0);
    f64::from(drawn) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const SHORT: Patience = Patience {
        throttled: Duration::from_millis(300),
        lost: Duration::from_millis(1),
        absent: Duration::ZERO,
    };

    async fn tries(kind: Kind, fails: u32) -> (u32, bool) {
        let count = Cell::new(0);
        let end = persist(SHORT, || async {
            count.set(count.get() + 1);
            if count.get() > fails { Ok(()) } else { Err(Error::new(kind, "no")) }
        });
        let good = end.await.is_ok();
        (count.get(), good)
    }

    #[test]
    fn pauses_grow_and_never_reach_their_limit_twice_over() {
        let all: Vec<Duration> = (0..20).map(|tried| pause(tried, 1.0)).collect();
        assert!(all.windows(2).all(|two| two[0] <= two[1]));
        assert_eq!((all[0], all[19]), (FIRST, LONGEST));
        assert_eq!(pause(3, 0.0), pause(3, 1.0) / 2);
    }

    #[test]
    fn a_new_snapshot_is_waited_for_two_minutes() {
        // The pauses that fit, by the shortest that the dice allow.
        let mut waited = Duration::ZERO;
        for tried in 0.. {
            if waited >= Patience::EBS.absent {
                break;
            }
            waited += pause(tried, 0.0);
        }
        assert!(waited >= Duration::from_secs(120), "{waited:?}");
    }

    #[tokio::test]
    async fn a_denial_is_final_at_once() {
        for kind in [Kind::Denied, Kind::Refused, Kind::Credentials, Kind::Invalid] {
            assert_eq!(tries(kind, 9).await, (1, false), "{kind:?}");
        }
    }

    #[tokio::test]
    async fn what_passes_is_tried_again_and_what_does_not_is_given_up() {
        assert_eq!(tries(Kind::Throttled, 1).await, (2, true));
        let (count, good) = tries(Kind::Throttled, 99).await;
        assert!(!good && (2..9).contains(&count), "{count}");
        assert_eq!(tries(Kind::Absent, 1).await, (1, false), "no patience for it here");
    }

    #[test]
    fn the_dice_fall_differently() {
        let thrown: Vec<f64> = (0..50).map(|_| dice()).collect();
        assert!(thrown.iter().all(|one| (0.0..=1.0).contains(one)));
        assert!(thrown.windows(2).any(|two| two[0] != two[1]));
    }
}
