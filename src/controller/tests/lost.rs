//! What a controller does not know: nothing is ended, bought or forgotten by it.

use super::{Day, FILE, Shown, controller, controller_of, session};
use crate::backend::sim::{Actor, Fault, FaultKind};
use crate::controller::{Settings, Turn};
use crate::decide::scaling::HoldCause;
use crate::observe::{Hands, Side};
use crate::plan::{FailureKind, PortError, Step};
use crate::port::{Drain, KeepHands, KeepNotes, Leaving, Left, Said, Scope};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn silence() -> PortError {
    PortError { kind: FailureKind::Unreachable, message: "no answer".to_owned(), help: None }
}

fn settings() -> Settings {
    Settings { dry_run: false, time_scale: 1, patience: None }
}

fn ended(turns: &[Turn]) -> Vec<String> {
    let all = turns.iter().flat_map(|turn| &turn.done);
    let on_aws = all.filter(|done| done.step.id().side == Side::Aws);
    on_aws.map(|done| format!("{:?}", done.step)).collect()
}

#[tokio::test]
async fn where_nodes_may_not_be_listed_no_instance_is_given_up() {
    let mut day = Day::begin().await;
    let busy = day.passes(40, Some(60.0)).await;
    let before = Day::wanted(busy.last().unwrap(), "g6e");
    assert!(before >= 1);
    let list = Some("Node".to_owned());
    let fault = Fault { kind: FaultKind::Denied, name: String::new(), list, calls: 100_000 };
    day.simulator.disturb(Actor::Fault(fault)).unwrap();
    let blind = day.passes(240, Some(60.0)).await;
    let last = blind.last().unwrap();
    assert!(!last.scaling.pools["g6e"].visible && last.unseen.contains_key(&Side::Kubernetes));
    assert_eq!((Day::wanted(last, "g6e"), ended(&blind)), (before, vec![]));
}

/// Why nothing is released by what is measured.
fn doubt(turn: &Turn) -> String {
    turn.scaling.stages["inference"].doubt.clone().unwrap_or_default()
}

#[tokio::test]
async fn a_queue_that_nobody_could_read_since_the_start_releases_nothing() {
    let mut day = Day::of(format!("{FILE}queue = {{ inference = \"sum(waiting)\" }}\n")).await;
    let busy = day.passes(40, Some(60.0)).await;
    let before = Day::wanted(busy.last().unwrap(), "g6e");
    assert!(before >= 1);
    day.restart(false);
    let blind = day.passes(120, Some(5.0)).await;
    let last = blind.last().unwrap();
    assert_eq!((Day::wanted(last, "g6e"), ended(&blind)), (before, vec![]));
    assert!(doubt(last).contains("queue/inference is declared, and not known"), "{}", doubt(last));
}

#[tokio::test]
async fn what_engines_told_before_both_controllers_restarted_is_missed_until_it_is_back() {
    let mut day = Day::begin().await;
    let shown = Some(Shown { finished: 60.0, waiting: 0.0, ttft_seconds: 0.3 });
    *day.load.1.lock().unwrap() = shown;
    let busy = day.passes(40, Some(60.0)).await;
    let before = Day::wanted(busy.last().unwrap(), "g6e");
    assert!(before >= 1);
    *day.load.1.lock().unwrap() = None;
    day.restart(false);
    let blind = day.passes(120, Some(5.0)).await;
    let last = blind.last().unwrap();
    assert!(Day::wanted(last, "g6e") >= before, "{:?}", last.scaling.pools["g6e"]);
    assert!(doubt(last).contains("was measured before: missing"), "{}", doubt(last));
    *day.load.1.lock().unwrap() = shown;
    let back = day.passes(120, Some(5.0)).await;
    assert_eq!(Day::wanted(back.last().unwrap(), "g6e"), 0);
}

/// Cannot be told anything.
struct Deaf;

#[async_trait]
impl Drain for Deaf {
    async fn status(&self, _: &Leaving) -> Result<Left, PortError> {
        Err(silence())
    }

    async fn close(&self, _: &Leaving) -> Result<Left, PortError> {
        Err(silence())
    }

    async fn begin(&self, _: &Leaving) -> Result<Left, PortError> {
        Err(silence())
    }

    async fn undo(&self, _: &Leaving) -> Result<(), PortError> {
        Err(silence())
    }
}

#[tokio::test]
async fn what_was_never_closed_is_not_ended_however_long_it_takes() {
    let mut day = Day::begin().await;
    day.passes(40, Some(60.0)).await;
    let mut session = session(&day.simulator, &day.text);
    session.backends.kubernetes.as_mut().unwrap().drain = Some(Arc::new(Deaf));
    day.controller = controller_of(session, (&day.simulator, &day.load), settings());
    let quiet = day.passes(180, Some(5.0)).await;
    assert!(!day.controller.drains.names().is_empty(), "one is to go");
    let refused = |turn: &Turn| turn.done.iter().any(|done| done.outcome == Some(Err(silence())));
    assert!(refused(quiet.last().unwrap()));
    let all = quiet.iter().flat_map(|turn| &turn.done);
    let on_aws = all.filter(|done| done.step.id().side == Side::Aws);
    assert_eq!(on_aws.filter(|done| done.outcome == Some(Ok(()))).count(), 0);
    // Nor are its replicas taken back, which Kubernetes would end elsewhere.
    let fewer = quiet.iter().flat_map(|turn| &turn.done).filter(|done| match &done.step {
        Step::SetUnits { id, from, to, .. } => id.name.ends_with("g6e") && to < from,
        _ => false,
    });
    assert_eq!(fewer.count(), 0);
}

/// Says nothing.
struct Mute;

#[async_trait]
impl KeepHands for Mute {
    async fn read(&self, _: &Scope) -> Result<Said, PortError> {
        Err(silence())
    }

    async fn write(&self, _: &Scope, _: &Hands, _: &Said) -> Result<(), PortError> {
        Err(silence())
    }
}

#[tokio::test]
async fn before_operators_were_heard_once_everything_is_held() {
    let mut day = Day::begin().await;
    let mut session = session(&day.simulator, &day.text);
    let hands = &mut session.backends.kubernetes.as_mut().unwrap().hands;
    let (heard, mute) = (hands.clone(), Some(Arc::new(Mute) as Arc<dyn KeepHands>));
    hands.clone_from(&mute);
    let aws = &mut session.backends.aws.as_mut().unwrap().hands;
    aws.clone_from(&mute);
    day.controller = controller_of(session, (&day.simulator, &day.load), settings());
    let held = day.passes(20, Some(90.0)).await;
    assert!(held.iter().all(|turn| turn.done.is_empty()));
    let holds = &held.last().unwrap().scaling.pools["g6e"].holds;
    assert!(holds.iter().any(|hold| hold.cause == HoldCause::Operator), "{holds:?}");
    assert!(heard.is_some());
    day.controller = controller(&day.simulator, &day.load, &day.text, false);
    let heard = day.passes(5, Some(90.0)).await;
    assert!(heard.iter().any(|turn| !turn.done.is_empty()));
}

/// Forgets to answer at first.
struct Slow {
    notes: Arc<dyn KeepNotes>,
    silent: AtomicU32,
}

#[async_trait]
impl KeepNotes for Slow {
    async fn read_notes(&self, scope: &Scope) -> Result<Option<String>, PortError> {
        let left = self.silent.load(Ordering::Relaxed);
        self.silent.store(left.saturating_sub(1), Ordering::Relaxed);
        if left > 0 { Err(silence()) } else { self.notes.read_notes(scope).await }
    }

    async fn note(&self, scope: &Scope, text: &str) -> Result<(), PortError> {
        self.notes.note(scope, text).await
    }
}

#[tokio::test]
async fn what_was_spent_is_not_written_over_by_who_could_not_read_it() {
    let mut day = Day::begin().await;
    day.passes(120, Some(60.0)).await;
    let spent = day.controller.spend.so_far().month_micros;
    assert!(spent > 0);
    let mut session = session(&day.simulator, &day.text);
    let kubernetes = session.backends.kubernetes.as_mut().unwrap();
    let notes = kubernetes.notes.clone().unwrap();
    kubernetes.notes = Some(Arc::new(Slow { notes, silent: AtomicU32::new(5) }));
    day.controller = controller_of(session, (&day.simulator, &day.load), settings());
    let turns = day.passes(5, Some(60.0)).await;
    assert!(turns.iter().all(|turn| turn.unnoted.is_some()));
    let turn = day.passes(1, Some(60.0)).await.remove(0);
    assert!(turn.spent.month_micros >= spent && turn.unnoted.is_none(), "{:?}", turn.spent);
}
