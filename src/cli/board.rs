//! What a running controller tells of itself to who asks over HTTP.

use crate::clock::{Clock, SystemClock};
use crate::controller::lead::{Standing, patience};
use crate::controller::{Controller, Counts, Turn};
use crate::observe::Side;
use crate::render::metrics::{self, Kind, Metric};
use crate::render::turn::{self as render, Around};
use crate::units::Span;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Where turns are posted.
pub(super) struct Board {
    counts: Counts,
    tell: watch::Sender<Arc<Posted>>,
    patience: Duration,
}

/// The last turn.
struct Posted {
    /// On the monotonic clock: when it ended; before the first, when this began.
    at: Duration,
    metrics: Vec<Metric>,
    /// Why this controller is not ready.
    not_ready: Option<String>,
    /// How long the next turn may take to end.
    patience: Duration,
}

/// The board, as who reads it sees it.
#[derive(Clone)]
pub(super) struct Told {
    latest: watch::Receiver<Arc<Posted>>,
    /// How the controller stands now, where that changes beside its turns.
    standing: Option<watch::Receiver<Standing>>,
}

impl Board {
    /// One for turns that are `interval` apart.
    pub(super) fn new(interval: Span) -> Self {
        let not_ready = Some("it has not decided yet".to_owned());
        let at = SystemClock.monotonic();
        let patience = patience(interval);
        let metrics = Vec::new();
        let (tell, _) = watch::channel(Arc::new(Posted { at, metrics, not_ready, patience }));
        Self { counts: Counts::default(), tell, patience }
    }

    /// Turns are so far apart from now on.
    pub(super) fn expect(&mut self, interval: Span) {
        self.patience = patience(interval);
    }

    /// Puts the turn up that has just ended.
    pub(super) fn post(
        &mut self,
        controller: &Controller,
        turn: &Turn,
        standing: &Standing,
        took: Duration,
    ) {
        let took_seconds = took.as_secs_f64();
        self.counts.note(turn, took_seconds);
        let backends = &controller.session.backends;
        let sides = [(Side::Kubernetes, &backends.kubernetes), (Side::Aws, &backends.aws)];
        let calls = sides
            .into_iter()
            .filter_map(|(side, backend)| Some((side, backend.as_ref()?.calls.as_ref()?.counts())));
        let around = Around {
            environment: &controller.session.resolved.environment,
            standing,
            took_seconds,
            counts: &self.counts,
            calls: &calls.collect::<Vec<_>>(),
        };
        self.put(render::metrics(turn, &around), not_ready(standing));
    }

    fn put(&self, metrics: Vec<Metric>, not_ready: Option<String>) {
        let at = SystemClock.monotonic();
        let patience = self.patience;
        self.tell.send_replace(Arc::new(Posted { at, metrics, not_ready, patience }));
    }

    /// For a reader, with how the controller stands at any time.
    pub(super) fn told(&self, standing: Option<watch::Receiver<Standing>>) -> Told {
        Told { latest: self.tell.subscribe(), standing }
    }
}

fn not_ready(standing: &Standing) -> Option<String> {
    match standing {
        Standing::Leads | Standing::Follows { .. } => None,
        Standing::CutOff { why } => Some(format!("it led, and the lease cannot be seen: {why}")),
        Standing::Waits { why } => Some(format!("it is not known who leads: {}", why.in_a_line())),
    }
}

impl Told {
    fn age(&self) -> Duration {
        SystemClock.monotonic().saturating_sub(self.latest.borrow().at)
    }

    /// The metrics of the last turn, with its age.
    pub(super) fn metrics(&self) -> String {
        let mut all = self.latest.borrow().metrics.clone();
        if let Some(standing) = self.standing.as_ref().filter(|_| self.dead().is_some()) {
            stand(&mut all, &standing.borrow());
        }
        let labels = all.first().and_then(|first| first.samples.first());
        let environment = labels.and_then(|sample| {
            sample.labels.iter().find(|(name, _)| *name == "environment").cloned()
        });
        if let Some(environment) = environment {
            let help = "How long ago the last turn ended.";
            let seconds = self.age().as_secs_f64();
            let mut age = Metric::one("floodway_decision_age_seconds", help, Kind::Gauge, seconds);
            age.samples.iter_mut().for_each(|sample| sample.labels.push(environment.clone()));
            all.push(age);
        }
        metrics::text(&all)
    }

    /// Why the loop counts as dead; none: it does not.
    pub(super) fn dead(&self) -> Option<String> {
        let age = self.age();
        let seconds = age.as_secs();
        (age > self.latest.borrow().patience).then(|| format!("no turn has ended for {seconds} s"))
    }

    /// Why it is not ready; none: it is.
    pub(super) fn not_ready(&self) -> Option<String> {
        self.dead().or_else(|| self.latest.borrow().not_ready.clone())
    }
}

/// How it stands, where that is not as the last turn tells.
fn stand(all: &mut [Metric], standing: &Standing) {
    for metric in all {
        for sample in &mut metric.samples {
            let state = sample.labels.iter().find(|(name, _)| *name == "state");
            let is_so = match (metric.name, state) {
                ("floodway_leads", _) => *standing == Standing::Leads,
                ("floodway_standing", Some((_, state))) => state == standing.state(),
                _ => continue,
            };
            sample.value = f64::from(u8::from(is_so));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{FailureKind, PortError};
    use crate::render::metrics::Sample;

    fn why() -> PortError {
        PortError { kind: FailureKind::Unreachable, message: "silence".to_owned(), help: None }
    }

    #[test]
    fn it_is_ready_once_it_has_decided_and_knows_who_leads() {
        let board = Board::new(Span::from_secs(1));
        let told = board.told(None);
        assert!(told.not_ready().unwrap().contains("not decided"));
        assert_eq!((told.dead(), told.metrics().as_str()), (None, ""), "it has just begun");
        for (standing, ready) in [
            (Standing::Leads, true),
            (Standing::Waits { why: why() }, false),
            (Standing::Follows { leader: "another".to_owned() }, true),
            (Standing::CutOff { why: why() }, false),
        ] {
            board.put(Vec::new(), not_ready(&standing));
            assert_eq!(told.not_ready().is_none(), ready, "{standing:?}: {:?}", told.not_ready());
            assert_eq!(told.dead(), None);
        }
    }

    #[test]
    fn a_loop_that_has_stopped_is_neither_alive_nor_ready() {
        let board = Board { patience: Duration::ZERO, ..Board::new(Span::from_secs(1)) };
        let told = board.told(None);
        board.put(Vec::new(), None);
        std::thread::sleep(Duration::from_millis(2));
        assert!(told.dead().unwrap().contains("no turn has ended"));
        assert_eq!(told.not_ready(), told.dead());
    }

    #[test]
    fn how_long_ago_the_last_turn_ended_is_told_of_the_moment_of_the_question() {
        let board = Board::new(Span::from_secs(1));
        let labels = vec![("environment", "prod".to_owned())];
        let turns = Metric {
            samples: vec![Sample { labels, value: 1.0 }],
            ..Metric::one("floodway_turns_total", "Turns.", Kind::Counter, 0.0)
        };
        // It ended when the machine was started.
        let (at, metrics, not_ready) = (Duration::ZERO, vec![turns], None);
        let patience = board.patience;
        board.tell.send_replace(Arc::new(Posted { at, metrics, not_ready, patience }));
        let now = || SystemClock.monotonic().as_secs_f64();
        let (before, text, after) = (now(), board.told(None).metrics(), now());
        let age = text.lines().find_map(|line| {
            line.strip_prefix("floodway_decision_age_seconds{environment=\"prod\"} ")
        });
        let age: f64 = age.unwrap_or_else(|| panic!("{text}")).parse().unwrap();
        assert!((before..=after).contains(&age), "{before} to {after}: {text}");
    }

    #[test]
    fn one_whose_turns_have_stopped_leads_no_more_though_its_last_turn_did() {
        let board = Board { patience: Duration::ZERO, ..Board::new(Span::from_secs(1)) };
        let one = |name, labels, value| Metric {
            samples: vec![Sample { labels, value }],
            ..Metric::one(name, "Help.", Kind::Gauge, 0.0)
        };
        let state = |state: &str| vec![("state", state.to_owned())];
        let metrics = vec![
            one("floodway_leads", Vec::new(), 1.0),
            one("floodway_standing", state("leads"), 1.0),
            one("floodway_standing", state("waits"), 0.0),
            one("floodway_turns_total", Vec::new(), 9.0),
        ];
        board.put(metrics, None);
        let (_tell, standing) = watch::channel(Standing::Waits { why: why() });
        std::thread::sleep(Duration::from_millis(2));
        let text = board.told(Some(standing)).metrics();
        for line in [
            "floodway_leads 0",
            "floodway_standing{state=\"leads\"} 0",
            "floodway_standing{state=\"waits\"} 1",
            "floodway_turns_total 9",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}: {text}");
        }
    }
}
