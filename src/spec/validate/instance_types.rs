//! Instance types: known, fitting, and each with its capacity.

use super::Rules;
use crate::diag::{Diagnostic, nearest};
use crate::spec::model::BurstPool;
use common::shape::quoted_key;
use std::collections::BTreeSet;

pub(super) fn check(rules: &mut Rules<'_>) {
    let Some(aws) = &rules.environment.aws else { return };
    for (name, pool) in &aws.pools {
        let path = format!("aws.pools.{name}");
        let types = format!("{path}.instance_types");
        replicas(rules, &path, pool);
        if pool.requirements.is_some() {
            continue;
        }
        let unsaid = rules.is_absent(&types) && rules.is_absent(&format!("{path}.requirements"));
        if pool.instance_types.is_empty() && unsaid {
            let help = "add `instance_types = [\"g6e.12xlarge\", …]`, the best first, or \
                        `requirements = { gpus = 4, … }`";
            rules.error(&types, format!("the pool `{name}` names no instance type"), help);
        }
        efa(rules, &path, pool);
        let mut seen = BTreeSet::new();
        for (at, instance_type) in pool.instance_types.iter().enumerate() {
            let at = format!("{types}.{at}");
            if !seen.insert(instance_type) {
                let message = format!("`{instance_type}` is named twice");
                rules.error(&at, message, "the order is the preference: name each type once");
                continue;
            }
            known(rules, &at, &path, pool, instance_type);
            fits(rules, &at, &path, pool, instance_type);
            has_capacity(rules, &at, &path, pool, instance_type);
        }
        for (instance_type, capacity) in &pool.capacity {
            let at = format!("{path}.capacity.{instance_type}");
            if !seen.contains(instance_type) {
                if rules.could_read(&types) && rules.is_absent(&types) {
                    unused(rules, &at, pool, instance_type);
                }
            } else if capacity.millis() == 0 {
                let help = "measure what one replica carries inside the SLO, and write that";
                rules.error(&at, "a replica that carries nothing", help);
            }
        }
    }
}

fn unused(rules: &mut Rules<'_>, at: &str, pool: &BurstPool, instance_type: &str) {
    let help = match nearest(instance_type, pool.instance_types.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it uses: {}", pool.instance_types.join(", ")),
    };
    let message = format!("a capacity for `{instance_type}`, which the pool does not use");
    rules.error_in_key(at, message, &help);
}

fn replicas(rules: &mut Rules<'_>, path: &str, pool: &BurstPool) {
    let Some(stage) = rules.stage(&pool.stage) else { return };
    match pool.replicas_per_node {
        Some(0) => {
            let at = format!("{path}.replicas_per_node");
            rules.error(&at, "an instance without replicas carries nothing", "use at least 1");
        }
        None if stage.gpus == 0 => {
            let at = format!("{path}.replicas_per_node");
            let gpus = format!("service.stages.{}.gpus", pool.stage);
            if !rules.is_absent(&at) || !rules.is_absent(&gpus) {
                return;
            }
            let message = format!("the stage `{}` has no GPUs to count replicas by", pool.stage);
            rules.report(
                Diagnostic::error(message)
                    .help("add `replicas_per_node`: replicas on one instance"),
                &[(&at, "bursts"), (&gpus, "without `gpus`")],
            );
        }
        _ => {}
    }
}

/// EFA that is asked for: each type has it, on a network card that all share.
fn efa(rules: &mut Rules<'_>, path: &str, pool: &BurstPool) {
    let Some(aws) = &rules.environment.aws else { return };
    let catalog = rules.catalog;
    if aws.launch_of(pool).efa != Some(true) || catalog.shared_efa(&pool.instance_types).is_some() {
        return;
    }
    let asked = match pool.launch.efa {
        Some(_) => format!("{path}.launch.efa"),
        None => "aws.launch.efa".to_owned(),
    };
    let types = format!("{path}.instance_types");
    let mut all_have = true;
    for (at, name) in pool.instance_types.iter().enumerate() {
        let known = catalog.get(name);
        if known.is_some_and(|known| known.efa.is_some()) {
            continue;
        }
        all_have = false;
        let message = match known {
            Some(_) => format!("`{name}` has no Elastic Fabric Adapter"),
            None => format!("whether `{name}` has an Elastic Fabric Adapter is not known"),
        };
        let help = "remove the type, or write `efa = false` in the pool's `launch`";
        let at = format!("{types}.{at}");
        rules.report(Diagnostic::error(message).help(help), &[(&at, ""), (&asked, "asked for")]);
    }
    if all_have && !pool.instance_types.is_empty() {
        let message = "the pool's instance types have EFA on different network cards";
        let help = "make a pool of each, or write `efa = false` in the pool's `launch`";
        let places = [(types.as_str(), ""), (asked.as_str(), "asked for")];
        rules.report(Diagnostic::error(message).help(help), &places);
    }
}

fn known(rules: &mut Rules<'_>, at: &str, path: &str, pool: &BurstPool, instance_type: &str) {
    let Some(aws) = &rules.environment.aws else { return };
    let region = pool.region.as_ref().unwrap_or(&aws.region);
    let priced = aws.prices.contains_key(instance_type)
        || rules.catalog.list_price(instance_type, region).is_some();
    let counted = pool.replicas_per_node.is_some();
    if rules.catalog.get(instance_type).is_some() || (priced && counted) {
        return;
    }
    let replicas = format!("{path}.replicas_per_node");
    if !rules.is_absent(&replicas) || !rules.is_absent("aws.prices") {
        return;
    }
    let mut help = match nearest(instance_type, rules.catalog.names()) {
        Some(near) => format!("did you mean `{near}`? If not, give "),
        None => "give ".to_owned(),
    };
    let missing: Vec<_> = [
        (!counted).then_some("the pool `replicas_per_node`".to_owned()),
        (!priced).then(|| format!("`[aws.prices]` its {} = \"$…/h\"", quoted_key(instance_type))),
    ]
    .into_iter()
    .flatten()
    .collect();
    help.push_str(&missing.join(" and "));
    let message = format!("`{instance_type}` is not in the table of instance types");
    rules.error(at, message, &help);
}

fn fits(rules: &mut Rules<'_>, at: &str, path: &str, pool: &BurstPool, instance_type: &str) {
    if !rules.could_read(&format!("{path}.replicas_per_node")) {
        return;
    }
    let (Some(stage), Some(known)) = (rules.stage(&pool.stage), rules.catalog.get(instance_type))
    else {
        return;
    };
    let replicas = pool.replicas_per_node.unwrap_or(1);
    let needed = stage.gpus.saturating_mul(replicas);
    if needed > known.gpus {
        let of =
            if replicas == 1 { "one replica".to_owned() } else { format!("{replicas} replicas") };
        let places = [
            (at.to_owned(), format!("{} GPUs", known.gpus)),
            (format!("service.stages.{}.gpus", pool.stage), format!("{} for each", stage.gpus)),
        ];
        let message = format!("`{instance_type}` is too small for {of} of `{}`", pool.stage);
        rules.report(
            Diagnostic::error(message)
                .help("choose a type with more GPUs, or give a replica fewer of them"),
            &places.each_ref().map(|(path, text)| (path.as_str(), text.as_str())),
        );
    }
}

fn has_capacity(
    rules: &mut Rules<'_>,
    at: &str,
    path: &str,
    pool: &BurstPool,
    instance_type: &str,
) {
    let capacity = format!("{path}.capacity");
    if !pool.capacity.contains_key(instance_type) && rules.is_absent(&capacity) {
        let key = quoted_key(instance_type);
        rules.report_keys(
            Diagnostic::error(format!("no capacity is given for `{instance_type}`")).help(format!(
                "add `{key} = \"… req/s\"` to `capacity`: what one replica carries inside the SLO"
            )),
            &[(at, "used here"), (&capacity, "not given here")],
        );
    }
}
