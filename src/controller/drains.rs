//! Units on their way out: closed to new work, emptied, then ended (law 7). Each
//! turn takes every unit one step on, and waits for none.

use super::alone::Alone;
use super::aside::bounded;
use super::lead::Fence;
use super::loads::Loads;
use super::writes::Shrink;
use crate::clock::Timestamp;
use crate::decide::scaling::{UnitLoad, cheapest_to_lose};
use crate::decide::todays_pool;
use crate::id::Name;
use crate::observe::{Inventory, Live, Ownership, ResourceId, Unit, Wait};
use crate::plan::{FailureKind, PortError, Step};
use crate::port::{Drain, Leaving, Left};
use crate::spec::Environment;
use crate::units::Span;
use futures::stream::{self, StreamExt};
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};

use std::sync::Arc;
use std::time::Duration;

/// Units that are asked or told at once.
pub(super) const AT_ONCE: usize = 64;

/// One that goes with its place ends so long before its own place takes it back:
/// after that its group would fill the place again.
const LAST: SignedDuration = SignedDuration::from_secs(20);

/// All units on their way out, by the name of the instance.
#[derive(Debug, Clone, Default)]
pub struct Drains {
    units: BTreeMap<String, Going>,
    /// Those that were ended, until they are gone.
    ended: BTreeSet<String>,
    /// Those that stay after all, with their pools, until that was told.
    stay: BTreeMap<String, Name>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Going {
    /// The pool it is of.
    pub pool: Name,
    /// Its group.
    pub group: ResourceId,
    uid: String,
    /// Since when it is on its way.
    pub since: Timestamp,
    /// It goes because fewer are wanted, and its place in the group's number with it;
    /// else its place takes it back, and its group fills the place again.
    pub leaves: bool,
    /// When its place takes it back, if that has said so.
    pub taken_back: Option<Timestamp>,
    /// It was closed, so that fewer replicas can be asked for.
    closed: bool,
    /// What was left when it was last asked.
    pub left: Option<Left>,
}

impl Going {
    /// Whether it stays where a new one would be launched in its place.
    fn stays_if_asked(&self) -> bool {
        self.leaves && self.taken_back.is_none()
    }

    fn replaced(&self, units: Vec<String>) -> Step {
        Step::ReplaceUnits { id: self.group.clone(), uid: self.uid.clone(), units }
    }

    /// Whether all that it had is finished.
    pub(super) fn is_empty(&self) -> bool {
        self.closed && self.left.as_ref().is_some_and(|left| left.known && left.is_nothing())
    }
}

/// Who drains which unit.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    /// Those that have joined the cluster.
    pub(super) joined: Option<&'a Arc<dyn Drain>>,
    /// Those that stand alone.
    pub(super) alone: Option<&'a Arc<dyn Drain>>,
    /// Where each of these is reached.
    pub(super) agents: &'a Alone,
    /// See [`super::Settings::patience`].
    pub(super) patience: Option<Duration>,
    /// Asked before each call: whoever may not write drains nothing either.
    pub(super) fence: Option<&'a Fence>,
    /// Something may be there that was not seen: only what its place takes back anyway
    /// goes on.
    pub(super) blind: bool,
}

/// Who drains a unit, and as what; none: nobody does, or it has nothing to finish.
type Whom<'a> = Option<(&'a Arc<dyn Drain>, Leaving)>;

impl<'a> By<'a> {
    /// Whom to call about a unit, and as what; nobody drains it, or it has nothing to
    /// finish: none.
    fn whom(&self, unit: &str) -> Result<Whom<'a>, PortError> {
        if self.fence.is_some_and(|fence| !fence.holds()) {
            return Err(PortError {
                kind: FailureKind::Other,
                message: "the lease has run out".to_owned(),
                help: None,
            });
        }
        let Some(leaving) = self.agents.leaving(unit) else {
            return Ok(self.joined.map(|drain| (drain, Leaving::joined(unit))));
        };
        let works = self.agents.was_in_service(unit);
        Ok(self.alone.filter(|_| works).map(|drain| (drain, leaving)))
    }

    /// Tells a unit that new work may come again.
    pub(super) async fn reopen(&self, unit: &str) -> Result<(), PortError> {
        match self.whom(unit)? {
            None => Ok(()),
            Some((drain, leaving)) => bounded(self.patience, drain.undo(&leaving)).await,
        }
    }

    async fn ask(&self, unit: &str, closed: bool) -> Result<Left, PortError> {
        match self.whom(unit)? {
            None => Ok(Left::default()),
            Some((drain, leaving)) if closed => bounded(self.patience, drain.begin(&leaving)).await,
            // Its endpoint goes first: what is on its way by then is still taken.
            Some(_) if self.agents.leaving(unit).is_some() => {
                Ok(Left { known: true, ..Left::default() })
            }
            Some((drain, leaving)) => bounded(self.patience, drain.close(&leaving)).await,
        }
    }
}

/// A unit that is to end now, or cannot be drained.
#[derive(Debug, Clone, PartialEq)]
pub struct Went {
    /// The pool it is of.
    pub pool: Name,
    /// What ends it.
    pub step: Step,
    /// Why it does not end yet: it cannot be asked, or does not do as it is told.
    pub failed: Option<PortError>,
}

impl Drains {
    /// The units that go with their places, by name.
    pub fn names(&self) -> BTreeSet<String> {
        let leave = self.units.iter().filter(|(_, going)| going.leaves);
        leave.map(|(name, _)| name.clone()).collect()
    }

    /// Those of them that take no new work.
    pub(super) fn closed(&self) -> BTreeSet<String> {
        let closed = self.units.iter().filter(|(_, going)| going.leaves && going.closed);
        closed.map(|(name, _)| name.clone()).collect()
    }

    /// Every unit with what is known of it.
    pub fn units(&self) -> impl Iterator<Item = (&str, &Going)> {
        self.units.iter().map(|(name, going)| (name.as_str(), going))
    }

    /// One of them.
    pub(super) fn get(&self, unit: &str) -> Option<&Going> {
        self.units.get(unit)
    }

    /// A unit has had its end asked for.
    pub(super) fn end(&mut self, unit: &str) {
        self.ended.insert(unit.to_owned());
    }

    /// Units of `live` that a hook holds, and that nothing is waited for any more:
    /// new ones whose nodes have joined, and those that were drained and ended.
    pub(super) fn held(&self, live: &Live, joined: &BTreeSet<&str>, wait: Wait) -> Vec<String> {
        let done = |unit: &&Unit| match wait {
            Wait::ToServe => joined.contains(unit.name.as_str()),
            Wait::ToEnd => self.ended.contains(&unit.name),
        };
        let held = live.units().iter().filter(|unit| unit.waits == Some(wait));
        held.filter(done).map(|unit| unit.name.clone()).collect()
    }

    /// Forgets what has ended, or has gone with its group.
    pub fn settle(&mut self, inventory: &Inventory) {
        let there: BTreeSet<&str> = inventory
            .resources
            .values()
            .flat_map(Live::units)
            .map(|unit| unit.name.as_str())
            .collect();
        self.ended.retain(|name| there.contains(name.as_str()));
        self.stay.retain(|name, _| there.contains(name.as_str()));
        self.units.retain(|name, going| {
            let live = inventory.resources.get(&going.group);
            // One that is taken back is drained until it is gone.
            let mut there = live.into_iter().flat_map(Live::units);
            there.any(|unit| unit.name == *name && (!unit.ending || !going.leaves))
        });
    }

    /// Units that their place takes back are on their way out from now on (law 7: a
    /// drain with a deadline). Nothing waits for that: their end is the place's.
    pub(super) fn notice(&mut self, environment: &Environment, inventory: &Inventory) {
        for (live, pool) in groups(environment, inventory) {
            for unit in live.units() {
                let Some(ends) = unit.taken_back else { continue };
                let going = self.units.entry(unit.name.clone()).or_insert_with(|| Going {
                    pool: Name::clone(&pool),
                    group: live.id.clone(),
                    uid: live.uid.clone(),
                    since: inventory.taken_at,
                    leaves: false,
                    taken_back: None,
                    // Its replicas are wanted elsewhere at once.
                    closed: true,
                    left: None,
                });
                going.taken_back = Some(ends);
            }
        }
    }

    /// What fills the places of units that are taken back, before these are gone.
    pub(super) fn replaced(&self, inventory: &Inventory) -> Vec<Went> {
        let mut all: BTreeMap<&ResourceId, Went> = BTreeMap::new();
        for (name, going) in self.units.iter().filter(|(_, going)| !going.leaves) {
            let live = inventory.resources.get(&going.group);
            if !live.is_some_and(|live| stays(live).any(|unit| unit.name == *name)) {
                continue;
            }
            let went = all.entry(&going.group).or_insert_with(|| Went {
                pool: going.pool.clone(),
                step: going.replaced(Vec::new()),
                failed: None,
            });
            if let Step::ReplaceUnits { units, .. } = &mut went.step {
                units.push(name.clone());
            }
        }
        all.into_values().collect()
    }

    /// Goes on with what another controller has begun: instances of groups that are
    /// ours, on nodes that say that Floodway drains them, or whose endpoints say so.
    pub(super) fn adopt(
        &mut self,
        environment: &Environment,
        inventory: &Inventory,
        alone: &Alone,
    ) {
        let now = inventory.taken_at;
        let nodes = inventory.nodes.iter();
        let nodes = nodes.filter_map(|node| Some((node.instance.as_deref()?, node.draining?)));
        let ending = alone.ending().map(|(unit, since)| (unit, since.unwrap_or(now)));
        let begun: BTreeMap<&str, Timestamp> = nodes.chain(ending).collect();
        for (live, pool) in groups(environment, inventory) {
            // Ended by another, and held by its hook until nothing is left on it.
            let held = |unit: &&Unit| unit.ending && unit.waits == Some(Wait::ToEnd);
            for unit in live.units().iter().filter(held) {
                if self.ended.contains(&unit.name) {
                    continue;
                }
                self.units.entry(unit.name.clone()).or_insert_with(|| Going {
                    pool: Name::clone(&pool),
                    group: live.id.clone(),
                    uid: live.uid.clone(),
                    since: now,
                    leaves: false,
                    taken_back: None,
                    closed: true,
                    left: None,
                });
            }
            for unit in stays(live).filter(|unit| !self.stay.contains_key(&unit.name)) {
                let Some(since) = begun.get(unit.name.as_str()) else { continue };
                self.units.entry(unit.name.clone()).or_insert_with(|| Going {
                    pool: Name::clone(&pool),
                    group: live.id.clone(),
                    uid: live.uid.clone(),
                    since: *since,
                    leaves: true,
                    taken_back: None,
                    closed: true,
                    left: None,
                });
            }
        }
    }

    /// Chooses the units that a group loses, the cheapest to lose first.
    pub(super) fn choose(
        &mut self,
        shrink: &Shrink,
        live: &Live,
        (loads, now): (&Loads<'_>, Timestamp),
    ) -> Vec<String> {
        let is_free = |unit: &&Unit| {
            !unit.set_aside && self.get(&unit.name).is_none_or(|going| !going.leaves)
        };
        let free: Vec<&Unit> = stays(live).filter(is_free).collect();
        let loads: Vec<UnitLoad> = free.iter().map(|unit| loads.of(live, unit)).collect();
        let count = usize::try_from(shrink.units).unwrap_or(usize::MAX);
        let chosen: Vec<String> = cheapest_to_lose(&loads)
            .into_iter()
            .take(count)
            .map(|at| free[at].name.clone())
            .collect();
        for name in &chosen {
            self.stay.remove(name);
            let going = self.units.entry(name.clone()).or_insert_with(|| Going {
                pool: shrink.pool.clone(),
                group: shrink.group.clone(),
                uid: shrink.uid.clone(),
                since: now,
                leaves: true,
                taken_back: None,
                closed: false,
                left: None,
            });
            going.leaves = true;
        }
        chosen
    }

    /// Up to `count` units of `group` that stay after all, those last chosen first:
    /// they are there already, and a new one would have to be launched.
    pub fn take_back(&mut self, group: &ResourceId, count: u32) -> Vec<String> {
        let mut own: Vec<(&String, Timestamp)> = self
            .units
            .iter()
            .filter(|(_, going)| going.group == *group && going.stays_if_asked())
            // Its end was asked for, whatever a list says that is behind.
            .filter(|(name, _)| !self.ended.contains(*name))
            .map(|(name, going)| (name, going.since))
            .collect();
        own.sort_by_key(|(_, since)| std::cmp::Reverse(*since));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let back: Vec<String> = own.into_iter().take(count).map(|(name, _)| name.clone()).collect();
        for name in &back {
            if let Some(going) = self.units.remove(name) {
                self.stay.insert(name.clone(), going.pool);
            }
        }
        back
    }

    /// Units that stay after all, and may still be closed, each with its pool.
    pub(super) fn stay(&self) -> impl Iterator<Item = (&str, &Name)> {
        self.stay.iter().map(|(unit, pool)| (unit.as_str(), pool))
    }

    /// It was told: the unit takes work again.
    pub(super) fn stays(&mut self, unit: &str) {
        self.stay.remove(unit);
    }

    /// Takes every unit one step on. One that was closed in this turn is emptied in
    /// the next: by then fewer replicas are asked for, and what is moved is not
    /// made anew elsewhere.
    pub(super) async fn go_on(&mut self, by: By<'_>, limit: Span, now: Timestamp) -> Vec<Went> {
        let goes = |going: &Going| !by.blind || going.taken_back.is_some();
        let asked = self.units.iter().filter(|(_, going)| goes(going));
        let asked = asked.map(|(name, going)| (name.clone(), going.closed));
        let asked: Vec<(String, bool)> = asked.collect();
        let ask = async |(name, closed): (String, bool)| {
            let left = by.ask(&name, closed).await;
            (name, closed, left)
        };
        let answers = stream::iter(asked).map(ask).buffer_unordered(AT_ONCE);
        let answers: Vec<_> = answers.collect().await;
        let mut went = Vec::new();
        for (name, closed, answer) in answers {
            let Some(going) = self.units.get_mut(&name) else { continue };
            if !going.leaves {
                match answer {
                    Err(error) => went.push(Went {
                        pool: going.pool.clone(),
                        step: going.replaced(vec![name]),
                        failed: Some(error),
                    }),
                    Ok(left) => {
                        if !left.known || left.is_nothing() {
                            self.ended.insert(name);
                        }
                        going.left = Some(left);
                    }
                }
                continue;
            }
            // What was never closed may have work at any time: its limit has not begun.
            let past = now.duration_since(going.since).as_millis() >= i128::from(limit.millis());
            let over = past && closed
                || going.taken_back.is_some_and(|at| now.duration_since(at) >= -LAST);
            let step = Step::DrainUnits {
                id: going.group.clone(),
                uid: going.uid.clone(),
                units: vec![name],
                limit,
            };
            let went_so = |failed| Went { pool: going.pool.clone(), step, failed };
            let left = match answer {
                Ok(left) => left,
                Err(error) if !over => {
                    went.push(went_so(Some(error)));
                    continue;
                }
                // It had its time, and does not answer: it ends as it is.
                Err(_) => Left { known: true, ..Left::default() },
            };
            let empty = closed && left.is_nothing() || !left.known;
            if empty || over {
                went.push(went_so(None));
            }
            if !closed {
                going.since = now;
            }
            (going.closed, going.left) = (true, Some(left));
        }
        went
    }
}

/// Our groups, each with the pool that it is of today.
pub(super) fn groups<'a>(
    environment: &'a Environment,
    inventory: &'a Inventory,
) -> impl Iterator<Item = (&'a Live, Name)> {
    let all = inventory.resources.values();
    let ours =
        all.filter(|live| live.id.kind == "AutoScalingGroup" && live.ownership == Ownership::Ours);
    ours.filter_map(|live| Some((live, todays_pool(environment, live.pool()?).parse().ok()?)))
}

fn stays(live: &Live) -> impl Iterator<Item = &Unit> {
    live.units().iter().filter(|unit| !unit.ending)
}
