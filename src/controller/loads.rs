//! How much is lost with each unit of a group.

use super::alone::Alone;
use crate::decide::scaling::{UnitLoad, UnitStanding};
use crate::observe::{Health, Inventory, Live, Node, Unit};
use std::collections::{BTreeMap, BTreeSet};

/// What tells that.
pub(super) struct Loads<'a> {
    /// Nodes by the instance that each is.
    nodes: BTreeMap<&'a str, &'a Node>,
    /// Instances that had joined the cluster.
    had_joined: &'a BTreeSet<String>,
    alone: &'a Alone,
}

impl<'a> Loads<'a> {
    pub(super) fn new(
        inventory: &'a Inventory,
        had_joined: &'a BTreeSet<String>,
        alone: &'a Alone,
    ) -> Self {
        let nodes = inventory.nodes().filter_map(|node| Some((node.instance.as_deref()?, node)));
        Self { nodes: nodes.collect(), had_joined, alone }
    }

    /// Of a unit of `live`.
    pub(super) fn of(&self, live: &Live, unit: &Unit) -> UnitLoad {
        let (standing, work) = match live.stands_alone() {
            true => self.alone(unit),
            false => self.joined(unit),
        };
        UnitLoad {
            name: unit.name.clone(),
            standing,
            noticed: unit.taken_back.is_some(),
            work,
            usd_per_hour: None,
        }
    }

    fn alone(&self, unit: &Unit) -> (UnitStanding, Option<f64>) {
        let serves = unit.ready && !self.alone.refuses(&unit.name);
        let standing = if serves { UnitStanding::Serving } else { UnitStanding::Idle };
        (standing, self.alone.in_flight(&unit.name).map(|requests| requests as f64))
    }

    /// Of one that joins the cluster, which tells how many of its GPUs serve.
    fn joined(&self, unit: &Unit) -> (UnitStanding, Option<f64>) {
        match self.nodes.get(unit.name.as_str()) {
            Some(node) if node.health != Health::NotReady => {
                let serves = node.gpus_ready > 0;
                let standing = if serves { UnitStanding::Serving } else { UnitStanding::Idle };
                (standing, Some(f64::from(node.gpus_ready)))
            }
            _ if unit.ready && self.had_joined.contains(&unit.name) => (UnitStanding::Away, None),
            _ => (UnitStanding::Idle, None),
        }
    }
}
