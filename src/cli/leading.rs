//! Whether a controller leads: asked beside its turns, or in them.

use crate::controller::lead::{Candidate, Fence, Standing, stand};
use crate::pipeline::Session;
use crate::port::Backends;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How this controller is told whether it leads.
pub(super) enum Leading {
    /// There is no place for a lease: it is alone.
    Alone,
    /// In a world whose time only its turns move.
    InTurn(Box<Candidate>),
    /// Beside its turns.
    Aside { standing: watch::Receiver<Standing>, stop: watch::Sender<bool>, task: JoinHandle<()> },
}

impl Leading {
    /// A candidate where the places have a lease for it, and what tells it before each
    /// write whether it still leads.
    pub(super) fn begin(session: &Session, simulated: bool) -> (Self, Option<Fence>) {
        let Backends { kubernetes, aws } = &session.backends;
        // Where a bucket shall tell it, it does, whatever cluster there is.
        let places = match session.resolved.environment.lease_bucket() {
            Some(_) => [aws, kubernetes],
            None => [kubernetes, aws],
        };
        let places = places.into_iter().flatten();
        let Some((lock, clock)) = places
            .filter_map(|place| Some((place.leadership.clone()?, Arc::clone(&place.clock))))
            .next()
        else {
            return (Self::Alone, None);
        };
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
        let task = tokio::spawn(stand(candidate, tell, stopped));
        (Self::Aside { standing, stop, task }, Some(fence))
    }

    /// How it stands now.
    pub(super) async fn standing(&mut self) -> Standing {
        match self {
            Self::Alone => Standing::Leads,
            Self::InTurn(candidate) => candidate.beat().await,
            Self::Aside { standing, .. } => {
                // The first look is worth waiting for.
                if matches!(&*standing.borrow(), Standing::Waits { .. }) {
                    let _ = tokio::time::timeout(Duration::from_secs(5), standing.changed()).await;
                }
                standing.borrow().clone()
            }
        }
    }

    /// Gives the lease back.
    pub(super) async fn resign(self) {
        match self {
            Self::Alone => {}
            Self::InTurn(mut candidate) => candidate.resign().await,
            Self::Aside { stop, task, .. } => {
                stop.send_replace(true);
                let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
            }
        }
    }
}
