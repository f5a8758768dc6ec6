//! Units on their way out: closed to new work, emptied, then ended (law 7).

mod by;
mod emptied;
mod going;
mod onward;

pub(super) use by::By;
pub(super) use emptied::{Emptied, Limit};
pub use going::Going;
pub use onward::Went;

use super::alone::Alone;
use super::index::Index;
use super::loads::Loads;
use super::writes::Shrink;
use crate::clock::Timestamp;
use crate::decide::scaling::{UnitLoad, cheapest_to_lose};
use crate::decide::todays_pool;
use crate::id::Name;
use crate::observe::{Inventory, Live, Ownership, ResourceId, Unit, Wait};
use crate::plan::Step;
use crate::spec::Environment;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Units that are asked or told at once.
pub(super) const AT_ONCE: usize = 64;
/// Units of which it is noted for how long they have been emptied.
const NOTED: usize = 256;

/// Units of a pool whose place has said that it takes them back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Noticed {
    /// By name.
    pub(super) units: Vec<String>,
    /// When the first of them is taken back.
    pub(super) first: Timestamp,
}

/// All units on their way out, by the name of the instance.
#[derive(Debug, Clone, Default)]
pub struct Drains {
    units: BTreeMap<String, Going>,
    /// Those that were ended, until they are gone.
    ended: BTreeSet<String>,
    /// Those that stay after all, with their pools, until that was told.
    stay: BTreeMap<String, Name>,
    /// For how long units had been emptied before another led, or this one: they go on
    /// from there where they are still on their way out.
    before: BTreeMap<String, Emptied>,
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

    /// Forgets what is on its way out: another may lead, and take it back. What it leaves
    /// is adopted, by what its node, its endpoint or its agent says then. What was ended
    /// stays ended; and what is to serve again is still to be told so, for an agent that was
    /// not has no mark by which another would find it.
    pub(super) fn forget(&mut self) {
        let units = std::mem::take(&mut self.units).into_iter();
        self.before.extend(units.filter_map(|(name, going)| Some((name, going.emptied?))));
    }

    /// For how long units have been emptied, for the next leader: of many, those that have
    /// been for longest.
    pub(super) fn emptied(&self) -> BTreeMap<String, Emptied> {
        let leave = self.units.iter().filter(|(_, going)| going.leaves);
        let mut all: Vec<(&String, Emptied)> =
            leave.filter_map(|(name, going)| Some((name, going.emptied?))).collect();
        all.sort_by_key(|(_, emptied)| emptied.since);
        all.into_iter().take(NOTED).map(|(name, emptied)| (name.clone(), emptied)).collect()
    }

    /// Goes on from where another leader was. What that one has drained goes, whatever was
    /// to be told to it before.
    pub(super) fn go_on_from(&mut self, emptied: BTreeMap<String, Emptied>) {
        self.stay.retain(|name, _| !emptied.contains_key(name));
        self.before = emptied;
    }

    /// How many units go with their places, by the name of their group.
    pub(super) fn by_group(&self) -> BTreeMap<String, u32> {
        let mut all = BTreeMap::new();
        for going in self.units.values().filter(|going| going.leaves) {
            *all.entry(going.group.name.clone()).or_default() += 1;
        }
        all
    }

    /// Pools of which a unit has not finished in its time and cannot be ended, with what
    /// keeps it.
    pub(super) fn stuck(&self) -> BTreeMap<Name, String> {
        let stuck = self.units.values();
        stuck.filter_map(|going| Some((going.pool.clone(), going.stuck.clone()?))).collect()
    }

    /// Units of `live` that a hook holds, and that nothing is waited for any more:
    /// new ones whose nodes have joined, and those that were drained and ended.
    pub(super) fn held(&self, live: &Live, index: &Index<'_>, wait: Wait) -> Vec<String> {
        let done = |unit: &&Unit| match wait {
            Wait::ToServe => index.joined(&unit.name).is_some(),
            Wait::ToEnd => self.ended.contains(&unit.name),
        };
        let held = live.units().iter().filter(|unit| unit.waits == Some(wait));
        held.filter(done).map(|unit| unit.name.clone()).collect()
    }

    /// Forgets what has ended, or has gone with its group.
    pub fn settle(&mut self, inventory: &Inventory) {
        let units = inventory.resources.values().flat_map(Live::units);
        let there: HashSet<&str> = units.map(|unit| unit.name.as_str()).collect();
        self.ended.retain(|name| there.contains(name.as_str()));
        self.stay.retain(|name, _| there.contains(name.as_str()));
        self.before.retain(|name, _| there.contains(name.as_str()));
        self.units.retain(|name, going| {
            let live = inventory.resources.get(&going.group);
            // One that is taken back is drained until it is gone.
            let mut there = live.into_iter().flat_map(Live::units);
            there.any(|unit| unit.name == *name && (!unit.ending || !going.leaves))
        });
    }

    /// Units that their place takes back are on their way out from now on (law 7: a
    /// drain with a deadline). Nothing waits for that: their end is the place's. Tells
    /// those of which it is new; what was ended for it already another leader has told.
    pub(super) fn notice(
        &mut self,
        environment: &Environment,
        inventory: &Inventory,
    ) -> BTreeMap<Name, Noticed> {
        let mut news: BTreeMap<Name, Noticed> = BTreeMap::new();
        for (live, pool) in groups(environment, inventory) {
            for unit in live.units() {
                let Some(ends) = unit.taken_back else { continue };
                // Its replicas are wanted elsewhere at once.
                let goes = || Going::closed(&pool, live, inventory.taken_at).in_its_place();
                let going = self.units.entry(unit.name.clone()).or_insert_with(goes);
                if going.taken_back.replace(ends).is_none() && !unit.ending {
                    let none = || Noticed { units: Vec::new(), first: ends };
                    let noticed = news.entry(pool.clone()).or_insert_with(none);
                    noticed.first = noticed.first.min(ends);
                    noticed.units.push(unit.name.clone());
                }
            }
        }
        news
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
    /// ours, on nodes that say that Floodway drains them, or whose endpoints say so; where
    /// there is no cluster, whose agents do.
    pub(super) fn adopt(
        &mut self,
        environment: &Environment,
        inventory: &Inventory,
        alone: &Alone,
    ) {
        let now = inventory.taken_at;
        let nodes = inventory.nodes.iter();
        let nodes =
            nodes.filter_map(|node| Some((node.instance.as_deref()?, Some(node.draining?))));
        // Since when, if that is said.
        let begun: BTreeMap<&str, Option<Timestamp>> = nodes.chain(alone.ending()).collect();
        for (live, pool) in groups(environment, inventory) {
            // Ended by another, and held by its hook until nothing is left on it.
            let held = |unit: &&Unit| unit.ending && unit.waits == Some(Wait::ToEnd);
            for unit in live.units().iter().filter(held) {
                if self.ended.contains(&unit.name) {
                    continue;
                }
                let goes = || Going::closed(&pool, live, now).in_its_place();
                self.units.entry(unit.name.clone()).or_insert_with(goes);
            }
            for unit in stays(live).filter(|unit| !self.stay.contains_key(&unit.name)) {
                let Some(mark) = begun.get(unit.name.as_str()).copied() else { continue };
                let before = self.before.get(&unit.name).copied();
                let emptied = before.filter(|before| before.is_of(mark));
                let since = mark.unwrap_or(now);
                let goes = || Going { emptied, ..Going::closed(&pool, live, since) };
                self.units.entry(unit.name.clone()).or_insert_with(goes);
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
            let goes = || Going::chosen(&shrink.pool, live, now);
            self.units.entry(name.clone()).or_insert_with(goes).leaves = true;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    #[test]
    fn what_is_to_serve_again_is_told_so_by_whoever_leads_again_unless_another_drains_it() {
        let mut drains = Drains::default();
        for unit in ["i-1", "i-2"] {
            drains.stay.insert(unit.to_owned(), "g6e".parse().unwrap());
        }
        drains.forget();
        assert_eq!(drains.stay().count(), 2);
        let limit = Limit::of(Span::from_secs(600), 1);
        let emptied = Emptied::again(None, None, (limit, false), Timestamp::UNIX_EPOCH);
        drains.go_on_from(BTreeMap::from([("i-2".to_owned(), emptied)]));
        let told: Vec<&str> = drains.stay().map(|(unit, _)| unit).collect();
        assert_eq!(told, ["i-1"]);
    }
}
