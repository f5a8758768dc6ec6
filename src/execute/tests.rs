mod waves;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::decide::Reason;
use crate::observe::{Mark, ResourceId, Unit, Workload};
use crate::plan::{
    Action, Change, Checked, FailureKind, Fingerprint, Plan, PortError, Precondition, Step, Takes,
    Totals,
};
use crate::port::{Act, Backend, Backends, Check, Locate, Observe, Progress, Scope};
use crate::units::Span;
use async_trait::async_trait;
use serde_json::json;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// A place that remembers calls and fails as it is told.
#[derive(Default)]
struct Place {
    calls: Mutex<Vec<String>>,
    /// By name: failures still to come.
    failures: Mutex<BTreeMap<String, Vec<FailureKind>>>,
    /// By name: what `progress` says; the last one for good.
    seen: Mutex<BTreeMap<String, Vec<Option<Workload>>>>,
    elapsed: Mutex<Duration>,
    stop_at: Mutex<Option<(String, watch::Sender<Option<String>>)>>,
}

#[async_trait]
impl Act for Place {
    async fn act(&self, step: &Step) -> Result<(), PortError> {
        let name = step.id().name.clone();
        self.calls.lock().unwrap().push(name.clone());
        if let Some((at, stop)) = self.stop_at.lock().unwrap().as_ref()
            && *at == name
        {
            stop.send_replace(Some("told to".to_owned()));
        }
        tokio::task::yield_now().await;
        let mut failures = self.failures.lock().unwrap();
        match failures.get_mut(&name).filter(|list| !list.is_empty()) {
            Some(list) => Err(PortError { kind: list.remove(0), message: "no".into(), help: None }),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Progress for Place {
    async fn progress(&self, id: &ResourceId) -> Result<Option<Workload>, PortError> {
        let mut seen = self.seen.lock().unwrap();
        let list = seen.entry(id.name.clone()).or_insert_with(|| vec![None]);
        Ok(if list.len() > 1 { list.remove(0) } else { list[0].clone() })
    }
}

#[async_trait]
impl Clock for Place {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + *self.elapsed.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        *self.elapsed.lock().unwrap() += duration;
        tokio::task::yield_now().await;
    }
}

struct Unused;

#[async_trait]
impl Locate for Unused {
    async fn locate(&self) -> Result<crate::observe::Location, PortError> {
        unreachable!("executing does not locate")
    }
}

#[async_trait]
impl Observe for Unused {
    async fn observe(&self, _: &Scope) -> Result<crate::observe::Inventory, PortError> {
        unreachable!("executing does not observe")
    }
}

#[async_trait]
impl Check for Unused {
    async fn check(&self, _: &[crate::port::CheckRequest]) -> Vec<crate::port::Verdict> {
        unreachable!("executing does not check")
    }
}

fn backends(place: &Arc<Place>) -> Backends {
    let backend = Backend {
        locate: Arc::new(Unused),
        observe: Arc::new(Unused),
        check: Arc::new(Unused),
        act: Arc::clone(place) as _,
        progress: Arc::clone(place) as _,
        lock: None,
        leadership: None,
        drain: None,
        hands: None,
        notes: None,
        tell: None,
        calls: None,
        clock: Arc::clone(place) as _,
    };
    Backends { kubernetes: Some(backend), aws: None }
}

fn id(name: &str) -> ResourceId {
    ResourceId::kubernetes("apps/v1", "Deployment", Some("ns"), name)
}

fn apply(name: &str) -> Step {
    let precondition = Precondition::Absent;
    Step::Apply {
        id: id(name),
        body: json!({}).into(),
        seed: None,
        precondition,
        takes: Takes::Nothing,
    }
}

fn change(name: &str, after: &[usize], steps: Vec<Step>) -> Change {
    Change {
        id: id(name),
        replaces: None,
        action: Action::Create,
        reason: Reason { key: None, at: None, text: "test".into() },
        fields: vec![],
        unchanged: 0,
        before: None,
        body: None,
        owned_by: None,
        pool: None,
        image: None,
        fingerprint: Fingerprint("absent".into()),
        checked: Checked::NotNeeded,
        notes: vec![],
        steps,
        after: after.to_vec(),
        wave: 0,
    }
}

fn plan(changes: Vec<Change>) -> Plan {
    let mark = Mark { environment: "t".into(), repository: "r".into(), file: "f".into() };
    Plan {
        mark,
        environment_digest: String::new(),
        environment_text: String::new(),
        as_of: Timestamp::UNIX_EPOCH,
        locations: vec![],
        believed: std::collections::BTreeSet::new(),
        changes,
        waves: None,
        targets: vec![],
        pools: vec![],
        totals: Totals::default(),
        warnings: vec![],
        refusals: vec![],
    }
}

async fn run(place: &Arc<Place>, plan: &Plan, journal: &dyn Journal) -> Report {
    let (sender, stop) = watch::channel(None);
    if let Some((_, stop)) = place.stop_at.lock().unwrap().as_mut() {
        *stop = sender;
    }
    let backends = backends(place);
    let limits = Limits { concurrency: 2, tries: 4 };
    Executor {
        plan,
        holder: "ada@build",
        backends: &backends,
        journal,
        listener: &|_| {},
        stop,
        limits,
        gate: None,
    }
    .run()
    .await
}

fn states(report: &Report) -> String {
    let letter = |outcome: &Outcome| match outcome {
        Outcome::Done => 'd',
        Outcome::Failed { .. } => 'f',
        Outcome::Skipped { .. } => 's',
        Outcome::Unknown { .. } => 'u',
    };
    report.changes.iter().map(|(_, outcome)| letter(outcome)).collect()
}

fn fail(place: &Place, name: &str, kinds: &[FailureKind]) {
    place.failures.lock().unwrap().insert(name.into(), kinds.to_vec());
}

fn four() -> Plan {
    plan(vec![
        change("a", &[], vec![apply("a")]),
        change("b", &[0], vec![apply("b")]),
        change("c", &[1], vec![apply("c")]),
        change("d", &[0], vec![apply("d")]),
    ])
}

#[tokio::test]
async fn changes_run_after_what_they_need() {
    let place = Arc::new(Place::default());
    let report = run(&place, &four(), &NoJournal).await;
    assert!(report.is_done());
    let calls = place.calls.lock().unwrap().clone();
    let at = |name: &str| calls.iter().position(|c| c == name).unwrap();
    assert!(at("a") < at("b") && at("b") < at("c") && at("a") < at("d"));
}

#[tokio::test]
async fn a_failure_skips_what_depends_on_it_and_nothing_else() {
    let place = Arc::new(Place::default());
    fail(&place, "b", &[FailureKind::Rejected]);
    let report = run(&place, &four(), &NoJournal).await;
    assert_eq!(states(&report), "dfsd");
    assert!(!place.calls.lock().unwrap().contains(&"c".to_owned()));
}

#[tokio::test]
async fn only_failures_that_may_pass_are_tried_again() {
    let place = Arc::new(Place::default());
    fail(&place, "a", &[FailureKind::Transient, FailureKind::Unknown, FailureKind::Transient]);
    fail(&place, "b", &[FailureKind::Denied]);
    let report = run(&place, &four(), &NoJournal).await;
    assert_eq!(states(&report), "dfsd");
    let calls = place.calls.lock().unwrap();
    assert_eq!(calls.iter().filter(|call| *call == "a").count(), 4);
    assert_eq!(calls.iter().filter(|call| *call == "b").count(), 1);
}

#[tokio::test]
async fn a_write_that_stays_unknown_is_reported_as_unknown() {
    let place = Arc::new(Place::default());
    fail(&place, "b", &[FailureKind::Unknown; 9]);
    assert_eq!(states(&run(&place, &four(), &NoJournal).await), "dusd");
}

#[tokio::test]
async fn stopping_begins_nothing_new_and_reports_the_rest_as_skipped() {
    let place = Arc::new(Place::default());
    let (sender, _) = watch::channel(None);
    *place.stop_at.lock().unwrap() = Some(("a".into(), sender));
    let report = run(&place, &four(), &NoJournal).await;
    assert_eq!(states(&report), "dsss");
    assert_eq!(report.stopped.as_deref(), Some("told to"));
}

#[tokio::test]
async fn stopping_a_wait_tells_what_was_written_and_not_that_it_is_unknown() {
    let place = Arc::new(Place::default());
    let (sender, _) = watch::channel(None);
    *place.stop_at.lock().unwrap() = Some(("a".into(), sender));
    let wait = Step::AwaitReady { id: id("a"), limit: Span::from_secs(3600) };
    let report =
        run(&place, &plan(vec![change("a", &[], vec![apply("a"), wait])]), &NoJournal).await;
    assert_eq!((states(&report).as_str(), report.wrote), ("f", true));
    let text = format!("{:?}", report.changes[0].1);
    assert!(text.contains("it is written, and was not waited for"), "{text}");
}

#[tokio::test]
async fn a_report_knows_whether_anything_was_written() {
    let place = Arc::new(Place::default());
    fail(&place, "a", &[FailureKind::Rejected]);
    let report = run(&place, &four(), &NoJournal).await;
    assert!(!report.wrote && report.is_untouched());

    let place = Arc::new(Place::default());
    fail(&place, "b", &[FailureKind::Rejected]);
    let in_part = plan(vec![change("ab", &[], vec![apply("a"), apply("b")])]);
    let report = run(&place, &in_part, &NoJournal).await;
    assert_eq!((states(&report).as_str(), report.is_untouched()), ("f", false));
}

#[tokio::test]
async fn waiting_ends_when_units_are_ready_and_says_why_not_at_the_limit() {
    let place = Arc::new(Place::default());
    let unready =
        Workload { desired: 2, existing: 2, updated: 2, observed: true, ..<_>::default() };
    let ready = Workload { ready: 2, ..unready.clone() };
    let seen = [None, Some(unready.clone()), Some(ready)].to_vec();
    place.seen.lock().unwrap().insert("a".into(), seen);
    place.seen.lock().unwrap().insert("b".into(), vec![Some(unready)]);
    let wait = |name: &str| Step::AwaitReady { id: id(name), limit: Span::from_secs(60) };
    let changes =
        vec![change("a", &[], vec![wait("a")]), change("b", &[], vec![apply("b"), wait("b")])];
    let report = run(&place, &plan(changes), &NoJournal).await;
    assert_eq!(states(&report), "df");
    let text = format!("{:?}", report.changes[1].1);
    assert!(text.contains("not ready after 1m: 0 of 2 ready"), "{text}");
}

#[tokio::test]
async fn a_drain_of_named_units_ends_when_they_are_gone_whatever_else_comes_and_goes() {
    let unit = |name: &str| Unit { name: name.into(), ready: true, ..Unit::default() };
    let runs = |names: &[&str], desired| {
        let units: Vec<Unit> = names.iter().map(|name| unit(name)).collect();
        let existing = u32::try_from(units.len()).unwrap();
        Some(Workload { desired, existing, units, ..Workload::default() })
    };
    let place = Arc::new(Place::default());
    let drain = |name: &str| Step::DrainUnits {
        id: id(name),
        uid: "uid".into(),
        units: vec!["i-1".into(), "i-2".into()],
        limit: Span::from_secs(60),
    };
    // Two others have ended, and the number is as low as it shall be.
    let others_ended = runs(&["i-1", "i-2"], 2);
    // One more than is asked for is there, and it is none of them.
    let replaced = runs(&["i-3", "i-4", "i-5"], 2);
    let seen = [("a", vec![others_ended.clone()]), ("b", vec![others_ended, replaced])];
    place.seen.lock().unwrap().extend(seen.map(|(name, seen)| (name.into(), seen)));
    let changes = vec![change("a", &[], vec![drain("a")]), change("b", &[], vec![drain("b")])];
    let report = run(&place, &plan(changes), &NoJournal).await;
    assert_eq!(states(&report), "fd");
}

/// A journal on a disk that is full after some entries.
struct Full(Mutex<usize>);

#[async_trait]
impl Journal for Full {
    async fn record(&self, _: &Entry) -> io::Result<()> {
        let mut left = self.0.lock().unwrap();
        *left = left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }
}

#[tokio::test]
async fn what_cannot_be_written_ahead_is_not_done() {
    for room in 0..6 {
        let place = Arc::new(Place::default());
        let report = run(&place, &four(), &Full(Mutex::new(room))).await;
        assert!(!report.is_done());
        let written = place.calls.lock().unwrap().len();
        assert!(written <= room.saturating_sub(1), "{written} writes with room for {room}");
    }
}
