//! Which change runs when.

use super::steps::{Interruption, Runner};
use super::{Entry, Event, Gate, HaltKind, Journal, Listener, Outcome, Planned, Report, Skipped};
use crate::clock::{Clock, Timestamp};
use crate::observe::Side;
use crate::plan::{Change, Plan, saved};
use crate::port::{Backend, Backends};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Semaphore, watch};

/// Tells running work to end: the message says why.
pub type StopSignal = watch::Receiver<Option<String>>;

/// How much at once, and how stubbornly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls in flight. What waits until something is ready makes none, and
    /// keeps nothing else waiting.
    pub concurrency: usize,
    /// Tries of one call that fails in a way that may pass.
    pub tries: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 8, tries: 6 }
    }
}

/// Everything that executing needs.
pub struct Executor<'a> {
    /// Exactly what to do.
    pub plan: &'a Plan,
    /// Who applies, for whoever reads the journal.
    pub holder: &'a str,
    /// Where.
    pub backends: &'a Backends,
    /// Where intents are written ahead.
    pub journal: &'a dyn Journal,
    /// Who is told.
    pub listener: Listener<'a>,
    /// When to end early.
    pub stop: StopSignal,
    /// How much at once.
    pub limits: Limits,
    /// What stands between two waves; none: one begins when the one before is done.
    pub gate: Option<&'a dyn Gate>,
}

/// How far a run has come.
pub(super) struct State {
    /// Of each change of the plan; none: not yet, or there is nothing to do.
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// Why nothing is begun any more.
    pub(super) stopped: Option<String>,
    /// What kind of reason that is, where it came after a wave.
    pub(super) halted: Option<HaltKind>,
    /// One permit for each call that may be under way.
    calls: Semaphore,
    /// Set by the first write that succeeds.
    wrote: AtomicBool,
}

impl Executor<'_> {
    /// Runs the plan to its end, wave by wave, or until the stop signal: then no change
    /// is begun any more, and what is in flight ends after its current call.
    pub async fn run(&self) -> Report {
        let clock = self.clock();
        let changes = &self.plan.changes;
        let todo: BTreeSet<usize> = (0..changes.len()).filter(|&i| changes[i].has_work()).collect();
        (self.listener)(&Event::Started { changes: todo.len() });
        let mut state = State {
            outcomes: vec![None; changes.len()],
            stopped: self.record(&self.beginning(clock.now(), &todo)).await,
            halted: None,
            calls: Semaphore::new(self.limits.concurrency),
            wrote: AtomicBool::new(false),
        };
        self.run_waves(&todo, &mut state).await;
        let State { outcomes, stopped, halted, wrote, .. } = state;
        let skipped = todo.iter().filter_map(|&change| match &outcomes[change] {
            Some(Outcome::Skipped { because }) => {
                Some(Skipped { change, because: because.clone() })
            }
            _ => None,
        });
        let skipped = skipped.collect();
        self.record(&Entry::End { at: clock.now(), stopped: stopped.clone(), skipped }).await;
        let wrote = wrote.load(Ordering::Relaxed);
        self.report(&todo, outcomes, Report { stopped, halted, wrote, ..Report::default() })
    }

    /// Runs these changes, all of which can be ready when those before them are done.
    pub(super) async fn run_all(&self, mut waiting: BTreeSet<usize>, state: &mut State) {
        let State { outcomes, stopped, calls, wrote, .. } = state;
        let mut running = FuturesUnordered::new();
        let mut stop = self.stop.clone();
        loop {
            *stopped = stopped.take().or_else(|| self.stop.borrow().clone());
            while stopped.is_none()
                && let Some(index) = self.next_ready(&mut waiting, outcomes)
            {
                running.push(self.run_and_record(index, calls, wrote));
            }
            if running.is_empty() {
                break;
            }
            tokio::select! {
                Some((index, outcome, unrecorded)) = running.next() => {
                    *stopped = stopped.take().or(unrecorded);
                    self.ended(index, &outcome);
                    outcomes[index] = Some(outcome);
                }
                changed = wait_for_stop(&mut stop), if stopped.is_none() => {
                    (self.listener)(&Event::Stopping { because: changed.clone() });
                    *stopped = Some(changed);
                }
            }
        }
        for index in waiting {
            let because = stopped.clone().unwrap_or_else(|| "it was never its turn".to_owned());
            self.skip(index, because, outcomes);
        }
    }

    fn beginning(&self, at: Timestamp, todo: &BTreeSet<usize>) -> Entry {
        let planned = |&change: &usize| {
            let Change { id, action, .. } = &self.plan.changes[change];
            Planned { change, id: id.clone(), action: *action }
        };
        Entry::Begin {
            at,
            holder: Some(self.holder.to_owned()),
            plan_digest: Some(saved::digest(self.plan)),
            environment_digest: self.plan.environment_digest.clone(),
            changes: todo.len(),
            planned: todo.iter().map(planned).collect(),
        }
    }

    /// The next change of which everything before is done. On the way, what
    /// can never be ready because something before it was not made is skipped.
    fn next_ready(
        &self,
        waiting: &mut BTreeSet<usize>,
        outcomes: &mut [Option<Outcome>],
    ) -> Option<usize> {
        loop {
            let mut hopeless = None;
            for &index in waiting.iter() {
                let mut ready = true;
                for &before in &self.plan.changes[index].after {
                    match outcomes.get(before).and_then(Option::as_ref) {
                        Some(Outcome::Done) => {}
                        Some(_) => hopeless = Some((index, before)),
                        None => ready &= !self.plan.changes[before].has_work(),
                    }
                }
                if hopeless.is_some() {
                    break;
                }
                if ready {
                    waiting.remove(&index);
                    return Some(index);
                }
            }
            let (index, before) = hopeless?;
            waiting.remove(&index);
            let because = format!("{} was not finished", self.plan.changes[before].id);
            self.skip(index, because, outcomes);
        }
    }

    /// Its index, its outcome, and why that could not be recorded.
    async fn run_and_record(
        &self,
        index: usize,
        calls: &Semaphore,
        wrote: &AtomicBool,
    ) -> (usize, Outcome, Option<String>) {
        let outcome = self.run_change(index, calls, wrote).await;
        let at = self.clock().now();
        let entry = Entry::Outcome { at, change: index, outcome: outcome.clone() };
        let unrecorded = self.record(&entry).await;
        (index, outcome, unrecorded)
    }

    async fn run_change(&self, index: usize, calls: &Semaphore, wrote: &AtomicBool) -> Outcome {
        let change = &self.plan.changes[index];
        (self.listener)(&Event::ChangeStarted { change: index, id: change.id.clone() });
        for (nth, step) in change.steps.iter().enumerate() {
            let Some(backend) = self.backend(step.id().side) else {
                let message = format!("no backend is connected for {}", step.id());
                return Outcome::Failed { message, help: None };
            };
            // A lock that was lost meanwhile may be somebody else's by now.
            if step.writes()
                && let Some(because) = self.stop.borrow().clone()
            {
                if nth == 0 {
                    return Outcome::Skipped { because };
                }
                let message = format!("{}: stopped before its next write: {because}", step.id());
                return Outcome::Failed { message, help: None };
            }
            let runner = Runner { executor: self, backend, calls, change: index, wrote };
            match runner.run(step).await {
                Ok(()) => {}
                Err(Interruption::Failed(error)) => {
                    let message = format!("{}: {}", step.id(), error.message);
                    return Outcome::Failed { message, help: error.help };
                }
                Err(Interruption::Unknown(message)) => {
                    let message = format!("{}: {message}", step.id());
                    return Outcome::Unknown { message };
                }
            }
        }
        Outcome::Done
    }

    fn skip(&self, index: usize, because: String, outcomes: &mut [Option<Outcome>]) {
        let outcome = Outcome::Skipped { because };
        self.ended(index, &outcome);
        outcomes[index] = Some(outcome);
    }

    fn ended(&self, index: usize, outcome: &Outcome) {
        let id = self.plan.changes[index].id.clone();
        (self.listener)(&Event::ChangeEnded { change: index, id, outcome: outcome.clone() });
    }

    /// Writes to the journal; where that fails, why nothing more may be done.
    pub(super) async fn record(&self, entry: &Entry) -> Option<String> {
        let failed = self.journal.record(entry).await.err()?;
        Some(format!("the journal cannot be written: {failed}"))
    }

    fn report(
        &self,
        todo: &BTreeSet<usize>,
        mut outcomes: Vec<Option<Outcome>>,
        mut report: Report,
    ) -> Report {
        let ended = |index: usize, outcome: Option<Outcome>| {
            let id = self.plan.changes[index].id.clone();
            let never = || Outcome::Skipped { because: "it was never its turn".to_owned() };
            (id, outcome.unwrap_or_else(never))
        };
        report.changes = todo.iter().map(|&index| ended(index, outcomes[index].take())).collect();
        let [done, failed, skipped, unknown] = report.counts();
        (self.listener)(&Event::Ended { done, failed, skipped, unknown });
        report
    }

    fn backend(&self, side: Side) -> Option<&Backend> {
        match side {
            Side::Kubernetes => self.backends.kubernetes.as_ref(),
            Side::Aws => self.backends.aws.as_ref(),
        }
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        let sides = [&self.backends.kubernetes, &self.backends.aws];
        let connected = sides.into_iter().flatten().next();
        connected.map_or_else(
            || Arc::new(crate::clock::SystemClock) as Arc<dyn Clock>,
            |backend| Arc::clone(&backend.clock),
        )
    }
}

/// Returns why work should stop, when it should.
pub(super) async fn wait_for_stop(stop: &mut StopSignal) -> String {
    let told = stop.wait_for(Option::is_some).await.map(|why| why.clone());
    match told {
        Ok(why) => why.unwrap_or_default(),
        // Nobody is left who could stop it.
        Err(_) => std::future::pending().await,
    }
}
