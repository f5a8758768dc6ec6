//! What holds for pools of both sides: stages, bounds, names.

use super::{Rules, text};
use crate::diag::Diagnostic;
use crate::id::Name;
use crate::spec::model::{Count, Environment};
use std::collections::{BTreeMap, BTreeSet};

/// What pools of both sides have.
struct Pool<'p> {
    name: &'p Name,
    path: String,
    stage: &'p Name,
    count: Count,
    count_path: String,
}

pub(super) fn check(rules: &mut Rules<'_>) {
    let pools = pools(rules.environment);
    for pool in &pools {
        stage(rules, pool);
        bounds(rules, pool);
    }
    names(rules, &pools);
    onprem(rules);
    served(rules, &pools);
}

fn pools(environment: &Environment) -> Vec<Pool<'_>> {
    let onprem = environment.onprem.iter().flat_map(|onprem| &onprem.pools).map(|(name, pool)| {
        let path = format!("onprem.pools.{name}");
        let count_path = format!("{path}.replicas");
        Pool { name, path, stage: &pool.stage, count: pool.replicas, count_path }
    });
    let burst = environment.aws.iter().flat_map(|aws| &aws.pools).map(|(name, pool)| {
        let path = format!("aws.pools.{name}");
        let count_path = format!("{path}.size");
        Pool { name, path, stage: &pool.stage, count: pool.size, count_path }
    });
    onprem.chain(burst).collect()
}

fn stage(rules: &mut Rules<'_>, pool: &Pool<'_>) {
    if rules.stage(pool.stage).is_none() {
        let message =
            format!("the pool `{}` is for `{}`, which is no stage", pool.name, pool.stage);
        let known = rules.environment.service.stages.keys().map(Name::as_str);
        let at = stage_of(pool);
        rules.unknown(&at, &["service.stages"], message, (pool.stage.as_str(), known));
    }
}

/// Where it says for which stage the pool is.
fn stage_of(pool: &Pool<'_>) -> String {
    format!("{}.stage", pool.path)
}

fn bounds(rules: &mut Rules<'_>, pool: &Pool<'_>) {
    let (min, max) = (pool.count.min(), pool.count.max());
    if min > max {
        rules.report(
            Diagnostic::error(format!("the pool `{}` has min {min} above max {max}", pool.name))
                .help("raise `max`, or lower `min`"),
            &[
                (&format!("{}.min", pool.count_path), "at least"),
                (&format!("{}.max", pool.count_path), "at most"),
            ],
        );
    }
}

/// Names that are taken twice: of pools, and of what pools become.
fn names(rules: &mut Rules<'_>, pools: &[Pool<'_>]) {
    let mut by_name: BTreeMap<&Name, &Pool<'_>> = BTreeMap::new();
    let mut by_workload: BTreeMap<String, &Pool<'_>> = BTreeMap::new();
    for pool in pools {
        if let Some(other) = by_name.insert(pool.name, pool) {
            rules.report_keys(
                Diagnostic::error(format!("two pools are called `{}`", pool.name))
                    .help("a pool is known by its name on both sides: rename one"),
                &[(&pool.path, ""), (&other.path, "")],
            );
            continue;
        }
        let workload = format!("{}-{}", pool.stage, pool.name);
        if let Some(other) = by_workload.insert(workload, pool) {
            if !rules.could_read(&stage_of(pool)) || !rules.could_read(&stage_of(other)) {
                continue;
            }
            let whole = format!("{}-{}-{}", rules.environment.service.name, pool.stage, pool.name);
            rules.report_keys(
                Diagnostic::warning(format!(
                    "two pools would both be called `{whole}` in Kubernetes"
                ))
                .help("one of the two gets a number at its end: rename a pool to tell them apart"),
                &[(&pool.path, ""), (&other.path, "")],
            );
        }
    }
}

fn onprem(rules: &mut Rules<'_>) {
    let Some(onprem) = &rules.environment.onprem else { return };
    for (name, pool) in &onprem.pools {
        let path = format!("onprem.pools.{name}");
        if pool.capacity.millis() == 0 {
            let help = "measure what one replica carries inside the SLO, and write that";
            rules.error(&format!("{path}.capacity"), "a replica that carries nothing", help);
        }
        for (key, value) in &pool.node_selector {
            let path = format!("{path}.node_selector.{key}");
            if !text::is_label_key(key) {
                rules.error_in_key(&path, text::no_label_key(key), text::LABEL_KEY);
            }
            text::label_value(rules, &path, value);
        }
        for (at, toleration) in pool.tolerations.iter().enumerate() {
            let value = toleration.value.as_deref().unwrap_or_default();
            let path = format!("{path}.tolerations.{at}");
            if !text::is_label_key(&toleration.key) {
                let message = text::no_label_key(&toleration.key);
                rules.error(&format!("{path}.key"), message, text::LABEL_KEY);
            }
            text::label_value(rules, &format!("{path}.value"), value);
        }
    }
}

/// Every stage needs capacity somewhere.
fn served(rules: &mut Rules<'_>, pools: &[Pool<'_>]) {
    let all_known = ["onprem", "onprem.pools", "aws", "aws.pools"];
    if !all_known.iter().all(|table| rules.is_absent(table))
        || !pools.iter().all(|pool| rules.could_read(&stage_of(pool)))
    {
        return;
    }
    let served: BTreeSet<&Name> = pools.iter().map(|pool| pool.stage).collect();
    for (name, stage) in &rules.environment.service.stages {
        // A demand without pools is an error of its own.
        if !served.contains(name) && stage.demand.is_none() {
            rules.warning(
                &format!("service.stages.{name}"),
                format!("no pool runs the stage `{name}`"),
                &format!("add a pool with `stage = \"{name}\"`, or remove the stage"),
            );
        }
    }
}
