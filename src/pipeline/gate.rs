//! What stands between two waves of an apply: a wait, in which operators may stop
//! it, and the abort criteria of the live phase do.

use super::{Error, Session, change_hands, clock, hands};
use crate::clock::Timestamp;
use crate::execute::{Event, Gate, Halt, HaltKind, Listener};
use crate::observe::{Aborted, Hands};
use crate::plan::{self, FailureKind, Plan, Refusal};
use crate::units::Span;
use async_trait::async_trait;
use futures::future::join;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Between two looks while it is waited.
const LOOK: Span = Span::from_secs(15);
/// For how long what operators say may not be read.
const SILENCE: Span = Span::from_secs(3 * 60);
/// Tries to write down an abort while others say something.
const TRIES: usize = 5;

/// Looks at the abort criteria of the phase that is live.
#[async_trait]
pub trait Watch: Send + Sync {
    /// How they stand now.
    async fn look(&self) -> Sight;
}

/// How the abort criteria of a phase stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Those that are met: the phase is to be given up.
    pub met: Vec<Met>,
    /// Those of which there is too little data to tell.
    pub unknown: Vec<Unknown>,
}

/// An abort criterion that is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Its name in the phase.
    pub criterion: String,
    /// What was measured, for people: `7%`.
    pub value: String,
    /// What it is held against: `above 5%`.
    pub target: String,
}

/// An abort criterion that cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// Its name in the phase.
    pub criterion: String,
    /// Why not.
    pub why: String,
}

/// Why nothing may be applied now, by what stands on the live environment: it is
/// paused, or its phase was given up. Environments without a rollout are not asked.
///
/// # Errors
/// As [`hands`].
pub(super) async fn halted(session: &Session) -> Result<Vec<Refusal>, Error> {
    let environment = &session.resolved.environment;
    if !environment.rollout.is_declared() {
        return Ok(Vec::new());
    }
    let said = hands(session).await?.unwrap_or_default();
    Ok(plan::halted(&session.mark.environment, environment, &said))
}

/// The gate of an apply.
pub(super) struct Waits<'a> {
    pub(super) session: &'a Session,
    pub(super) plan: &'a Plan,
    /// Who applies.
    pub(super) holder: &'a str,
    pub(super) listener: Listener<'a>,
    /// None: nobody looks at criteria.
    pub(super) watch: Option<&'a dyn Watch>,
    /// What has been told already.
    pub(super) told: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Gate for Waits<'_> {
    async fn pass(&self, wave: u32) -> Result<(), Halt> {
        let Some(waves) = &self.plan.waves else { return Ok(()) };
        let clock = clock(&self.session.backends);
        let began = clock.now();
        let left = |now: Timestamp| {
            let passed = now.duration_since(began).as_millis();
            let left = i128::from(waves.wait.millis()) - passed;
            u64::try_from(left).map_or(Duration::ZERO, Duration::from_millis)
        };
        let mut unread = None;
        loop {
            let left_before = left(clock.now());
            let (said, sight) = join(hands(self.session), self.sight()).await;
            match said {
                Ok(said) => {
                    unread = None;
                    self.heard(said)?;
                }
                Err(error) => self.unheard(&error, clock.now(), &mut unread)?,
            }
            self.judged(wave, &sight, clock.now()).await?;
            if left_before.is_zero() && unread.is_none() {
                self.tell_unknown(&sight, &format!("wave {wave} passes without it"));
                return Ok(());
            }
            self.tell_unknown(&sight, &format!("the wait after wave {wave} goes on"));
            let left = left(clock.now());
            let look = LOOK.duration();
            clock.sleep(if left.is_zero() { look } else { left.min(look) }).await;
        }
    }
}

impl Waits<'_> {
    /// Looks before the first wave, where it is a later one: what an apply that was
    /// cut off has let out may be bad, and nobody has waited to see it. Whom somebody
    /// has let go on though a criterion was met does not stop at it here.
    pub(super) async fn before_all(&self) -> Result<(), Error> {
        let first = self.plan.changes.iter().filter(|c| c.has_work()).map(|c| c.wave).min();
        if first.is_none_or(|first| first < 2) || self.watch.is_none() {
            return Ok(());
        }
        let said = hands(self.session).await?.unwrap_or_default();
        let phase = self.session.resolved.environment.environment.phase.as_ref();
        let lifted = |aborted: &Aborted| !aborted.stands() && Some(&aborted.phase) == phase;
        if said.aborted.as_ref().is_some_and(lifted) {
            return Ok(());
        }
        let sight = self.sight().await;
        self.tell_unknown(&sight, "this begins without it");
        match sight.met.first() {
            None => Ok(()),
            Some(met) => {
                let now = clock(&self.session.backends).now();
                self.note(met, now).await;
                let mut refusals = halted(self.session).await?;
                if refusals.is_empty() {
                    refusals.push(self.refusal(met));
                }
                Err(Error::Refused(refusals))
            }
        }
    }

    async fn sight(&self) -> Sight {
        match self.watch {
            Some(watch) => watch.look().await,
            None => Sight::default(),
        }
    }

    /// What operators have said.
    fn heard(&self, said: Option<Hands>) -> Result<(), Halt> {
        let Some(said) = said else {
            let why = "this environment has no cluster and no bucket: nobody can pause it";
            self.tell(why, why.to_owned());
            return Ok(());
        };
        let (name, environment) =
            (&self.session.mark.environment, &self.session.resolved.environment);
        let refusals = plan::halted(name, environment, &said);
        let Some(refusal) = refusals.into_iter().next() else { return Ok(()) };
        let paused = refusal.guard == "paused";
        let kind = if paused { HaltKind::Paused } else { HaltKind::Aborted };
        Err(Halt { kind, because: refusal.message })
    }

    /// What operators say could not be read. What is not understood may be anything.
    fn unheard(
        &self,
        error: &Error,
        now: Timestamp,
        since: &mut Option<Timestamp>,
    ) -> Result<(), Halt> {
        let silent = now.duration_since(*since.get_or_insert(now));
        let passes = match error {
            Error::Place(error) => {
                !matches!(error.kind, FailureKind::Rejected | FailureKind::Denied)
            }
            _ => false,
        };
        if passes && silent.as_millis() < i128::from(SILENCE.millis()) {
            let message = format!("what operators say is not known: {error}; it is waited for");
            self.tell(&message.clone(), message);
            return Ok(());
        }
        let because = format!("what operators say is not known: {error}");
        Err(Halt { kind: HaltKind::Unread, because })
    }

    async fn judged(&self, wave: u32, sight: &Sight, now: Timestamp) -> Result<(), Halt> {
        let Some(met) = sight.met.first() else { return Ok(()) };
        let of = self.plan.waves.as_ref().map_or(wave, plan::WavePlan::count);
        self.note(met, now).await;
        let Met { criterion, value, target } = met;
        let because =
            format!("after wave {wave} of {of}, {criterion} is {value}, which is {target}");
        Err(Halt { kind: HaltKind::Aborted, because })
    }

    /// Writes down on the live environment that the phase is given up.
    async fn note(&self, met: &Met, now: Timestamp) {
        let Some(phase) = self.session.resolved.environment.environment.phase.clone() else {
            return;
        };
        let aborted = Aborted {
            phase,
            criterion: met.criterion.clone(),
            value: met.value.clone(),
            target: met.target.clone(),
            by: self.holder.to_owned(),
            since: Timestamp::from_second(now.as_second()).unwrap_or(now),
            lifted: None,
        };
        let mut tries = TRIES;
        loop {
            let said = change_hands(self.session, |hands| hands.aborted = Some(aborted.clone()));
            match said.await {
                Ok(_) => return,
                Err(Error::Place(error)) if error.kind == FailureKind::Stale && tries > 1 => {
                    tries -= 1;
                }
                Err(error) => {
                    let message = format!(
                        "that the phase is given up could not be written down: {error}; the next \
                         apply is not stopped by it"
                    );
                    return self.tell(&message.clone(), message);
                }
            }
        }
    }

    fn refusal(&self, met: &Met) -> Refusal {
        let Met { criterion, value, target } = met;
        let name = &self.session.mark.environment;
        Refusal {
            guard: "aborted".to_owned(),
            message: format!("{criterion} is {value}, which is {target}"),
            help: format!(
                "go back to the phase before: floodway rollout rollback {name} --reason \"…\""
            ),
        }
    }

    /// Of each criterion and each wait once, though the reason may change.
    fn tell_unknown(&self, sight: &Sight, what: &str) {
        for Unknown { criterion, why } in &sight.unknown {
            let message = format!("abort criterion {criterion} cannot be told ({why}): {what}");
            self.tell(&format!("{criterion}: {what}"), message);
        }
    }

    /// Tells something, if nothing with this key has been told.
    fn tell(&self, key: &str, message: String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(key.to_owned()) {
            (self.listener)(&Event::Noted { message });
        }
    }
}

#[cfg(test)]
mod tests;
