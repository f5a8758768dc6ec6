//! Numbers that a place does not take: they are asked of others.

use super::{Day, FILE, controller_of, failures, session};
use crate::controller::{Counts, Outcome, Settings};
use crate::decide::scaling::{AsideCause, EventKind, HoldCause};
use crate::observe::Side;
use crate::plan::{FailureKind, PortError, Step};
use crate::port::Act;
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Costs more per request than `g6e`.
const DEARER: &str = r#"
[aws.pools.g5]
stage = "inference"
size = { min = 0, max = 4 }
join = "kubernetes"
instance_types = ["g5.12xlarge"]
capacity = { "g5.12xlarge" = "4 req/s" }
image = { name = "gpu-inference" }
"#;

#[tokio::test]
async fn a_max_that_was_not_applied_yet_is_no_number_to_ask_for() {
    let mut day = Day::of(FILE.to_owned() + DEARER).await;
    day.passes(5, Some(10.0)).await;
    // A larger one is merged, and its apply waits.
    day.text = day.text.replacen("max = 4", "max = 20", 1);
    day.restart(false);
    let turns = day.passes(30, Some(610.0)).await;
    assert_eq!(failures(&turns), [""; 0]);
    let last = turns.last().unwrap();
    assert_eq!((Day::wanted(last, "g6e"), Day::wanted(last, "g5")), (4, 4));
    let holds = &last.scaling.pools["g6e"].holds;
    let told = holds.iter().find(|hold| hold.cause == HoldCause::Max).unwrap();
    assert!(told.why.text.contains("`floodway apply` raises it"), "{told:?}");
}

/// Takes no larger number of one group.
struct Refuses {
    place: Arc<dyn Act>,
    kind: FailureKind,
    asked: AtomicU32,
}

#[async_trait]
impl Act for Refuses {
    async fn act(&self, step: &Step) -> Result<(), PortError> {
        if let Step::SetUnits { id, from, to, .. } = step
            && to > from
            && id.name.contains("-g6e-")
        {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let message = "ValidationError: no".to_owned();
            return Err(PortError { kind: self.kind, message, help: None });
        }
        self.place.act(step).await
    }
}

impl Day {
    /// From now on no larger number of `g6e` is taken.
    fn refuses(&mut self, kind: FailureKind) -> Arc<Refuses> {
        let mut session = session(&self.simulator, &self.text);
        let aws = session.backends.aws.as_mut().unwrap();
        let place = Arc::clone(&aws.act);
        let refuses = Arc::new(Refuses { place, kind, asked: AtomicU32::new(0) });
        aws.act = Arc::clone(&refuses) as Arc<dyn Act>;
        let settings = Settings { dry_run: false, time_scale: 1, patience: None };
        self.controller = controller_of(session, (&self.simulator, &self.load), settings);
        refuses
    }
}

#[tokio::test]
async fn a_number_that_aws_refuses_is_asked_of_the_next_pool_by_the_next_decision() {
    for kind in [FailureKind::Rejected, FailureKind::Denied] {
        let mut day = Day::of(FILE.to_owned() + DEARER).await;
        let refuses = day.refuses(kind);
        let turns = day.passes(2, Some(60.0)).await;
        assert!(Day::wanted(&turns[0], "g6e") >= 1, "{kind:?}");
        assert_eq!((Day::wanted(&turns[1], "g6e"), failures(&turns[1..])), (0, vec![]));
        assert!(Day::wanted(&turns[1], "g5") >= 1, "{kind:?}");
        let source = &turns[1].scaling.pools["g6e"].sources[0];
        assert_eq!(source.aside, Some(AsideCause::Refused));
        // Nor is it asked again and again.
        day.passes(20, Some(60.0)).await;
        let asked = refuses.asked.load(Ordering::Relaxed);
        assert!((1..=4).contains(&asked), "{kind:?}: {asked}");
    }
}

/// How often it was told in the cluster that a pool was scaled out.
fn scaled_out(day: &Day, pool: &str) -> u32 {
    let world = day.simulator.world().unwrap();
    let own = world.told().iter().filter(|told| told.about.name.contains(pool));
    own.filter(|told| told.reason == "ScaledOut").map(|told| told.count).sum()
}

#[tokio::test]
async fn a_number_that_was_not_taken_is_not_told_as_scaled_out_until_it_is() {
    let mut day = Day::begin().await;
    // As of a place that throttles: it is asked again in each turn.
    let refuses = day.refuses(FailureKind::Transient);
    let turns = day.passes(3, Some(60.0)).await;
    for turn in &turns {
        let events = &turn.scaling.events;
        let mut decided = events.iter().filter(|event| event.kind == EventKind::ScaledOut);
        assert!(decided.any(|event| event.about.as_str() == "g6e"), "{events:?}");
    }
    assert_eq!(refuses.asked.load(Ordering::Relaxed), 3);
    assert!(scaled_out(&day, "h100") > 0, "what was taken is told");
    assert_eq!(scaled_out(&day, "g6e"), 0);
    day.restart(false);
    assert_eq!(failures(&day.passes(2, Some(60.0)).await), [""; 0]);
    assert!(scaled_out(&day, "g6e") > 0);
}

#[tokio::test]
async fn who_leads_next_knows_what_was_refused_last() {
    let mut day = Day::of(FILE.to_owned() + DEARER).await;
    day.refuses(FailureKind::Rejected);
    day.passes(1, Some(60.0)).await;
    day.restart(false);
    let turn = day.passes(1, Some(60.0)).await.remove(0);
    assert_eq!(turn.scaling.pools["g6e"].sources[0].aside, Some(AsideCause::Refused));
    assert_eq!(Day::wanted(&turn, "g6e"), 0);
}

#[tokio::test]
async fn what_is_noted_can_be_read_by_the_version_before_that_knows_of_no_refusal() {
    let mut day = Day::of(FILE.to_owned() + DEARER).await;
    day.refuses(FailureKind::Rejected);
    let last = day.passes(10, Some(60.0)).await.pop().unwrap();
    assert_eq!(last.scaling.pools["g6e"].sources[0].aside, Some(AsideCause::Refused));
    let session = &day.controller.session;
    let notes = session.backends.kubernetes.as_ref().unwrap().notes.clone().unwrap();
    let text = notes.read_notes(&session.scope([])).await.unwrap().unwrap();
    assert!(text.contains("g6e.12xlarge/on-demand"), "{text}");
    assert!(!text.contains(r#""cause":"refused""#), "{text}");
}

#[tokio::test]
async fn each_outcome_of_a_write_is_counted_from_nothing_on() {
    let mut day = Day::begin().await;
    let turn = day.passes(1, Some(10.0)).await.remove(0);
    let mut counts = Counts::default();
    counts.note(&turn, 1.0);
    let of = |side, pool: &str, outcome| counts.writes.get(&(side, pool.to_owned(), outcome));
    for outcome in Outcome::ALL.into_iter().filter(|one| *one != Outcome::Done) {
        for (side, pool) in
            [(Side::Kubernetes, "h100"), (Side::Kubernetes, "g6e"), (Side::Aws, "g6e")]
        {
            assert_eq!(of(side, pool, outcome), Some(&0), "{side:?} {pool} {outcome:?}");
        }
        assert_eq!(of(Side::Aws, "h100", outcome), None);
    }
}
