//! What is there of one pool.

use super::view::{GpusView, GroupStatus, NodesView, PodsView, PoolStatus, ProblemView};
use crate::decide::{BurstGroup, CapacityType, PoolDecision, PoolKind};
use crate::observe::{Health, Inventory, Live, Node, Workload, marks};
use crate::spec::Environment;

/// One pool's part of the inventory.
pub(super) struct PoolFacts<'a> {
    name: &'a str,
    decided: &'a PoolDecision,
    deployments: Vec<&'a Live>,
    groups: Vec<&'a Live>,
    nodes: Vec<&'a Node>,
}

impl<'a> PoolFacts<'a> {
    /// Finds what belongs to the pool, by its marks.
    pub(super) fn gather(
        environment: &'a Environment,
        inventory: &'a Inventory,
        name: &'a str,
        decided: &'a PoolDecision,
    ) -> Self {
        let deployments: Vec<&Live> = inventory.of_pool("Deployment", name).collect();
        let groups = inventory.of_pool("AutoScalingGroup", name).collect();
        let selector = environment
            .onprem
            .iter()
            .flat_map(|onprem| &onprem.pools)
            .find(|(pool, _)| pool.as_str() == name)
            .map(|(_, pool)| &pool.node_selector);
        let serves = |node: &&Node| match selector {
            Some(selector) => {
                !node.labels.contains_key(marks::WORKLOAD)
                    && selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
            }
            None => {
                let workload = node.labels.get(marks::WORKLOAD);
                node.labels.get(marks::POOL).is_some_and(|pool| pool == name)
                    || deployments.iter().any(|live| workload == Some(&live.id.name))
            }
        };
        let nodes = inventory.nodes.iter().filter(serves).collect();
        Self { name, decided, deployments, groups, nodes }
    }

    /// The nodes that its units run on.
    pub(super) fn nodes(&self) -> &[&'a Node] {
        &self.nodes
    }

    /// What to tell of it.
    pub(super) fn status(&self) -> PoolStatus {
        let on_prem = matches!(self.decided.kind, PoolKind::OnPrem);
        let units = if on_prem { &self.deployments } else { &self.groups };
        let sum = |of: fn(&Workload) -> u32| total(workloads(units).map(of));
        let groups = self.group_statuses();
        let problems = self.deployments.iter().chain(&self.groups).flat_map(|live| &live.workload);
        PoolStatus {
            pool: self.name.to_owned(),
            unit: if on_prem { "replicas" } else { "instances" }.into(),
            exists: !units.is_empty(),
            desired: sum(|workload| workload.desired),
            ready: sum(|workload| workload.ready),
            pending: sum(|workload| workload.pending),
            min: self.decided.min,
            max: self.decided.max,
            owner: self.decided.owner.into(),
            pods: (!on_prem && !self.deployments.is_empty()).then(|| PodsView {
                desired: total(workloads(&self.deployments).map(|w| w.desired)),
                ready: total(workloads(&self.deployments).map(|w| w.ready)),
            }),
            nodes: self.node_counts(&groups),
            gpus: (self.decided.gpus_per_unit > 0).then(|| self.gpus()),
            requests_per_second: self.requests_per_second(),
            usd_per_hour: self.usd_per_hour(),
            groups,
            problems: problems.flat_map(|w| &w.problems).map(ProblemView::from).collect(),
        }
    }

    fn node_counts(&self, groups: &[GroupStatus]) -> NodesView {
        if self.nodes.is_empty() && !groups.is_empty() {
            let ready = total(groups.iter().map(|group| group.ready));
            let pending = total(groups.iter().map(|group| group.pending));
            return NodesView { ready, total: ready.saturating_add(pending) };
        }
        let ready = self.nodes.iter().filter(|node| node.health == Health::Ready).count();
        NodesView { ready: small(ready), total: small(self.nodes.len()) }
    }

    fn gpus(&self) -> GpusView {
        let mut gpus = GpusView::default();
        for node in &self.nodes {
            gpus.add(node);
        }
        gpus
    }

    /// Ready units × capacity. Burst instances count with the share of their
    /// pods that are ready, where pods run on them: capacity is what has joined.
    fn requests_per_second(&self) -> f64 {
        let PoolKind::Burst(declared) = &self.decided.kind else {
            let ready = total(workloads(&self.deployments).map(|workload| workload.ready));
            return self.decided.capacity_per_unit.times(ready).as_f64();
        };
        let (mut capacity, mut places) = (0.0, 0u32);
        for live in &self.groups {
            let ready = live.workload.as_ref().map_or(0, |workload| workload.ready);
            let group = declared.iter().find(|group| is_group(live, group));
            capacity += group.map_or(0.0, |group| group.capacity_per_node.times(ready).as_f64());
            let pods = group.map_or(0, |group| group.replicas_per_node.saturating_mul(ready));
            places = places.saturating_add(pods);
        }
        if self.deployments.is_empty() || places == 0 {
            return capacity;
        }
        let pods = total(workloads(&self.deployments).map(|workload| workload.ready));
        capacity * (f64::from(pods) / f64::from(places)).min(1.0)
    }

    fn usd_per_hour(&self) -> Option<f64> {
        let PoolKind::Burst(declared) = &self.decided.kind else { return None };
        let mut total = 0.0;
        for live in &self.groups {
            let existing = live.workload.as_ref().map_or(0, |workload| workload.existing);
            if existing > 0 {
                let group = declared.iter().find(|group| is_group(live, group))?;
                total += group.usd_per_hour?.times(existing).as_f64();
            }
        }
        Some(total)
    }

    /// Declared groups in their order, then live ones that nothing declares.
    fn group_statuses(&self) -> Vec<GroupStatus> {
        let PoolKind::Burst(declared) = &self.decided.kind else { return Vec::new() };
        let known = declared.iter().map(|group| {
            let live = self.groups.iter().find(|live| is_group(live, group));
            let workload = live.and_then(|live| live.workload.clone()).unwrap_or_default();
            GroupStatus {
                name: live.map(|live| live.id.name.clone()),
                instance_type: group.instance_type.clone(),
                capacity_type: capacity_type(group.capacity_type).into(),
                region: group.region.clone(),
                desired: workload.desired,
                ready: workload.ready,
                pending: workload.pending,
                usd_per_hour_each: group.usd_per_hour.map(|price| price.as_f64()),
            }
        });
        let undeclared =
            self.groups.iter().filter(|live| !declared.iter().any(|group| is_group(live, group)));
        let unknown = undeclared.map(|live| {
            let text = |key| live.fields.text_at(key).unwrap_or_else(|| "unknown".to_owned());
            let workload = live.workload.clone().unwrap_or_default();
            GroupStatus {
                name: Some(live.id.name.clone()),
                instance_type: text("/instance_types/0"),
                capacity_type: text("/capacity_type"),
                region: live.id.scope.clone().unwrap_or_default(),
                desired: workload.desired,
                ready: workload.ready,
                pending: workload.pending,
                usd_per_hour_each: None,
            }
        });
        known.chain(unknown).collect()
    }
}

fn workloads<'a>(live: &'a [&'a Live]) -> impl Iterator<Item = &'a Workload> {
    live.iter().filter_map(|live| live.workload.as_ref())
}

/// A sum that stops at the largest number.
fn total(numbers: impl Iterator<Item = u32>) -> u32 {
    numbers.fold(0, u32::saturating_add)
}

impl GpusView {
    /// Counts a node's GPUs.
    pub(super) fn add(&mut self, node: &Node) {
        self.allocatable = self.allocatable.saturating_add(node.gpus_allocatable);
        self.used = self.used.saturating_add(node.gpus_used);
        self.unhealthy = self.unhealthy.saturating_add(node.gpus_unhealthy);
    }
}

fn is_group(live: &Live, group: &BurstGroup) -> bool {
    let is = |key: &str, value: &str| live.fields.text_at(key).as_deref() == Some(value);
    is("/instance_types/0", &group.instance_type)
        && is("/capacity_type", capacity_type(group.capacity_type))
        && live.id.scope.as_deref() == Some(&group.region)
}

fn capacity_type(capacity_type: CapacityType) -> &'static str {
    match capacity_type {
        CapacityType::OnDemand => "on-demand",
        CapacityType::Spot => "spot",
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
