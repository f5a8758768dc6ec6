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
use futures::stream::{self, StreamExt};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Agents that are asked at once.
const AT_ONCE: usize = 64;
/// A turn waits no longer for all of them.
const PATIENCE: Duration = Duration::from_secs(1);
/// One that gave no answer is left alone for so long: an image may have none.
const LEFT_ALONE: Duration = Duration::from_secs(60);

/// For so long an instance that is in no list any more keeps its endpoint.
const ABSENT: SignedDuration = SignedDuration::from_secs(60);

/// All instances that stand alone.
#[derive(Debug, Default)]
pub(super) struct Alone {
    all: BTreeMap<String, One>,
    /// When those were asked that gave no answer.
    silent: BTreeMap<String, Timestamp>,
    /// Since when those are nowhere to be seen that have an endpoint.
    absent: BTreeMap<String, Timestamp>,
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
    /// What its agent says.
    said: Option<Left>,
}

impl Alone {
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
                    said: None,
                };
                self.all.insert(unit.name.clone(), one);
            }
        }
        self.silent.retain(|name, _| self.all.contains_key(name));
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
        let recent = |at: &Timestamp| now.duration_since(*at) < ABSENT;
        self.absent.get(unit).is_some_and(recent)
    }

    /// Asks the agents of those in service how they stand, without those on
    /// their way out: these are asked by their `drains`.
    pub(super) async fn ask(
        &mut self,
        drain: Option<&Arc<dyn Drain>>,
        drains: &Drains,
        now: Timestamp,
    ) {
        let Some(drain) = drain else { return };
        let recent =
            |at: &Timestamp| now.duration_since(*at) < LEFT_ALONE.try_into().unwrap_or_default();
        let asked = self.all.iter().filter(|(name, one)| {
            one.in_service
                && one.agent.is_some()
                && drains.get(name).is_none()
                && !self.silent.get(*name).is_some_and(recent)
        });
        let asked: Vec<Leaving> =
            asked.map(|(name, one)| Leaving { instance: name.clone(), agent: one.agent }).collect();
        let answers = Mutex::new(BTreeMap::new());
        let ask = async |unit: &Leaving| {
            if let Ok(left) = drain.status(unit).await {
                let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.insert(unit.instance.clone(), left);
            }
        };
        let all = stream::iter(&asked).for_each_concurrent(AT_ONCE, ask);
        let _ = tokio::time::timeout(PATIENCE, all).await;
        let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        for Leaving { instance, .. } in asked {
            let said = answers.remove(&instance).filter(|left| left.known);
            match &said {
                Some(_) => self.silent.remove(&instance),
                None => self.silent.insert(instance.clone(), now),
            };
            if let Some(one) = self.all.get_mut(&instance) {
                one.said = said;
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

    /// When a unit is taken back, as its agent says.
    pub(super) fn taken_back(&self, unit: &str) -> Option<Timestamp> {
        self.said(unit)?.taken_back
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
    /// agents say so.
    pub(super) fn ending(&self) -> impl Iterator<Item = (&str, Option<Timestamp>)> {
        let ending = self
            .all
            .iter()
            .filter(|(_, one)| one.endpoint.iter().flatten().any(|endpoint| endpoint.terminating));
        ending.map(|(name, one)| (name.as_str(), one.said.as_ref().and_then(|said| said.since)))
    }

    fn said(&self, unit: &str) -> Option<&Left> {
        self.all.get(unit)?.said.as_ref()
    }
}

/// Where the agents of a group's instances answer.
fn port(environment: &Environment, live: &Live) -> u16 {
    let Some(aws) = &environment.aws else { return Launch::AGENT_PORT };
    let pool = live.pool().and_then(|marked| aws.pools.get(todays_pool(environment, marked)));
    pool.map_or_else(|| aws.launch.agent_port.unwrap_or(Launch::AGENT_PORT), |p| aws.agent_port(p))
}
