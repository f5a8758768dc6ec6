//! What a turn does: numbers first that add, then those that take away, then the
//! units on their way out.

use super::aside::bounded;
use super::drains::{AT_ONCE, By, Limit, Went, groups};
use super::endpoints;
use super::index::Index;
use super::lead::Standing;
use super::loads::Loads;
use super::report::Done;
use super::turn::Controller;
use super::world::backend;
use super::writes::{Shrink, Write, note_refused, writes};
use crate::clock::Timestamp;
use crate::decide::scaling::{Scaling, SourceScaling};
use crate::id::Name;
use crate::observe::{Inventory, Ownership, ResourceId, Side, Wait};
use crate::plan::{PortError, Step};
use crate::port::{Drain, FailureKind};
use futures::stream::{self, StreamExt};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Writes that are made at once.
const WRITES_AT_ONCE: usize = 64;
/// Units of a group that end by one write: each is a call of its own, one after the
/// other, and a write is not waited for for long.
const ENDS_AT_ONCE: usize = 16;

impl Controller {
    /// Why nothing may be written now; none: it may.
    pub(super) fn withheld(&self, standing: &Standing) -> Option<String> {
        if self.settings.dry_run {
            return Some("a dry run writes nothing".to_owned());
        }
        match standing {
            Standing::Leads => {
                let lost = self.fence.as_ref().is_some_and(|fence| !fence.holds());
                lost.then(|| "the lease has run out".to_owned())
            }
            Standing::CutOff { .. } => {
                let silent = self.fence.as_ref().is_none_or(|fence| fence.is_cut_off());
                (!silent).then(|| "it was not seen just now whether another leads".to_owned())
            }
            Standing::Follows { leader } => Some(format!("{leader} leads")),
            Standing::Waits { why } => {
                Some(format!("it is not known who leads: {}", why.in_a_line()))
            }
        }
    }

    pub(super) async fn act(
        &mut self,
        index: &Index<'_>,
        scaling: &Scaling,
        standing: &Standing,
        now: Timestamp,
    ) -> (Vec<Done>, Option<String>) {
        let (wanted, inventory) = (writes(index, scaling), index.inventory);
        if let Some(withheld) = self.withheld(standing) {
            let shown = |write: Write| Done { pool: write.pool, step: write.step, outcome: None };
            return (wanted.numbers.into_iter().map(shown).collect(), Some(withheld));
        }
        let cut_off = matches!(standing, Standing::CutOff { .. });
        let mut done = Vec::new();
        let numbers = self.take_back(wanted.numbers);
        self.keep_back(inventory, scaling);
        let (adds, rest): (Vec<Write>, Vec<Write>) = numbers.into_iter().partition(|w| w.adds);
        let rest = self.without_those_that_stay(rest);
        let added = self.write_all(adds, standing).await;
        note_refused(&mut self.memory, scaling, &added, now);
        done.extend(added);
        self.reopen().await;
        // One that may not be alone takes nothing away.
        if cut_off {
            return (done, None);
        }
        let drain = self.drains.units().any(|(_, going)| going.leaves);
        let takes = drain || !rest.is_empty() || !wanted.shrinks.is_empty();
        // Right before the first write they were heard.
        let as_said = !takes || done.is_empty() || self.is_as_said().await;
        if as_said {
            self.choose(index, &wanted.shrinks, now);
        }
        let replaced = self.drains.replaced(inventory).into_iter().map(Write::from);
        done.extend(self.write_all(replaced.collect(), standing).await);
        if as_said {
            done.extend(self.write_all(rest, standing).await);
        }
        let endpoints = self.endpoints(inventory);
        done.extend(self.write_all(endpoints, standing).await);
        done.extend(self.end_drained(standing, now, as_said).await);
        let held = self.held(index);
        done.extend(self.write_all(held, standing).await);
        (done, None)
    }

    /// Units that are on their way out stay, where new ones would be launched in
    /// their group.
    fn take_back(&mut self, numbers: Vec<Write>) -> Vec<Write> {
        // Whoever may not tell them so asks for new ones.
        if self.fence.as_ref().is_some_and(|fence| !fence.holds()) {
            return numbers;
        }
        let mut left = Vec::new();
        for mut write in numbers {
            if let Step::SetUnits { id, from, to, .. } = &mut write.step
                && write.adds
                && id.side == Side::Aws
            {
                let back = self.drains.take_back(id, *to - *from);
                *to -= u32::try_from(back.len()).unwrap_or(0);
                if from == to {
                    continue;
                }
            }
            left.push(write);
        }
        left
    }

    /// Units that are on their way out stay, where somebody has said that nothing is
    /// scaled in.
    fn keep_back(&mut self, inventory: &Inventory, scaling: &Scaling) {
        let environment = &self.session.resolved.environment;
        for (live, pool) in groups(environment, inventory) {
            let sources = scaling.pools.get(&pool).map_or(&[] as &[_], |pool| &pool.sources);
            let own = |source: &&SourceScaling| source.group.as_ref() == Some(&live.id.name);
            if sources.iter().find(own).is_some_and(|source| source.stays) {
                self.drains.take_back(&live.id, u32::MAX);
            }
        }
    }

    /// The replicas of those that stay are kept: until these are seen open again they
    /// count for nothing.
    fn without_those_that_stay(&self, mut numbers: Vec<Write>) -> Vec<Write> {
        let stay: BTreeSet<&Name> = self.drains.stay().map(|(_, pool)| pool).collect();
        numbers.retain(|write| {
            write.step.id().side != Side::Kubernetes || !stay.contains(&write.pool)
        });
        numbers
    }

    /// Tells those that stay after all that new work may come, until each has heard it.
    async fn reopen(&mut self) {
        let [joined, alone] = self.drain_by();
        let by = self.by(&joined, &alone);
        let stay: Vec<String> = self.drains.stay().map(|(unit, _)| unit.to_owned()).collect();
        let tell = async |unit: String| by.reopen(&unit).await.is_ok().then_some(unit);
        let told: Vec<Option<String>> =
            stream::iter(stay).map(tell).buffer_unordered(AT_ONCE).collect().await;
        for unit in told.into_iter().flatten() {
            self.drains.stays(&unit);
            self.world.reopened(&unit);
            self.alone.reopened(&unit);
        }
    }

    fn choose(&mut self, index: &Index<'_>, shrinks: &[Shrink], now: Timestamp) {
        let loads = Loads { nodes: index, had_joined: &self.had_joined, alone: &self.alone };
        for shrink in shrinks {
            if let Some(live) = index.inventory.resources.get(&shrink.group) {
                self.drains.choose(shrink, live, (&loads, now));
            }
        }
    }

    /// Takes units on their way out one step on; where operators have said something
    /// else meanwhile, only those that their place takes back anyway.
    async fn end_drained(
        &mut self,
        standing: &Standing,
        now: Timestamp,
        as_said: bool,
    ) -> Vec<Done> {
        let declared = self.session.resolved.environment.burst.scale_in.drain;
        let limit = Limit::of(declared, self.settings.time_scale);
        let [joined, alone] = self.drain_by();
        let mut drains = std::mem::take(&mut self.drains);
        let by = self.by(&joined, &alone);
        let went = drains.go_on(By { blind: by.blind || !as_said, ..by }, limit, now).await;
        self.drains = drains;
        let (failed, mut ends): (Vec<Went>, Vec<Went>) =
            went.into_iter().partition(|went| went.failed.is_some());
        // Each may have been asked for seconds what is left on it.
        if !ends.is_empty() && !self.is_as_said().await {
            ends.clear();
        }
        let mut done = self.write_all(by_group(ends), standing).await;
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
    fn held(&self, index: &Index<'_>) -> Vec<Write> {
        let resources = index.inventory.resources.values();
        let mut all = Vec::new();
        for live in resources.filter(|live| live.ownership == Ownership::Ours) {
            let Some(pool) = live.pool().and_then(|pool| pool.parse().ok()) else { continue };
            for wait in [Wait::ToServe, Wait::ToEnd] {
                let units = self.drains.held(live, index, wait);
                if !units.is_empty() {
                    let step = Step::Proceed { id: live.id.clone(), units, wait };
                    all.push(Write { pool: Name::clone(&pool), step, adds: false, why: None });
                }
            }
        }
        all
    }

    /// The endpoints to write, where both sides can be seen.
    fn endpoints(&self, inventory: &Inventory) -> Vec<Write> {
        if self.world.hidden.is_empty() {
            let environment = &self.session.resolved.environment;
            return endpoints::writes(environment, inventory, (&self.alone, &self.drains));
        }
        Vec::new()
    }

    /// Who drains what has joined the cluster, and what stands alone.
    pub(super) fn drain_by(&self) -> [Option<Arc<dyn Drain>>; 2] {
        let backends = &self.session.backends;
        [&backends.kubernetes, &backends.aws]
            .map(|side| side.as_ref().and_then(|backend| backend.drain.clone()))
    }

    fn by<'a>(
        &'a self,
        joined: &'a Option<Arc<dyn Drain>>,
        alone: &'a Option<Arc<dyn Drain>>,
    ) -> By<'a> {
        By {
            joined: joined.as_ref(),
            alone: alone.as_ref(),
            agents: &self.alone,
            patience: self.settings.patience,
            fence: self.fence.as_ref(),
            blind: !self.world.hidden.is_empty(),
        }
    }

    pub(super) async fn write_all(&mut self, writes: Vec<Write>, standing: &Standing) -> Vec<Done> {
        let writes = stream::iter(writes).map(|write| self.write(write, standing));
        let all: Vec<Done> = writes.buffer_unordered(WRITES_AT_ONCE).collect().await;
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

impl From<Went> for Write {
    fn from(Went { pool, step, .. }: Went) -> Self {
        Self { pool, step, adds: false, why: None }
    }
}

/// One write for all that end of a group, for each counts those down that run beyond
/// what is asked for: two at once would both count the same. Those that are left for
/// the next turn are still asked for by name.
fn by_group(ends: Vec<Went>) -> Vec<Write> {
    let mut all: BTreeMap<ResourceId, Write> = BTreeMap::new();
    for went in ends {
        let (id, write) = (went.step.id().clone(), Write::from(went));
        match all.entry(id) {
            Entry::Vacant(first) => {
                first.insert(write);
            }
            Entry::Occupied(mut first) => {
                if let (Step::DrainUnits { units, .. }, Step::DrainUnits { units: more, .. }) =
                    (&mut first.get_mut().step, write.step)
                    && units.len() < ENDS_AT_ONCE
                {
                    units.extend(more);
                }
            }
        }
    }
    all.into_values().collect()
}

fn refused(message: String) -> PortError {
    PortError { kind: FailureKind::Other, message, help: None }
}
