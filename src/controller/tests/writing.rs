//! How writes are made: under the lease, and as many of a group as end in one.

use super::super::lead::{Candidate, Standing};
use super::{Day, FILE, controller_of, failures, mark, session};
use crate::clock::Clock;
use crate::controller::Settings;
use crate::observe::Override;
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

#[tokio::test]
async fn what_ends_of_a_group_in_one_turn_ends_in_one_write() {
    let mut day = Day::of(FILE.replace("max = 4", "max = 20")).await;
    day.passes(30, Some(610.0)).await;
    let none = Override {
        pool: "g6e".parse().unwrap(),
        units: 0,
        until: None,
        reason: "the bill".to_owned(),
        by: "ada".to_owned(),
        since: crate::clock::Timestamp::UNIX_EPOCH,
    };
    let said = pipeline::change_hands(&day.controller.session, |hands| hands.set(none));
    said.await.unwrap();
    let turns = day.passes(20, Some(10.0)).await;
    let mut ended = Vec::new();
    for turn in &turns {
        let units = turn.done.iter().filter_map(|done| match &done.step {
            Step::DrainUnits { units, .. } => Some(units.len()),
            _ => None,
        });
        let units: Vec<usize> = units.collect();
        assert!(units.len() <= 1, "each reads by itself how many more run: {units:?}");
        assert!(units.iter().all(|units| *units <= 16), "{units:?}");
        ended.extend(units);
    }
    assert!(ended.iter().sum::<usize>() == 20 && ended.len() < 10, "{ended:?}");
    assert_eq!(failures(&turns), [""; 0]);
}
