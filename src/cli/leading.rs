//! Whether a controller leads: asked beside its turns, or in them.

use super::logging::Log;
use crate::controller::lead::{Candidate, Fence, Standing, Turns, longest_watch, stand};
use crate::pipeline::Session;
use crate::port::{Backend, Backends, FailureKind, Lock, PortError};
use crate::units::Span;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long the first look is waited for.
const FIRST: Duration = Duration::from_secs(5);
/// How long one that ends waits until its lease is given back; it runs out by itself.
const GIVING_BACK: Duration = Duration::from_secs(5);
/// As that, where it does not seem to have one.
const A_MOMENT: Duration = Duration::from_secs(1);

/// The place that tells who leads, and its lease; none: there is no such place.
pub(super) fn place(session: &Session) -> Option<(&Backend, &Arc<dyn Lock>)> {
    let Backends { kubernetes, aws } = &session.backends;
    // Where a bucket shall tell it, it does, whatever cluster there is.
    let places = match session.resolved.environment.lease_bucket() {
        Some(_) => [aws, kubernetes],
        None => [kubernetes, aws],
    };
    places.into_iter().flatten().find_map(|place| Some((place, place.leadership.as_ref()?)))
}

/// How this controller is told whether it leads.
pub(super) enum Leading {
    /// There is no place for a lease: it is alone.
    Alone,
    /// In a world whose time only its turns move.
    InTurn(Box<Candidate>),
    /// Beside its turns.
    Aside {
        standing: watch::Receiver<Standing>,
        /// How long the first look may take.
        first: Duration,
        /// It is stood for election while these end.
        turns: Turns,
        stop: watch::Sender<bool>,
        task: JoinHandle<()>,
    },
}

impl Leading {
    /// A candidate where the places have a lease for it, and what tells it before each
    /// write whether it still leads. One that decides only `once` looks at another's
    /// lease for long enough to take it over. Turns are `interval` apart.
    pub(super) fn begin(
        session: &Session,
        simulated: bool,
        once: bool,
        (interval, log): (Span, Log),
    ) -> (Self, Option<Fence>) {
        let Some((place, lease)) = place(session) else { return (Self::Alone, None) };
        let (lock, clock) = (Arc::clone(lease), Arc::clone(&place.clock));
        let name = super::applying::holder();
        let turns = Turns::new(Arc::clone(&clock), interval);
        let candidate = Candidate::new(lock, session.scope([]), name, clock);
        let fence = candidate.fence();
        if simulated {
            return (Self::InTurn(Box::new(candidate)), Some(fence));
        }
        let why = PortError {
            kind: FailureKind::Other,
            message: "it has only just begun".to_owned(),
            help: None,
        };
        let (tell, standing) = watch::channel(Standing::Waits { why });
        let (stop, stopped) = watch::channel(false);
        let watched = (turns.clone(), standing.clone());
        let stands = stand(candidate, turns.clone(), tell, stopped, once);
        let task = tokio::spawn(async move {
            let tell = |stopped: Option<Duration>| match stopped {
                Some(stopped) => log.warn(given_up(stopped)),
                None => log.note("turns end again: it stands for election as before"),
            };
            tokio::join!(stands, tell_stops(watched, tell));
        });
        let first = if once { longest_watch() + FIRST } else { FIRST };
        (Self::Aside { standing, first, turns, stop, task }, Some(fence))
    }

    /// A turn has ended.
    pub(super) fn turn_ended(&self) {
        if let Self::Aside { turns, .. } = self {
            turns.ended();
        }
    }

    /// Turns are so far apart from now on.
    pub(super) fn expect(&self, interval: Span) {
        if let Self::Aside { turns, .. } = self {
            turns.expect(interval);
        }
    }

    /// How it stands at any time, for who looks at it from beside the turns; none: it does
    /// not change there.
    pub(super) fn told(&self) -> Option<watch::Receiver<Standing>> {
        match self {
            Self::Aside { standing, .. } => Some(standing.clone()),
            Self::Alone | Self::InTurn(_) => None,
        }
    }

    /// How it stands now.
    pub(super) async fn standing(&mut self) -> Standing {
        match self {
            Self::Alone => Standing::Leads,
            Self::InTurn(candidate) => candidate.beat().await,
            Self::Aside { standing, first, .. } => {
                // The first look is worth waiting for.
                if matches!(&*standing.borrow(), Standing::Waits { .. }) {
                    let _ = tokio::time::timeout(*first, standing.changed()).await;
                }
                match standing.has_changed() {
                    Ok(_) => standing.borrow().clone(),
                    // Nobody stands for election any more.
                    Err(_) => Standing::Waits { why: ended() },
                }
            }
        }
    }

    /// Returns once this controller leads, where it stood otherwise `before`.
    pub(super) async fn begins(&self, before: &Standing) {
        if let Self::Aside { standing, .. } = self
            && *before != Standing::Leads
        {
            let mut standing = standing.clone();
            let leads = standing.wait_for(|now| *now == Standing::Leads).await.is_ok();
            // What was said last stays there when nobody stands any more.
            if leads && standing.has_changed().is_ok() {
                return;
            }
        }
        pending().await
    }

    /// Gives the lease back.
    pub(super) async fn resign(self) {
        match self {
            Self::Alone => {}
            Self::InTurn(mut candidate) => candidate.resign().await,
            Self::Aside { standing, stop, task, .. } => {
                let none = matches!(&*standing.borrow(), Standing::Waits { .. });
                stop.send_replace(true);
                let most = if none { A_MOMENT } else { GIVING_BACK };
                let _ = tokio::time::timeout(most, task).await;
            }
        }
    }
}

/// Tells when turns end no more, and for how long none has, and when they end again:
/// their own loop cannot.
async fn tell_stops(
    (turns, mut standing): (Turns, watch::Receiver<Standing>),
    tell: impl Fn(Option<Duration>),
) {
    let mut told = false;
    // It is told with each look at the lease.
    while standing.changed().await.is_ok() {
        let stopped = turns.stopped();
        if stopped.is_some() != told {
            told = stopped.is_some();
            tell(stopped);
        }
    }
}

fn ended() -> PortError {
    PortError {
        kind: FailureKind::Other,
        message: "what stands for election has ended".to_owned(),
        help: Some("restart this controller, and report it with its log".to_owned()),
    }
}

fn given_up(stopped: Duration) -> String {
    let seconds = stopped.as_secs();
    format!(
        "no turn has ended for {seconds} s: the lease is not renewed, that another can lead, and \
         nothing is written until one ends; restart this controller if it hangs"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Timestamp};
    use crate::controller::lead::patience;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Instant;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_millis(20);

    fn aside(stands: Standing) -> (watch::Sender<Standing>, Leading) {
        let (tell, standing) = watch::channel(stands);
        let (stop, _) = watch::channel(false);
        let task = tokio::spawn(async {});
        let turns = Turns::new(Arc::<Hands>::default(), Span::from_secs(15));
        (tell, Leading::Aside { standing, first: FIRST, turns, stop, task })
    }

    /// Time that a test moves, in seconds.
    #[derive(Default)]
    struct Hands(AtomicU64);

    #[async_trait::async_trait]
    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
        }

        async fn sleep(&self, duration: Duration) {
            self.0.fetch_add(duration.as_secs(), Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn that_turns_end_no_more_is_told_once_and_so_is_that_they_do_again() {
        let clock = Arc::<Hands>::default();
        let turns = Turns::new(Arc::clone(&clock) as _, Span::from_secs(15));
        let (tell, standing) = watch::channel(Standing::Leads);
        let told = Mutex::new(Vec::new());
        let beside = async {
            for seconds in [100, 100, 100, 0, 200, 1] {
                clock.sleep(Duration::from_secs(seconds)).await;
                if seconds == 0 {
                    turns.ended();
                }
                tell.send_replace(Standing::Leads);
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
            }
            drop(tell);
        };
        let note = |stopped| told.lock().unwrap().push(stopped);
        tokio::join!(tell_stops((turns.clone(), standing), note), beside);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(*told.lock().unwrap(), [seconds(200), None, seconds(200)]);
        assert!(patience(Span::from_secs(15)) < Duration::from_secs(200));
        assert!(given_up(Duration::from_secs(200)).contains("200 s: the lease is not renewed"));
    }

    #[tokio::test]
    async fn who_begins_to_lead_is_told_at_once_and_of_nothing_else() {
        let follows = Standing::Follows { leader: "another".to_owned() };
        let (tell, leading) = aside(follows.clone());
        assert!(timeout(SOON, leading.begins(&follows)).await.is_err(), "another leads");
        tell.send_replace(Standing::Follows { leader: "a third".to_owned() });
        assert!(timeout(SOON, leading.begins(&follows)).await.is_err(), "still another");
        let begun = Instant::now();
        let leads = async {
            tokio::time::sleep(SOON).await;
            tell.send_replace(Standing::Leads);
        };
        tokio::join!(leading.begins(&follows), leads);
        assert!(begun.elapsed() < FIRST, "{:?}", begun.elapsed());
        // Also where it happened in the turn that went by what was before.
        leading.begins(&follows).await;
        assert!(timeout(SOON, leading.begins(&Standing::Leads)).await.is_err(), "it leads already");
    }

    #[tokio::test]
    async fn nobody_is_told_where_none_stands_for_election_any_more() {
        let follows = Standing::Follows { leader: "another".to_owned() };
        let (tell, mut leading) = aside(follows.clone());
        tell.send_replace(Standing::Leads);
        assert_eq!(leading.standing().await, Standing::Leads);
        drop(tell);
        assert_eq!(leading.standing().await.state(), "waits");
        assert!(timeout(SOON, leading.begins(&follows)).await.is_err());
        assert!(timeout(SOON, Leading::Alone.begins(&follows)).await.is_err());
    }
}
