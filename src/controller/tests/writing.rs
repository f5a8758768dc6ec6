//! How writes are made: under the lease, as many of a group as end in one, and not
//! all of them at once.

use super::super::lead::{Candidate, Standing};
use super::super::writes::Write;
use super::{Day, FILE, controller_of, failures, mark, session};
use crate::clock::Clock;
use crate::controller::Settings;
use crate::observe::{Override, ResourceId};
use crate::pipeline;
use crate::plan::{PortError, Step};
use crate::port::{Act, Scope};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
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
        day.passes(60, Some(60.0)).await;
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

/// How many it is asked for at once.
#[derive(Default)]
struct Busy {
    now: AtomicU32,
    most: AtomicU32,
}

#[async_trait]
impl Act for Busy {
    async fn act(&self, _: &Step) -> Result<(), PortError> {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.now.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn a_thousand_writes_are_not_made_at_once() {
    let mut day = Day::begin().await;
    let mut session = session(&day.simulator, &day.text);
    let busy = Arc::new(Busy::default());
    session.backends.aws.as_mut().unwrap().act = Arc::clone(&busy) as Arc<dyn Act>;
    day.controller = controller_of(session, (&day.simulator, &day.load), SETTINGS);
    let write = |number: u32| {
        let id = ResourceId::group("us-east-1", &format!("g{number}"));
        let (uid, path) = (String::new(), "/desired".to_owned());
        let step = Step::SetUnits { id, uid, path, from: 0, to: 1 };
        Write { pool: "g6e".parse().unwrap(), step, adds: true, why: None }
    };
    let done = day.controller.write_all((0..1000).map(write).collect(), &Standing::Leads).await;
    assert_eq!(done.iter().filter(|done| done.outcome == Some(Ok(()))).count(), 1000);
    let most = busy.most.load(Ordering::Relaxed);
    assert!((16..=64).contains(&most), "{most} at once");
}
