//! Burst pools: where they start, how they join, what they may cost.

use super::promises::at_most_all;
use super::{Rules, text};
use crate::diag::Diagnostic;
use crate::spec::Origins;
use crate::spec::model::{Aws, AwsProvider, BurstPool, Join, Spot};
use crate::units::{Share, UsdPerHour};

pub(super) fn check(rules: &mut Rules<'_>) {
    let Some(aws) = &rules.environment.aws else { return };
    for (name, pool) in &aws.pools {
        let path = format!("aws.pools.{name}");
        subnets(rules, aws, &path, pool);
        join(rules, &path, pool);
        if let Some(spot) = &pool.spot {
            markets(rules, &path, pool, spot);
        }
        warm(rules, &path, pool);
        drain(rules, &path, pool);
    }
    budget(rules, aws);
}

fn subnets(rules: &mut Rules<'_>, aws: &Aws, path: &str, pool: &BurstPool) {
    let path = format!("{path}.subnets");
    if aws.provider == AwsProvider::Aws
        && pool.subnets.ids.is_empty()
        && pool.subnets.tags.is_empty()
        && rules.could_read("aws.provider")
        && rules.is_absent(&path)
    {
        let help = "add `subnets = { tags = { … } }` or `subnets = { ids = [\"subnet-…\"] }`";
        rules.error(&path, "the pool does not say in which subnets it starts", help);
    }
    if !pool.subnets.ids.is_empty() && !pool.subnets.tags.is_empty() {
        let help = "remove one: subnets are given, or found by tags";
        rules.error(&path, "subnets are named by `ids` and by `tags`", help);
    }
    for (at, id) in pool.subnets.ids.iter().enumerate() {
        if !id.starts_with("subnet-") {
            let message = format!("`{id}` is no subnet");
            rules.error(&format!("{path}.ids.{at}"), message, "write it like \"subnet-0a1b2c3d\"");
        }
    }
}

fn join(rules: &mut Rules<'_>, path: &str, pool: &BurstPool) {
    let alone = rules.environment.onprem.is_none() && rules.is_absent("onprem");
    if pool.join == Join::Kubernetes && alone {
        let help = "add `[onprem]`, or write `join = \"standalone\"`";
        rules.error(&format!("{path}.join"), "there is no cluster to join", help);
    }
    text::check(rules, &format!("{path}.image.name"), &pool.image.name);
    text::check(rules, &format!("{path}.image.channel"), &pool.image.channel);
}

fn markets(rules: &mut Rules<'_>, path: &str, pool: &BurstPool, spot: &Spot) {
    at_most_all(rules, &format!("{path}.spot.share"), spot.share);
    let (base, max) = (spot.base_on_demand, pool.size.max());
    if base > max {
        rules.report(
            Diagnostic::error(format!("{base} on-demand instances in a pool of at most {max}"))
                .help("lower `base_on_demand`, or raise the pool's max"),
            &[
                (&format!("{path}.spot.base_on_demand"), "on-demand before any is spot"),
                (&format!("{path}.size"), &format!("at most {max}")),
            ],
        );
    }
    let base_is_none = base == 0 && rules.is_absent(&format!("{path}.spot.base_on_demand"));
    if pool.warm_pool > 0 && spot.share >= Share::ALL && base_is_none {
        rules.report(
            Diagnostic::error("a warm pool beside spot instances alone")
                .help("AWS keeps no spot instance stopped: lower `share`, or remove `warm_pool`"),
            &[(&format!("{path}.warm_pool"), ""), (&format!("{path}.spot.share"), "all are spot")],
        );
    }
}

fn warm(rules: &mut Rules<'_>, path: &str, pool: &BurstPool) {
    let (warm, max) = (pool.warm_pool, pool.size.max());
    if warm > max {
        rules.report(
            Diagnostic::error(format!("{warm} warm instances for a pool of at most {max}"))
                .help("what is kept warm can only be used up to the pool's max"),
            &[
                (&format!("{path}.warm_pool"), "kept ready"),
                (&format!("{path}.size"), &format!("at most {max}")),
            ],
        );
    }
}

/// An instance must not be terminated while its replicas still finish.
fn drain(rules: &mut Rules<'_>, path: &str, pool: &BurstPool) {
    let Some(stage) = rules.stage(&pool.stage) else { return };
    let node = rules.environment.burst.scale_in.drain;
    if stage.drain > node {
        rules.report(
            Diagnostic::warning(format!(
                "a replica may take {} to finish, and its instance goes after {node}",
                stage.drain
            ))
            .help("raise `burst.scale_in.drain`, or lower the stage's `drain`"),
            &[
                (&format!("service.stages.{}.drain", pool.stage), ""),
                ("burst.scale_in.drain", ""),
                (&format!("{path}.stage"), "runs on instances"),
            ],
        );
    }
}

/// What always runs must fit what may be spent.
fn budget(rules: &mut Rules<'_>, aws: &Aws) {
    if !rules.could_read("aws.prices") {
        return;
    }
    let Some(limit) = rules.environment.burst.budget.as_ref().and_then(|b| b.usd_per_hour) else {
        return;
    };
    let price = |pool: &BurstPool| {
        let first = pool.instance_types.first()?;
        let region = pool.region.as_ref().unwrap_or(&aws.region);
        let price = rules.catalog.price(Some(aws), &Origins::default(), first, region);
        price.map(|price| price.usd_per_hour)
    };
    let always: UsdPerHour =
        aws.pools.values().map(|pool| price(pool).unwrap_or_default().times(pool.size.min())).sum();
    if always > limit {
        rules.warning(
            "burst.budget.usd_per_hour",
            format!("the least that burst pools run costs {always} on demand, above the budget"),
            "raise the budget, or lower the pools' min: the budget never takes away what runs",
        );
    }
}
