//! Why a thing changes: the lines of the fields that differ, not the line that
//! made it exist (law 8).

use super::{FieldChange, PlanInput, sharing};
use crate::decide::{PoolKind, Reason};
use crate::desired::Desired;
use crate::observe::Side;

/// Parts of a field's path, and the key under the stage that it follows from.
const OF_STAGE: [(&str, &str); 9] = [
    (".image", "image"),
    ("nvidia.com/gpu", "gpus"),
    (".resources", "resources"),
    (".env", "env"),
    (".args", "args"),
    ("startupProbe", "startup"),
    ("progressDeadlineSeconds", "startup"),
    ("terminationGracePeriodSeconds", "drain"),
    ("preStop", "drain"),
];

/// Likewise under an on-prem pool.
const OF_POOL: [(&str, &str); 3] =
    [("nodeSelector", "node_selector"), ("tolerations", "tolerations"), ("spec.metrics", "hpa")];

/// Fields of launch templates and groups, and the key under the burst pool.
const OF_BURST: [(&str, &str); 7] = [
    ("requirements", "requirements"),
    ("image", "image"),
    ("subnets", "subnets"),
    ("warm_pool", "warm_pool"),
    ("instance_profile", "launch"),
    ("security_groups", "launch"),
    ("volume", "launch"),
];

/// Why `fields` of `want` change; none: no line of the file says so.
pub(super) fn of(input: &PlanInput<'_>, want: &Desired, fields: &[FieldChange]) -> Option<Reason> {
    let mut found: Vec<Reason> = Vec::new();
    for reason in fields.iter().filter_map(|field| of_field(input, want, &field.path)) {
        if reason.at.is_some() && !found.iter().any(|other| other.key == reason.key) {
            found.push(reason);
        }
    }
    let mut found = found.into_iter();
    let first = found.next()?;
    let rest: String = found.map(|reason| format!("; {reason}")).collect();
    Some(Reason { text: format!("{}{rest}", first.text), ..first })
}

fn of_field(input: &PlanInput<'_>, want: &Desired, path: &str) -> Option<Reason> {
    let name = want.pool.as_ref()?;
    let pool = input.decision.pools.get(name)?;
    if matches!(path, "spec.replicas" | "desired") {
        return pool.reasons.first().cloned();
    }
    let (pool_key, count) = match pool.kind {
        PoolKind::OnPrem => (format!("onprem.pools.{name}"), "replicas"),
        PoolKind::Burst(_) => (format!("aws.pools.{name}"), "size"),
    };
    let at = |key: String, text: &str| Some(Reason::at(input.origins, key, text));
    if matches!(path, "spec.minReplicas" | "spec.maxReplicas" | "min" | "max") {
        return at(
            format!("{pool_key}.{count}"),
            &format!("between {} and {}", pool.min, pool.max),
        );
    }
    if let Some(schedule) = path.strip_prefix("schedules.") {
        let mut schedules = input.environment.schedule.iter();
        let name = schedule.split('.').next();
        let number = schedules.position(|one| Some(one.name.as_str()) == name)?;
        return at(format!("schedule.{number}.name"), "a schedule");
    }
    let part = |known: &[(&str, &'static str)]| {
        known.iter().find(|(part, _)| path.contains(part)).map(|(_, key)| *key)
    };
    if want.id.side == Side::Aws {
        let field = path.split(['.', '[']).next().unwrap_or(path);
        if field == "instance_types" {
            return sharing::changed(input, want);
        }
        let key = OF_BURST.iter().find(|(known, _)| *known == field).map(|(_, key)| *key)?;
        return at(format!("{pool_key}.{key}"), key);
    }
    if let Some(key) = part(&OF_POOL) {
        return at(format!("{pool_key}.{key}"), key);
    }
    let key = part(&OF_STAGE)?;
    at(format!("service.stages.{}.{key}", pool.stage), key)
}
