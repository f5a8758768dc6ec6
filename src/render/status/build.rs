//! From environment, decision and inventory, what readers are told.

use super::pools::PoolFacts;
use super::view::*;
use crate::decide::{Decision, PoolKind};
use crate::observe::{Hands, Inventory, Mark, Side};
use crate::port::PortError;
use crate::render::name::side;
use crate::render::plan::{AmountView, PlaceView};
use crate::render::text::{count, rate};
use crate::spec::Environment;
use crate::units::Rate;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the JSON.
pub const FORMAT_VERSION: &str = "1.4";

impl StatusView {
    /// What readers are told about what runs now.
    pub fn new(
        mark: &Mark,
        environment: &Environment,
        decision: &Decision,
        inventory: &Inventory,
    ) -> Self {
        let mut stages: BTreeMap<String, StageStatus> = BTreeMap::new();
        let mut seen_nodes: BTreeSet<&str> = BTreeSet::new();
        let mut totals = StatusTotals::default();
        for (name, decided) in &decision.pools {
            let facts = PoolFacts::gather(environment, inventory, name.as_str(), decided);
            for node in facts.nodes() {
                if decided.gpus_per_unit > 0 && seen_nodes.insert(node.name.as_str()) {
                    totals.gpus.add(node);
                }
            }
            let status = facts.status();
            if matches!(decided.kind, PoolKind::Burst(_)) {
                totals.burst_instances = totals.burst_instances.saturating_add(status.ready);
                match status.usd_per_hour {
                    Some(usd) => totals.usd_per_hour += usd,
                    None => totals.unpriced.push(status.pool.clone()),
                }
            }
            let stage = stages.entry(decided.stage.to_string()).or_insert_with(|| {
                let spec = environment.service.stages.get(&decided.stage);
                StageStatus {
                    stage: decided.stage.to_string(),
                    requests_per_second: 0.0,
                    requests_per_second_at_max: 0.0,
                    declared_demand: spec.and_then(|spec| spec.demand).map(Rate::as_f64),
                    pools: Vec::new(),
                }
            });
            stage.requests_per_second += status.requests_per_second;
            stage.requests_per_second_at_max +=
                decided.capacity_per_unit.times(decided.max).as_f64();
            stage.pools.push(status);
        }
        for stage in stages.values_mut() {
            stage.pools.sort_by_key(|pool| pool.unit == "instances");
        }
        let mut view = Self {
            format_version: FORMAT_VERSION.into(),
            environment: mark.environment.clone(),
            file: mark.file.clone(),
            service: environment.service.name.to_string(),
            model: environment.service.model.clone(),
            namespace: environment.service.namespace.to_string(),
            phase: environment.environment.phase.as_ref().map(ToString::to_string),
            as_of: inventory.taken_at.to_string(),
            places: inventory
                .locations
                .iter()
                .map(|place| PlaceView {
                    side: side(place.side).into(),
                    title: place.title.clone(),
                    identity: place.identity.clone(),
                })
                .collect(),
            stages: stages.into_values().collect(),
            hands: None,
            decision: None,
            gaps: inventory
                .gaps
                .iter()
                .map(|gap| GapView {
                    side: side(gap.side).into(),
                    what: gap.what.clone(),
                    why: gap.why.clone(),
                    hides_members: gap.hides_members,
                })
                .collect(),
            notes: decision.notes.iter().map(ToString::to_string).collect(),
            totals,
            summary: String::new(),
        };
        view.summary = summary(&view);
        view
    }
}

impl StatusView {
    /// With what operators have said by hand.
    #[must_use]
    pub fn with_hands(mut self, hands: &Hands) -> Self {
        self.hands = (!hands.is_empty()).then(|| hands.into());
        self
    }

    /// Without it: why it cannot be told.
    #[must_use]
    pub fn without_hands(mut self, why: &PortError) -> Self {
        self.gaps.push(GapView {
            side: side(Side::Kubernetes).into(),
            what: "what operators have said by hand".into(),
            why: why.message.clone(),
            hides_members: false,
        });
        self.summary = summary(&self);
        self
    }
}

/// What of a pool does not serve: its units, or else the pods on them.
fn short(pool: &PoolStatus) -> Option<String> {
    if pool.ready < pool.desired {
        return Some(format!("{} ({} of {} ready)", pool.pool, pool.ready, pool.desired));
    }
    let pods = pool.pods.filter(|pods| pods.ready < pods.desired)?;
    Some(format!("{} ({} of {} pods ready)", pool.pool, pods.ready, pods.desired))
}

/// `All pools are ready. Capacity now: inference 252 req/s. 14 of 24 GPUs used. …`
fn summary(view: &StatusView) -> String {
    let pools = || view.stages.iter().flat_map(|stage| &stage.pools);
    let short: Vec<String> = pools().filter(|pool| pool.exists).filter_map(short).collect();
    let missing: Vec<&str> = pools().filter(|p| !p.exists).map(|p| p.pool.as_str()).collect();
    let mut sentences = Vec::new();
    if !view.gaps.is_empty() {
        sentences
            .push(format!("{} not seen: numbers may be too low", count(view.gaps.len(), "thing")));
    }
    if !short.is_empty() {
        sentences.push(format!("Not ready: {}", short.join(", ")));
    }
    if !missing.is_empty() {
        sentences.push(format!("Not there yet: {}", missing.join(", ")));
    }
    if sentences.is_empty() {
        sentences.push("All pools are ready".to_owned());
    }
    let stages: Vec<String> = view
        .stages
        .iter()
        .map(|stage| format!("{} {} req/s", stage.stage, rate(stage.requests_per_second)))
        .collect();
    if !stages.is_empty() {
        sentences.push(format!("Capacity now: {}", stages.join(", ")));
    }
    let gpus = view.totals.gpus;
    if gpus.allocatable > 0 || gpus.unhealthy > 0 {
        sentences.push(format!("{} of {} GPUs used", gpus.used, gpus.allocatable));
    }
    if pools().any(|pool| pool.unit == "instances") {
        let all_priced = view.totals.unpriced.is_empty();
        let instances = usize::try_from(view.totals.burst_instances).unwrap_or(usize::MAX);
        let price = AmountView {
            usd: Some(view.totals.usd_per_hour).filter(|usd| *usd > 0.0 || all_priced),
            at_least: !all_priced,
        };
        let instances = count(instances, "instance");
        sentences.push(format!("Burst: {instances}, {}", price.per_hour()));
    }
    format!("{}.", sentences.join(". "))
}
