//! Applies in waves, in a simulated world with its virtual clock.

use super::*;
use crate::backend::sim::{NodeSet, Scenario, Simulator};
use crate::clock::Clock;
use crate::desired::Templates;
use crate::execute::{Limits, NoJournal, Outcome};
use crate::observe::{Lifted, Mark, Pause, Side};
use crate::pipeline::{Applied, ApplyRequest, apply, apply_in_waves, make_plan};
use crate::plan::PlanOptions;
use crate::port::{Backends, Scope};
use crate::spec::{self, Catalog, OneFile};
use std::sync::Arc;

/// Three pools and three phases, of which `phase` is live; every stage runs image `digit`.
fn text(phase: &str, digit: char) -> String {
    let image = digit.to_string().repeat(64);
    let pool = |(name, most): (&str, u32)| {
        format!(
            "[onprem.pools.{name}]\nstage = \"inference\"\nreplicas = {{ min = 1, max = {most} }}\n\
             capacity = \"18 req/s\"\n"
        )
    };
    let phase_of = |(name, order): (&str, u32)| {
        format!(
            "[rollout.phases.{name}]\norder = {order}\n\
             abort.errors = {{ query = \"errors\", above = \"5%\" }}\n"
        )
    };
    let pools = [("big", 9), ("middle", 3), ("small", 2)].map(pool).concat();
    let phases = [("short", 1), ("medium", 2), ("long", 3)].map(phase_of).concat();
    format!(
        "[environment]\nname = \"day\"\nphase = \"{phase}\"\n[slo]\navailability = \"99.9%\"\n\
         [service]\nname = \"llm\"\nnamespace = \"inference\"\nmodel = \"m\"\n\
         [service.stages.inference]\nimage = \"registry.example/i@sha256:{image}\"\ngpus = 1\n\
         resources = {{ cpu = \"1\", memory = \"1Gi\" }}\n[onprem]\nprovider = \"sim\"\n{pools}\
         [rollout.waves]\nwait = \"10m\"\n{phases}"
    )
}

/// A world that lives on from apply to apply.
struct Place {
    world: Arc<Simulator>,
}

/// What an apply said, and how it ended.
struct Ended {
    applied: Result<Applied, Error>,
    events: Vec<(Timestamp, Event)>,
}

impl Place {
    fn new() -> Self {
        let scope = Scope::of(mark(), "inference");
        let resolved = resolve(&text("medium", '0'));
        let nodes = NodeSet { count: 8, gpus: 8, ..NodeSet::default() };
        let scenario = Scenario { nodes: vec![nodes], ..Scenario::default() };
        Self { world: Simulator::in_memory(&resolved.environment, scope, scenario) }
    }

    /// Everything of image `0` is applied, in phase `medium`.
    async fn applied() -> Self {
        let place = Self::new();
        let session = place.session("medium", '0');
        let plan = make_plan(&session, &PlanOptions::default()).await.unwrap();
        let listener = |_: &Event| {};
        let done = apply(&session, &plan, &request(&listener)).await.unwrap();
        assert!(done.report.is_done());
        place
    }

    fn session(&self, phase: &str, digit: char) -> Session {
        let resolved = resolve(&text(phase, digit));
        Session {
            text: resolved.to_toml(),
            resolved,
            mark: mark(),
            backends: Backends {
                kubernetes: Some(self.world.backend(Side::Kubernetes)),
                aws: None,
            },
            catalog: Catalog::shipped(),
            templates: Templates::embedded().unwrap(),
            limits: Vec::new(),
        }
    }

    async fn apply(&self, session: &Session, watch: Option<&dyn Watch>) -> Ended {
        let events = Mutex::new(Vec::new());
        let listener =
            |event: &Event| events.lock().unwrap().push((self.world.now(), event.clone()));
        let plan = make_plan(session, &PlanOptions::default()).await.unwrap();
        let applied = apply_in_waves(session, &plan, &request(&listener), watch).await;
        Ended { applied, events: events.into_inner().unwrap() }
    }
}

fn request<'a>(listener: Listener<'a>) -> ApplyRequest<'a> {
    let (sender, stop) = tokio::sync::watch::channel(None);
    // Nobody stops it.
    drop(sender);
    ApplyRequest { holder: "ada", journal: &NoJournal, listener, stop, limits: Limits::default() }
}

fn mark() -> Mark {
    let file = "environments/day.toml".to_owned();
    Mark { environment: "day".into(), repository: "local".into(), file }
}

fn resolve(text: &str) -> spec::Resolved {
    let (resolved, found) =
        spec::resolve("environments/day.toml", &OneFile("environments/day.toml", text.to_owned()));
    resolved.unwrap_or_else(|| panic!("{found:?}"))
}

/// Says what it is told of each look, the last for good; and does something at one.
struct Scripted<'a> {
    sights: Vec<Sight>,
    looks: Mutex<usize>,
    /// At which look what is said by hand.
    says: Option<(usize, &'a Session, Pause)>,
}

impl<'a> Scripted<'a> {
    fn of(sights: Vec<Sight>) -> Self {
        Self { sights, looks: Mutex::new(0), says: None }
    }

    fn looks(&self) -> usize {
        *self.looks.lock().unwrap()
    }
}

#[async_trait]
impl Watch for Scripted<'_> {
    async fn look(&self) -> Sight {
        let look = {
            let mut looks = self.looks.lock().unwrap();
            *looks += 1;
            *looks - 1
        };
        if let Some((at, session, pause)) = &self.says
            && *at == look
        {
            change_hands(session, |hands| hands.pause = Some(pause.clone())).await.unwrap();
        }
        let last = self.sights.len().checked_sub(1);
        last.map(|last| self.sights[look.min(last)].clone()).unwrap_or_default()
    }
}

fn bad() -> Sight {
    let met = Met { criterion: "errors".into(), value: "7%".into(), target: "above 5%".into() };
    Sight { met: vec![met], unknown: Vec::new() }
}

fn blind(why: &str) -> Sight {
    let unknown = Unknown { criterion: "errors".into(), why: why.into() };
    Sight { met: Vec::new(), unknown: vec![unknown] }
}

impl Ended {
    fn report(&self) -> &crate::execute::Report {
        &self.applied.as_ref().unwrap().report
    }

    /// `wave 1 of middle`, `waits`, `passed`, and Deployments as they are done.
    fn story(&self) -> Vec<String> {
        let one = |(_, event): &(Timestamp, Event)| match event {
            Event::WaveStarted { wave, pools, .. } => Some(format!("{wave}: {}", pools.join(" "))),
            Event::WaveWaiting { .. } => Some("waits".to_owned()),
            Event::WavePassed { .. } => Some("passed".to_owned()),
            Event::ChangeEnded { id, outcome: Outcome::Done, .. } if id.kind == "Deployment" => {
                Some(id.name.rsplit_once('-').unwrap().1.to_owned())
            }
            _ => None,
        };
        self.events.iter().filter_map(one).collect()
    }

    fn noted(&self) -> Vec<&str> {
        let noted = self.events.iter().filter_map(|(_, event)| match event {
            Event::Noted { message } => Some(message.as_str()),
            _ => None,
        });
        noted.collect()
    }

    fn guards(self) -> Vec<String> {
        match self.applied.unwrap_err() {
            Error::Refused(refusals) => refusals.into_iter().map(|r| r.guard).collect(),
            other => panic!("{other}"),
        }
    }
}

async fn said(session: &Session) -> Hands {
    hands(session).await.unwrap().unwrap()
}

#[tokio::test]
async fn pools_go_one_wave_after_the_other_and_each_is_waited_for() {
    let place = Place::applied().await;
    let session = place.session("medium", '1');
    let watch = Scripted::of(vec![Sight::default()]);
    let ended = place.apply(&session, Some(&watch)).await;
    assert!(ended.report().is_done());
    let story = ["1: small", "small", "waits", "passed", "2: middle", "middle", "waits", "passed"];
    assert_eq!(ended.story()[..8], story);
    assert_eq!(ended.story()[8..], ["3: big", "big", "waits", "passed"]);
    let at = |which: fn(&Event) -> bool| {
        let found = ended.events.iter().filter(|(_, event)| which(event));
        found.map(|(at, _)| *at).collect::<Vec<_>>()
    };
    let waits = at(|event| matches!(event, Event::WaveWaiting { .. }));
    let passed = at(|event| matches!(event, Event::WavePassed { .. }));
    for (begin, end) in waits.iter().zip(&passed) {
        assert_eq!(end.duration_since(*begin).as_secs(), 600);
    }
    // Every 15 seconds, at the beginning and at the end.
    assert_eq!(watch.looks(), 3 * 41);
    assert_eq!(ended.noted(), [""; 0]);
    assert!(said(&session).await.is_empty());
}

#[tokio::test]
async fn an_abort_criterion_that_is_met_stops_it_and_is_written_down() {
    let place = Place::applied().await;
    let session = place.session("medium", '1');
    let watch = Scripted::of(vec![Sight::default(), Sight::default(), bad()]);
    let ended = place.apply(&session, Some(&watch)).await;
    assert_eq!(ended.story(), ["1: small", "small", "waits"]);
    let report = ended.report();
    assert_eq!(report.halted, Some(HaltKind::Aborted));
    let why = "after wave 1 of 3, errors is 7%, which is above 5%";
    assert_eq!(report.stopped.as_deref(), Some(why));
    let skipped = report.count(|outcome| matches!(outcome, Outcome::Skipped { .. }));
    assert!(skipped >= 2, "{report:?}");
    let aborted = said(&session).await.aborted.unwrap();
    assert_eq!((aborted.phase.as_str(), aborted.value.as_str()), ("medium", "7%"));

    // It does not go on, nor does a later phase; the plan says so.
    for phase in ["medium", "long"] {
        let session = place.session(phase, '1');
        let plan = make_plan(&session, &PlanOptions::default()).await.unwrap();
        let guards: Vec<&str> = plan.refusals.iter().map(|r| r.guard.as_str()).collect();
        assert_eq!(guards, ["aborted"], "{phase}");
    }
    // The phase before goes out, and what was let out goes back.
    let back = place.session("short", '0');
    let watch = Scripted::of(vec![Sight::default()]);
    let ended = place.apply(&back, Some(&watch)).await;
    assert!(ended.report().is_done());
    assert_eq!(ended.story(), ["1: small", "small", "waits", "passed"]);
    assert!(said(&back).await.aborted.is_some(), "the phase stays given up");
}

#[tokio::test]
async fn a_plan_that_was_made_before_the_abort_is_refused_before_its_first_write() {
    let place = Place::applied().await;
    let session = place.session("medium", '1');
    let plan = make_plan(&session, &PlanOptions::default()).await.unwrap();
    let pause = Pause { reason: "a look".into(), by: "eve".into(), since: place.world.now() };
    change_hands(&session, |hands| hands.pause = Some(pause)).await.unwrap();
    let listener = |event: &Event| panic!("{event:?}");
    let refused = apply(&session, &plan, &request(&listener)).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(refusals) if refusals[0].guard == "paused"));
    change_hands(&session, |hands| hands.go_on(None)).await.unwrap();
    let listener = |_: &Event| {};
    assert!(apply(&session, &plan, &request(&listener)).await.unwrap().report.is_done());
}

#[tokio::test]
async fn a_pause_in_the_wait_stops_it_and_resuming_goes_on_with_the_rest() {
    let place = Place::applied().await;
    let session = place.session("medium", '1');
    let mut watch = Scripted::of(vec![Sight::default()]);
    let pause = Pause { reason: "a look".into(), by: "eve".into(), since: place.world.now() };
    watch.says = Some((5, &session, pause));
    let ended = place.apply(&session, Some(&watch)).await;
    assert_eq!(ended.story(), ["1: small", "small", "waits"]);
    assert_eq!(ended.report().halted, Some(HaltKind::Paused));
    let why = ended.report().stopped.clone().unwrap();
    assert!(why.starts_with("the rollout of day is paused: a look (eve, "), "{why}");
    assert_eq!(watch.looks(), 7, "it is heard at the next look");

    change_hands(&session, |hands| hands.go_on(None)).await.unwrap();
    let watch = Scripted::of(vec![Sight::default()]);
    let ended = place.apply(&session, Some(&watch)).await;
    assert!(ended.report().is_done());
    assert_eq!(ended.story()[..3], ["2: middle", "middle", "waits"]);
    assert!(ended.noted()[0].starts_with("nothing is left to do in wave 1"));
}

#[tokio::test]
async fn missing_data_stops_nothing_and_is_told() {
    let place = Place::applied().await;
    let session = place.session("medium", '1');
    // The reason changes from look to look; it is told once.
    let sights = (0..41).map(|look| blind(&format!("{look} of 50 minutes"))).collect();
    let watch = Scripted::of(sights);
    let ended = place.apply(&session, Some(&watch)).await;
    assert!(ended.report().is_done());
    let noted = ended.noted();
    assert_eq!(noted.len(), 6, "{noted:?}");
    let first =
        "abort criterion errors cannot be told (0 of 50 minutes): the wait after wave 1 goes on";
    assert_eq!(noted[0], first);
    let last = "abort criterion errors cannot be told (40 of 50 minutes): wave 1 passes without it";
    assert_eq!(noted[1], last);
}

#[tokio::test]
async fn a_bad_last_wave_is_told_though_everything_is_made() {
    let place = Place::applied().await;
    let session = place.session("medium", '1');
    let mut sights = vec![Sight::default(); 2 * 41 + 3];
    sights.push(bad());
    let ended = place.apply(&session, Some(&Scripted::of(sights))).await;
    let report = ended.report();
    assert_eq!(report.counts()[1..], [0, 0, 0]);
    assert!(!report.is_done());
    assert!(said(&session).await.aborted.is_some());
}

#[tokio::test]
async fn a_rerun_looks_before_it_lets_out_more_of_what_nobody_waited_to_see() {
    let place = Place::applied().await;
    let session = place.session("medium", '1');
    let mut watch = Scripted::of(vec![Sight::default()]);
    let pause = Pause { reason: "a look".into(), by: "eve".into(), since: place.world.now() };
    watch.says = Some((0, &session, pause));
    place.apply(&session, Some(&watch)).await;
    change_hands(&session, |hands| hands.go_on(None)).await.unwrap();

    let ended = place.apply(&session, Some(&Scripted::of(vec![bad()]))).await;
    assert!(ended.events.is_empty());
    assert_eq!(ended.guards(), ["aborted"]);
    // Somebody has looked and lets it go on: it does, as long as it does not meet it again.
    let why = Lifted { reason: "known".into(), by: "eve".into(), at: place.world.now() };
    change_hands(&session, |hands| hands.go_on(Some(why))).await.unwrap();
    let watch = Scripted::of(vec![Sight::default()]);
    assert!(place.apply(&session, Some(&watch)).await.report().is_done());
}

#[tokio::test]
async fn what_cannot_be_understood_stops_it() {
    let place = Place::applied().await;
    let session = place.session("medium", '1');
    let listener = |_: &Event| {};
    let plan = make_plan(&session, &PlanOptions::default()).await.unwrap();
    let gate = Waits {
        session: &session,
        plan: &plan,
        holder: "ada",
        listener: &listener,
        watch: None,
        told: Mutex::default(),
    };
    let of = |kind| {
        let message = "no".to_owned();
        Error::Place(crate::plan::PortError { kind, message, help: None })
    };
    let at = |second| Timestamp::from_second(second).unwrap();
    let mut since = None;
    let halt = gate.unheard(&of(FailureKind::Rejected), at(0), &mut since).unwrap_err();
    assert_eq!(halt.kind, HaltKind::Unread);
    // What cannot be reached may come back, for a while.
    let away = of(FailureKind::Unreachable);
    let mut since = None;
    assert_eq!(gate.unheard(&away, at(0), &mut since), Ok(()));
    assert_eq!(gate.unheard(&away, at(179), &mut since), Ok(()));
    assert!(gate.unheard(&away, at(180), &mut since).is_err());
}
