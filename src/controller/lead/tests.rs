use super::*;
use crate::clock::Timestamp;
use crate::observe::Mark;
use crate::units::Span;
use async_trait::async_trait;
use std::sync::Mutex;

/// Time that a test moves.
#[derive(Default)]
struct Hands(AtomicU64);

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::Relaxed) as i64).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::task::yield_now().await;
        self.0.fetch_add(duration.as_millis() as u64, Ordering::Relaxed);
    }
}

/// A lease's place: who holds it, and how often that was renewed.
#[derive(Default)]
struct Place {
    held: Mutex<Option<(String, i64)>>,
    /// What it says to everything.
    fails: Mutex<Option<PortError>>,
    /// What it says to every write.
    refuses: Mutex<Option<PortError>>,
    /// A lease that it does not extend lasts for a while yet.
    lasts: Mutex<bool>,
}

impl Place {
    fn answers(&self) -> Result<(), PortError> {
        self.fails.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn takes(&self) -> Result<(), PortError> {
        self.answers()?;
        self.refuses.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

struct AtPlace(Arc<Place>);

#[async_trait]
impl Lock for AtPlace {
    async fn acquire(&self, _: &Scope, holder: &str) -> Result<Arc<dyn Lease>, PortError> {
        self.0.takes()?;
        let mut held = self.0.held.lock().unwrap();
        if held.is_some() {
            let message = String::new();
            return Err(PortError { kind: FailureKind::Locked, message, help: None });
        }
        *held = Some((holder.to_owned(), 0));
        Ok(Arc::new(Ours { place: Arc::clone(&self.0), holder: holder.to_owned() }))
    }

    async fn succeed(
        &self,
        scope: &Scope,
        holder: &str,
        shown: &HeldLock,
    ) -> Result<Arc<dyn Lease>, PortError> {
        self.0.takes()?;
        let same = |held: &mut (String, i64)| {
            held.0 == shown.holder && shown.renewed.unwrap().as_second() == held.1
        };
        self.0.held.lock().unwrap().take_if(same);
        self.acquire(scope, holder).await
    }

    async fn show(&self, _: &Scope) -> Result<Option<HeldLock>, PortError> {
        self.0.answers()?;
        Ok(self.0.held.lock().unwrap().as_ref().map(|(holder, renewed)| HeldLock {
            holder: holder.clone(),
            since: None,
            renewed: Timestamp::from_second(*renewed).ok(),
            expired: false,
            place: "here".into(),
            identity: holder.clone(),
        }))
    }

    async fn break_held(&self, _: &Scope, _: &HeldLock) -> Result<bool, PortError> {
        Ok(self.0.held.lock().unwrap().take().is_some())
    }
}

struct Ours {
    place: Arc<Place>,
    holder: String,
}

#[async_trait]
impl Lease for Ours {
    async fn renew(&self) -> Result<Renewal, PortError> {
        if let Err(why) = self.place.takes() {
            let lasts = *self.place.lasts.lock().unwrap();
            return if lasts { Ok(Renewal::Missed(why)) } else { Err(why) };
        }
        match self.place.held.lock().unwrap().as_mut() {
            Some((holder, renewed)) if *holder == self.holder => {
                *renewed += 1;
                Ok(Renewal::Done)
            }
            _ => Err(PortError { kind: FailureKind::Stale, ..unanswered() }),
        }
    }

    async fn release(&self) -> Result<(), PortError> {
        self.place.held.lock().unwrap().take_if(|held| held.0 == self.holder);
        Ok(())
    }
}

struct Two {
    place: Arc<Place>,
    clock: Arc<Hands>,
    ada: Candidate,
    bob: Candidate,
}

impl Two {
    fn new() -> Self {
        let (place, clock) = (Arc::<Place>::default(), Arc::<Hands>::default());
        let one = |name: &str| {
            let mark = Mark { environment: "e".into(), repository: "r".into(), file: "f".into() };
            let lock = Arc::new(AtPlace(Arc::clone(&place)));
            Candidate::new(lock, Scope::of(mark, "ns"), name.to_owned(), Arc::clone(&clock) as _)
        };
        Self { ada: one("ada"), bob: one("bob"), place, clock }
    }

    async fn passes(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }
}

fn unanswered() -> PortError {
    error(FailureKind::Unreachable)
}

fn error(kind: FailureKind) -> PortError {
    PortError { kind, message: "it said so".into(), help: None }
}

fn follows(leader: &str) -> Standing {
    Standing::Follows { leader: leader.into() }
}

#[tokio::test]
async fn one_of_two_leads_and_the_other_takes_over_at_once_when_it_resigns() {
    let mut two = Two::new();
    assert_eq!(two.ada.beat().await, Standing::Leads);
    assert_eq!(two.bob.beat().await, follows("ada"));
    assert!(two.ada.fence().holds() && !two.bob.fence().holds());
    two.ada.resign().await;
    assert!(!two.ada.fence().holds());
    assert_eq!(two.bob.beat().await, Standing::Leads);
    assert_eq!(two.ada.beat().await, follows("bob"));
}

#[tokio::test]
async fn a_dead_leader_is_replaced_within_fifteen_seconds_and_a_living_one_never() {
    let mut two = Two::new();
    two.ada.beat().await;
    for _ in 0..60 {
        two.passes(2).await;
        assert_eq!(two.ada.beat().await, Standing::Leads);
        assert_eq!(two.bob.beat().await, follows("ada"));
    }
    let mut silent = 0;
    while two.bob.beat().await != Standing::Leads {
        two.passes(2).await;
        silent += 2;
    }
    assert!(silent < 15, "{silent}");
}

#[tokio::test]
async fn a_leader_that_was_stopped_writes_nothing_when_it_wakes() {
    let mut two = Two::new();
    two.ada.beat().await;
    let fence = two.ada.fence();
    for _ in 0..30 {
        two.passes(2).await;
        two.bob.beat().await;
    }
    assert!(two.bob.fence().holds() && !fence.holds());
    assert_eq!(two.ada.beat().await, follows("bob"));
    assert!(!fence.holds());
}

#[tokio::test]
async fn where_the_lease_cannot_be_reached_its_last_holder_is_cut_off_and_the_other_waits() {
    let mut two = Two::new();
    two.ada.beat().await;
    two.bob.beat().await;
    *two.place.fails.lock().unwrap() = Some(unanswered());
    two.passes(10).await;
    assert_eq!(two.ada.beat().await, Standing::CutOff { why: unanswered() });
    assert_eq!(two.bob.beat().await, Standing::Waits { why: unanswered() });
    assert!(!two.ada.fence().holds());
    *two.place.fails.lock().unwrap() = None;
    assert_eq!(two.ada.beat().await, Standing::Leads);
    assert_eq!(two.bob.beat().await, follows("ada"));
}

#[tokio::test]
async fn one_that_is_cut_off_goes_by_a_look_of_just_now_and_by_no_older_one() {
    let mut two = Two::new();
    two.ada.beat().await;
    let fence = two.ada.fence();
    assert!(fence.holds() && !fence.is_cut_off());
    *two.place.fails.lock().unwrap() = Some(unanswered());
    for _ in 0..20 {
        two.passes(3).await;
        two.ada.beat().await;
    }
    assert!(!fence.holds() && fence.is_cut_off());
    two.passes(4).await;
    assert!(fence.is_cut_off(), "a look takes its time");
    // It is stopped, and meanwhile the place is there for another.
    two.passes(60).await;
    assert!(!fence.holds() && !fence.is_cut_off());
    *two.place.fails.lock().unwrap() = None;
    *two.place.held.lock().unwrap() = Some(("bob".into(), 0));
    assert_eq!(two.ada.beat().await, follows("bob"));
    assert!(!fence.holds() && !fence.is_cut_off());
}

#[tokio::test]
async fn one_that_leads_again_or_is_refused_is_cut_off_no_more() {
    for refused in [false, true] {
        let mut two = Two::new();
        two.ada.beat().await;
        *two.place.fails.lock().unwrap() = Some(unanswered());
        two.passes(10).await;
        two.ada.beat().await;
        let fence = two.ada.fence();
        assert!(fence.is_cut_off());
        *two.place.fails.lock().unwrap() = refused.then(|| error(FailureKind::Denied));
        two.ada.beat().await;
        assert_eq!((fence.is_cut_off(), fence.holds()), (false, !refused));
    }
}

#[tokio::test]
async fn only_a_place_that_does_not_answer_cuts_its_last_holder_off() {
    use FailureKind::{Conflict, Denied, Other, Rejected, Transient, Unknown, Unreachable};
    for kind in [Unreachable, Transient, Unknown] {
        let mut two = Two::new();
        two.ada.beat().await;
        *two.place.refuses.lock().unwrap() = Some(error(kind));
        two.passes(10).await;
        assert_eq!(two.ada.beat().await, Standing::CutOff { why: error(kind) });
    }
    for kind in [Denied, Rejected, Conflict, Other] {
        let mut two = Two::new();
        two.ada.beat().await;
        *two.place.refuses.lock().unwrap() = Some(error(kind));
        two.passes(10).await;
        let Standing::Waits { why } = two.ada.beat().await else { panic!("{kind:?}") };
        assert_eq!((why.kind, why.message.as_str()), (kind, "it said so"));
        assert!(why.help.unwrap().contains("another may lead"), "it says what to do");
        assert!(!two.ada.fence().holds());
    }
}

#[tokio::test]
async fn one_whose_lease_was_refused_follows_whoever_has_taken_it_and_is_never_cut_off() {
    let mut two = Two::new();
    two.ada.beat().await;
    *two.place.refuses.lock().unwrap() = Some(error(FailureKind::Denied));
    two.passes(10).await;
    assert_eq!(two.ada.beat().await.state(), "waits");
    // The other may, and then the place does not answer any more.
    *two.place.held.lock().unwrap() = Some(("bob".into(), 0));
    *two.place.fails.lock().unwrap() = Some(unanswered());
    assert_eq!(two.ada.beat().await, Standing::Waits { why: unanswered() });
    *two.place.fails.lock().unwrap() = None;
    *two.place.refuses.lock().unwrap() = None;
    assert_eq!(two.ada.beat().await, follows("bob"));
    // What nobody has taken meanwhile goes on, and may be cut off again.
    let mut two = Two::new();
    two.ada.beat().await;
    *two.place.refuses.lock().unwrap() = Some(error(FailureKind::Denied));
    two.passes(10).await;
    two.ada.beat().await;
    *two.place.refuses.lock().unwrap() = None;
    assert_eq!(two.ada.beat().await, Standing::Leads);
    *two.place.fails.lock().unwrap() = Some(unanswered());
    two.passes(10).await;
    assert_eq!(two.ada.beat().await, Standing::CutOff { why: unanswered() });
}

#[tokio::test]
async fn a_refusal_that_is_heard_while_the_lease_lasts_counts_when_it_has_run_out() {
    let silent = || Standing::CutOff { why: unanswered() };
    let refused = || Standing::Waits { why: unanswered() };
    for (kind, extended, stands) in [
        (FailureKind::Unreachable, false, silent()),
        (FailureKind::Denied, false, refused()),
        // What it has said before it extended the lease again says nothing.
        (FailureKind::Denied, true, silent()),
    ] {
        let mut two = Two::new();
        two.ada.beat().await;
        *two.place.lasts.lock().unwrap() = true;
        *two.place.refuses.lock().unwrap() = Some(error(kind));
        two.passes(2).await;
        assert_eq!(two.ada.beat().await, Standing::Leads);
        *two.place.refuses.lock().unwrap() = None;
        if extended {
            assert_eq!(two.ada.beat().await, Standing::Leads);
        }
        *two.place.fails.lock().unwrap() = Some(unanswered());
        two.passes(10).await;
        assert_eq!(two.ada.beat().await, stands, "{kind:?}, extended: {extended}");
    }
}

/// What bob, who decides only once, is told first, and after how long.
async fn first_told(two: Two, ada_lives: bool) -> (Standing, Duration) {
    let Two { place: _place, clock, mut ada, bob } = two;
    let begun = clock.monotonic();
    let turns = Turns::new(Arc::clone(&clock) as _, Span::from_secs(15));
    let (tell, mut told) = watch::channel(Standing::Waits { why: unanswered() });
    let (_stop, stopped) = watch::channel(false);
    let beside = async {
        for _ in 0..1000 {
            if ada_lives {
                ada.beat().await;
            }
            tokio::task::yield_now().await;
        }
    };
    let first = async {
        told.changed().await.unwrap();
        told.borrow().clone()
    };
    let first = tokio::select! {
        biased;
        first = first => first,
        () = stand(bob, turns, tell, stopped, true) => panic!("nobody has stopped it"),
        () = beside => panic!("it was told nothing"),
    };
    (first, clock.monotonic() - begun)
}

#[tokio::test]
async fn who_decides_once_takes_over_from_a_dead_leader_and_follows_one_that_lives() {
    let mut two = Two::new();
    two.ada.beat().await;
    let (stands, after) = first_told(two, false).await;
    assert_eq!(stands, Standing::Leads);
    assert_eq!(after, Purpose::Lead.expiry().duration());
    let mut two = Two::new();
    two.ada.beat().await;
    let (stands, after) = first_told(two, true).await;
    assert_eq!(stands, follows("ada"));
    assert!(after < Purpose::Lead.expiry().duration(), "{after:?}");
}

#[tokio::test]
async fn who_decides_once_is_told_at_once_where_nobody_leads_or_nobody_answers() {
    let (stands, after) = first_told(Two::new(), false).await;
    assert_eq!((stands, after), (Standing::Leads, Duration::ZERO));
    let two = Two::new();
    *two.place.fails.lock().unwrap() = Some(unanswered());
    let (stands, after) = first_told(two, false).await;
    assert_eq!((stands, after), (Standing::Waits { why: unanswered() }, Duration::ZERO));
}

#[tokio::test]
async fn who_has_not_stood_for_election_for_a_while_is_not_the_last_one_where_its_place_is_silent()
{
    let mut two = Two::new();
    two.ada.beat().await;
    two.ada.give_up(Duration::from_secs(200));
    two.passes(60).await;
    *two.place.fails.lock().unwrap() = Some(unanswered());
    assert_eq!(two.ada.beat().await, Standing::Waits { why: unanswered() }, "bob may have led");
    assert!(!two.ada.fence().is_cut_off());
    *two.place.fails.lock().unwrap() = None;
    assert_eq!(two.ada.beat().await, Standing::Leads);
}

#[test]
fn an_interval_that_becomes_shorter_makes_no_turn_late() {
    let clock = Arc::<Hands>::default();
    let turns = Turns::new(Arc::clone(&clock) as _, Span::from_secs(600));
    clock.0.fetch_add(600_000, Ordering::Relaxed);
    turns.expect(Span::from_secs(15));
    assert_eq!(turns.stopped(), None);
}

#[tokio::test]
async fn a_leader_whose_turns_do_not_end_leads_no_more_until_one_does() {
    let Two { place: _place, clock, ada, mut bob } = Two::new();
    let turns = Turns::new(Arc::clone(&clock) as _, Span::from_secs(15));
    let fence = ada.fence();
    let (tell, mut told) = watch::channel(Standing::Waits { why: unanswered() });
    let (stop, stopped) = watch::channel(false);
    let beside = async {
        // Ten minutes in which they end.
        let begun = clock.monotonic();
        while clock.monotonic() - begun < Duration::from_secs(600) {
            told.changed().await.unwrap();
            assert_eq!((told.borrow().clone(), fence.holds()), (Standing::Leads, true));
            turns.ended();
        }
        let last = clock.monotonic();
        let leads_no_more = |now: &Standing| *now != Standing::Leads;
        let Standing::Waits { why } = told.wait_for(leads_no_more).await.unwrap().clone() else {
            panic!("another has taken it");
        };
        assert!(why.message.contains("no turn of this controller has ended"), "{why}");
        let after = clock.monotonic() - last;
        assert!(after > patience(Span::from_secs(15)) && after.as_secs() < 200, "{after:?}");
        // What the last turn still comes to may not be written, and another leads soon.
        assert!(!fence.holds() && !fence.is_cut_off());
        while bob.beat().await != Standing::Leads {
            told.changed().await.unwrap();
        }
        assert!((clock.monotonic() - last - after).as_secs() < 15);
        for _ in 0..9 {
            told.changed().await.unwrap();
            assert_eq!((told.borrow().state(), fence.holds()), ("waits", false));
        }
        turns.ended();
        let follows = |now: &Standing| *now == follows("bob");
        told.wait_for(follows).await.unwrap();
        bob.resign().await;
        told.wait_for(|now| *now == Standing::Leads).await.unwrap();
        assert!(fence.holds());
        stop.send_replace(true);
    };
    tokio::join!(stand(ada, turns.clone(), tell, stopped, false), beside);
}
