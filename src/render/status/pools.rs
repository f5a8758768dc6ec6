//! What is there of one pool.

use super::view::{GpusView, GroupStatus, NodesView, PodsView, PoolStatus, ProblemView};
use crate::decide::{
    BurstGroup, CapacityType, GroupType, PoolDecision, PoolKind, SupplyGroup, successors,
};
use crate::observe::{Health, Inventory, Live, Market, Node, SpotPrice, Workload, marks};
use crate::plan::{Cost, of_group};
use crate::render::plan::SpotView;
use crate::spec::Environment;
use crate::units::UsdPerHour;

/// A group that is there.
struct LiveGroup<'a> {
    live: &'a Live,
    seen: SupplyGroup,
    /// What it goes on as.
    declared: Option<&'a BurstGroup>,
}

/// One pool's part of the inventory.
pub(super) struct PoolFacts<'a> {
    name: &'a str,
    decided: &'a PoolDecision,
    deployments: Vec<&'a Live>,
    groups: Vec<LiveGroup<'a>>,
    nodes: Vec<&'a Node>,
    market: &'a Market,
    /// What a replica on-prem costs, where it is declared.
    per_replica: Option<UsdPerHour>,
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
        let groups = live_groups(inventory, name, decided);
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
                let own = environment.environment.name.as_str();
                if node.labels.get(marks::ENVIRONMENT).is_some_and(|of| of != own) {
                    return false;
                }
                let workload = node.labels.get(marks::WORKLOAD);
                node.labels.get(marks::POOL).is_some_and(|pool| pool == name)
                    || deployments.iter().any(|live| workload == Some(&live.id.name))
            }
        };
        let nodes = inventory.nodes().filter(serves).collect();
        let onprem = environment.onprem.as_ref();
        let per_replica = onprem.and_then(|onprem| onprem.pools.get(name)?.usd_per_hour);
        let market = &inventory.market;
        Self { name, decided, deployments, groups, nodes, market, per_replica }
    }

    /// The nodes that its units run on.
    pub(super) fn nodes(&self) -> &[&'a Node] {
        &self.nodes
    }

    /// What to tell of it.
    pub(super) fn status(&self) -> PoolStatus {
        let on_prem = matches!(self.decided.kind, PoolKind::OnPrem);
        let live_groups: Vec<&Live> = self.groups.iter().map(|group| group.live).collect();
        let units = if on_prem { &self.deployments } else { &live_groups };
        let sum = |of: fn(&Workload) -> u32| total(workloads(units).map(of));
        let groups = self.group_statuses();
        let problems = self.deployments.iter().chain(&live_groups).flat_map(|live| &live.workload);
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
        if matches!(self.decided.kind, PoolKind::OnPrem) {
            let ready = total(workloads(&self.deployments).map(|workload| workload.ready));
            return self.decided.capacity_per_unit.times(ready).as_f64();
        }
        let (mut capacity, mut places) = (0.0, 0u32);
        for LiveGroup { seen, declared: group, .. } in &self.groups {
            let ready = seen.ready;
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
        if matches!(self.decided.kind, PoolKind::OnPrem) {
            let existing = total(workloads(&self.deployments).map(|workload| workload.existing));
            return self.per_replica.map(|price| price.times(existing).as_f64());
        }
        let mut total = Cost::default();
        for LiveGroup { live, seen, declared } in &self.groups {
            let existing = live.workload.as_ref().map_or(0, |workload| workload.existing);
            if existing > 0 {
                let group = (*declared)?;
                let of_type = |name: &String| {
                    let known = group.types.iter().find(|known| known.name == *name)?;
                    self.counts(group, known)
                };
                let running = seen.running.iter().map(|(name, units)| (of_type(name), *units));
                let startable = group.types.iter().map(|one| self.counts(group, one));
                total = total + of_group(running.collect(), startable, existing);
            }
        }
        total.exact().map(UsdPerHour::as_f64)
    }

    /// What an instance costs: as the market says, else on demand.
    fn counts(&self, group: &BurstGroup, one: &GroupType) -> Option<UsdPerHour> {
        let spot = self.spot(group, one).map(|spot| spot.usd_per_hour);
        spot.or_else(|| one.usd_per_hour())
    }

    /// What the market says of a type, in a spot group.
    fn spot(&self, group: &BurstGroup, one: &GroupType) -> Option<&'a SpotPrice> {
        let is_spot = group.capacity_type == CapacityType::Spot;
        self.market.spot(&one.name, &group.region).filter(|_| is_spot)
    }

    /// Declared groups in their order, then live ones that nothing declares.
    fn group_statuses(&self) -> Vec<GroupStatus> {
        let PoolKind::Burst(declared) = &self.decided.kind else { return Vec::new() };
        let known = declared.iter().map(|group| {
            let is = |there: &&LiveGroup<'_>| there.declared.is_some_and(|one| one == group);
            let live = self.groups.iter().find(is).map(|there| there.live);
            let workload = live.and_then(|live| live.workload.clone()).unwrap_or_default();
            let prices: Option<Vec<_>> = group.types.iter().map(GroupType::usd_per_hour).collect();
            let spot: Option<Vec<_>> =
                group.types.iter().map(|one| self.spot(group, one)).collect();
            let dearest = spot.and_then(|all| all.into_iter().max_by_key(|one| one.usd_per_hour));
            GroupStatus {
                name: live.map(|live| live.id.name.clone()),
                instance_types: group.types.iter().map(|one| one.name.clone()).collect(),
                capacity_type: group.capacity_type.as_str().into(),
                region: group.region.clone(),
                desired: workload.desired,
                ready: workload.ready,
                pending: workload.pending,
                usd_per_hour_each: prices.and_then(|all| all.into_iter().max()).map(|p| p.as_f64()),
                spot: dearest.map(SpotView::from),
            }
        });
        let undeclared = self.groups.iter().filter(|there| there.declared.is_none());
        let unknown = undeclared.map(|LiveGroup { live, seen, .. }| {
            let workload = live.workload.clone().unwrap_or_default();
            GroupStatus {
                name: Some(live.id.name.clone()),
                instance_types: seen.instance_types.clone(),
                capacity_type: seen.capacity_type.as_str().into(),
                region: seen.region.clone(),
                desired: workload.desired,
                ready: workload.ready,
                pending: workload.pending,
                usd_per_hour_each: None,
                spot: None,
            }
        });
        known.chain(unknown).collect()
    }
}

fn live_groups<'a>(
    inventory: &'a Inventory,
    name: &'a str,
    decided: &'a PoolDecision,
) -> Vec<LiveGroup<'a>> {
    let PoolKind::Burst(declared) = &decided.kind else { return Vec::new() };
    let there = inventory.of_pool("AutoScalingGroup", name);
    let there = there.filter_map(|live| Some((live, SupplyGroup::of(live)?)));
    let (live, seen): (Vec<&Live>, Vec<SupplyGroup>) = there.unzip();
    let go_on_as = successors(declared, &seen).into_iter();
    let groups = live.into_iter().zip(seen).zip(go_on_as);
    let group = |((live, seen), at): ((&'a Live, SupplyGroup), Option<usize>)| LiveGroup {
        live,
        seen,
        declared: at.and_then(|at| declared.get(at)),
    };
    groups.map(group).collect()
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

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
