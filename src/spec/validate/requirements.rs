//! Pools that say what an instance must have, in place of its type.

use super::Rules;
use crate::diag::{Diagnostic, nearest};
use crate::spec::model::{BurstPool, Requirements};

/// NVIDIA's GPUs that Auto Scaling finds instances by; EC2 alone knows more:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRequirements.html>
const GPUS: [&str; 5] = ["a100", "k80", "m60", "t4", "v100"];

pub(super) fn check(rules: &mut Rules<'_>) {
    let Some(aws) = &rules.environment.aws else { return };
    for (name, pool) in &aws.pools {
        let Some(required) = &pool.requirements else { continue };
        let path = format!("aws.pools.{name}");
        let at = format!("{path}.requirements");
        if !pool.instance_types.is_empty() {
            rules.report(
                Diagnostic::error("instance types are named, and found by what they have")
                    .help("remove `instance_types` or `requirements`"),
                &[(&format!("{path}.instance_types"), ""), (&at, "")],
            );
        }
        if aws.launch_of(pool).efa == Some(true) {
            let asked = match pool.launch.efa {
                Some(_) => format!("{path}.launch.efa"),
                None => "aws.launch.efa".to_owned(),
            };
            let message = "whether what AWS chooses has an Elastic Fabric Adapter is not known";
            let help = "name `instance_types`, or write `efa = false` in the pool's `launch`";
            rules.report(Diagnostic::error(message).help(help), &[(&asked, ""), (&at, "")]);
        }
        fits(rules, &path, pool, required);
        names(rules, &at, required);
        bounds(rules, &at, required);
        capacity(rules, &format!("{path}.capacity"), pool);
    }
}

/// Each instance has room for the replicas that it shall run.
fn fits(rules: &mut Rules<'_>, path: &str, pool: &BurstPool, required: &Requirements) {
    let Some(stage) = rules.stage(&pool.stage) else { return };
    if !rules.could_read(&format!("{path}.replicas_per_node")) {
        return;
    }
    let needed = stage.gpus.saturating_mul(pool.replicas_per_node.unwrap_or(1));
    if needed > required.gpus {
        let gpus = required.gpus;
        let message = format!("instances with {gpus} GPUs are too small for `{}`", pool.stage);
        rules.report(
            Diagnostic::error(message).help("ask for more `gpus`, or give a replica fewer of them"),
            &[
                (&format!("{path}.requirements.gpus"), &format!("{gpus} GPUs")),
                (
                    &format!("service.stages.{}.gpus", pool.stage),
                    &format!("{} for each replica", stage.gpus),
                ),
            ],
        );
    }
}

fn names(rules: &mut Rules<'_>, at: &str, required: &Requirements) {
    for (index, name) in required.gpu_names.iter().enumerate() {
        if !GPUS.contains(&name.as_str()) {
            let families = families(rules, name);
            let help = match nearest(name, GPUS) {
                _ if !families.is_empty() => {
                    format!("write `allowed = [{}]` for them", families.join(", "))
                }
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it knows: {}", GPUS.join(", ")),
            };
            let message = format!("Auto Scaling finds no instances by GPUs called `{name}`");
            rules.error(&format!("{at}.gpu_names.{index}"), message, &help);
        }
    }
    for (key, patterns) in [("allowed", &required.allowed), ("excluded", &required.excluded)] {
        for (index, pattern) in patterns.iter().enumerate() {
            // As AllowedInstanceTypes and ExcludedInstanceTypes take them.
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b".*-".contains(&byte);
            if !(1..=30).contains(&pattern.len()) || !pattern.bytes().all(known) {
                let message = format!("`{pattern}` is no pattern of instance types");
                let help = "write it like \"g6e.12xlarge\", \"g6e.*\" or \"*.xlarge\"";
                rules.error(&format!("{at}.{key}.{index}"), message, help);
            }
        }
    }
    if !required.allowed.is_empty() && !required.excluded.is_empty() {
        rules.report(
            Diagnostic::error("instance types are allowed and excluded")
                .help("AWS takes one of them: remove `allowed` or `excluded`"),
            &[(&format!("{at}.allowed"), ""), (&format!("{at}.excluded"), "")],
        );
    }
}

/// Patterns of the known types with GPUs of this name, as TOML writes them.
fn families(rules: &Rules<'_>, gpu: &str) -> Vec<String> {
    let has = |name: &&str| {
        rules.catalog.gpu_name(name).is_some_and(|known| known.eq_ignore_ascii_case(gpu))
    };
    let types = rules.catalog.names().filter(has);
    let mut families: Vec<String> =
        types.filter_map(|name| Some(format!("\"{}.*\"", name.split_once('.')?.0))).collect();
    families.dedup();
    families
}

fn bounds(rules: &mut Rules<'_>, at: &str, required: &Requirements) {
    let (vcpus, memory) = (&required.vcpus, &required.memory);
    let crossed = [
        ("vcpus", vcpus.max.is_some_and(|max| max < vcpus.min)),
        ("memory", memory.max.is_some_and(|max| memory.min.is_some_and(|min| max < min))),
    ];
    for (key, _) in crossed.into_iter().filter(|(_, crossed)| *crossed) {
        rules.report(
            Diagnostic::error(format!("`{key}` has min above max"))
                .help("raise `max`, or lower `min`"),
            &[(&format!("{at}.{key}.min"), "at least"), (&format!("{at}.{key}.max"), "at most")],
        );
    }
}

/// Whatever starts, a replica carries the same on it.
fn capacity(rules: &mut Rules<'_>, at: &str, pool: &BurstPool) {
    let any = format!("{at}.{}", BurstPool::ANY);
    match pool.capacity.get(BurstPool::ANY) {
        None if rules.is_absent(at) => {
            let help = "write `capacity = { any = \"… req/s\" }`: what one replica carries \
                        inside the SLO, whatever starts";
            rules.error(at, "no capacity is given for what meets the requirements", help);
        }
        Some(capacity) if capacity.millis() == 0 => {
            let help = "measure what one replica carries inside the SLO, and write that";
            rules.error(&any, "a replica that carries nothing", help);
        }
        _ => {}
    }
    for name in pool.capacity.keys().filter(|name| *name != BurstPool::ANY) {
        let message = format!("a capacity for `{name}`, where no instance type is named");
        let help = "all that meets `requirements` carries the same: write `any` alone";
        rules.error_in_key(&format!("{at}.{name}"), message, help);
    }
}
