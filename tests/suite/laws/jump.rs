//! This machine's clock jumps, forth and back, while an apply waits by it.

use super::declared::declared;
use super::heal::World;
use super::history::{edit, scale};
use super::place::{Place, shown};
use async_trait::async_trait;
use floodway::clock::{Clock, Timestamp};
use floodway::execute::Outcome;
use jiff::SignedDuration;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn an_apply_by_a_clock_that_jumps_ends_or_says_what_it_left_and_takes_nothing_else_away(
        declared in declared(),
        edits in prop::collection::vec(edit(), 1..4),
        scales in prop::collection::vec(scale(), 0..3),
        wrong in prop::collection::vec(-600..600i64, 1..6),
    ) {
        let mut calm = Place::new(declared);
        calm.converge(World::Undisturbed);
        calm.edit(&edits);
        scales.iter().for_each(|scale| calm.drift(scale));
        let stormy = calm.fork();
        calm.converge(World::Undisturbed);
        let plan = stormy.plan();
        if plan.refusals.is_empty() && plan.has_work() {
            let report = stormy.apply_by(&plan, &wrong);
            for (id, outcome) in &report.changes {
                match outcome {
                    Outcome::Done => {}
                    Outcome::Failed { message, .. } => prop_assert!(message.contains(" after ")),
                    Outcome::Skipped { because } => prop_assert!(!because.is_empty()),
                    Outcome::Unknown { message } => {
                        prop_assert!(false, "{id}: {message}: {}", shown(&plan));
                    }
                }
            }
        }
        stormy.converge(World::Undisturbed);
        prop_assert_eq!(calm.settled(), stormy.settled());
    }
}

struct Jumping {
    clock: Arc<dyn Clock>,
    /// Minutes.
    wrong: Vec<i64>,
    asked: AtomicUsize,
}

/// The clock, each time wrong by the next of these minutes.
pub fn jumping(clock: Arc<dyn Clock>, wrong: &[i64]) -> Arc<dyn Clock> {
    Arc::new(Jumping { clock, wrong: wrong.to_vec(), asked: AtomicUsize::new(0) })
}

#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        let minutes = self.wrong[self.asked.fetch_add(1, Ordering::Relaxed) % self.wrong.len()];
        self.clock.now() + SignedDuration::from_mins(minutes)
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}
