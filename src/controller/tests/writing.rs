//! How writes are made: under the lease.

use super::super::lead::{Candidate, Standing};
use super::{Day, controller_of, mark, session};
use crate::clock::Clock;
use crate::controller::Settings;
use crate::pipeline;
use crate::plan::{PortError, Step};
use crate::port::{Act, Scope};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

const SETTINGS: Settings = Settings { dry_run: false, time_scale: 1, patience: None };

/// Takes longer than a lease lasts.
struct Late {
    place: Arc<dyn Act>,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Act for Late {
    async fn act(&self, step: &Step) -> Result<(), PortError> {
        self.clock.sleep(Duration::from_secs(60)).await;
        self.place.act(step).await
    }
}

#[tokio::test]
async fn who_has_lost_the_lease_while_it_wrote_reopens_nothing() {
    for late in [false, true] {
        let mut day = Day::begin().await;
        day.passes(30, Some(60.0)).await;
        while day.controller.drains.names().is_empty() {
            day.passes(1, Some(10.0)).await;
        }
        let mut session = session(&day.simulator, &day.text);
        let clock = Arc::clone(&day.simulator) as Arc<dyn Clock>;
        let aws = session.backends.aws.as_mut().unwrap();
        let lock = session.backends.kubernetes.as_ref().unwrap().leadership.clone();
        if late {
            let place = Arc::clone(&aws.act);
            aws.act = Arc::new(Late { place, clock: Arc::clone(&clock) });
        }
        let scope = Scope::of(mark(), "inference");
        let mut candidate = Candidate::new(lock.unwrap(), scope, "this".to_owned(), clock);
        assert_eq!(candidate.beat().await, Standing::Leads);
        day.controller = controller_of(session, (&day.simulator, &day.load), SETTINGS);
        day.controller.fence = Some(candidate.fence());
        // More than the one that drains could make up for.
        let turn = day.passes(1, Some(150.0)).await;
        assert!(!turn[0].done.is_empty());
        let seen = pipeline::look(&day.controller.session, []).await.unwrap().inventory;
        let closed = seen.nodes.iter().filter(|node| node.draining.is_some()).count();
        assert_eq!(closed, usize::from(late), "late: {late}");
    }
}
