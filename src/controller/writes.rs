//! From a decision, the numbers to write now and the units to drain; and what is
//! remembered of what became of them.

use super::index::Index;
use super::report::Done;
use crate::clock::Timestamp;
use crate::decide::scaling::{Memory, PoolScaling, Scaling, Short, SourceScaling};
use crate::decide::{DesiredOwner, Reason};
use crate::id::Name;
use crate::observe::{Live, ResourceId, Side};
use crate::plan::{FailureKind, Step};

/// One number to write.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Write {
    /// The pool it is of.
    pub(super) pool: Name,
    /// The write.
    pub(super) step: Step,
    /// It adds capacity.
    pub(super) adds: bool,
    /// Why.
    pub(super) why: Option<Reason>,
}

/// Units of a group to choose, drain and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shrink {
    /// The pool it is of.
    pub(super) pool: Name,
    /// The group.
    pub(super) group: ResourceId,
    /// Its UID.
    pub(super) uid: String,
    /// How many units more than those that drain already.
    pub(super) units: u32,
    /// Why.
    pub(super) why: Option<Reason>,
}

/// What a decision asks for now; what adds capacity comes first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Writes {
    /// Numbers.
    pub(super) numbers: Vec<Write>,
    /// Units to drain.
    pub(super) shrinks: Vec<Shrink>,
}

/// What `scaling` asks for over what is there. Nothing of pools that others own, or that
/// could not be seen.
pub(super) fn writes(index: &Index<'_>, scaling: &Scaling) -> Writes {
    let mut all = Writes::default();
    for (name, pool) in &scaling.pools {
        if pool.owner != DesiredOwner::Controller || !pool.visible {
            continue;
        }
        let groups: Vec<&Live> = index.of_pool("AutoScalingGroup", name).collect();
        let deployment = index.of_pool("Deployment", name).next();
        for source in &pool.sources {
            let live = match &source.group {
                Some(group) => groups.iter().copied().find(|live| live.id.name == *group),
                None if source.market.is_none() => deployment,
                None => None,
            };
            let Some(live) = live else { continue };
            let to = match live.id.side {
                Side::Kubernetes => source.set.saturating_sub(source.shrink),
                Side::Aws => source.set,
            };
            all.numbers.extend(number(name, pool, live, source.desired, to));
            all.shrinks.extend(shrink(name, pool, live, source));
        }
        if let Some(pods) = pool.pods
            && let Some(live) = deployment
        {
            let asked = live.workload.as_ref().map_or(0, |workload| workload.desired);
            all.numbers.extend(number(name, pool, live, asked, pods));
        }
    }
    all.numbers.sort_by_key(|write| !write.adds);
    all
}

fn number(name: &Name, pool: &PoolScaling, live: &Live, from: u32, to: u32) -> Option<Write> {
    let path = match &live.runtime {
        Some(field) => field.path.clone(),
        None if live.id.side == Side::Aws => "/desired".to_owned(),
        None => "/spec/replicas".to_owned(),
    };
    let (id, uid) = (live.id.clone(), live.uid.clone());
    (from != to).then(|| Write {
        pool: name.clone(),
        step: Step::SetUnits { id, uid, path, from, to },
        adds: to > from,
        why: pool.reasons.first().cloned(),
    })
}

fn shrink(name: &Name, pool: &PoolScaling, live: &Live, source: &SourceScaling) -> Option<Shrink> {
    // Which pods of a Deployment end is Kubernetes' to choose.
    (source.shrink > 0 && live.id.side == Side::Aws).then(|| Shrink {
        pool: name.clone(),
        group: live.id.clone(),
        uid: live.uid.clone(),
        units: source.shrink,
        why: pool.reasons.first().cloned(),
    })
}

/// Notes in `memory` which of the numbers that were `done` their places have refused: the
/// same is not asked again at once, and others are asked in its place.
pub(super) fn note_refused(memory: &mut Memory, scaling: &Scaling, done: &[Done], now: Timestamp) {
    for Done { pool, step, outcome } in done {
        let (Step::SetUnits { id, .. }, Some(outcome)) = (step, outcome) else { continue };
        let own = |source: &&SourceScaling| match &source.group {
            Some(group) => id.side == Side::Aws && *group == id.name,
            // Pods of a burst pool go with its nodes, and are no source of it.
            None => id.side == Side::Kubernetes && source.market.is_none(),
        };
        let sources = scaling.pools.get(pool).map_or(&[] as &[_], |pool| &pool.sources);
        let Some(source) = sources.iter().find(own) else { continue };
        let known = memory.sources.get_mut(pool).and_then(|all| all.get_mut(&source.key()));
        let Some(known) = known else { continue };
        known.refused = match outcome {
            Err(why) if matches!(why.kind, FailureKind::Denied | FailureKind::Rejected) => {
                Some(Short { at: Some(now), message: why.to_string(), refused: true })
            }
            _ => None,
        };
    }
}
