//! Instances that stand alone: where their agents answer, what those say, and
//! whether traffic comes to them.

use super::drains::Drains;
use super::endpoints::{self, Endpoint};
use crate::clock::Timestamp;
use crate::decide::todays_pool;
use crate::observe::{Inventory, Live};
use crate::port::{Drain, Leaving, Left};
use crate::spec::Environment;
use crate::spec::model::Launch;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinSet};

/// Agents that are asked at once.
const AT_ONCE: usize = 64;
/// One that gives no answer for so long is silent.
const PATIENCE: Duration = Duration::from_secs(1);
/// One that is silent is left alone for so long: an image may have none.
const LEFT_ALONE: Duration = Duration::from_secs(60);

/// For so long an instance that is in no list any more keeps its endpoint.
const ABSENT: Duration = Duration::from_secs(60);

/// All instances that stand alone.
#[derive(Debug, Default)]
pub(super) struct Alone {
    all: BTreeMap<String, One>,
    /// What their agents have said last.
    said: BTreeMap<String, Left>,
    /// Questions that go on beside the turns, and whom they were put to.
    asking: JoinSet<Option<Left>>,
    under_way: HashMap<Id, String>,
    /// When each was asked last.
    asked: BTreeMap<String, Timestamp>,
    /// When those were asked that gave no answer.
    silent: BTreeMap<String, Timestamp>,
    /// Since when those are nowhere to be seen that have an endpoint.
    absent: BTreeMap<String, Timestamp>,
    /// There is no cluster, and so no endpoint: what is on its way out only agents say.
    pub(super) by_their_word: bool,
    /// See [`super::Settings::time_scale`]; none: nothing is divided.
    time_scale: Option<NonZeroU32>,
}

/// One of them.
#[derive(Debug)]
struct One {
    agent: Option<SocketAddr>,
    in_service: bool,
    /// It ends by its hook's time, and may still work.
    ending: bool,
    /// How its endpoint stands; none: no slice is there, or none can be seen.
    endpoint: Option<Option<Endpoint>>,
}

impl Alone {
    /// With every time divided by `scale`.
    pub(super) fn faster(scale: u32) -> Self {
        Self { time_scale: NonZeroU32::new(scale), ..Self::default() }
    }

    fn scaled(&self, time: Duration) -> Duration {
        time / self.time_scale.map_or(1, NonZeroU32::get)
    }

    /// Looks at those of `inventory`; at their endpoints, where the `cluster` can be
    /// seen.
    pub(super) fn look(&mut self, environment: &Environment, inventory: &Inventory, cluster: bool) {
        let slices: BTreeMap<&str, Vec<Endpoint>> = endpoints::slices(inventory)
            .filter(|_| cluster)
            .map(|slice| (slice.id.name.as_str(), endpoints::of(slice)))
            .collect();
        self.all.clear();
        for live in inventory.resources.values().filter(|live| live.stands_alone()) {
            let port = port(environment, live);
            let workload = live.marks.get("workload").map(String::as_str).unwrap_or_default();
            let slice = slices.get(workload);
            for unit in live.units() {
                let named = |endpoint: &&Endpoint| endpoint.instance == unit.name;
                let one = One {
                    agent: unit.address.map(|address| SocketAddr::new(address, port)),
                    in_service: unit.ready,
                    ending: unit.ending,
                    endpoint: slice.map(|slice| slice.iter().find(named).cloned()),
                };
                self.all.insert(unit.name.clone(), one);
            }
        }
        self.silent.retain(|name, _| self.all.contains_key(name));
        self.asked.retain(|name, _| self.all.contains_key(name));
        let ends = slices.values().flatten().map(|endpoint| endpoint.instance.clone());
        let absent = ends.filter(|name| !self.all.contains_key(name));
        let since = |name: String| {
            let since = self.absent.get(&name).copied().unwrap_or(inventory.taken_at);
            (name, since)
        };
        self.absent = absent.map(since).collect();
    }

    /// Whether an instance that has an endpoint is nowhere to be seen, and has been so
    /// for a short time only: a list may have been short.
    pub(super) fn just_absent(&self, unit: &str, now: Timestamp) -> bool {
        let recent = |at: &Timestamp| passed(*at, now) < self.scaled(ABSENT);
        self.absent.get(unit).is_some_and(recent)
    }

    /// Asks the agents of those in service how they stand, without those on
    /// their way out: these are asked by their `drains`. It ends when all have answered
    /// or are silent. Who waits no longer loses nothing: what was asked goes on, the
    /// answer is heard by the next call, and until then what was said last counts.
    pub(super) async fn ask(
        &mut self,
        drain: Option<&Arc<dyn Drain>>,
        drains: &Drains,
        now: Timestamp,
    ) {
        let due = if drain.is_some() { self.due(drains, now) } else { BTreeSet::new() };
        self.said.retain(|name, _| due.contains(name));
        let Some(drain) = drain else { return };
        let mut line = self.line(&due).into_iter();
        loop {
            while self.asking.len() < AT_ONCE
                && let Some(unit) = line.next()
            {
                self.put_to(unit, drain, now);
            }
            let Some(ended) = self.asking.join_next_with_id().await else { return };
            // One that panicked has said nothing.
            let (id, said) = ended.unwrap_or_else(|error| (error.id(), None));
            let asked = self.under_way.remove(&id);
            if let Some(instance) = asked.filter(|instance| due.contains(instance)) {
                self.hear(instance, said, now);
            }
        }
    }

    /// Those that are to be asked, whether they are being asked already or not.
    fn due(&self, drains: &Drains, now: Timestamp) -> BTreeSet<String> {
        let recent = |at: &Timestamp| passed(*at, now) < self.scaled(LEFT_ALONE);
        let due = self.all.iter().filter(|(name, one)| {
            one.in_service
                && one.agent.is_some()
                && drains.get(name).is_none()
                && !self.silent.get(*name).is_some_and(recent)
        });
        due.map(|(name, _)| name.clone()).collect()
    }

    /// Those of them that nobody asks yet, first the one that was not asked for longest.
    fn line(&self, due: &BTreeSet<String>) -> Vec<Leaving> {
        let under_way: BTreeSet<&String> = self.under_way.values().collect();
        let free = due.iter().filter(|name| !under_way.contains(name));
        let mut line: Vec<Leaving> = free.filter_map(|name| self.leaving(name)).collect();
        line.sort_by_key(|unit| self.asked.get(&unit.instance).copied());
        line
    }

    fn put_to(&mut self, unit: Leaving, drain: &Arc<dyn Drain>, now: Timestamp) {
        let (instance, drain) = (unit.instance.clone(), Arc::clone(drain));
        let question = self.asking.spawn(async move {
            let status = tokio::time::timeout(PATIENCE, drain.status(&unit)).await;
            status.ok()?.ok().filter(|left| left.known)
        });
        self.under_way.insert(question.id(), instance.clone());
        self.asked.insert(instance, now);
    }

    fn hear(&mut self, instance: String, said: Option<Left>, now: Timestamp) {
        match said {
            Some(left) => {
                self.silent.remove(&instance);
                self.said.insert(instance, left);
            }
            None => {
                self.said.remove(&instance);
                self.silent.insert(instance, now);
            }
        }
    }

    /// The unit, as its agent is told of it; none: it has joined the cluster.
    pub(super) fn leaving(&self, unit: &str) -> Option<Leaving> {
        let one = self.all.get(unit)?;
        Some(Leaving { instance: unit.to_owned(), agent: one.agent })
    }

    /// Whether it was in service: one that was not has nothing to finish.
    pub(super) fn was_in_service(&self, unit: &str) -> bool {
        self.all.get(unit).is_some_and(|one| one.in_service || one.ending)
    }

    /// Marks the units of `inventory` that are taken back, as their agents say.
    pub(super) fn mark(&self, inventory: &mut Inventory) {
        let groups = inventory.resources.values_mut().filter(|live| live.stands_alone());
        let units = groups.filter_map(|live| live.workload.as_mut()).flat_map(|w| &mut w.units);
        for unit in units {
            let told = || self.said(&unit.name)?.taken_back;
            unit.taken_back = unit.taken_back.or_else(told);
        }
    }

    /// Whether its agent says that no new work may come.
    pub(super) fn refuses(&self, unit: &str) -> bool {
        self.said(unit).is_some_and(|said| !said.takes_work)
    }

    /// Whether traffic comes to it: its endpoint is ready, as far as that can be seen.
    pub(super) fn has_joined(&self, unit: &str) -> bool {
        let one = self.all.get(unit);
        one.is_some_and(|one| match &one.endpoint {
            None => true,
            Some(endpoint) => endpoint.as_ref().is_some_and(|endpoint| endpoint.ready),
        })
    }

    /// Requests that it answers now, as its agent says.
    pub(super) fn in_flight(&self, unit: &str) -> Option<u64> {
        self.said(unit).map(|said| said.in_flight)
    }

    /// Those whose endpoints say that they are on their way out, and since when their
    /// agents say so; without a cluster, those whose agents say it.
    pub(super) fn ending(&self) -> impl Iterator<Item = (&str, Option<Timestamp>)> {
        self.all.iter().filter_map(|(name, one)| {
            let said = self.said(name);
            let since = said.and_then(|said| said.since);
            let ends = match &one.endpoint {
                Some(endpoint) => endpoint.as_ref().is_some_and(|endpoint| endpoint.terminating),
                None => self.by_their_word && since.is_some() && self.refuses(name),
            };
            ends.then_some((name.as_str(), since))
        })
    }

    /// It was told that new work may come: what it has said before, or was asked before,
    /// says nothing of that.
    pub(super) fn reopened(&mut self, unit: &str) {
        self.said.remove(unit);
        self.under_way.retain(|_, asked| *asked != *unit);
    }

    fn said(&self, unit: &str) -> Option<&Left> {
        self.said.get(unit)
    }
}

/// How long ago that was; a time to come is of a clock that was ahead, and long ago.
fn passed(at: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(at).unsigned_abs()
}

/// Where the agents of a group's instances answer.
fn port(environment: &Environment, live: &Live) -> u16 {
    let Some(aws) = &environment.aws else { return Launch::AGENT_PORT };
    let pool = live.pool().and_then(|marked| aws.pools.get(todays_pool(environment, marked)));
    pool.map_or_else(|| aws.launch.agent_port.unwrap_or(Launch::AGENT_PORT), |p| aws.agent_port(p))
}

#[cfg(test)]
mod tests;
