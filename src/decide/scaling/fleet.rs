//! All pools as a decision moves them: their sources (a Deployment, or groups),
//! what each carries and costs, and how many of it are counted on.

mod build;

pub(super) use build::pools;

use super::hold::Hold;
use super::input::{Delays, Hindrance, Short, Units};
use super::memory::{Aside, SourceMemory};
use crate::clock::Timestamp;
use crate::decide::{CapacityType, DesiredOwner, PoolDecision, PoolKind, Reason};
use crate::id::Name;
use crate::spec::Spot;
use crate::spec::model::QuotaFamily;
use crate::units::{Rate, UsdPerHour};

/// A Deployment, or a group of instances that carry the same.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// By which it is remembered: `g6e.12xlarge/spot`, on-prem `replicas`.
    pub(super) key: String,
    pub(super) label: String,
    pub(super) market: Option<CapacityType>,
    /// The group's own name.
    pub(super) group: Option<String>,
    /// It is there, so that a number can be written.
    pub(super) exists: bool,
    /// Of a unit, as it was learned.
    pub(super) capacity: Rate,
    /// Of a unit, as it is declared, or follows from its profile.
    pub(super) declared: Rate,
    /// Of a unit, of its own market.
    pub(super) price: Option<UsdPerHour>,
    /// Units out of service that are paid for.
    pub(super) kept: u32,
    /// So many may be asked for of its group, as its place has it now.
    pub(super) group_max: Option<u32>,
    /// The last number that was asked of it was refused.
    pub(super) refused: Option<Short>,
    pub(super) replicas_per_node: u32,
    pub(super) vcpus: u32,
    pub(super) family: Option<(String, QuotaFamily)>,
    pub(super) units: Units,
    pub(super) memory: SourceMemory,
    /// Units that are counted on: pending ones once, and none that is given up.
    pub(super) coming: u32,
    /// Units that carry nothing, for their nodes do not answer.
    pub(super) away: u32,
    /// Units that are not counted on, and may not be taken away.
    pub(super) idle: u32,
    /// Units wanted.
    pub(super) wanted: u32,
    /// Another may decide at the same time, and remember other things of it: nothing
    /// that is remembered counts.
    pub(super) apart: bool,
    /// So many at most, where another may decide at the same time.
    pub(super) most: Option<u32>,
    /// Its place takes it back before what is launched now would serve.
    pub(super) ends_soon: bool,
    /// Why no unit more; at most one says so.
    pub(super) closed: Option<Hold>,
    /// Those of it that drain stay after all.
    pub(super) stays: bool,
}

impl Source {
    pub(super) fn aside(&self) -> Option<&Aside> {
        self.memory.aside.as_ref().filter(|_| !self.apart)
    }

    /// Units on their way out that stay, instead of a launch, when more are wanted.
    pub(super) fn comes_back(&self) -> u32 {
        match self.wanted.checked_sub(self.units.asked()) {
            Some(more) => self.may_stay().saturating_sub(more),
            None => 0,
        }
    }

    /// Units asked for that are there: what was asked for and never launched can be
    /// taken back at any time, for nothing ends by it.
    pub(super) fn stands(&self) -> u32 {
        self.units.there().min(self.units.asked())
    }

    /// Units on their way out that their place does not take back.
    pub(super) fn may_stay(&self) -> u32 {
        self.units.draining.saturating_sub(self.units.cannot_stay)
    }

    /// Units that stand while so many are wanted, those on their way out too.
    pub(super) fn standing(&self, wanted: u32) -> u32 {
        let (asked, draining) = (self.units.asked(), self.units.draining);
        match wanted.checked_sub(asked) {
            Some(more) => wanted.saturating_add(draining - more.min(self.may_stay())),
            // What is there and not wanted is on its way out from now on.
            None => wanted.max(self.units.there().min(asked)).saturating_add(draining),
        }
    }

    /// The number that its group has while so many are wanted.
    fn number(&self, wanted: u32) -> u32 {
        match self.apart {
            // Who may not tell those that drain to stay asks for new ones.
            true => wanted.saturating_add(self.units.draining),
            false => self.standing(wanted),
        }
    }

    /// The most that may be asked for of its group: what is asked for already stays.
    fn group_most(&self) -> u32 {
        self.group_max.map_or(u32::MAX, |max| max.max(self.units.desired))
    }

    /// Whether its group may not be asked for one more.
    pub(super) fn is_full(&self) -> bool {
        self.number(self.wanted.saturating_add(1)) > self.group_most()
    }

    /// New units that may still be asked for of its group.
    pub(super) fn room(&self) -> u32 {
        self.group_most().saturating_sub(self.number(self.wanted))
    }

    /// Units that are counted on and do not serve yet.
    pub(super) fn pending(&self) -> u32 {
        let settled = self.units.serving.saturating_add(self.units.partly);
        self.coming.saturating_sub(settled.saturating_add(self.memory.stuck))
    }

    /// Warm instances that nothing was asked of yet.
    pub(super) fn warm_left(&self) -> u32 {
        // What is asked for and not there yet starts from them first.
        let asked = self.wanted.saturating_sub(self.units.there());
        self.units.warm.saturating_sub(asked)
    }
}

/// A pool.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    pub(super) name: &'a Name,
    pub(super) stage: &'a Name,
    pub(super) decided: &'a PoolDecision,
    pub(super) spot: Option<&'a Spot>,
    pub(super) joins_cluster: bool,
    pub(super) visible: bool,
    pub(super) seen_at: Option<Timestamp>,
    /// It cannot be seen for so long that scale-out counts it as lost.
    pub(super) lost: bool,
    /// The decision before did not count it so yet.
    pub(super) newly_lost: bool,
    pub(super) delays: Delays,
    /// At least so many, and who says so.
    pub(super) floor: (u32, Option<Reason>),
    /// An operator's number.
    pub(super) set_to: Option<(u32, Hold)>,
    pub(super) sources: Vec<Source>,
    /// Groups that another plan will end: they carry, and are not moved.
    pub(super) legacy: Legacy,
    /// What keeps its autoscaler from raising it, by its own word.
    pub(super) hindrance: Option<Hindrance>,
    /// Since when its autoscaler has not raised it, where it is not expected to any more.
    pub(super) unraised_since: Option<Timestamp>,
    /// Why nothing is added to any of its sources.
    pub(super) closed: Option<Hold>,
    /// Why nothing of it is scaled in: a drain was given up.
    pub(super) drain_given_up: Option<Hold>,
    pub(super) holds: Vec<Hold>,
    pub(super) reasons: Vec<Reason>,
    /// What of it stands in for spot, and until when.
    pub(super) stands_in: Option<Reason>,
}

/// What the groups are that a plan ends.
#[derive(Debug, Default)]
pub(super) struct Legacy {
    pub(super) units: u32,
    pub(super) standing: u32,
    pub(super) serving: Rate,
    pub(super) coming: Rate,
    pub(super) cost: UsdPerHour,
    pub(super) unpriced: u32,
}

impl<'a> Pool<'a> {
    pub(super) fn is_onprem(&self) -> bool {
        matches!(self.decided.kind, PoolKind::OnPrem)
    }

    /// Whether the controller sets its number, and can write it now.
    pub(super) fn is_ours(&self) -> bool {
        self.decided.owner == DesiredOwner::Controller
    }

    /// Whether an autoscaler sets its number.
    pub(super) fn is_autoscaled(&self) -> bool {
        self.decided.owner == DesiredOwner::Hpa
    }

    pub(super) fn total(&self) -> u32 {
        let own = self.sources.iter().map(|source| source.wanted);
        own.fold(self.legacy.units, u32::saturating_add)
    }

    /// Units that stand as it is wanted, those on their way out too.
    pub(super) fn standing(&self) -> u32 {
        let own = self.sources.iter().map(|source| source.standing(source.wanted));
        own.fold(self.legacy.standing, u32::saturating_add)
    }

    /// Units asked for now.
    pub(super) fn now(&self) -> u32 {
        let own = self.sources.iter().map(|source| source.units.asked());
        own.fold(self.legacy.units, u32::saturating_add)
    }

    /// What it will carry as it is wanted.
    pub(super) fn capacity(&self) -> Rate {
        if self.lost {
            return Rate::default();
        }
        let own: Rate = self.sources.iter().map(|one| one.capacity.times(self.counted(one))).sum();
        own + self.legacy.coming
    }

    /// What is counted on now.
    pub(super) fn capacity_coming(&self) -> Rate {
        if self.lost {
            return Rate::default();
        }
        let own: Rate = self
            .sources
            .iter()
            .map(|one| one.capacity.times(one.coming.saturating_sub(one.away)))
            .sum();
        own + self.legacy.coming
    }

    fn counted(&self, source: &Source) -> u32 {
        if source.ends_soon {
            return 0;
        }
        source.wanted.saturating_sub(source.away).saturating_sub(source.idle)
    }

    /// What an autoscaler that is expected to act can still add.
    pub(super) fn headroom(&self) -> Rate {
        let acts = self.unraised_since.is_none() && self.hindrance.is_none();
        if !self.is_autoscaled() || !self.visible || !acts {
            return Rate::default();
        }
        let free = self.sources.iter().filter(|one| one.exists && one.aside().is_none());
        free.map(|one| one.capacity.times(self.decided.max.saturating_sub(one.wanted))).sum()
    }

    pub(super) fn capacity_serving(&self) -> Rate {
        let own: Rate = self.sources.iter().map(|one| one.capacity.times(one.units.serving)).sum();
        own + self.legacy.serving
    }

    /// What serves, as it is declared.
    pub(super) fn declared_serving(&self) -> Rate {
        let own: Rate = self.sources.iter().map(|one| one.declared.times(one.units.serving)).sum();
        own + self.legacy.serving
    }

    /// Replicas that serve, without those of groups that another plan will end.
    pub(super) fn replicas_serving(&self) -> u32 {
        let own = self.sources.iter();
        own.map(|one| one.units.serving.saturating_mul(one.replicas_per_node))
            .fold(0, u32::saturating_add)
    }

    pub(super) fn pending(&self) -> u32 {
        self.sources.iter().map(Source::pending).fold(0, u32::saturating_add)
    }

    pub(super) fn draining(&self) -> u32 {
        self.sources.iter().map(|one| one.units.draining).fold(0, u32::saturating_add)
    }
}
