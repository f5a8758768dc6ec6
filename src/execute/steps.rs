//! One step: its write, with retries where a repeat is harmless, and its wait.

use super::run::{Executor, wait_for_stop};
use super::{Entry, Event};
use crate::observe::Workload;
use crate::plan::Step;
use crate::port::{Backend, FailureKind, PortError};
use crate::units::Span;
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Before the second look at something that is waited for; doubled for each
/// further one: what is quick is seen quickly, what is slow is not asked often.
const FIRST_LOOK: Duration = Duration::from_millis(100);
/// The longest time between two looks.
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// For how long a place may be silent while something is waited for: an API
/// server that is upgraded is away for a while.
const SILENCE: Span = Span::from_secs(3 * 60);
/// How long a deletion may take: finalizers, pods in their grace period.
const DELETION: Span = Span::from_secs(15 * 60);
/// Before the first repeat of a failed call; doubled for each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// The longest wait before a repeat.
const LONGEST_BACKOFF: Duration = Duration::from_secs(20);

/// What to do about a refresh that failed.
const REFRESH_AGAIN: &str = "what was replaced stays replaced: mend the cause, then apply again";

/// Why a step did not come to its end.
pub(super) enum Interruption {
    /// The place refused, the time limit passed, or somebody asked to stop.
    Failed(PortError),
    /// The last write may or may not have taken effect.
    Unknown(String),
}

/// Runs steps of one change at one place.
pub(super) struct Runner<'a, 'e> {
    pub(super) executor: &'a Executor<'e>,
    pub(super) backend: &'a Backend,
    /// One permit for each call that may be under way.
    pub(super) calls: &'a Semaphore,
    pub(super) change: usize,
    /// Set by the first write that succeeds.
    pub(super) wrote: &'a AtomicBool,
}

impl Runner<'_, '_> {
    /// The whole of a step.
    pub(super) async fn run(&self, step: &Step) -> Result<(), Interruption> {
        self.tell(Event::StepStarted {
            change: self.change,
            id: step.id().clone(),
            step: name(step).to_owned(),
        });
        if step.writes() {
            self.intend(step).await?;
            self.write(step).await?;
        }
        match step {
            Step::Refresh { limit, .. } => {
                let settled = |seen: Option<&Workload>| seen.is_some_and(Workload::is_settled);
                self.wait(step, *limit, settled, "not all replaced").await?;
                // One that was joined may have begun before the template changed.
                self.write(step).await?;
                self.wait(step, *limit, settled, "not all replaced").await
            }
            Step::Apply { .. }
            | Step::Hold { .. }
            | Step::CatchUp { .. }
            | Step::Raise { .. }
            | Step::SetUnits { .. }
            | Step::SetEndpoints { .. }
            | Step::ReplaceUnits { .. }
            | Step::Proceed { .. }
            | Step::PassOn { .. } => Ok(()),
            Step::AwaitReady { limit, .. } => {
                let settled = |seen: Option<&Workload>| seen.is_some_and(Workload::is_settled);
                self.wait(step, *limit, settled, "not ready").await
            }
            Step::Drain { limit, .. } => {
                let empty = |seen: Option<&Workload>| left(step, seen) == 0;
                self.wait(step, *limit, empty, "not drained").await
            }
            Step::DrainUnits { limit, .. } => {
                let gone = |seen: Option<&Workload>| left(step, seen) == 0;
                self.wait(step, *limit, gone, "not drained").await
            }
            Step::Delete { .. } => {
                self.wait(step, DELETION, |seen| seen.is_none(), "not gone").await
            }
        }
    }

    /// Write-ahead: what cannot be recorded is not done.
    async fn intend(&self, step: &Step) -> Result<(), Interruption> {
        let entry = Entry::Intent {
            at: self.backend.clock.now(),
            change: self.change,
            id: step.id().clone(),
            step: name(step).to_owned(),
        };
        match self.executor.record(&entry).await {
            None => Ok(()),
            Some(message) => Err(Interruption::Failed(PortError {
                kind: FailureKind::Other,
                message,
                help: Some("make room, mend the permissions or move what stands in the way, then apply again".to_owned()),
            })),
        }
    }

    /// The writing call. Every step can be repeated, so a call whose effect is
    /// unknown is simply made again.
    async fn write(&self, step: &Step) -> Result<(), Interruption> {
        let mut tried = 0;
        loop {
            let answer = {
                let _call = self.calls.acquire().await;
                self.backend.act.act(step).await
            };
            let Err(error) = answer else {
                self.wrote.store(true, Ordering::Relaxed);
                return Ok(());
            };
            tried += 1;
            let may_pass = matches!(error.kind, FailureKind::Transient | FailureKind::Unknown);
            if !may_pass || tried >= self.executor.limits.tries {
                return Err(Interruption::of_write(error));
            }
            let pause = backoff(tried, &step.id().to_string());
            self.tell(Event::Retrying {
                change: self.change,
                id: step.id().clone(),
                because: error.message.clone(),
                after_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            });
            if let Err(because) = self.pause(pause).await {
                let message = format!("{}; not tried again: {because}", error.message);
                return Err(Interruption::of_write(PortError { message, ..error }));
            }
        }
    }

    /// Looks until `arrived`, at most `limit` on the place's own clock.
    async fn wait(
        &self,
        step: &Step,
        limit: Span,
        arrived: impl Fn(Option<&Workload>) -> bool,
        otherwise: &str,
    ) -> Result<(), Interruption> {
        let clock = &self.backend.clock;
        let began = clock.now();
        let mut silent_since = None;
        let mut told = None;
        let mut pause = FIRST_LOOK;
        loop {
            let seen = {
                let _call = self.calls.acquire().await;
                self.backend.progress.progress(step.id()).await
            };
            match seen {
                Ok(seen) if arrived(seen.as_ref()) => return Ok(()),
                Ok(seen) => {
                    silent_since = None;
                    let waited = clock.now().duration_since(began);
                    if waited.as_millis() >= i128::from(limit.millis()) {
                        let message = format!("{otherwise} after {limit}{}", describe(&seen));
                        let help = help(&seen);
                        let kind = FailureKind::Other;
                        return Err(Interruption::Failed(PortError { kind, message, help }));
                    }
                    let stalled = seen.as_ref().is_some_and(|seen| seen.stalled);
                    if stalled && matches!(step, Step::AwaitReady { .. }) {
                        let message = format!("the rollout was given up{}", describe(&seen));
                        let (kind, help) = (FailureKind::Other, help(&seen));
                        return Err(Interruption::Failed(PortError { kind, message, help }));
                    }
                    if let Step::Refresh { .. } = step
                        && seen.as_ref().is_none_or(|seen| seen.stalled)
                    {
                        let why = seen.as_ref().and_then(|seen| seen.problems.first());
                        let why = why.map_or("its group is gone", |problem| &problem.message);
                        return Err(Interruption::Failed(PortError {
                            kind: FailureKind::Other,
                            message: format!("the instance refresh did not succeed: {why}"),
                            help: help(&seen).or_else(|| Some(REFRESH_AGAIN.to_owned())),
                        }));
                    }
                    if seen != told {
                        self.tell_waiting(step, seen.as_ref());
                        told = seen;
                    }
                }
                // Looking is harmless: only a place that stays silent ends the wait.
                Err(error) => {
                    let silent =
                        clock.now().duration_since(*silent_since.get_or_insert(clock.now()));
                    if silent.as_millis() >= i128::from(SILENCE.millis()) {
                        return Err(Interruption::Failed(error));
                    }
                }
            }
            self.pause(pause).await.map_err(|because| not_waited_for(step, &because))?;
            pause = (pause * 2).min(LONGEST_LOOK);
        }
    }

    fn tell_waiting(&self, step: &Step, seen: Option<&Workload>) {
        let left = left(step, seen);
        let seen = seen.cloned().unwrap_or_default();
        let (ready, of) = match step {
            Step::AwaitReady { .. } | Step::Refresh { .. } => {
                (seen.ready.min(seen.updated), seen.desired)
            }
            _ => (0, left),
        };
        let (change, id) = (self.change, step.id().clone());
        self.tell(Event::Waiting { change, id, ready, of, problems: seen.problems });
    }

    /// An error says why somebody asked to stop.
    async fn pause(&self, pause: Duration) -> Result<(), String> {
        let mut stop = self.executor.stop.clone();
        tokio::select! {
            () = self.backend.clock.sleep(pause) => Ok(()),
            because = wait_for_stop(&mut stop) => Err(because),
        }
    }

    fn tell(&self, event: Event) {
        (self.executor.listener)(&event);
    }
}

impl Interruption {
    /// A write that is not tried again.
    fn of_write(error: PortError) -> Self {
        match error.kind {
            FailureKind::Unknown => Self::Unknown(error.message),
            _ => Self::Failed(error),
        }
    }
}

/// The write is known to be made; only its effect was not waited for.
fn not_waited_for(step: &Step, because: &str) -> Interruption {
    let what = match step {
        Step::Drain { .. } | Step::DrainUnits { .. } => {
            "its drain has begun and was not waited for"
        }
        Step::Refresh { .. } => "it goes on by itself and was not waited for",
        Step::Delete { .. } => "its deletion has begun and was not waited for",
        _ => "it is written, and was not waited for until it is ready",
    };
    Interruption::Failed(PortError {
        kind: FailureKind::Other,
        message: format!("{what}: {because}"),
        help: Some("plan again: a plan starts from what is there".to_owned()),
    })
}

/// Units that a drain still waits for: others may come and go meanwhile.
fn left(step: &Step, seen: Option<&Workload>) -> u32 {
    let Some(seen) = seen else { return 0 };
    let Step::DrainUnits { units, .. } = step else { return seen.existing };
    let left = seen.units.iter().filter(|unit| units.contains(&unit.name)).count();
    u32::try_from(left).unwrap_or(u32::MAX)
}

fn name(step: &Step) -> &'static str {
    match step {
        Step::Apply { .. } => "apply",
        Step::Hold { .. } => "hold",
        Step::CatchUp { .. } => "catch_up",
        Step::Raise { .. } => "raise",
        Step::SetUnits { .. } => "set_units",
        Step::SetEndpoints { .. } => "set_endpoints",
        Step::Proceed { .. } => "proceed",
        Step::PassOn { .. } => "pass_on",
        Step::AwaitReady { .. } => "await_ready",
        Step::Drain { .. } => "drain",
        Step::DrainUnits { .. } => "drain_units",
        Step::ReplaceUnits { .. } => "replace_units",
        Step::Refresh { .. } => "refresh",
        Step::Delete { ends: 0, .. } => "delete",
        Step::Delete { .. } => "force_delete",
    }
}

/// Doubles from try to try. The jitter (between half and the whole) comes from
/// the name, so that many things that fail at once do not come back at once,
/// and a test sees the same pause each time.
fn backoff(tried: u32, name: &str) -> Duration {
    let doubled = FIRST_BACKOFF.saturating_mul(1 << tried.min(10).saturating_sub(1));
    let whole = doubled.min(LONGEST_BACKOFF);
    let digest = Sha256::digest(format!("{name}/{tried}"));
    let part = f64::from(digest[0]) / 255.0;
    whole.mul_f64(0.5 + part / 2.0)
}

fn describe(seen: &Option<Workload>) -> String {
    let Some(seen) = seen else { return ": it does not exist".to_owned() };
    let mut text = format!(": {} of {} ready", seen.ready, seen.desired);
    for problem in &seen.problems {
        text.push_str(&format!("; {} × {}", problem.units, problem.message));
    }
    text
}

fn help(seen: &Option<Workload>) -> Option<String> {
    use crate::observe::ProblemKind;
    let help = match seen.as_ref()?.problems.first()?.kind {
        ProblemKind::ImagePull => "check the image's name and the nodes' access to its registry",
        ProblemKind::CrashLoop => "read the container's log: kubectl logs --previous",
        ProblemKind::Unschedulable => {
            "free GPUs, add nodes, or lower the replicas; then apply again"
        }
        ProblemKind::Refused => "raise the quota or lower what is asked for; then apply again",
        ProblemKind::InsufficientCapacity => {
            "add an instance type or a zone, or wait and apply again"
        }
        ProblemKind::Starting => "raise the stage's `startup` if it needs longer; then apply again",
        ProblemKind::Other => return None,
    };
    Some(help.to_owned())
}
