//! A place that answers slowly keeps no turn waiting, and is not believed for ever.

use super::{Day, controller_of, session};
use crate::clock::Clock;
use crate::controller::Settings;
use crate::observe::{Inventory, Side};
use crate::plan::PortError;
use crate::port::{Observe, Scope};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Answers when it is let to.
struct Slow {
    place: Arc<dyn Observe>,
    answers: Arc<Semaphore>,
}

#[async_trait]
impl Observe for Slow {
    async fn observe(&self, scope: &Scope) -> Result<Inventory, PortError> {
        self.answers.acquire().await.unwrap().forget();
        self.place.observe(scope).await
    }
}

async fn day() -> (Day, Arc<Semaphore>) {
    let mut day = Day::begin().await;
    let answers = Arc::new(Semaphore::new(0));
    let mut session = session(&day.simulator, &day.text);
    let aws = session.backends.aws.as_mut().unwrap();
    let place = Arc::clone(&aws.observe);
    aws.observe = Arc::new(Slow { place, answers: Arc::clone(&answers) });
    let patience = Some(Duration::from_millis(200));
    let settings = Settings { dry_run: false, time_scale: 1, patience };
    day.controller = controller_of(session, (&day.simulator, &day.load), settings);
    (day, answers)
}

#[tokio::test(start_paused = true)]
async fn on_prem_goes_on_while_aws_is_slow_and_what_was_seen_stands_for_a_while() {
    let (mut day, answers) = day().await;
    answers.add_permits(1);
    *day.load.0.lock().unwrap() = Some(10.0);
    let first = day.controller.turn(&day.standing).await;
    assert!(first.unseen.is_empty(), "{:?}", first.unseen);
    let (mut unseen, mut replicas) = (Vec::new(), 0);
    for _ in 0..5 {
        day.simulator.sleep(Duration::from_secs(10)).await;
        *day.load.0.lock().unwrap() = Some(60.0);
        let turn = day.controller.turn(&day.standing).await;
        unseen.push(turn.unseen.contains_key(&Side::Aws));
        assert!(!turn.unseen.contains_key(&Side::Kubernetes));
        replicas = turn.scaling.pools["h100"].sources[0].desired;
    }
    assert_eq!((unseen, replicas), (vec![false, false, true, true, true], 3));
    answers.add_permits(9);
    assert!(day.controller.turn(&day.standing).await.unseen.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_number_is_written_once_though_the_place_is_not_looked_at_again() {
    let (mut day, answers) = day().await;
    answers.add_permits(1);
    *day.load.0.lock().unwrap() = Some(60.0);
    let mut written = 0;
    for _ in 0..3 {
        let turn = day.controller.turn(&day.standing).await;
        let on_aws = turn.done.iter().filter(|done| done.step.id().side == Side::Aws);
        written += on_aws.inspect(|done| assert_eq!(done.outcome, Some(Ok(())))).count();
        day.simulator.sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(written, 1);
}
