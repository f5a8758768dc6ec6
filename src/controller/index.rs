//! What a turn asks of an inventory for each pool and each unit, found once.

use crate::decide::todays_pool;
use crate::id::Name;
use crate::observe::{Autoscaler, ByPool, Health, Inventory, Live, Node};
use crate::spec::Environment;
use std::collections::{BTreeMap, HashMap};

/// An inventory, and where in it is what a turn asks for.
pub(super) struct Index<'a> {
    pub(super) inventory: &'a Inventory,
    /// Ours, by the name that each pool has today.
    pub(super) by_pool: ByPool<'a>,
    /// By their scope and the Deployment that they point at.
    autoscalers: BTreeMap<(Option<&'a str>, &'a str), Vec<&'a Autoscaler>>,
    /// Those that run, by the instance that each is.
    nodes: HashMap<&'a str, &'a Node>,
}

impl<'a> Index<'a> {
    pub(super) fn of(environment: &'a Environment, inventory: &'a Inventory) -> Self {
        Self {
            inventory,
            by_pool: inventory.by_pool_as(|marked| todays_pool(environment, marked)),
            autoscalers: autoscalers(inventory),
            nodes: running(inventory),
        }
    }

    /// Ours of one kind that serve a pool, under whichever name it had, and that stay.
    pub(super) fn of_pool(&self, kind: &str, pool: &Name) -> impl Iterator<Item = &'a Live> {
        let all = self.by_pool.of(kind, pool.as_str()).iter().copied();
        all.filter(|live| !live.deleting)
    }

    /// The autoscalers that point at a Deployment. Whoever made one, it scales what it
    /// points at.
    pub(super) fn autoscalers_of<'s>(&'s self, deployment: &'s Live) -> &'s [&'a Autoscaler] {
        let target = (deployment.id.scope.as_deref(), deployment.id.name.as_str());
        self.autoscalers.get(&target).map_or(&[], Vec::as_slice)
    }

    /// The node that an instance is, where it has joined the cluster and takes work.
    pub(super) fn joined(&self, instance: &str) -> Option<&'a Node> {
        self.running(instance).filter(|node| node.health == Health::Ready)
    }

    /// The node that it is, where that runs; a closed one too.
    pub(super) fn running(&self, instance: &str) -> Option<&'a Node> {
        self.nodes.get(instance).copied()
    }
}

fn autoscalers(inventory: &Inventory) -> BTreeMap<(Option<&str>, &str), Vec<&Autoscaler>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for live in inventory.resources.values().filter(|live| !live.deleting) {
        let Some(autoscaler) = &live.autoscaler else { continue };
        let Some(target) = autoscaler.target.as_deref() else { continue };
        all.entry((live.id.scope.as_deref(), target)).or_default().push(autoscaler);
    }
    all
}

fn running(inventory: &Inventory) -> HashMap<&str, &Node> {
    let mut all = HashMap::with_capacity(inventory.nodes.len());
    for node in inventory.nodes().filter(|node| node.health != Health::NotReady) {
        let Some(instance) = node.instance.as_deref() else { continue };
        // Of several nodes of one instance the last one that takes work counts.
        let known = all.entry(instance).or_insert(node);
        if node.health == Health::Ready {
            *known = node;
        }
    }
    all
}

#[cfg(test)]
mod tests;
