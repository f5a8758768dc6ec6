//! Which of several controllers of an environment leads: the one that holds its
//! lease. Another takes it over once it has seen no heartbeat for as long as a
//! lease lasts, by its own clock; so no two clocks are ever compared. One whose turns do
//! not end any more renews it no more: else nobody would decide.

mod turns;

pub use turns::{Turns, patience};

use crate::clock::Clock;
use crate::port::{FailureKind, HeldLock, Lease, Lock, PortError, Purpose, Renewal, Scope};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Between two heartbeats, and between two looks at another's.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// What a controller may do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It leads.
    Leads,
    /// Another leads.
    Follows {
        /// As that one has named itself.
        leader: String,
    },
    /// It led last, and its lease's place does not answer: nobody else can have
    /// been seen to lead. It may only add capacity, and for as long as the last look at
    /// that place is of just now ([`Fence::is_cut_off`]).
    CutOff {
        /// What the place, or the way to it, says.
        why: PortError,
    },
    /// It does not know who leads; it has not led, or its lease is refused by a place
    /// that answers, so that another may lead by now.
    Waits {
        /// What the place, or the way to it, says, and what to do.
        why: PortError,
    },
}

impl Standing {
    /// In a word, as metrics have it.
    pub const fn state(&self) -> &'static str {
        match self {
            Self::Leads => "leads",
            Self::Follows { .. } => "follows",
            Self::CutOff { .. } => "cut_off",
            Self::Waits { .. } => "waits",
        }
    }
}

/// Whether a write may still be made: asked right before each, for a process
/// that was stopped does not know it.
#[derive(Clone)]
pub struct Fence {
    clock: Arc<dyn Clock>,
    /// On the monotonic clock, in milliseconds; 0: the lease is not ours.
    until: Arc<AtomicU64>,
    /// For so long it counts that the lease's place was silent; 0: it was not.
    silent_until: Arc<AtomicU64>,
}

impl Fence {
    /// Whether the lease is ours now.
    pub fn holds(&self) -> bool {
        self.is_before(&self.until)
    }

    /// Whether the lease was ours last, and its place silent when it was asked within the
    /// time that a lease lasts. Who was stopped since may be one of two.
    pub fn is_cut_off(&self) -> bool {
        self.is_before(&self.silent_until)
    }

    fn is_before(&self, until: &AtomicU64) -> bool {
        millis(self.clock.monotonic()) < until.load(Ordering::Acquire)
    }

    fn extend(&self, renewed: Duration) {
        let until = millis(renewed + Purpose::Lead.lost().duration());
        self.silent_until.store(0, Ordering::Release);
        self.until.store(until, Ordering::Release);
    }

    /// Nobody has answered who was asked at `looked`.
    fn cut_off(&self, looked: Duration) {
        let until = millis(looked + Purpose::Lead.expiry().duration());
        self.until.store(0, Ordering::Release);
        self.silent_until.store(until, Ordering::Release);
    }

    fn end(&self) {
        self.until.store(0, Ordering::Release);
        self.silent_until.store(0, Ordering::Release);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// One of several controllers.
pub struct Candidate {
    lock: Arc<dyn Lock>,
    scope: Scope,
    /// As it names itself.
    name: String,
    clock: Arc<dyn Clock>,
    fence: Fence,
    lease: Option<Arc<dyn Lease>>,
    /// Its place has refused to extend it since it was extended last, and may have
    /// given it to another.
    refused: bool,
    /// Another's lease as it was first seen so, and when.
    watched: Option<(HeldLock, Duration)>,
    /// It has been renewed, or taken, since it was watched: somebody lives.
    moved: bool,
}

impl Candidate {
    /// One that does not lead yet.
    pub fn new(lock: Arc<dyn Lock>, scope: Scope, name: String, clock: Arc<dyn Clock>) -> Self {
        let (until, silent_until) = <_>::default();
        let fence = Fence { clock: Arc::clone(&clock), until, silent_until };
        Self {
            lock,
            scope,
            name,
            clock,
            fence,
            lease: None,
            refused: false,
            watched: None,
            moved: false,
        }
    }

    /// Tells whether a write may be made.
    pub fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// A heartbeat, if it leads; else a look at who does. To be called every
    /// [`HEARTBEAT`].
    pub async fn beat(&mut self) -> Standing {
        if let Some(lease) = self.lease.clone() {
            let begun = self.clock.monotonic();
            match lease.renew().await {
                Ok(Renewal::Done) => {
                    self.refused = false;
                    self.fence.extend(begun);
                    return Standing::Leads;
                }
                Ok(Renewal::Missed(why)) if self.fence.holds() => {
                    self.refused |= !is_away(&why);
                    return Standing::Leads;
                }
                Err(why) if why.kind == FailureKind::Stale => self.stand_down(),
                Ok(Renewal::Missed(why)) | Err(why) => return self.not_extended(why, begun),
            }
        }
        match self.run().await {
            Ok(standing) => standing,
            Err(why) => Standing::Waits { why: with_help(why) },
        }
    }

    /// Its lease has run out. Nobody else can have been seen to lead where the place
    /// was silent all along; one that answers may have given it to another.
    fn not_extended(&mut self, why: PortError, looked: Duration) -> Standing {
        self.refused |= !is_away(&why);
        if self.refused {
            self.fence.end();
            return Standing::Waits { why: with_help(why) };
        }
        self.fence.cut_off(looked);
        Standing::CutOff { why }
    }

    /// Gives the lease back, so that another need not wait for it to run out.
    pub async fn resign(&mut self) {
        if let Some(lease) = self.lease.take() {
            self.fence.end();
            let _ = lease.release().await;
        }
    }

    /// Lets the lease run out, and stands for no election, while no turn ends: the last one
    /// ended so long ago. Whatever it still comes to may not be written, and what it has
    /// begun to write is over before another leads, as where it was stopped.
    fn give_up(&mut self, stopped: Duration) -> Standing {
        self.fence.end();
        // Its place is not asked meanwhile, and may give it to another.
        self.refused = true;
        let seconds = stopped.as_secs();
        let why = PortError {
            kind: FailureKind::Other,
            message: format!("no turn of this controller has ended for {seconds} s"),
            help: Some("restart it if it hangs: until a turn ends it leads no more".to_owned()),
        };
        Standing::Waits { why }
    }

    fn stand_down(&mut self) {
        self.fence.end();
        (self.lease, self.refused) = (None, false);
    }

    /// Takes the lease where it is free, or was not renewed for long enough.
    async fn run(&mut self) -> Result<Standing, PortError> {
        let begun = self.clock.monotonic();
        let taken = match self.lock.show(&self.scope).await? {
            None => self.lock.acquire(&self.scope, &self.name).await,
            Some(held) if self.is_dead(&held, begun) => {
                self.lock.succeed(&self.scope, &self.name, &held).await
            }
            Some(held) => return Ok(Standing::Follows { leader: held.holder }),
        };
        match taken {
            Ok(lease) => {
                (self.lease, self.refused) = (Some(lease), false);
                (self.watched, self.moved) = (None, false);
                self.fence.extend(begun);
                Ok(Standing::Leads)
            }
            Err(error) if error.kind == FailureKind::Locked => {
                let leader = self.lock.show(&self.scope).await?.map(|held| held.holder);
                Ok(Standing::Follows { leader: leader.unwrap_or_default() })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether this lease has been the same for as long as one lasts.
    fn is_dead(&mut self, held: &HeldLock, now: Duration) -> bool {
        let same =
            |seen: &HeldLock| (&seen.identity, seen.renewed) == (&held.identity, held.renewed);
        match &self.watched {
            Some((seen, since)) if same(seen) => {
                now.saturating_sub(*since) >= Purpose::Lead.expiry().duration()
            }
            _ => {
                self.moved |= self.watched.is_some();
                self.watched = Some((held.clone(), now));
                false
            }
        }
    }

    /// Whether another holds the lease, who may be dead.
    fn is_in_doubt(&self) -> bool {
        self.lease.is_none() && self.watched.is_some() && !self.moved
    }
}

/// For so long a lease that nobody renews is watched at most, until it is taken over.
pub fn longest_watch() -> Duration {
    Purpose::Lead.expiry().duration() + HEARTBEAT
}

/// Stands for election until `stop` says so, and tells how it stands; then gives
/// the lease back. It does not stand while none of its `turns` ends. One that decides only
/// `once` tells of another leader when that one is seen to live: there is no later turn
/// for what a dead one leaves.
pub async fn stand(
    mut candidate: Candidate,
    turns: Turns,
    standing: watch::Sender<Standing>,
    mut stop: watch::Receiver<bool>,
    once: bool,
) {
    let clock = Arc::clone(&candidate.clock);
    let doubts_until = clock.monotonic() + longest_watch();
    loop {
        let begun = clock.monotonic();
        // The only turn of one that decides once reads the past first.
        let stands = match turns.stopped().filter(|_| !once) {
            Some(stopped) => candidate.give_up(stopped),
            None => candidate.beat().await,
        };
        let doubts = once && candidate.is_in_doubt() && clock.monotonic() < doubts_until;
        if !doubts {
            standing.send_replace(stands);
        }
        // A place that was silent for so long is asked again at once: the connection may
        // have died together with the leader.
        let took = clock.monotonic().saturating_sub(begun);
        tokio::select! {
            () = clock.sleep(HEARTBEAT.saturating_sub(took)) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    candidate.resign().await;
}

/// Whether nothing says that the lease's place has answered: one that turns the call away,
/// for want of a valid token or because there are too many, says so by another kind.
const fn is_away(why: &PortError) -> bool {
    matches!(why.kind, FailureKind::Unreachable | FailureKind::Transient | FailureKind::Unknown)
}

/// What to do, where the place only refuses.
fn with_help(why: PortError) -> PortError {
    let help = (!is_away(&why)).then(|| {
        "the lease's place answers and refuses it, so another may lead: look at what forbids it \
         there"
            .to_owned()
    });
    PortError { help: why.help.clone().or(help), ..why }
}

#[cfg(test)]
mod tests;
