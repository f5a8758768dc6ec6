//! How much is lost with each unit of a group.

use super::alone::Alone;
use super::index::Index;
use crate::decide::scaling::{UnitLoad, UnitStanding};
use crate::observe::{Live, Unit};
use std::collections::HashSet;

/// What tells that.
pub(super) struct Loads<'a> {
    pub(super) nodes: &'a Index<'a>,
    /// Instances that had joined the cluster.
    pub(super) had_joined: &'a HashSet<String>,
    pub(super) alone: &'a Alone,
}

impl Loads<'_> {
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
        match self.nodes.running(&unit.name) {
            Some(node) => {
                let serves = node.gpus_ready > 0;
                let standing = if serves { UnitStanding::Serving } else { UnitStanding::Idle };
                (standing, Some(f64::from(node.gpus_ready)))
            }
            None if unit.ready && self.had_joined.contains(&unit.name) => {
                (UnitStanding::Away, None)
            }
            None => (UnitStanding::Idle, None),
        }
    }
}
