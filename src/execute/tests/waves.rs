//! Waves, and the gate between them.

use super::*;
use crate::plan::WavePlan;

/// Remembers what it was asked, and what had been called by then; and stops after the
/// wave that it is told to.
#[derive(Default)]
struct Told {
    place: Arc<Place>,
    asked: Mutex<Vec<(u32, Vec<String>)>>,
    halt_after: Option<u32>,
    /// Never lets anything pass.
    hangs: bool,
}

#[async_trait]
impl Gate for Told {
    async fn pass(&self, wave: u32) -> Result<(), Halt> {
        let calls = self.place.calls.lock().unwrap().clone();
        self.asked.lock().unwrap().push((wave, calls));
        if self.hangs {
            std::future::pending::<()>().await;
        }
        match self.halt_after {
            Some(after) if after == wave => {
                Err(Halt { kind: HaltKind::Paused, because: "paused".into() })
            }
            _ => Ok(()),
        }
    }
}

/// Keeps the lines.
#[derive(Default)]
struct Lines(Mutex<Vec<Entry>>);

#[async_trait]
impl Journal for Lines {
    async fn record(&self, entry: &Entry) -> io::Result<()> {
        self.0.lock().unwrap().push(entry.clone());
        Ok(())
    }
}

impl Lines {
    fn history(&self) -> History {
        let lines = self.0.lock().unwrap();
        let text: Vec<String> =
            lines.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect();
        History::read(&text.concat())
    }
}

/// `a` and `b` in wave 1, `c` in wave 2, `d` and the parent in wave 3.
fn in_three() -> Plan {
    let of = |wave, name: &str| Change { wave, ..change(name, &[], vec![apply(name)]) };
    let mut plan = plan(vec![of(1, "a"), of(1, "b"), of(2, "c"), of(3, "d")]);
    let pools = ["a", "c", "d"].map(|pool| vec![pool.to_owned()]).to_vec();
    plan.waves = Some(WavePlan { pools, wait: Span::from_secs(60) });
    plan
}

struct Ran {
    report: Report,
    events: Vec<Event>,
    asked: Vec<(u32, Vec<String>)>,
    journal: Lines,
}

async fn run_through(gate: Told, plan: &Plan, stop: StopSignal) -> Ran {
    let (events, journal) = (Mutex::new(Vec::new()), Lines::default());
    let backends = backends(&gate.place);
    let report = Executor {
        plan,
        holder: "ada@build",
        backends: &backends,
        journal: &journal,
        listener: &|event| events.lock().unwrap().push(event.clone()),
        stop,
        limits: Limits::default(),
        gate: Some(&gate),
    }
    .run()
    .await;
    let asked = gate.asked.into_inner().unwrap();
    Ran { report, events: events.into_inner().unwrap(), asked, journal }
}

async fn ran(gate: Told, plan: &Plan) -> Ran {
    let (_sender, stop) = watch::channel(None);
    run_through(gate, plan, stop).await
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_wave_begins_when_all_of_the_one_before_is_done_and_its_gate_lets_it() {
    let Ran { report, events, asked, journal } = ran(Told::default(), &in_three()).await;
    assert!(report.is_done());
    let expected = [(1, texts(&["a", "b"])), (2, texts(&["a", "b", "c"]))];
    assert_eq!(asked[..2], expected);
    assert_eq!(asked[2], (3, texts(&["a", "b", "c", "d"])), "the last one is waited for too");
    let begun = events.iter().filter_map(|event| match event {
        Event::WaveStarted { wave, of, changes, .. } => Some((*wave, *of, *changes)),
        _ => None,
    });
    assert_eq!(begun.collect::<Vec<_>>(), [(1, 3, 2), (2, 3, 1), (3, 3, 1)]);
    let last = journal.history().wave.unwrap();
    assert_eq!((last.wave, last.of, last.state), (3, 3, WaveState::Passed));
}

#[tokio::test]
async fn without_a_gate_waves_follow_each_other_in_their_order() {
    let place = Arc::new(Place::default());
    let mut plan = in_three();
    // Whatever stands first in the plan.
    plan.changes[0].wave = 3;
    assert!(run(&place, &plan, &NoJournal).await.is_done());
    assert_eq!(place.calls.lock().unwrap()[..2], ["b", "c"]);
}

#[tokio::test]
async fn a_failure_in_a_wave_stops_those_after_it_and_says_so() {
    let place = Arc::new(Place::default());
    fail(&place, "a", &[FailureKind::Rejected]);
    let gate = Told { place: Arc::clone(&place), ..Told::default() };
    let Ran { report, asked, .. } = ran(gate, &in_three()).await;
    assert_eq!(states(&report), "fdss");
    assert_eq!((report.stopped.as_deref(), asked), (Some("wave 1 of 3 was not finished"), vec![]));
    let because = format!("{:?}", report.changes[3].1);
    assert!(because.contains("wave 1 of 3 was not finished"), "{because}");
    assert_eq!(report.halted, None);

    let place = Arc::new(Place::default());
    fail(&place, "d", &[FailureKind::Rejected]);
    let gate = Told { place: Arc::clone(&place), ..Told::default() };
    let Ran { report, .. } = ran(gate, &in_three()).await;
    assert_eq!((states(&report).as_str(), report.stopped), ("dddf", None));
}

#[tokio::test]
async fn what_the_gate_does_not_let_is_skipped_and_nothing_counts_as_done_after_the_last() {
    let gate = Told { halt_after: Some(1), ..Told::default() };
    let Ran { report, asked, journal, .. } = ran(gate, &in_three()).await;
    assert_eq!((states(&report).as_str(), asked.len()), ("ddss", 1));
    assert_eq!(
        (report.stopped.as_deref(), report.halted),
        (Some("paused"), Some(HaltKind::Paused))
    );
    assert!(!report.is_done() && !report.is_untouched());
    assert_eq!(journal.history().wave.unwrap().state, WaveState::Waiting);

    let gate = Told { halt_after: Some(3), ..Told::default() };
    let Ran { report, .. } = ran(gate, &in_three()).await;
    assert_eq!(states(&report), "dddd");
    assert!(!report.is_done(), "somebody must look at the last wave");
}

#[tokio::test]
async fn asked_to_stop_while_it_waits_it_stops() {
    let (sender, stop) = watch::channel(None);
    let gate = Told { hangs: true, ..Told::default() };
    let plan = in_three();
    let ends = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        sender.send_replace(Some("interrupted".to_owned()));
    };
    let (Ran { report, .. }, ()) = tokio::join!(run_through(gate, &plan, stop), ends);
    assert_eq!((states(&report).as_str(), report.halted), ("ddss", Some(HaltKind::Interrupted)));
    let why = report.stopped.unwrap();
    assert_eq!(why, "interrupted, while it was waited after wave 1 of 3");
}

#[tokio::test]
async fn a_rerun_begins_with_the_first_wave_that_has_work_and_says_so() {
    let mut plan = in_three();
    plan.changes[..2].iter_mut().for_each(|done| done.steps.clear());
    let Ran { report, events, asked, .. } = ran(Told::default(), &plan).await;
    assert!(report.is_done());
    assert_eq!(asked.iter().map(|(wave, _)| *wave).collect::<Vec<_>>(), [2, 3]);
    let told = events.iter().find_map(|event| match event {
        Event::Noted { message } => Some(message.as_str()),
        _ => None,
    });
    let says = "nothing is left to do in wave 1, or to wait for: this begins with wave 2 of 3";
    assert_eq!(told, Some(says));
}

#[tokio::test]
async fn what_is_written_of_the_whole_alone_is_not_waited_for() {
    let mut plan = in_three();
    let parent = ResourceId::kubernetes("v1", "ConfigMap", Some("ns"), &plan.mark.parent_name());
    plan.changes[3].id = parent;
    let Ran { report, asked, .. } = ran(Told::default(), &plan).await;
    assert!(report.is_done());
    assert_eq!(asked.iter().map(|(wave, _)| *wave).collect::<Vec<_>>(), [1, 2]);
}
