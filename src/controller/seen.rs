//! From an inventory, the units of every pool as a scaling decision sees them.

use super::alone::Alone;
use super::index::Index;
use crate::clock::Timestamp;
use crate::decide::scaling::{Hindrance, PoolSeen, Seen, Short, Units};
use crate::id::Name;
use crate::observe::{
    Autoscaler, Gap, Live, Node, Ownership, Problem, ProblemKind, Side, Unit, Wait, Workload,
};
use crate::spec::Environment;
use crate::spec::model::{BurstPool, Join};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::num::NonZeroU32;

/// What is known beside the inventory.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    /// What was seen before: it stands where nothing can be seen now.
    pub(super) before: &'a Seen,
    /// When each side was seen last; a side that is not here was never.
    pub(super) seen_at: &'a BTreeMap<Side, Timestamp>,
    /// When it was looked for the first time.
    pub(super) since: Timestamp,
    /// The sides that could be seen for this decision.
    pub(super) visible: &'a BTreeSet<Side>,
    /// Units that are named for their end, and those of them that are closed to new
    /// work.
    pub(super) draining: &'a BTreeSet<String>,
    pub(super) closed: &'a BTreeSet<String>,
    /// How many of the first there are of each group.
    pub(super) going: &'a BTreeMap<String, u32>,
    /// Pools of which one cannot be drained in its time, with what keeps it.
    pub(super) stuck: &'a BTreeMap<Name, String>,
    /// Instances that had joined the cluster.
    pub(super) had_joined: &'a HashSet<String>,
    /// Those that stand alone.
    pub(super) alone: &'a Alone,
}

/// The units of every pool of `environment`.
pub(super) fn seen(environment: &Environment, index: &Index<'_>, beside: Beside<'_>) -> Seen {
    let gaps = &index.inventory.gaps;
    let hidden = |side: Side| gaps.iter().any(|gap| gap.side == side && gap.hides_members);
    let visible = |side: Side| beside.visible.contains(&side) && !hidden(side);
    let nodes_hidden = gaps.iter().any(|gap| gap.what == Gap::NODES);
    let mut seen = Seen::default();
    let onprem = environment.onprem.iter().flat_map(|onprem| &onprem.pools);
    for (name, declared) in onprem {
        let sight = Sight::of(Side::Kubernetes, visible(Side::Kubernetes), &beside);
        let pool = sight.pool(name, &beside, |pool| {
            let live = index.of_pool("Deployment", name).next();
            pool.replicas = live.map(replicas);
            let live = live.filter(|_| declared.hpa.is_some());
            pool.autoscaler = live.and_then(|live| hindrance(index.autoscalers_of(live)));
        });
        seen.pools.insert(name.clone(), pool);
    }
    for (name, pool) in environment.aws.iter().flat_map(|aws| &aws.pools) {
        let joins = pool.join == Join::Kubernetes;
        // Whether a node serves is Kubernetes' to tell.
        let joined = visible(Side::Kubernetes) && !nodes_hidden;
        let can_see = visible(Side::Aws) && (!joins || joined);
        let sight = Sight::of(Side::Aws, can_see, &beside);
        let pool = sight.pool(name, &beside, |seen| {
            let serving = joins.then(|| Serving::of(environment, index, (name, pool)));
            let groups = index.of_pool("AutoScalingGroup", name);
            seen.groups = in_order(groups, serving, &beside);
            seen.stuck_drain = beside.stuck.get(name).cloned();
        });
        seen.pools.insert(name.clone(), pool);
    }
    seen
}

/// How a side looks now.
struct Sight {
    visible: bool,
    at: Option<Timestamp>,
    since: Timestamp,
}

impl Sight {
    fn of(side: Side, visible: bool, beside: &Beside<'_>) -> Self {
        Self { visible, at: beside.seen_at.get(&side).copied(), since: beside.since }
    }

    /// A pool: looked at by `look`, or as it was before.
    fn pool(&self, name: &Name, beside: &Beside<'_>, look: impl FnOnce(&mut PoolSeen)) -> PoolSeen {
        if !self.visible {
            let before = beside.before.pools.get(name).cloned().unwrap_or_default();
            let since = before.since.or(Some(self.since)).filter(|_| before.at.is_none());
            let mut seen = PoolSeen { visible: false, since, ..before };
            // What has been taken back since is on its way out no more.
            for (group, units) in &mut seen.groups {
                let going = beside.going.get(group).copied().unwrap_or(0);
                units.draining = units.draining.min(going);
                units.cannot_stay = units.cannot_stay.min(units.draining);
            }
            return seen;
        }
        let mut pool = PoolSeen { at: self.at, visible: true, ..PoolSeen::default() };
        look(&mut pool);
        pool
    }
}

fn replicas(live: &Live) -> Units {
    let none = Workload::default();
    let workload = live.workload.as_ref().unwrap_or(&none);
    let full = workload.problems.iter().find(|p| p.kind == ProblemKind::Unschedulable);
    // Pods that end are none of it, and those that no node has room for are not there.
    let existing = workload.existing.min(workload.desired.max(workload.ready));
    Units {
        desired: workload.desired,
        existing: existing.saturating_sub(full.map_or(0, |problem| problem.units)),
        short: full.map(|problem| Short {
            at: None,
            message: problem.message.clone(),
            refused: false,
        }),
        joined: workload.ready,
        serving: workload.ready,
        ..Units::default()
    }
}

/// What keeps the autoscalers that point at a Deployment from raising it, as they say
/// themselves.
fn hindrance(own: &[&Autoscaler]) -> Option<Hindrance> {
    if own.is_empty() {
        return Some(Hindrance::Cannot("no HorizontalPodAutoscaler points at it".to_owned()));
    }
    // Of several that point at it one is enough.
    let Some(acts) = own.iter().find(|one| one.cannot.is_none()) else {
        return own.iter().find_map(|one| one.cannot.clone()).map(Hindrance::Cannot);
    };
    acts.at_max.clone().map(Hindrance::AtMax)
}

/// The instances of our groups that have joined the cluster, with those of them that had
/// before and are still there. A cluster may have thousands of nodes of others.
pub(super) fn joined(index: &Index<'_>, before: &HashSet<String>) -> HashSet<String> {
    let all = index.inventory.resources.values();
    let ours = all.filter(|live| live.ownership == Ownership::Ours);
    let has_joined =
        |unit: &&Unit| index.joined(&unit.name).is_some() || before.contains(&unit.name);
    ours.flat_map(Live::units).filter(has_joined).map(|unit| unit.name.clone()).collect()
}

/// The nodes that joined the cluster, and what the pods of a pool do there.
struct Serving<'a> {
    nodes: &'a Index<'a>,
    /// The GPUs of each of its pods; none: it has none, and pods cannot be told apart
    /// by the nodes that they are on.
    gpus: Option<NonZeroU32>,
    /// Ready pods that no group was credited with yet.
    left: u32,
}

impl<'a> Serving<'a> {
    fn of(
        environment: &Environment,
        index: &'a Index<'a>,
        (name, pool): (&Name, &BurstPool),
    ) -> Self {
        let deployment = index.of_pool("Deployment", name).next();
        let stage = environment.service.stages.get(&pool.stage);
        Self {
            nodes: index,
            gpus: stage.and_then(|stage| NonZeroU32::new(stage.gpus)),
            left: deployment.and_then(|live| live.workload.as_ref()).map_or(0, |w| w.ready),
        }
    }

    /// How many of these nodes serve, each with so many replicas, and how many more do
    /// in part.
    fn take(&mut self, nodes: &[&Node], per_node: u32) -> (u32, u32) {
        let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        let Some(gpus) = self.gpus else {
            let serving = (self.left / per_node).min(count);
            self.left -= serving * per_node;
            return (serving, 0);
        };
        let pods = nodes.iter().map(|node| (node.gpus_ready / gpus).min(per_node));
        let some = pods.clone().filter(|pods| *pods > 0).count();
        let serving = pods.fold(0, u32::saturating_add) / per_node;
        (serving, u32::try_from(some).unwrap_or(u32::MAX).saturating_sub(serving))
    }
}

/// As the group was made: each of its nodes runs so many.
fn replicas_per_node(live: &Live) -> u32 {
    let marked = live.marks.get("replicas-per-node");
    marked.and_then(|number| number.parse().ok()).unwrap_or(1).max(1)
}

fn in_order<'a>(
    groups: impl Iterator<Item = &'a Live>,
    mut serving: Option<Serving<'_>>,
    beside: &Beside<'_>,
) -> BTreeMap<String, Units> {
    groups.map(|live| (live.id.name.clone(), instances(live, serving.as_mut(), beside))).collect()
}

fn instances(live: &Live, serving: Option<&mut Serving<'_>>, beside: &Beside<'_>) -> Units {
    let there = |unit: &&Unit| !unit.ending && !unit.set_aside;
    let units: Vec<&Unit> = live.units().iter().filter(there).collect();
    let draining = |unit: &&&Unit| beside.draining.contains(&unit.name);
    let noticed = |unit: &&&Unit| unit.taken_back.is_some();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    // What is taken back serves for two minutes at most, and its place is filled again.
    let free = |unit: &&&Unit| !draining(unit) && unit.taken_back.is_none();
    let free: Vec<&&Unit> = units.iter().filter(free).collect();
    let workload = live.workload.as_ref();
    let held = |unit: &&Unit| unit.ending && unit.waits == Some(Wait::ToEnd);
    let mut seen = Units {
        desired: workload.map_or(0, |workload| workload.desired),
        existing: count(units.len()),
        ending: count(live.units().iter().filter(held).count()),
        draining: count(units.iter().filter(draining).count()),
        cannot_stay: count(units.iter().filter(draining).filter(noticed).count()),
        warm: workload.map_or(0, |workload| workload.warm),
        short: workload.and_then(short),
        ends: closes(live),
        ..Units::default()
    };
    let back = live.units().iter().filter(|unit| unit.taken_back.is_some());
    let back = back.filter(|unit| !beside.draining.contains(&unit.name));
    let Some(serving) = serving else {
        let alone = beside.alone;
        seen.taken_back = count(back.count());
        let joined = free.iter().filter(|unit| unit.ready && alone.has_joined(&unit.name));
        let serve = joined.clone().filter(|unit| !alone.refuses(&unit.name));
        (seen.joined, seen.serving) = (count(joined.count()), count(serve.count()));
        return seen;
    };
    let mut nodes = Vec::with_capacity(free.len());
    for unit in free {
        match serving.nodes.joined(&unit.name) {
            Some(node) => nodes.push(node),
            None if unit.ready && beside.had_joined.contains(&unit.name) => seen.away += 1,
            None => {}
        }
    }
    let open = units.iter().filter(draining).filter(|unit| !beside.closed.contains(&unit.name));
    let runs = |unit: &&Unit| serving.nodes.running(&unit.name).is_some();
    seen.taken_back = count(back.filter(runs).count());
    seen.open = count(open.filter(|unit| runs(unit)).count());
    seen.joined = count(nodes.len());
    (seen.serving, seen.partly) = serving.take(&nodes, replicas_per_node(live));
    seen
}

/// Why launches fail, if they do.
fn short(workload: &Workload) -> Option<Short> {
    let fails = |problem: &&Problem| match problem.kind {
        ProblemKind::InsufficientCapacity | ProblemKind::Refused => true,
        ProblemKind::Other => workload.failed.is_some(),
        _ => false,
    };
    workload.problems.iter().find(fails).map(|problem| Short {
        at: workload.failed.as_ref().and_then(|failed| failed.at),
        message: problem.message.clone(),
        refused: problem.kind != ProblemKind::InsufficientCapacity,
    })
}

/// When EC2 begins to end what runs in a capacity block.
fn closes(live: &Live) -> Option<Timestamp> {
    live.marks.get("closes")?.parse().ok()
}

#[cfg(test)]
mod tests;
