//! What was seen last of each side.

use super::aside::Aside;
use crate::clock::Timestamp;
use crate::decide::scaling::Seen;
use crate::observe::{Health, Inventory, Node, Side};
use crate::pipeline::{self, Session};
use crate::plan::Step;
use crate::port::Backend;
use futures::future::join_all;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How often what changes rarely is asked for: images, subnets, prices, quotas.
const FACTS: Duration = Duration::from_secs(600);
/// How long the first look at a side is waited for: without it there is nothing to
/// decide by.
pub(super) const FIRST: Duration = Duration::from_secs(60);
/// For so long what was seen stands, while the next look is not at its end.
const BELIEVED: Duration = Duration::from_secs(30);

/// What was seen last of each side.
#[derive(Default)]
pub(super) struct World {
    pub(super) sides: BTreeMap<Side, Inventory>,
    pub(super) at: BTreeMap<Side, Timestamp>,
    /// When what changes rarely was asked for last.
    facts_at: BTreeMap<Side, Timestamp>,
    looks: BTreeMap<Side, Aside<Look>>,
    pub(super) seen: Seen,
    /// The sides of which something may be there that was not seen just now.
    pub(super) hidden: BTreeSet<Side>,
}

/// What a look at a side came to.
struct Look {
    /// Why there is no inventory, in words.
    inventory: Result<Inventory, String>,
    /// What changes rarely was asked for, too.
    facts: bool,
}

impl World {
    /// Looks at both sides, and says which of them cannot be seen, and why. A look
    /// that is not at its end within `patience` goes on beside the turns, and what
    /// was seen before stands for a while; without `patience` each is waited for.
    pub(super) async fn look(
        &mut self,
        session: &Arc<Session>,
        now: Timestamp,
        patience: Option<Duration>,
    ) -> BTreeMap<Side, String> {
        let sides = [Side::Kubernetes, Side::Aws];
        let sides = sides.into_iter().filter(|side| backend(session, *side).is_some());
        let sides: Vec<Side> = sides.collect();
        let looks = match patience {
            None => {
                let each = sides.iter().map(|side| look(session, *side, self.asks(*side, now)));
                join_all(each).await.into_iter().map(|look| Some((now, look))).collect()
            }
            Some(patience) => self.look_aside(session, &sides, now, patience).await,
        };
        let mut unseen = BTreeMap::new();
        for (side, look) in sides.into_iter().zip(looks) {
            let why = match look {
                Some((begun, Look { inventory: Ok(inventory), facts })) => {
                    self.note(side, inventory, (begun, facts));
                    None
                }
                Some((_, Look { inventory: Err(why), .. })) => Some(why),
                None => self.too_old(side, now),
            };
            unseen.extend(why.map(|why| (side, why)));
        }
        unseen
    }

    async fn look_aside(
        &mut self,
        session: &Arc<Session>,
        sides: &[Side],
        now: Timestamp,
        patience: Duration,
    ) -> Vec<Option<(Timestamp, Look)>> {
        for side in sides {
            let facts = self.asks(*side, now);
            let (session, side) = (Arc::clone(session), *side);
            let work = async move { look(&session, side, facts).await };
            self.looks.entry(side).or_default().begin(now, work);
        }
        let first = |side: &Side| !self.at.contains_key(side);
        let patience: BTreeMap<Side, Duration> =
            sides.iter().map(|side| (*side, if first(side) { FIRST } else { patience })).collect();
        let waits = self.looks.iter_mut().map(async |(side, aside)| match patience.get(side) {
            Some(patience) => aside.within(*patience).await,
            None => None,
        });
        join_all(waits).await
    }

    /// Why what was seen of a side does not stand any more.
    fn too_old(&self, side: Side, now: Timestamp) -> Option<String> {
        let seen = self.at.get(&side).copied();
        let since = self.looks.get(&side).and_then(Aside::since);
        let last = seen.or(since)?;
        // A clock that was set says nothing of how old it is.
        let age = now.duration_since(last).unsigned_abs();
        let old = age >= BELIEVED;
        (old || seen.is_none()).then(|| format!("it has not answered for {} s", age.as_secs()))
    }

    /// Whether it is time to ask for what changes rarely.
    fn asks(&self, side: Side, now: Timestamp) -> bool {
        let old = |at: &Timestamp| now.duration_since(*at).unsigned_abs() >= FACTS;
        self.facts_at.get(&side).is_none_or(old)
    }

    fn note(&mut self, side: Side, mut inventory: Inventory, (begun, facts): (Timestamp, bool)) {
        match self.sides.get(&side) {
            Some(before) if !facts => inventory.keep_facts(before),
            _ => {
                self.facts_at.insert(side, begun);
            }
        }
        self.sides.insert(side, inventory);
        self.at.insert(side, begun);
    }

    /// A side was written to, or may have been: a look that began before is of no
    /// use. Until the next one is at its end, what was `done` is what is there.
    pub(super) fn wrote(&mut self, step: &Step, done: bool) {
        let side = step.id().side;
        if let Some(look) = self.looks.get_mut(&side) {
            look.drop_it();
        }
        if !done {
            return;
        }
        let Some(seen) = self.sides.get_mut(&side) else { return };
        let Some(live) = seen.resources.get_mut(step.id()) else { return };
        match step {
            Step::SetUnits { path, to, .. } => {
                if let Some(workload) = &mut live.workload {
                    workload.desired = *to;
                    workload.pending = to.saturating_sub(workload.ready);
                }
                if let Some(field) = live.runtime.as_mut().filter(|field| field.path == *path) {
                    field.value = json!(to);
                }
            }
            Step::DrainUnits { units, .. } => {
                let Some(workload) = &mut live.workload else { return };
                let ended = workload.units.iter_mut().filter(|unit| units.contains(&unit.name));
                for unit in ended.filter(|unit| !unit.ending) {
                    unit.ending = true;
                    workload.desired = workload.desired.saturating_sub(1);
                }
            }
            Step::SetEndpoints { to, .. } => {
                if let Some(field) = &mut live.runtime {
                    field.value = to.clone();
                }
            }
            Step::ReplaceUnits { units, .. } => {
                let there = live.workload.iter_mut().flat_map(|workload| &mut workload.units);
                there.filter(|unit| units.contains(&unit.name)).for_each(|unit| unit.ending = true);
            }
            _ => {}
        }
    }

    /// A unit takes work again: a look that began before is of no use, and until the
    /// next one is at its end its node is open, and not one that is drained.
    pub(super) fn reopened(&mut self, unit: &str) {
        if let Some(look) = self.looks.get_mut(&Side::Kubernetes) {
            look.drop_it();
        }
        let Some(seen) = self.sides.get_mut(&Side::Kubernetes) else { return };
        let own = |node: &&mut Arc<Node>| node.instance.as_deref() == Some(unit);
        for node in seen.nodes.iter_mut().filter(own) {
            let node = Arc::make_mut(node);
            node.draining = None;
            if node.health == Health::Cordoned {
                node.health = Health::Ready;
            }
        }
    }

    /// Forgets looks that are under way: they are of another session.
    pub(super) fn look_anew(&mut self) {
        self.looks.clear();
        // What changes rarely may be asked of another region, or of another type.
        self.facts_at.clear();
    }

    /// Both sides as they were seen last.
    pub(super) fn whole(&self, now: Timestamp) -> Inventory {
        let mut whole = Inventory::empty(now);
        for inventory in self.sides.values() {
            whole.merge(inventory.clone());
        }
        whole
    }
}

pub(super) fn backend(session: &Session, side: Side) -> Option<&Backend> {
    match side {
        Side::Kubernetes => session.backends.kubernetes.as_ref(),
        Side::Aws => session.backends.aws.as_ref(),
    }
}

/// What is there on one side, which the environment has.
async fn look(session: &Session, side: Side, facts: bool) -> Look {
    let Some(backend) = backend(session, side) else {
        return Look { inventory: Err("it is not connected".to_owned()), facts };
    };
    let seen = pipeline::look_at(session, backend, facts).await;
    Look { inventory: seen.map_err(|error| error.to_string()), facts }
}
