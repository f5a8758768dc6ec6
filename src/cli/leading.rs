//! Whether a controller leads: asked beside its turns, or in them.

use crate::controller::lead::{Candidate, Fence, Standing, longest_watch, stand};
use crate::pipeline::Session;
use crate::port::{Backend, Backends, Lock};
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
        stop: watch::Sender<bool>,
        task: JoinHandle<()>,
    },
}

impl Leading {
    /// A candidate where the places have a lease for it, and what tells it before each
    /// write whether it still leads. One that decides only `once` looks at another's
    /// lease for long enough to take it over.
    pub(super) fn begin(session: &Session, simulated: bool, once: bool) -> (Self, Option<Fence>) {
        let Some((place, lease)) = place(session) else { return (Self::Alone, None) };
        let (lock, clock) = (Arc::clone(lease), Arc::clone(&place.clock));
        let name = super::applying::holder();
        let candidate = Candidate::new(lock, session.scope([]), name, clock);
        let fence = candidate.fence();
        if simulated {
            return (Self::InTurn(Box::new(candidate)), Some(fence));
        }
        let why = crate::port::PortError {
            kind: crate::port::FailureKind::Other,
            message: "it has only just begun".to_owned(),
            help: None,
        };
        let (tell, standing) = watch::channel(Standing::Waits { why });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(stand(candidate, tell, stopped, once));
        let first = if once { longest_watch() + FIRST } else { FIRST };
        (Self::Aside { standing, first, stop, task }, Some(fence))
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
                standing.borrow().clone()
            }
        }
    }

    /// Returns once this controller leads, where it stood otherwise `before`.
    pub(super) async fn begins(&self, before: &Standing) {
        if let Self::Aside { standing, .. } = self
            && *before != Standing::Leads
        {
            let mut standing = standing.clone();
            if standing.wait_for(|now| *now == Standing::Leads).await.is_ok() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_millis(20);

    fn aside(stands: Standing) -> (watch::Sender<Standing>, Leading) {
        let (tell, standing) = watch::channel(stands);
        let (stop, _) = watch::channel(false);
        let task = tokio::spawn(async {});
        (tell, Leading::Aside { standing, first: FIRST, stop, task })
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
        let (tell, leading) = aside(follows.clone());
        drop(tell);
        assert!(timeout(SOON, leading.begins(&follows)).await.is_err());
        assert!(timeout(SOON, Leading::Alone.begins(&follows)).await.is_err());
    }
}
