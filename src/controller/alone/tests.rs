use super::*;
use crate::plan::PortError;
use async_trait::async_trait;
use std::sync::Mutex;

/// Agents of which some do not answer.
#[derive(Default)]
struct Agents {
    hang: Mutex<BTreeSet<String>>,
    /// These take no work, since the beginning.
    drained: Mutex<BTreeSet<String>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Drain for Agents {
    async fn status(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.asked.lock().unwrap().push(unit.instance.clone());
        let hangs = self.hang.lock().unwrap().contains(&unit.instance);
        if hangs {
            std::future::pending::<()>().await;
        }
        let drained = self.drained.lock().unwrap().contains(&unit.instance);
        let since = drained.then_some(Timestamp::UNIX_EPOCH);
        Ok(Left { known: true, takes_work: !drained, since, ..Left::default() })
    }

    async fn close(&self, _: &Leaving) -> Result<Left, PortError> {
        Ok(Left::default())
    }

    async fn begin(&self, _: &Leaving) -> Result<Left, PortError> {
        Ok(Left::default())
    }

    async fn undo(&self, _: &Leaving) -> Result<(), PortError> {
        Ok(())
    }
}

struct Fleet {
    agents: Arc<Agents>,
    alone: Alone,
    now: Timestamp,
}

fn name(at: usize) -> String {
    format!("i-{at:03}")
}

impl Fleet {
    fn of(units: usize) -> Self {
        let agent = Some("10.0.0.1:9444".parse().unwrap());
        let one = || One { agent, in_service: true, ending: false, endpoint: None };
        let all = (0..units).map(|at| (name(at), one())).collect();
        let alone = Alone { all, ..Alone::default() };
        Self { agents: Arc::default(), alone, now: Timestamp::UNIX_EPOCH }
    }

    /// Those do not answer from now on.
    fn hang(&self, which: std::ops::Range<usize>) {
        *self.agents.hang.lock().unwrap() = which.map(name).collect();
    }

    /// A turn that waits no longer than that; how many were asked in it.
    async fn turn(&mut self, wait: Duration) -> usize {
        let before = self.agents.asked.lock().unwrap().len();
        let drain = Arc::clone(&self.agents) as Arc<dyn Drain>;
        let drains = Drains::default();
        let ask = self.alone.ask(Some(&drain), &drains, self.now);
        let _ = tokio::time::timeout(wait, ask).await;
        self.agents.asked.lock().unwrap().len() - before
    }

    async fn passes(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
        self.now = self.now.saturating_add(time).unwrap();
    }
}

const SHORT: Duration = Duration::from_millis(20);
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn only_those_that_were_asked_are_silent_and_the_others_are_next() {
    let mut fleet = Fleet::of(100);
    fleet.hang(0..AT_ONCE);
    assert_eq!(fleet.turn(SHORT).await, AT_ONCE);
    assert_eq!((fleet.alone.silent.len(), fleet.alone.said.len()), (0, 0), "they may yet answer");
    fleet.passes(SECOND).await;
    assert_eq!(fleet.turn(SHORT).await, 100 - AT_ONCE);
    assert_eq!((fleet.alone.silent.len(), fleet.alone.said.len()), (AT_ONCE, 100 - AT_ONCE));
    // The silent are left alone for a minute, and the others are asked in each turn.
    fleet.passes(SECOND).await;
    assert_eq!(fleet.turn(SHORT).await, 100 - AT_ONCE);
    assert_eq!(fleet.alone.said.len(), 100 - AT_ONCE);
    fleet.passes(LEFT_ALONE).await;
    fleet.hang(0..0);
    assert_eq!(fleet.turn(SHORT).await, 100);
    assert_eq!((fleet.alone.silent.len(), fleet.alone.said.len()), (0, 100));
}

#[tokio::test(start_paused = true)]
async fn where_more_hang_than_are_asked_at_once_each_has_its_turn() {
    let mut fleet = Fleet::of(3 * AT_ONCE);
    fleet.hang(0..3 * AT_ONCE);
    for _ in 0..3 {
        assert_eq!(fleet.turn(SHORT).await, AT_ONCE);
        fleet.passes(SECOND).await;
    }
    let asked: BTreeSet<String> = fleet.agents.asked.lock().unwrap().iter().cloned().collect();
    assert_eq!(asked.len(), 3 * AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_last_counts_until_the_answer_is_there_or_does_not_come() {
    let mut fleet = Fleet::of(1);
    fleet.turn(SHORT).await;
    assert!(fleet.alone.said(&name(0)).is_some());
    fleet.hang(0..1);
    assert_eq!(fleet.turn(SHORT).await, 1);
    assert!(fleet.alone.said(&name(0)).is_some(), "it is being asked");
    assert_eq!(fleet.turn(SHORT).await, 0, "and not twice");
    fleet.passes(SECOND).await;
    fleet.turn(SHORT).await;
    assert!(fleet.alone.said(&name(0)).is_none());
    assert_eq!(fleet.alone.silent.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_cluster_what_drains_is_known_by_the_word_of_its_agent() {
    let mut fleet = Fleet::of(3);
    *fleet.agents.drained.lock().unwrap() = [name(1), name(2)].into();
    fleet.turn(SHORT).await;
    assert_eq!(fleet.alone.ending().count(), 0, "a cluster that is not seen may say otherwise");
    fleet.alone.by_their_word = true;
    let (first, second) = (name(1), name(2));
    let since = Some(Timestamp::UNIX_EPOCH);
    let ending: Vec<_> = fleet.alone.ending().collect();
    assert_eq!(ending, [(first.as_str(), since), (second.as_str(), since)]);
    // An endpoint that is there is believed.
    fleet.alone.all.get_mut(&second).unwrap().endpoint = Some(None);
    assert_eq!(fleet.alone.ending().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_it_was_to_serve_again_drains_nothing() {
    let mut fleet = Fleet::of(1);
    fleet.alone.by_their_word = true;
    *fleet.agents.drained.lock().unwrap() = [name(0)].into();
    fleet.turn(SHORT).await;
    assert_eq!(fleet.alone.ending().count(), 1);
    // It is asked once more, and told so before the answer is heard.
    let drain = Arc::clone(&fleet.agents) as Arc<dyn Drain>;
    let unit = fleet.alone.leaving(&name(0)).unwrap();
    fleet.alone.put_to(unit, &drain, fleet.now);
    tokio::task::yield_now().await;
    fleet.agents.drained.lock().unwrap().clear();
    fleet.alone.reopened(&name(0));
    assert_eq!(fleet.alone.ending().count(), 0);
    fleet.turn(SHORT).await;
    assert_eq!(fleet.alone.ending().count(), 0);
    assert!(fleet.alone.said(&name(0)).is_some_and(|said| said.takes_work));
}
