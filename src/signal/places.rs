//! What a cluster and an account tell by themselves, pool by pool.

use super::{Reading, Verdict};
use crate::clock::Timestamp;
use crate::id::Name;
use crate::observe::{ByPool, Gap, Health, Inventory, Node, ProblemKind, Side, Workload, marks};
use crate::spec::Environment;

/// The kinds of thing that units of a pool belong to.
const DEPLOYMENT: &str = "Deployment";
const GROUP: &str = "AutoScalingGroup";

/// What `inventory` says of every pool of `environment`: pods that wait, nodes that
/// are not ready; instances that are on their way, in service or not well, those that
/// AWS had no capacity for, whose launch failed, and that AWS takes back. What may be
/// hidden by a gap is not a number.
pub fn readings_of(environment: &Environment, inventory: &Inventory) -> Vec<Reading> {
    let not_ready = inventory.nodes().filter(|node| node.health == Health::NotReady).collect();
    let seen = Seen { inventory, by_pool: inventory.by_pool(), not_ready };
    let mut readings = Vec::new();
    for (pool, declared) in environment.onprem.iter().flat_map(|onprem| &onprem.pools) {
        let selector = &declared.node_selector;
        let serves = |node: &Node| {
            !node.labels.contains_key(marks::WORKLOAD)
                && selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
        };
        readings.extend(seen.cluster(pool, serves));
    }
    for (pool, declared) in environment.aws.iter().flat_map(|aws| &aws.pools) {
        readings.extend(seen.account(pool, declared.spot.is_some()));
        if declared.join == crate::spec::model::Join::Kubernetes {
            let own = environment.environment.name.as_str();
            let is = |node: &Node, key: &str, value: &str| {
                node.labels.get(key).is_some_and(|of| of == value)
            };
            let marked = |node: &Node| {
                is(node, marks::ENVIRONMENT, own) && is(node, marks::POOL, pool.as_str())
            };
            readings.extend(seen.cluster(pool, marked));
        }
    }
    readings
}

struct Seen<'i> {
    inventory: &'i Inventory,
    by_pool: ByPool<'i>,
    /// A cluster has thousands of nodes, and few of them are not.
    not_ready: Vec<&'i Node>,
}

impl<'i> Seen<'i> {
    fn cluster(&self, pool: &Name, serves: impl Fn(&Node) -> bool) -> Vec<Reading> {
        let pods = self.workloads(DEPLOYMENT, pool);
        let not_ready = self.not_ready.iter().filter(|node| serves(node)).count();
        let reading = |what: &str, unit, value: f64| {
            self.reading(Side::Kubernetes, format!("kubernetes/{pool}/{what}"), unit, value)
        };
        vec![
            reading("ready_pods", "pods", sum(&pods, |workload| workload.ready)),
            reading("pending_pods", "pods", sum(&pods, |workload| workload.pending)),
            reading("nodes_not_ready", "nodes", not_ready as f64),
        ]
    }

    fn account(&self, pool: &Name, spot: bool) -> Vec<Reading> {
        let groups = self.workloads(GROUP, pool);
        let reading = |what: &str, value: f64| {
            self.reading(Side::Aws, format!("aws/{pool}/{what}"), "instances", value)
        };
        let failed = groups.iter().filter_map(|workload| workload.failed);
        let last = failed.clone().filter_map(|failed| failed.at).max();
        let failed = failed.map(|failed| u64::from(failed.units)).sum::<u64>();
        let failed = reading("failed_launches", failed as f64);
        // As old as the last of them.
        let failed = Reading { at: failed.value.and(last).or(failed.at), ..failed };
        let short = sum(&groups, without_capacity);
        let mut all = vec![
            reading("in_service", sum(&groups, |workload| workload.ready)),
            reading("pending", sum(&groups, |workload| workload.pending)),
            reading("unhealthy", sum(&groups, unhealthy)),
            self.unless(Gap::ACTIVITIES, reading("capacity_failures", short)),
            self.unless(Gap::ACTIVITIES, failed),
        ];
        if spot {
            let taken = |workload: &Workload| {
                let taken = workload.units.iter().filter(|unit| unit.taken_back.is_some());
                u32::try_from(taken.count()).unwrap_or(u32::MAX)
            };
            all.push(self.unless(Gap::NOTICES, reading("spot_notices", sum(&groups, taken))));
        }
        all
    }

    /// A reading, unless it is by what a gap hides.
    fn unless(&self, hidden: &str, reading: Reading) -> Reading {
        match self.inventory.gaps.iter().find(|gap| gap.what == hidden) {
            Some(gap) => Reading {
                value: None,
                at: None,
                verdict: Verdict::Unreachable(gap.why.clone()),
                ..reading
            },
            None => reading,
        }
    }

    fn workloads(&self, kind: &str, pool: &Name) -> Vec<&'i Workload> {
        let all = self.by_pool.of(kind, pool.as_str()).iter();
        all.filter_map(|live| live.workload.as_ref()).collect()
    }

    fn reading(&self, side: Side, signal: String, unit: &'static str, value: f64) -> Reading {
        let at: Timestamp = self.inventory.taken_at;
        let gap = self.inventory.gaps.iter().find(|gap| gap.side == side && hides(gap));
        let place = self.inventory.locations.iter().find(|place| place.side == side);
        let source = place.map_or_else(|| "not connected".to_owned(), |place| place.title.clone());
        let (value, verdict) = match (gap, place) {
            (Some(gap), _) => {
                (None, Verdict::Unreachable(format!("{} cannot be seen: {}", gap.what, gap.why)))
            }
            (None, None) => (None, Verdict::Unreachable("nobody has looked there".to_owned())),
            (None, Some(_)) => (Some(value), Verdict::Good),
        };
        Reading { signal, unit, source, value, at: value.map(|_| at), verdict }
    }
}

/// Whether units may be hidden by it: by one of prices or of a lookup none are.
fn hides(gap: &Gap) -> bool {
    let units = ["nodes", "pods", "groups"];
    gap.hides_members || units.iter().any(|what| gap.what.contains(what))
}

/// Units with a trouble that time alone does not end.
fn unhealthy(workload: &Workload) -> u32 {
    let harmless = [ProblemKind::Starting, ProblemKind::InsufficientCapacity];
    let troubled = workload.problems.iter().filter(|problem| !harmless.contains(&problem.kind));
    troubled.map(|problem| problem.units).sum()
}

fn without_capacity(workload: &Workload) -> u32 {
    let short = |kind| kind == ProblemKind::InsufficientCapacity;
    let problems = workload.problems.iter().filter(|problem| short(problem.kind));
    problems.map(|problem| problem.units).sum()
}

fn sum(workloads: &[&Workload], of: impl Fn(&Workload) -> u32) -> f64 {
    // Of no floats the sum would be -0.
    workloads.iter().map(|workload| u64::from(of(workload))).sum::<u64>() as f64
}

#[cfg(test)]
mod tests;
