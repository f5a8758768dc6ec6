//! Groups that go, and the groups that carry on for them.

use super::burst::{shared, successors};
use super::{BurstGroup, SupplyGroup};

/// As many as each of `groups` has already. While one is replaced by its like both
/// are there, and the larger number is what is meant.
pub(super) fn own_numbers(groups: &[BurstGroup], live: &[SupplyGroup]) -> Vec<u32> {
    let mut own = vec![0; groups.len()];
    for (seen, at) in live.iter().zip(successors(groups, live)) {
        if let Some(at) = at {
            own[at] = seen.desired.max(own[at]);
        }
    }
    own
}

/// What a group that goes leaves to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Legacy {
    /// Which of those that are there goes.
    pub from: usize,
    /// Which of those that shall be carries on for it.
    pub to: usize,
    /// How many that then has, at most its max.
    pub number: u32,
    /// A plan that was begun has noted so already.
    pub is_noted: bool,
}

/// Who carries on for the groups that go: of the same market before the other,
/// of the same type before others, one that is yet to be made before one that is
/// there. What was noted by a plan that was cut off stands, so that a repeat
/// passes nothing on twice.
pub fn legacies(groups: &[BurstGroup], live: &[SupplyGroup]) -> Vec<Legacy> {
    let goes_on_as = successors(groups, live);
    let mut numbers = own_numbers(groups, live);
    let gone = || (0..live.len()).filter(|&at| goes_on_as[at].is_none());
    let noted = |from: usize| {
        let (name, number) = live[from].passed_on.as_ref()?;
        let there = live.iter().position(|other| other.name == *name)?;
        Some((goes_on_as[there]?, *number))
    };
    let mut legacies = Vec::new();
    for (from, (to, number)) in gone().filter_map(|from| Some((from, noted(from)?))) {
        numbers[to] = numbers[to].max(number).min(groups[to].max);
        legacies.push(Legacy { from, to, number: numbers[to], is_noted: true });
    }
    for from in gone().filter(|&from| live[from].desired > 0 && noted(from).is_none()) {
        let heir = (0..groups.len()).min_by_key(|&at| {
            let (group, gone) = (&groups[at], &live[from]);
            let differs = group.capacity_type != gone.capacity_type;
            (differs, shared(gone, group) == 0, goes_on_as.contains(&Some(at)))
        });
        let Some(to) = heir else { continue };
        numbers[to] = numbers[to].saturating_add(live[from].desired).min(groups[to].max);
        legacies.push(Legacy { from, to, number: numbers[to], is_noted: false });
    }
    legacies
}
