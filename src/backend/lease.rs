//! A lock with a heartbeat, over any place that writes only what it has not
//! written over for somebody else: of two that see it free only one gets it.

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::plan::{FailureKind, PortError};
use crate::port::{HeldLock, Lease, Lock, Purpose, Renewal, Scope};
use crate::units::Span;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How often a lock that is renewed meanwhile is looked at again to break it.
const BREAKINGS: u32 = 5;
/// A renewal that takes longer has failed, and is tried again; of a lease that
/// runs out sooner, half of what it lasts.
const ANSWER: Duration = Duration::from_secs(10);

/// Who looks on while another leads waits so long for an answer, and who would lead:
/// the connection may have died together with the leader, and the next one shall be
/// tried while there is time to take over.
const LOOK: Duration = Duration::from_secs(2);
const TAKE: Duration = Duration::from_secs(3);

/// One lock's place.
#[async_trait]
pub(super) trait Slot: Send + Sync {
    /// Where it lies, for people.
    fn place(&self) -> String;

    /// What it keeps apart.
    fn purpose(&self) -> Purpose;

    /// What is there now; none: nothing.
    async fn read(&self) -> Result<Option<Stored>, PortError>;

    /// Writes over exactly `over`, or where there is nothing. None: by now there
    /// is something else. An error of a place that answers is one that is [`answered`].
    async fn write(
        &self,
        holding: &Holding,
        over: Option<&Stored>,
    ) -> Result<Option<Stored>, PortError>;

    /// Makes nobody hold it, over exactly `over`; false: by now there is something
    /// else.
    async fn free(&self, over: &Stored) -> Result<bool, PortError>;
}

/// A place that keeps the locks of environments.
pub(super) trait Keeper: Send + Sync {
    /// Where the lock of the scope's environment is.
    fn slot(&self, scope: &Scope, purpose: Purpose) -> impl Slot + 'static;
}

/// The locks of one purpose that a place keeps.
pub(super) struct Kept<K> {
    pub(super) keeper: K,
    pub(super) purpose: Purpose,
}

#[async_trait]
impl<K: Keeper> Lock for Kept<K> {
    async fn acquire(&self, scope: &Scope, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
        let slot = self.keeper.slot(scope, self.purpose);
        let place = slot.place();
        self.soon(TAKE, &place, acquire(slot, holder)).await
    }

    async fn succeed(
        &self,
        scope: &Scope,
        holder: &str,
        shown: &HeldLock,
    ) -> Result<Arc<dyn Lease>, PortError> {
        let slot = self.keeper.slot(scope, self.purpose);
        let place = slot.place();
        self.soon(TAKE, &place, succeed(slot, holder, shown)).await
    }

    async fn show(&self, scope: &Scope) -> Result<Option<HeldLock>, PortError> {
        let slot = self.keeper.slot(scope, self.purpose);
        let place = slot.place();
        self.soon(LOOK, &place, show(&slot)).await
    }

    async fn break_held(&self, scope: &Scope, shown: &HeldLock) -> Result<bool, PortError> {
        break_held(&self.keeper.slot(scope, self.purpose), shown).await
    }
}

impl<K> Kept<K> {
    /// What `asked` answers; of a lease of controllers, which runs out soon, `within` a
    /// while.
    async fn soon<T>(
        &self,
        within: Duration,
        place: &str,
        asked: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        match self.purpose {
            Purpose::Apply => asked.await,
            Purpose::Lead => timeout(within, asked).await.unwrap_or_else(|_| Err(silence(place))),
        }
    }
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) holder: String,
    pub(super) since: Option<Timestamp>,
    /// The last heartbeat.
    pub(super) renewed: Option<Timestamp>,
}

/// What a place has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    /// None: nobody holds it.
    pub(super) holding: Option<Holding>,
    /// Tells this thing from one that was made anew in its place.
    pub(super) uid: String,
    /// What the place needs to write over exactly this.
    pub(super) version: serde_json::Value,
}

impl Stored {
    /// Who holds it, if somebody does.
    fn held(&self, slot: &impl Slot) -> Option<HeldLock> {
        let Holding { holder, since, renewed } = self.holding.clone()?;
        let from = since.map(|at| at.to_string()).unwrap_or_default();
        Some(HeldLock {
            identity: format!("{} {from} {holder}", self.uid),
            // Where it does not say when it was renewed, it is not known to have run out.
            expired: renewed.is_some_and(|renewed| silent(renewed) > slot.purpose().expiry()),
            holder,
            since,
            renewed,
            place: slot.place(),
        })
    }
}

/// Takes the lock, or says who has it. No clock tells that a leader is dead: only who
/// has watched its lease for long enough may [`succeed`] it.
async fn acquire<S: Slot + 'static>(slot: S, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
    let live = slot.read().await?;
    match live.as_ref().and_then(|live| live.held(&slot)) {
        Some(held) if !held.expired || slot.purpose() == Purpose::Lead => {
            Err(taken(&held, slot.purpose()))
        }
        _ => take(slot, holder, live).await,
    }
}

/// Takes the lock over from who was `shown`, if it is just as it was then.
async fn succeed<S: Slot + 'static>(
    slot: S,
    holder: &str,
    shown: &HeldLock,
) -> Result<Arc<dyn Lease>, PortError> {
    let live = slot.read().await?;
    let same = |held: &HeldLock| (&held.identity, held.renewed) == (&shown.identity, shown.renewed);
    match live.as_ref().and_then(|live| live.held(&slot)) {
        Some(held) if !same(&held) => Err(taken(&held, slot.purpose())),
        _ => take(slot, holder, live).await,
    }
}

/// Takes the lock over what was read.
async fn take<S: Slot + 'static>(
    slot: S,
    holder: &str,
    live: Option<Stored>,
) -> Result<Arc<dyn Lease>, PortError> {
    let now = now();
    let holding = Holding { holder: holder.to_owned(), since: Some(now), renewed: Some(now) };
    let stored = match slot.write(&holding, live.as_ref()).await? {
        Some(stored) => stored,
        // A write of ours whose answer was lost, or somebody was faster.
        None => match slot.read().await? {
            Some(live) if live.holding.as_ref() == Some(&holding) => live,
            live => {
                let other = live.and_then(|live| live.held(&slot));
                let purpose = slot.purpose();
                let faster = || locked("somebody was faster", purpose);
                return Err(other.map_or_else(faster, |other| taken(&other, purpose)));
            }
        },
    };
    Ok(Arc::new(Held { slot, state: Mutex::new(State { stored, holding }) }))
}

/// Who holds the lock now.
async fn show(slot: &impl Slot) -> Result<Option<HeldLock>, PortError> {
    Ok(slot.read().await?.and_then(|live| live.held(slot)))
}

/// Takes the lock away, if it is still held as it was `shown`.
async fn break_held(slot: &impl Slot, shown: &HeldLock) -> Result<bool, PortError> {
    for _ in 0..BREAKINGS {
        let Some(live) = slot.read().await? else { return Ok(false) };
        let Some(held) = live.held(slot) else { return Ok(false) };
        if held.identity != shown.identity {
            return Err(PortError {
                kind: FailureKind::Stale,
                message: format!("the lock was taken anew meanwhile, by {}", held.holder),
                help: Some("look again with `floodway lock show`".to_owned()),
            });
        }
        // Else a heartbeat came in between, or it was given back: look again.
        if slot.free(&live).await? {
            return Ok(true);
        }
    }
    Err(PortError {
        kind: FailureKind::Transient,
        message: "the lock is renewed faster than it can be broken".to_owned(),
        help: Some("try again".to_owned()),
    })
}

/// A lock that is ours.
struct Held<S> {
    slot: S,
    state: Mutex<State>,
}

struct State {
    /// As the place has it.
    stored: Stored,
    holding: Holding,
}

#[async_trait]
impl<S: Slot> Lease for Held<S> {
    async fn renew(&self) -> Result<Renewal, PortError> {
        let mut state = self.state.lock().await;
        let purpose = self.slot.purpose();
        let answer = ANSWER.min(purpose.lost().duration() / 2);
        let mut refused = false;
        let error = match timeout(answer, self.write_time(&mut state, &mut refused)).await {
            Ok(Ok(())) => return Ok(Renewal::Done),
            Ok(Err(error)) if error.kind == FailureKind::Stale => return Err(error),
            Ok(Err(error)) => error,
            Err(_) => silence(&self.slot.place()),
        };
        // A place that has not taken the write was there, whatever it said after that.
        let error = if refused { answered(error) } else { error };
        // It is ours until it runs out: a place that is away for a moment ends nothing.
        let lasts = state.holding.renewed.is_some_and(|renewed| silent(renewed) < purpose.lost());
        if lasts { Ok(Renewal::Missed(error)) } else { Err(error) }
    }

    async fn release(&self) -> Result<(), PortError> {
        let state = self.state.lock().await;
        // What is not ours any more needs no giving back.
        self.slot.free(&state.stored).await.map(|_| ())
    }
}

impl<S: Slot> Held<S> {
    /// Writes that the lock is renewed; `refused`: there was something else by then.
    async fn write_time(&self, state: &mut State, refused: &mut bool) -> Result<(), PortError> {
        let next = Holding { renewed: Some(now()), ..state.holding.clone() };
        let stored = match self.slot.write(&next, Some(&state.stored)).await? {
            Some(stored) => stored,
            // A write of ours whose answer was lost has another version too.
            None => {
                *refused = true;
                match self.slot.read().await? {
                    None => return Err(lost("it was deleted")),
                    Some(live) if is_same(live.holding.as_ref(), &next) => live,
                    Some(live) => {
                        let other = live.holding;
                        let taken = other.map(|other| format!("{} has taken it", other.holder));
                        return Err(lost(taken.as_deref().unwrap_or("it was broken")));
                    }
                }
            }
        };
        *state = State { stored, holding: next };
        Ok(())
    }
}

/// Whether `live` is the holding that `ours` is, renewed or not.
fn is_same(live: Option<&Holding>, ours: &Holding) -> bool {
    live.is_some_and(|live| live.holder == ours.holder && live.since == ours.since)
}

/// As exact as every place keeps it.
fn now() -> Timestamp {
    let now = SystemClock.now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// How long it has been since then; nothing, where another clock is ahead.
fn silent(renewed: Timestamp) -> Span {
    let since = SystemClock.now().duration_since(renewed).as_millis();
    Span::from_millis(u64::try_from(since).unwrap_or(0))
}

/// The error of a place that has answered, or could not even be asked: nothing says that
/// it is away, so another may be given the lock there.
pub(super) fn answered(error: PortError) -> PortError {
    let kind = match error.kind {
        FailureKind::Unreachable | FailureKind::Transient | FailureKind::Unknown => {
            FailureKind::Denied
        }
        kind => kind,
    };
    PortError { kind, ..error }
}

fn silence(place: &str) -> PortError {
    let message = format!("{place} does not answer");
    PortError { kind: FailureKind::Unreachable, message, help: None }
}

fn lost(why: &str) -> PortError {
    PortError { kind: FailureKind::Stale, message: why.to_owned(), help: None }
}

/// The error that says who holds the lock.
fn taken(held: &HeldLock, purpose: Purpose) -> PortError {
    let since = held.since.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
    let seen = held.renewed.map(|renewed| silent(renewed).millis() / 1000);
    let seen = seen.map(|seconds| format!(", last seen {seconds} s ago"));
    locked(&format!("{}, since {since}{}", held.holder, seen.unwrap_or_default()), purpose)
}

fn locked(holder: &str, purpose: Purpose) -> PortError {
    let (message, help) = match purpose {
        Purpose::Apply => (
            format!("another apply is under way: {holder}"),
            Some(format!(
                "wait until it ends; if its process is dead, the lock runs out after {} s, or \
                 `floodway lock break` takes it away",
                purpose.expiry().secs_ceil()
            )),
        ),
        Purpose::Lead => (format!("another controller leads: {holder}"), None),
    };
    PortError { kind: FailureKind::Locked, message, help }
}

#[cfg(test)]
mod tests;
