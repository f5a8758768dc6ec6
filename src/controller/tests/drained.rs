//! The time of a drain: it counts while somebody empties the unit, whoever leads.

use super::{Day, FILE, controller_of, session};
use crate::backend::sim::{Actor, Fault, FaultKind};
use crate::clock::Clock;
use crate::controller::lead::Standing;
use crate::controller::{Controller, Settings, Turn};
use crate::pipeline;
use crate::plan::{FailureKind, PortError, Step};
use crate::port::{Drain, Leaving, Left};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Turns of a minute that a drain has: `burst.scale_in.drain`, as it is without a word.
const DRAIN: u32 = 10;

/// Units that always have something left, and that nothing else keeps.
struct Busy {
    drain: Arc<dyn Drain>,
    /// How often one was asked to finish.
    asked: AtomicU32,
}

#[async_trait]
impl Drain for Busy {
    async fn close(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.drain.close(unit).await
    }

    async fn status(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.drain.status(unit).await
    }

    async fn begin(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(Left { in_flight: 1, ..self.drain.close(unit).await? })
    }

    async fn undo(&self, unit: &Leaving) -> Result<(), PortError> {
        self.drain.undo(unit).await
    }
}

/// A day on which one unit of the burst pool was just closed, to go.
async fn one_goes(join: &str) -> (Day, Arc<Busy>) {
    let join_of = |join: &str| format!("join = \"{join}\"");
    let mut day = Day::of(FILE.replace(&join_of("kubernetes"), &join_of(join))).await;
    let backends = &day.controller.session.backends;
    let side = if join == "kubernetes" { &backends.kubernetes } else { &backends.aws };
    let drain = side.as_ref().and_then(|side| side.drain.clone()).unwrap();
    let busy = Arc::new(Busy { drain, asked: AtomicU32::new(0) });
    day.controller = led(&day, &busy);
    day.passes(60, Some(60.0)).await;
    for _ in 0..90 {
        busy.asked.store(0, Ordering::Relaxed);
        day.passes(1, Some(10.0)).await;
        if !day.controller.drains.names().is_empty() {
            assert_eq!(busy.asked.load(Ordering::Relaxed), 0);
            return (day, busy);
        }
    }
    panic!("nothing drains");
}

/// A controller that remembers nothing yet.
fn led(day: &Day, busy: &Arc<Busy>) -> Controller {
    let mut session = session(&day.simulator, &day.text);
    for side in [&mut session.backends.kubernetes, &mut session.backends.aws] {
        side.as_mut().unwrap().drain = Some(Arc::clone(busy) as Arc<dyn Drain>);
    }
    let settings = Settings { dry_run: false, time_scale: 1, patience: None };
    controller_of(session, (&day.simulator, &day.load), settings)
}

fn ended(turns: &[Turn]) -> usize {
    let all = turns.iter().flat_map(|turn| &turn.done);
    all.filter(|done| matches!(done.step, Step::DrainUnits { .. }) && done.outcome == Some(Ok(())))
        .count()
}

/// How many nodes are closed.
async fn closed(day: &Day) -> usize {
    let seen = pipeline::look(&day.controller.session, []).await.unwrap().inventory;
    seen.nodes.iter().filter(|node| node.draining.is_some()).count()
}

#[tokio::test]
async fn a_drain_that_another_leader_took_back_is_not_remembered() {
    let (mut day, busy) = one_goes("kubernetes").await;
    day.passes(2, Some(10.0)).await;
    let second = led(&day, &busy);
    let mut first = std::mem::replace(&mut day.controller, second);
    for _ in 0..3 * DRAIN {
        first.turn(&Standing::Follows { leader: "the other".to_owned() }).await;
        day.passes(1, Some(60.0)).await;
    }
    assert_eq!(closed(&day).await, 0, "what the load asks for again serves");

    day.controller = first;
    busy.asked.store(0, Ordering::Relaxed);
    let back = day.passes(5, Some(10.0)).await;
    assert_eq!((ended(&back), closed(&day).await), (0, 0), "nobody drains it now");
    let mut turns = 0;
    while ended(&day.passes(1, Some(10.0)).await) == 0 {
        turns += 1;
        assert!(turns < 120, "nothing has ended");
    }
    let asked = busy.asked.load(Ordering::Relaxed);
    assert!(asked >= DRAIN, "{asked}: it has all of its time");
}

/// What keeps a unit that is closed from being emptied, for twice its time.
#[derive(Debug, Clone, Copy)]
enum Lost {
    /// AWS cannot be seen.
    Sight,
    /// The lease's place does not answer.
    Lease,
    /// No controller runs.
    Controllers,
}

async fn pass_without(lost: Lost, day: &mut Day, busy: &Arc<Busy>) {
    let turns = 2 * DRAIN;
    match lost {
        Lost::Sight => {
            let list = Some("AutoScalingGroup".to_owned());
            let (kind, name) = (FaultKind::Denied, String::new());
            let fault = Fault { kind, name, list, calls: 100_000 };
            day.simulator.disturb(Actor::Fault(fault)).unwrap();
            day.passes(turns, Some(10.0)).await;
            day.simulator.forgive().unwrap();
        }
        Lost::Lease => {
            let (kind, message) = (FailureKind::Unreachable, "no answer".to_owned());
            day.standing = Standing::CutOff { why: PortError { kind, message, help: None } };
            day.passes(turns, Some(10.0)).await;
            day.standing = Standing::Leads;
        }
        Lost::Controllers => {
            day.simulator.sleep(Duration::from_secs(60) * turns).await;
            day.controller = led(day, busy);
        }
    }
}

#[tokio::test]
async fn what_was_closed_and_not_emptied_since_has_all_of_its_time() {
    for join in ["kubernetes", "standalone"] {
        for lost in [Lost::Sight, Lost::Lease, Lost::Controllers] {
            let (mut day, busy) = one_goes(join).await;
            pass_without(lost, &mut day, &busy).await;
            assert_eq!(busy.asked.load(Ordering::Relaxed), 0, "{join}, {lost:?}");
            let turns = day.passes(3 * DRAIN, Some(10.0)).await;
            let asked = busy.asked.load(Ordering::Relaxed);
            assert_eq!(ended(&turns), 1, "{join}, {lost:?}: {asked}");
            assert!((DRAIN..DRAIN + 3).contains(&asked), "{join}, {lost:?}: {asked}");
        }
    }
}

#[tokio::test]
async fn a_drain_that_another_controller_takes_on_in_each_turn_ends_all_the_same() {
    for join in ["kubernetes", "standalone"] {
        let (mut day, busy) = one_goes(join).await;
        let mut turns = 0;
        loop {
            day.controller = led(&day, &busy);
            turns += 1;
            if ended(&day.passes(1, Some(10.0)).await) == 1 {
                break;
            }
            assert!(turns < 2 * DRAIN, "{join}: it has not ended");
        }
        assert!((DRAIN..DRAIN + 3).contains(&turns), "{join}: {turns}");
    }
}

#[tokio::test]
async fn a_drain_ends_though_turns_are_further_apart_than_its_time() {
    for join in ["kubernetes", "standalone"] {
        for by_the_clock in [false, true] {
            let (mut day, busy) = one_goes(join).await;
            let mut turns = 0;
            loop {
                day.simulator.sleep(Duration::from_secs(60) * (DRAIN + 4)).await;
                if by_the_clock {
                    day.controller = led(&day, &busy);
                }
                turns += 1;
                if ended(&day.passes(1, Some(10.0)).await) == 1 {
                    break;
                }
                assert!(turns < 5, "{join}, {by_the_clock}: it has not ended");
            }
            assert!(turns > 1, "{join}, {by_the_clock}: never in the turn that begins it");
        }
    }
}
