//! What a turn does: numbers first that add, then those that take away, then the
//! units on their way out.

use super::aside::bounded;
use super::drains::Went;
use super::lead::Standing;
use super::turn::{Controller, Done};
use super::world::backend;
use super::writes::{Shrink, Write, writes};
use crate::clock::Timestamp;
use crate::decide::scaling::Scaling;
use crate::id::Name;
use crate::observe::{Health, Inventory, Ownership, Side, Wait};
use crate::plan::{PortError, Step};
use crate::port::{Drain, FailureKind, Leaving};
use crate::units::Span;
use futures::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Controller {
    /// Why nothing may be written now; none: it may.
    fn withheld(&self, standing: &Standing) -> Option<String> {
        if self.settings.dry_run {
            return Some("a dry run writes nothing".to_owned());
        }
        match standing {
            Standing::Leads => {
                let lost = self.fence.as_ref().is_some_and(|fence| !fence.holds());
                lost.then(|| "the lease has run out".to_owned())
            }
            Standing::CutOff { .. } => None,
            Standing::Follows { leader } => Some(format!("{leader} leads")),
            Standing::Waits { why } => Some(format!("it is not known who leads: {why}")),
        }
    }

    pub(super) async fn act(
        &mut self,
        inventory: &Inventory,
        scaling: &Scaling,
        standing: &Standing,
        now: Timestamp,
    ) -> (Vec<Done>, Option<String>) {
        let wanted = writes(&self.session.resolved.environment, inventory, scaling);
        if let Some(withheld) = self.withheld(standing) {
            let shown = |write: Write| Done { pool: write.pool, step: write.step, outcome: None };
            return (wanted.numbers.into_iter().map(shown).collect(), Some(withheld));
        }
        let cut_off = matches!(standing, Standing::CutOff { .. });
        let mut done = Vec::new();
        let numbers = self.take_back(wanted.numbers).await;
        let (adds, rest): (Vec<Write>, Vec<Write>) = numbers.into_iter().partition(|w| w.adds);
        done.extend(self.write_all(adds, standing).await);
        // One that may not be alone takes nothing away.
        if cut_off {
            return (done, None);
        }
        done.extend(self.write_all(rest, standing).await);
        self.choose(inventory, &wanted.shrinks, now);
        done.extend(self.end_drained(standing, now).await);
        let held = self.held(inventory);
        done.extend(self.write_all(held, standing).await);
        (done, None)
    }

    /// Units that are on their way out stay, where new ones would be launched in
    /// their group.
    async fn take_back(&mut self, numbers: Vec<Write>) -> Vec<Write> {
        let mut left = Vec::new();
        for mut write in numbers {
            if let Step::SetUnits { id, from, to, .. } = &mut write.step
                && write.adds
                && id.side == Side::Aws
            {
                for name in self.drains.take_back(id, *to - *from) {
                    *to -= 1;
                    if let Some(drain) = self.drain() {
                        // What stays closed is found by the next look at its node.
                        let _ = drain.undo(&Leaving::joined(name)).await;
                    }
                }
                if from == to {
                    continue;
                }
            }
            left.push(write);
        }
        left
    }

    fn choose(&mut self, inventory: &Inventory, shrinks: &[Shrink], now: Timestamp) {
        for shrink in shrinks {
            if let Some(live) = inventory.resources.get(&shrink.group) {
                self.drains.choose(shrink, live, now);
            }
        }
    }

    async fn end_drained(&mut self, standing: &Standing, now: Timestamp) -> Vec<Done> {
        let scale = u64::from(self.settings.time_scale.max(1));
        let limit = self.session.resolved.environment.burst.scale_in.drain;
        let limit = Span::from_millis(limit.millis() / scale);
        let drain = self.drain();
        let went = self.drains.go_on(drain.as_ref(), limit, now).await;
        let (failed, ends): (Vec<Went>, Vec<Went>) =
            went.into_iter().partition(|went| went.failed.is_some());
        let ends = ends.into_iter().map(|went| {
            let Went { pool, step, .. } = went;
            Write { pool, step, adds: false, why: None }
        });
        let ends: Vec<Write> = ends.collect();
        let mut done = self.write_all(ends, standing).await;
        for ended in done.iter().filter(|done| done.outcome == Some(Ok(()))) {
            if let Step::DrainUnits { units, .. } = &ended.step {
                units.iter().for_each(|unit| self.drains.end(unit));
            }
        }
        done.extend(failed.into_iter().map(|went| {
            let outcome = went.failed.map(Err);
            Done { pool: went.pool, step: went.step, outcome }
        }));
        done
    }

    /// What lets instances go on that a lifecycle hook holds for nothing.
    fn held(&self, inventory: &Inventory) -> Vec<Write> {
        let ready = inventory.nodes.iter().filter(|node| node.health == Health::Ready);
        let joined: BTreeSet<&str> = ready.filter_map(|node| node.instance.as_deref()).collect();
        let mut all = Vec::new();
        for live in inventory.resources.values().filter(|live| live.ownership == Ownership::Ours) {
            let Some(pool) = live.pool().and_then(|pool| pool.parse().ok()) else { continue };
            for wait in [Wait::ToServe, Wait::ToEnd] {
                let units = self.drains.held(live, &joined, wait);
                if !units.is_empty() {
                    let step = Step::Proceed { id: live.id.clone(), units, wait };
                    all.push(Write { pool: Name::clone(&pool), step, adds: false, why: None });
                }
            }
        }
        all
    }

    fn drain(&self) -> Option<Arc<dyn Drain>> {
        let backends = &self.session.backends;
        let sides = [&backends.kubernetes, &backends.aws];
        sides.into_iter().flatten().find_map(|backend| backend.drain.clone())
    }

    async fn write_all(&mut self, writes: Vec<Write>, standing: &Standing) -> Vec<Done> {
        let all = join_all(writes.into_iter().map(|write| self.write(write, standing))).await;
        for Done { step, outcome, .. } in &all {
            if let Some(outcome) = outcome {
                self.world.wrote(step, outcome.is_ok());
            }
        }
        all
    }

    async fn write(&self, write: Write, standing: &Standing) -> Done {
        let side = write.step.id().side;
        let outcome = match (self.withheld(standing), backend(&self.session, side)) {
            (Some(because), _) => Err(refused(because)),
            (None, None) => Err(refused("no backend is connected".to_owned())),
            (None, Some(backend)) => {
                bounded(self.settings.patience, backend.act.act(&write.step)).await
            }
        };
        Done { pool: write.pool, step: write.step, outcome: Some(outcome) }
    }
}

fn refused(message: String) -> PortError {
    PortError { kind: FailureKind::Other, message, help: None }
}
