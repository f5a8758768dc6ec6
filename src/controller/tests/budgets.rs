//! Disruption budgets are not the controller's to break.

use super::{Day, controller_of, session};
use crate::controller::{Settings, Turn};
use crate::decide::scaling::{EventKind, HoldCause};
use crate::plan::{PortError, Step};
use crate::port::{Drain, Held, Leaving, Left};
use async_trait::async_trait;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A pod stays on every unit for as long as its budget keeps it.
struct Budget {
    drain: Arc<dyn Drain>,
    keeps: AtomicBool,
    back: Mutex<Vec<String>>,
}

#[async_trait]
impl Drain for Budget {
    async fn close(&self, unit: &Leaving) -> Result<Left, PortError> {
        self.drain.close(unit).await
    }

    async fn begin(&self, unit: &Leaving) -> Result<Left, PortError> {
        if !self.keeps.load(Ordering::Relaxed) {
            return self.drain.begin(unit).await;
        }
        let (by, message) = ("PodDisruptionBudget inference/all".to_owned(), "it needs 1".into());
        let held = vec![Held { by, pods: 1, message }];
        Ok(Left { pods: 1, held, ..self.drain.close(unit).await? })
    }

    async fn undo(&self, unit: &Leaving) -> Result<(), PortError> {
        self.back.lock().unwrap().push(unit.instance.clone());
        self.drain.undo(unit).await
    }
}

fn ends(turns: &[Turn]) -> usize {
    let all = turns.iter().flat_map(|turn| &turn.done);
    all.filter(|done| matches!(done.step, Step::DrainUnits { .. }) && done.outcome == Some(Ok(())))
        .count()
}

#[tokio::test]
async fn what_a_disruption_budget_keeps_past_its_time_is_not_ended_and_serves_again() {
    let mut day = Day::begin().await;
    let busy = day.passes(40, Some(60.0)).await;
    let before = Day::wanted(busy.last().unwrap(), "g6e");
    let mut session = session(&day.simulator, &day.text);
    let place = session.backends.kubernetes.as_mut().unwrap();
    let budget = Arc::new(Budget {
        drain: Arc::clone(place.drain.as_ref().unwrap()),
        keeps: AtomicBool::new(true),
        back: Mutex::default(),
    });
    place.drain = Some(Arc::clone(&budget) as Arc<dyn Drain>);
    let settings = Settings { dry_run: false, time_scale: 1, patience: None };
    day.controller = controller_of(session, (&day.simulator, &day.load), settings);

    let quiet = day.passes(90, Some(5.0)).await;
    assert_eq!(ends(&quiet), 0);
    let given_up: Vec<&Turn> = quiet
        .iter()
        .filter(|turn| turn.scaling.events.iter().any(|e| e.kind == EventKind::DrainGivenUp))
        .collect();
    assert!(given_up.len() >= 2, "it is tried again");
    let (first, again) = (given_up[0].scaling.at, given_up[1].scaling.at);
    assert!(
        again.duration_since(first).as_mins() >= 20,
        "after as long as it had, {first} {again}"
    );
    let holds = &given_up[0].scaling.pools["g6e"].holds;
    let held = holds.iter().find(|hold| hold.cause == HoldCause::Drain).unwrap();
    assert!(held.why.text.contains("PodDisruptionBudget inference/all keeps pods on"), "{held:?}");
    let back = budget.back.lock().unwrap().clone();
    assert_eq!(back.len(), given_up.len(), "{back:?}");
    // Between two drains all of it serves, when its pods have started again.
    let at = quiet.iter().position(|turn| turn.scaling.at == first).unwrap();
    assert_eq!(quiet[at + 8].scaling.pools["g6e"].serving, before);

    budget.keeps.store(false, Ordering::Relaxed);
    let free = day.passes(120, Some(5.0)).await;
    assert_eq!((ends(&free), Day::wanted(free.last().unwrap(), "g6e")), (before as usize, 0));
}
