//! Nodes of the simulated cluster: those that are always there, and those that
//! burst instances become.

use super::capacity::Room;
use super::pods::Pod;
use super::scenario::NodeSet;
use super::world::World;
use crate::observe::{Health, Node, Taint, marks};
use crate::spec::Environment;
use crate::spec::model::Count;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A world holds no more nodes, those that instances become aside, and no more
/// instances: beyond it, looking at the world would take too long.
pub(super) const MOST_NODES: usize = 10_000;

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SimNode {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    /// Key and value; the effect is always NoSchedule.
    pub(super) taint: Option<(String, String)>,
    pub(super) room: Room,
    /// GPUs that it has and does not offer.
    pub(super) gpus_unhealthy: u32,
    pub(super) ready: bool,
    /// Nothing new comes here.
    #[serde(default)]
    pub(super) cordoned: bool,
}

impl SimNode {
    /// All nodes of a set: `<name>-0`, `<name>-1`, …
    pub(super) fn of_set(set: &NodeSet) -> impl Iterator<Item = Self> {
        (0..set.count).map(|index| Self {
            name: format!("{}-{index}", set.name),
            labels: set.labels.clone(),
            taint: None,
            room: Room {
                gpus: set.gpus,
                cpu_millis: set.cpu.millis(),
                memory_bytes: set.memory.bytes(),
            },
            gpus_unhealthy: 0,
            ready: true,
            cordoned: false,
        })
    }

    /// The node that a burst instance of `environment` becomes.
    pub(super) fn of_instance(name: &str, environment: &str, workload: &str, gpus: u32) -> Self {
        Self {
            name: name.to_owned(),
            labels: BTreeMap::from([
                (marks::ENVIRONMENT.to_owned(), environment.to_owned()),
                (marks::WORKLOAD.to_owned(), workload.to_owned()),
            ]),
            taint: Some((marks::WORKLOAD.to_owned(), workload.to_owned())),
            // Instances with these GPUs have more of the rest than pods ask for.
            room: Room { gpus, cpu_millis: 1_000_000, memory_bytes: 1 << 42 },
            gpus_unhealthy: 0,
            ready: true,
            cordoned: false,
        }
    }

    pub(super) fn offered(&self) -> Room {
        Room { gpus: self.room.gpus.saturating_sub(self.gpus_unhealthy), ..self.room }
    }
}

impl World {
    /// The nodes as an inventory has them.
    pub(super) fn observed_nodes(&self) -> Vec<Node> {
        let (used, ready) = (self.used(), self.used_by(Pod::is_ready));
        let observed = |((node, used), ready): ((&SimNode, Room), Room)| Node {
            name: node.name.clone(),
            instance: node.taint.is_some().then(|| node.name.clone()),
            draining: self.draining_since(&node.name),
            labels: node.labels.clone(),
            taints: node.taint.iter().map(taint).collect(),
            health: match (node.ready, node.cordoned) {
                (false, _) => Health::NotReady,
                (true, true) => Health::Cordoned,
                (true, false) => Health::Ready,
            },
            gpus_allocatable: node.offered().gpus,
            gpus_used: used.gpus,
            gpus_ready: ready.gpus,
            gpus_unhealthy: node.gpus_unhealthy,
        };
        self.nodes.iter().zip(used).zip(ready).map(observed).collect()
    }
}

fn taint((key, value): &(String, String)) -> Taint {
    Taint { key: key.clone(), value: value.clone(), effect: "NoSchedule".to_owned() }
}

/// Nodes with room for everything that `environment` may run on-prem: eight
/// GPUs each, as many as the pools' max replicas need, with the pools' labels;
/// and enough processors for what needs no GPU. Never more than a world holds:
/// what then finds no node is unschedulable.
pub(super) fn nodes_for(environment: &Environment) -> Vec<NodeSet> {
    const GPUS_PER_NODE: u32 = 8;
    let mut sets = Vec::new();
    let mut left = u32::try_from(MOST_NODES).unwrap_or(u32::MAX);
    for (name, pool) in environment.onprem.iter().flat_map(|onprem| &onprem.pools) {
        let Some(stage) = environment.service.stages.get(&pool.stage) else { continue };
        let most = match pool.replicas {
            Count::Fixed(number) => number,
            Count::Between { max, .. } => max,
        };
        let per_node = match stage.gpus {
            0 => 16,
            gpus => (GPUS_PER_NODE / gpus).max(1),
        };
        let count = most.div_ceil(per_node).max(1).min(left);
        left -= count;
        sets.push(NodeSet {
            name: name.to_string(),
            count,
            gpus: if stage.gpus == 0 { 0 } else { GPUS_PER_NODE.max(stage.gpus) },
            labels: pool.node_selector.clone(),
            ..NodeSet::default()
        });
    }
    sets
}
