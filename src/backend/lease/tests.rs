use super::*;
use crate::observe::Mark;
use serde_json::json;
use std::sync::Mutex as StdMutex;

/// A place in memory, whose answers may be lost.
#[derive(Clone)]
struct Place(Arc<StdMutex<Inside>>, Purpose);

impl Default for Place {
    fn default() -> Self {
        Self(Arc::default(), Purpose::Apply)
    }
}

#[derive(Default)]
struct Inside {
    stored: Option<Stored>,
    version: u64,
    /// Writes that happen and are told as if somebody else had been faster, as a
    /// repeated conditional write is.
    lost: u32,
    /// Renewals by its holder between a look and a write.
    beats: u32,
    /// It answers nothing.
    hangs: bool,
}

impl Place {
    fn inside<T>(&self, act: impl FnOnce(&mut Inside) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    fn put(&self, holder: &str, renewed: Timestamp) {
        let at = Some(renewed);
        let holding = Holding { holder: holder.into(), since: at, renewed: at };
        self.inside(|inside| inside.set(Some(holding)));
    }
}

impl Inside {
    fn set(&mut self, holding: Option<Holding>) -> Stored {
        self.version += 1;
        let stored = Stored { holding, uid: String::new(), version: json!(self.version) };
        self.stored = Some(stored.clone());
        stored
    }

    fn is(&self, over: Option<&Stored>) -> bool {
        self.stored.as_ref().map(|stored| &stored.version) == over.map(|over| &over.version)
    }
}

#[async_trait]
impl Slot for Place {
    fn place(&self) -> String {
        "memory".into()
    }

    fn purpose(&self) -> Purpose {
        self.1
    }

    async fn read(&self) -> Result<Option<Stored>, PortError> {
        if self.inside(|inside| inside.hangs) {
            std::future::pending::<()>().await;
        }
        Ok(self.inside(|inside| inside.stored.clone()))
    }

    async fn write(
        &self,
        holding: &Holding,
        over: Option<&Stored>,
    ) -> Result<Option<Stored>, PortError> {
        Ok(self.inside(|inside| {
            if !inside.is(over) {
                return None;
            }
            let stored = inside.set(Some(holding.clone()));
            let lost = inside.lost > 0;
            inside.lost = inside.lost.saturating_sub(1);
            (!lost).then_some(stored)
        }))
    }

    async fn free(&self, over: &Stored) -> Result<bool, PortError> {
        Ok(self.inside(|inside| {
            if inside.beats > 0 {
                inside.beats -= 1;
                let holding = inside.stored.clone().and_then(|stored| stored.holding);
                inside.set(holding);
            }
            let is = inside.is(Some(over));
            if is {
                inside.set(None);
            }
            is
        }))
    }
}

impl Keeper for Place {
    fn slot(&self, _: &Scope, _: Purpose) -> impl Slot + 'static {
        self.clone()
    }
}

#[tokio::test]
async fn one_of_two_gets_it_and_the_other_hears_who() {
    let place = Place::default();
    let lease = acquire(place.clone(), "ada").await.unwrap();
    let error = acquire(place.clone(), "bob").await.err().unwrap();
    assert_eq!(error.kind, FailureKind::Locked);
    assert!(error.message.contains("ada, since"), "{error}");
    lease.release().await.unwrap();
    assert_eq!(show(&place).await.unwrap(), None);
    acquire(place, "bob").await.unwrap();
}

#[tokio::test]
async fn an_acquisition_and_a_renewal_whose_answers_are_lost_have_worked() {
    let place = Place::default();
    place.inside(|inside| inside.lost = 1);
    let lease = acquire(place.clone(), "ada").await.unwrap();
    place.inside(|inside| inside.lost = 1);
    lease.renew().await.unwrap();
    lease.renew().await.unwrap();
}

#[tokio::test]
async fn a_lock_without_heartbeats_is_taken_and_its_holder_notices() {
    let place = Place::default();
    let lease = acquire(place.clone(), "ada").await.unwrap();
    place.put("ada", Timestamp::UNIX_EPOCH);
    assert!(show(&place).await.unwrap().unwrap().expired);
    acquire(place, "bob").await.unwrap();
    let error = lease.renew().await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (FailureKind::Stale, "bob has taken it"));
}

#[tokio::test]
async fn it_is_broken_between_heartbeats_and_not_once_it_is_taken_anew() {
    let place = Place::default();
    let lease = acquire(place.clone(), "ada").await.unwrap();
    let shown = show(&place).await.unwrap().unwrap();
    place.inside(|inside| inside.beats = 2);
    assert!(break_held(&place, &shown).await.unwrap());
    assert_eq!(lease.renew().await.unwrap_err().kind, FailureKind::Stale);
    assert!(!break_held(&place, &shown).await.unwrap(), "nobody holds it");
    place.put("ada", SystemClock.now());
    assert_eq!(break_held(&place, &shown).await.unwrap_err().kind, FailureKind::Stale);
    let anew = show(&place).await.unwrap().unwrap();
    place.inside(|inside| inside.beats = 99);
    assert_eq!(break_held(&place, &anew).await.unwrap_err().kind, FailureKind::Transient);
}

#[tokio::test]
async fn it_is_taken_over_between_two_heartbeats_that_did_not_come() {
    let place = Place::default();
    let lease = acquire(place.clone(), "ada").await.unwrap();
    let shown = show(&place).await.unwrap().unwrap();
    lease.renew().await.unwrap();
    let error = succeed(place.clone(), "bob", &shown).await.err().unwrap();
    assert_eq!(error.kind, FailureKind::Locked, "ada lives");
    let shown = show(&place).await.unwrap().unwrap();
    succeed(place.clone(), "bob", &shown).await.unwrap();
    assert_eq!(show(&place).await.unwrap().unwrap().holder, "bob");
    assert_eq!(lease.renew().await.unwrap_err().message, "bob has taken it");
}

#[tokio::test]
async fn a_leader_whose_clock_is_behind_is_never_taken_for_dead_by_another_clock() {
    let place = Place(Arc::default(), Purpose::Lead);
    // It has taken the lease just now, after another has seen it free.
    place.put("ada", Timestamp::UNIX_EPOCH);
    assert!(show(&place).await.unwrap().unwrap().expired);
    let error = acquire(place.clone(), "bob").await.err().unwrap();
    assert_eq!(error.kind, FailureKind::Locked, "{error}");
    let shown = show(&place).await.unwrap().unwrap();
    assert_eq!(shown.holder, "ada");
    // Who has watched it for long enough says so by naming what was seen.
    succeed(place.clone(), "bob", &shown).await.unwrap();
    assert_eq!(show(&place).await.unwrap().unwrap().holder, "bob");
}

#[tokio::test(start_paused = true)]
async fn who_stands_for_leader_waits_a_moment_for_a_place_that_hangs() {
    let mark = Mark { environment: "e".into(), repository: "r".into(), file: "f".into() };
    let scope = Scope::of(mark, "ns");
    let keeper = Place(Arc::default(), Purpose::Lead);
    keeper.put("ada", SystemClock.now());
    let kept = Kept { keeper: keeper.clone(), purpose: Purpose::Lead };
    let shown = kept.show(&scope).await.unwrap().unwrap();
    keeper.inside(|inside| inside.hangs = true);
    let begun = tokio::time::Instant::now();
    let errors = [
        kept.show(&scope).await.err(),
        kept.acquire(&scope, "bob").await.err(),
        kept.succeed(&scope, "bob", &shown).await.err(),
    ];
    for error in errors.map(Option::unwrap) {
        assert_eq!(error.kind, FailureKind::Unreachable);
        assert_eq!(error.message, "memory does not answer");
    }
    assert!(begun.elapsed() <= LOOK + 2 * TAKE + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_does_not_take_a_renewal_and_then_says_nothing_has_answered() {
    let place = Place(Arc::default(), Purpose::Lead);
    let lease = acquire(place.clone(), "ada").await.unwrap();
    place.inside(|inside| (inside.lost, inside.hangs) = (1, true));
    let Ok(Renewal::Missed(why)) = lease.renew().await else { panic!("it is ours for a while") };
    assert_eq!((why.kind, why.message.as_str()), (FailureKind::Denied, "memory does not answer"));
}

#[test]
fn what_a_place_has_answered_is_no_silence_and_is_else_what_it_was() {
    use FailureKind::{Denied, Rejected, Stale, Transient, Unknown, Unreachable};
    for (said, kind) in [
        (Unreachable, Denied),
        (Transient, Denied),
        (Unknown, Denied),
        (Denied, Denied),
        (Rejected, Rejected),
        (Stale, Stale),
    ] {
        let error = PortError { kind: said, message: "so".into(), help: Some("do it".into()) };
        let expected = PortError { kind, ..error.clone() };
        assert_eq!(answered(error), expected);
    }
}
