//! One that is cut off from its lease: it adds by a look of just now, and by no other.

use super::super::lead::{Candidate, Standing};
use super::{Day, controller_of, mark, session};
use crate::clock::Clock;
use crate::controller::{Settings, Turn};
use crate::plan::{FailureKind, PortError};
use crate::port::{HeldLock, Lease, Lock, Renewal, Scope};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// A lease's place that gives it once, and is silent from then on.
struct Silent;

fn silence() -> PortError {
    PortError { kind: FailureKind::Unreachable, message: "no answer".to_owned(), help: None }
}

#[async_trait]
impl Lock for Silent {
    async fn acquire(&self, _: &Scope, _: &str) -> Result<Arc<dyn Lease>, PortError> {
        Ok(Arc::new(Self))
    }

    async fn succeed(&self, _: &Scope, _: &str, _: &HeldLock) -> Result<Arc<dyn Lease>, PortError> {
        Err(silence())
    }

    async fn show(&self, _: &Scope) -> Result<Option<HeldLock>, PortError> {
        Ok(None)
    }

    async fn break_held(&self, _: &Scope, _: &HeldLock) -> Result<bool, PortError> {
        Err(silence())
    }
}

#[async_trait]
impl Lease for Silent {
    async fn renew(&self) -> Result<Renewal, PortError> {
        Err(silence())
    }

    async fn release(&self) -> Result<(), PortError> {
        Ok(())
    }
}

/// A turn under more load than before, so long after the last look at the lease.
async fn turn_after(passes: Duration) -> Turn {
    let mut day = Day::begin().await;
    day.passes(30, Some(60.0)).await;
    let clock = Arc::clone(&day.simulator) as Arc<dyn Clock>;
    let scope = Scope::of(mark(), "inference");
    let mut candidate =
        Candidate::new(Arc::new(Silent), scope, "this".to_owned(), Arc::clone(&clock));
    assert_eq!(candidate.beat().await, Standing::Leads);
    clock.sleep(Duration::from_secs(10)).await;
    day.standing = candidate.beat().await;
    assert_eq!(day.standing, Standing::CutOff { why: silence() });
    let settings = Settings { dry_run: false, time_scale: 1, patience: None };
    let session = session(&day.simulator, &day.text);
    day.controller = controller_of(session, (&day.simulator, &day.load), settings);
    day.controller.fence = Some(candidate.fence());
    clock.sleep(passes).await;
    day.passes(1, Some(150.0)).await.remove(0)
}

#[tokio::test]
async fn one_that_is_cut_off_adds_while_it_knows_that_the_lease_is_out_of_reach() {
    let turn = turn_after(Duration::from_secs(3)).await;
    assert_eq!(turn.withheld, None);
    assert!(turn.done.iter().any(|done| done.outcome == Some(Ok(()))), "{:?}", turn.done);
}

#[tokio::test]
async fn one_that_was_stopped_while_it_was_cut_off_writes_nothing_when_it_wakes() {
    let turn = turn_after(Duration::from_secs(60)).await;
    assert!(!turn.done.is_empty() && turn.done.iter().all(|done| done.outcome.is_none()));
    assert!(turn.withheld.is_some_and(|why| why.contains("another leads")));
}

#[tokio::test]
async fn that_it_leads_and_that_it_is_cut_off_is_told_of_the_environment() {
    let mut day = Day::begin().await;
    let clock = Arc::clone(&day.simulator) as Arc<dyn Clock>;
    let scope = Scope::of(mark(), "inference");
    let mut candidate = Candidate::new(Arc::new(Silent), scope, "this".to_owned(), clock);
    day.controller.fence = Some(candidate.fence());
    day.standing = Standing::Follows { leader: "ada".to_owned() };
    day.passes(2, Some(10.0)).await;
    day.standing = candidate.beat().await;
    day.passes(1, Some(10.0)).await;
    // A minute later its lease has run out, and nobody answers.
    day.standing = candidate.beat().await;
    assert_eq!(day.standing, Standing::CutOff { why: silence() });
    day.passes(1, Some(10.0)).await;
    let world = day.simulator.world().unwrap();
    let leader = world.told().iter().filter(|told| told.reason.starts_with("Leader"));
    let leader: Vec<_> = leader
        .map(|told| (told.reason.as_str(), told.message.as_str(), told.warning, told.count))
        .collect();
    let elected = "this controller leads from now on; before it led ada";
    let lost =
        "this controller cannot extend its lease, and only adds capacity until it can: no answer";
    assert_eq!(leader, [("LeaderElected", elected, false, 1), ("LeaderLost", lost, true, 1)]);
}

#[tokio::test]
async fn where_nobody_else_could_lead_nothing_is_told_of_that() {
    let mut day = Day::begin().await;
    day.passes(2, Some(10.0)).await;
    let world = day.simulator.world().unwrap();
    assert!(world.told().iter().all(|told| !told.reason.starts_with("Leader")));
}
