//! Demands: what git wants carried must fit what pools may become.

use super::Rules;
use crate::diag::Diagnostic;
use crate::id::Name;
use crate::spec::model::BurstPool;
use crate::units::Rate;
use std::collections::BTreeMap;

pub(super) fn check(rules: &mut Rules<'_>) {
    let known = ["onprem", "onprem.pools", "aws", "aws.pools"];
    if !known.iter().all(|table| rules.is_absent(table)) {
        return;
    }
    let Some(most) = most(rules) else { return };
    for (name, stage) in &rules.environment.service.stages {
        let Some(demand) = stage.demand else { continue };
        let Most { rate, places: pools, readable } = most.get(name).cloned().unwrap_or_default();
        if rate >= demand || !readable {
            continue;
        }
        let at = format!("service.stages.{name}.demand");
        let message = if pools.is_empty() {
            format!("`{name}` shall carry {demand}, and no pool runs it")
        } else {
            format!("`{name}` shall carry {demand}, and all its pools at their max carry {rate}")
        };
        let missing = demand.saturating_sub(rate);
        let mut places = vec![(at.as_str(), "wanted")];
        places.extend(pools.iter().take(5).map(|(path, text)| (path.as_str(), text.as_str())));
        rules.report(
            Diagnostic::error(message)
                .help(format!("raise a max, add a pool, or lower the demand by {missing}")),
            &places,
        );
    }
}

/// What the pools of a stage carry at their max.
#[derive(Clone)]
struct Most {
    rate: Rate,
    /// Where what each pool carries is written.
    places: Vec<(String, String)>,
    /// Whether all that it depends on could be read.
    readable: bool,
}

impl Default for Most {
    fn default() -> Self {
        Self { rate: Rate::default(), places: Vec::new(), readable: true }
    }
}

/// By stage; none: of some pool it is not known which stage it is for.
fn most<'r>(rules: &Rules<'r>) -> Option<BTreeMap<&'r Name, Most>> {
    let mut most: BTreeMap<&Name, Most> = BTreeMap::new();
    let mut add = |stage, rate: Rate, path: &str, keys: &[&str]| {
        let readable = |key: &&str| rules.could_read(&format!("{path}.{key}"));
        let sum = most.entry(stage).or_default();
        sum.rate = sum.rate + rate;
        sum.places.push((format!("{path}.{}", keys[0]), format!("carries {rate}")));
        sum.readable &= keys.iter().all(readable);
        readable(&"stage").then_some(())
    };
    for (name, pool) in rules.environment.onprem.iter().flat_map(|onprem| &onprem.pools) {
        let rate = pool.capacity.times(pool.replicas.max());
        add(&pool.stage, rate, &format!("onprem.pools.{name}"), &["replicas", "capacity"])?;
    }
    for (name, pool) in rules.environment.aws.iter().flat_map(|aws| &aws.pools) {
        let rate = first_node(rules, pool).times(pool.size.max());
        let keys = ["size", "capacity", "instance_types", "requirements", "replicas_per_node"];
        add(&pool.stage, rate, &format!("aws.pools.{name}"), &keys)?;
    }
    for (stage, most) in &mut most {
        most.readable &= rules.could_read(&format!("service.stages.{stage}.gpus"));
    }
    Some(most)
}

/// What one instance of the pool's first type carries: the one that a declared
/// demand is put on.
fn first_node(rules: &Rules<'_>, pool: &BurstPool) -> Rate {
    let per_replica = rules.stage(&pool.stage).map_or(0, |stage| stage.gpus);
    let first = pool.instance_types.first().map_or(BurstPool::ANY, String::as_str);
    let gpus = match &pool.requirements {
        Some(required) => required.gpus,
        None => rules.catalog.get(first).map_or(0, |known| known.gpus),
    };
    pool.capacity_on(first).times(pool.replicas_on(gpus, per_replica))
}
