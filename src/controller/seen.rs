//! From an inventory, the units of every pool as a scaling decision sees them.

use super::alone::Alone;
use crate::clock::Timestamp;
use crate::decide::scaling::{PoolSeen, Seen, Short, Units};
use crate::decide::todays_pool;
use crate::id::Name;
use crate::observe::{Gap, Health, Inventory, Live, Ownership, ProblemKind, Side, Unit, Workload};
use crate::spec::Environment;
use crate::spec::model::Join;
use std::collections::{BTreeMap, BTreeSet};

/// What is known beside the inventory.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    /// What was seen before: it stands where nothing can be seen now.
    pub(super) before: &'a Seen,
    /// When each side was seen last; a side that is not here was never.
    pub(super) seen_at: &'a BTreeMap<Side, Timestamp>,
    /// The sides that could be seen for this decision.
    pub(super) visible: &'a BTreeSet<Side>,
    /// Units that are named for their end.
    pub(super) draining: &'a BTreeSet<String>,
    /// Instances that had joined the cluster.
    pub(super) had_joined: &'a BTreeSet<String>,
    /// Those that stand alone.
    pub(super) alone: &'a Alone,
}

/// The units of every pool of `environment`.
pub(super) fn seen(environment: &Environment, inventory: &Inventory, beside: Beside<'_>) -> Seen {
    let hidden =
        |side: Side| inventory.gaps.iter().any(|gap| gap.side == side && gap.hides_members);
    let visible = |side: Side| beside.visible.contains(&side) && !hidden(side);
    let nodes_hidden = inventory.gaps.iter().any(|gap| gap.what == Gap::NODES);
    let mut seen = Seen::default();
    let onprem = environment.onprem.iter().flat_map(|onprem| &onprem.pools);
    for name in onprem.map(|(name, _)| name) {
        let sight = Sight::of(Side::Kubernetes, visible(Side::Kubernetes), &beside);
        let units = || live_of(environment, inventory, name, "Deployment").next().map(replicas);
        seen.pools.insert(name.clone(), sight.pool(name, &beside, |pool| pool.replicas = units()));
    }
    for (name, pool) in environment.aws.iter().flat_map(|aws| &aws.pools) {
        let joins = pool.join == Join::Kubernetes;
        // Whether a node serves is Kubernetes' to tell.
        let joined = visible(Side::Kubernetes) && !nodes_hidden;
        let can_see = visible(Side::Aws) && (!joins || joined);
        let sight = Sight::of(Side::Aws, can_see, &beside);
        let pool = sight.pool(name, &beside, |seen| {
            let serving = joins.then(|| Serving::of(environment, inventory, name));
            let groups = live_of(environment, inventory, name, "AutoScalingGroup");
            seen.groups = in_order(groups, serving, &beside);
        });
        seen.pools.insert(name.clone(), pool);
    }
    seen
}

/// How a side looks now.
struct Sight {
    visible: bool,
    at: Option<Timestamp>,
}

impl Sight {
    fn of(side: Side, visible: bool, beside: &Beside<'_>) -> Self {
        Self { visible, at: beside.seen_at.get(&side).copied() }
    }

    /// A pool: looked at by `look`, or as it was before.
    fn pool(&self, name: &Name, beside: &Beside<'_>, look: impl FnOnce(&mut PoolSeen)) -> PoolSeen {
        if !self.visible {
            let before = beside.before.pools.get(name).cloned().unwrap_or_default();
            return PoolSeen { visible: false, ..before };
        }
        let mut pool = PoolSeen { at: self.at, visible: true, ..PoolSeen::default() };
        look(&mut pool);
        pool
    }
}

/// Ours of one kind that serve a pool, under whichever name it had.
fn live_of<'a>(
    environment: &'a Environment,
    inventory: &'a Inventory,
    pool: &'a Name,
    kind: &'a str,
) -> impl Iterator<Item = &'a Live> {
    inventory.resources.values().filter(move |live| {
        live.id.kind == kind
            && live.ownership == Ownership::Ours
            && !live.deleting
            && live.pool().is_some_and(|marked| todays_pool(environment, marked) == pool.as_str())
    })
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
        short: full.map(|problem| Short { at: None, message: problem.message.clone() }),
        joined: workload.ready,
        serving: workload.ready,
        ..Units::default()
    }
}

/// The instances that have joined the cluster, with those of them that had before and
/// are still there.
pub(super) fn joined(inventory: &Inventory, before: &BTreeSet<String>) -> BTreeSet<String> {
    let nodes = inventory.nodes().filter(|node| matches!(node.health, Health::Ready));
    let now = nodes.filter_map(|node| node.instance.clone());
    let units = inventory.resources.values().flat_map(Live::units);
    let still = units.filter(|unit| before.contains(&unit.name)).map(|unit| unit.name.clone());
    now.chain(still).collect()
}

/// The nodes of a pool that joined the cluster, and how many of them its pods
/// fill.
struct Serving {
    joined: BTreeSet<String>,
    /// Those of all nodes that run, closed ones too.
    running: BTreeSet<String>,
    /// Nodes' worth of ready pods that no group was credited with yet.
    left: u32,
}

impl Serving {
    fn of(environment: &Environment, inventory: &Inventory, pool: &Name) -> Self {
        let ready = |health| matches!(health, Health::Ready);
        let nodes = inventory.nodes.iter().filter(|node| ready(node.health));
        let running = inventory.nodes.iter().filter(|node| node.health != Health::NotReady);
        let deployment = live_of(environment, inventory, pool, "Deployment").next();
        let pods = deployment.and_then(|live| live.workload.as_ref()).map_or(0, |w| w.ready);
        let per_node = replicas_per_node(environment, inventory, pool);
        Self {
            joined: nodes.filter_map(|node| node.instance.clone()).collect(),
            running: running.filter_map(|node| node.instance.clone()).collect(),
            left: pods.checked_div(per_node).unwrap_or(0),
        }
    }

    /// How many of these serve, of the nodes' worth that is left.
    fn take(&mut self, joined: u32) -> u32 {
        let serving = joined.min(self.left);
        self.left -= serving;
        serving
    }
}

/// As the pool's groups were made: each of its nodes runs so many.
fn replicas_per_node(environment: &Environment, inventory: &Inventory, pool: &Name) -> u32 {
    let marked = live_of(environment, inventory, pool, "AutoScalingGroup")
        .filter_map(|live| live.fields.text_at("/tags/floodway.dev~1replicas-per-node"));
    marked.filter_map(|number| number.parse().ok()).max().unwrap_or(1)
}

fn in_order<'a>(
    groups: impl Iterator<Item = &'a Live>,
    mut serving: Option<Serving>,
    beside: &Beside<'_>,
) -> BTreeMap<String, Units> {
    groups.map(|live| (live.id.name.clone(), instances(live, serving.as_mut(), beside))).collect()
}

fn instances(live: &Live, serving: Option<&mut Serving>, beside: &Beside<'_>) -> Units {
    let there = |unit: &&Unit| !unit.ending;
    let units: Vec<&Unit> = live.units().iter().filter(there).collect();
    let draining = |unit: &&&Unit| beside.draining.contains(&unit.name);
    let noticed = |unit: &&&Unit| unit.taken_back.is_some();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    // What is taken back serves for two minutes at most, and its place is filled again.
    let free = |unit: &&&Unit| !draining(unit) && unit.taken_back.is_none();
    let free: Vec<&&Unit> = units.iter().filter(free).collect();
    let taken_back = serving.as_ref().map_or(0, |serving| {
        let back = live.units().iter().filter(|unit| unit.taken_back.is_some());
        let back = back.filter(|unit| !beside.draining.contains(&unit.name));
        count(back.filter(|unit| serving.running.contains(&unit.name)).count())
    });
    let away = |joined: &BTreeSet<String>| {
        let away = free.iter().filter(|unit| unit.ready && beside.had_joined.contains(&unit.name));
        count(away.filter(|unit| !joined.contains(&unit.name)).count())
    };
    let away = serving.as_ref().map_or(0, |serving| away(&serving.joined));
    let (joined, serves) = match serving {
        Some(serving) => {
            let joined = free.iter().filter(|unit| serving.joined.contains(&unit.name));
            let joined = count(joined.count());
            (joined, serving.take(joined))
        }
        None => {
            let alone = beside.alone;
            let joined = free.iter().filter(|unit| unit.ready && alone.has_joined(&unit.name));
            let serve = joined.clone().filter(|unit| !alone.refuses(&unit.name));
            (count(joined.count()), count(serve.count()))
        }
    };
    let workload = live.workload.as_ref();
    let short = workload.into_iter().flat_map(|workload| &workload.problems);
    let short = short
        .filter(|problem| problem.kind == ProblemKind::InsufficientCapacity)
        .map(|problem| Short { at: None, message: problem.message.clone() })
        .next();
    Units {
        desired: workload.map_or(0, |workload| workload.desired),
        existing: count(units.len()),
        draining: count(units.iter().filter(draining).count()),
        cannot_stay: count(units.iter().filter(draining).filter(noticed).count()),
        joined,
        away,
        serving: serves,
        taken_back,
        warm: workload.map_or(0, |workload| workload.warm),
        pending_since: None,
        short,
        ends: closes(live),
    }
}

/// When EC2 begins to end what runs in a capacity block.
fn closes(live: &Live) -> Option<Timestamp> {
    live.fields.text_at("/tags/floodway.dev~1closes")?.parse().ok()
}
