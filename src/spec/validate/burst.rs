//! Burst pools: where they start, how they join, what they may cost.

use super::promises::at_most_all;
use super::{Rules, text, volumes};
use crate::diag::Diagnostic;
use crate::spec::Origins;
use crate::spec::model::{
    Aws, AwsProvider, BurstPool, ImageRef, Join, Launch, Refresh, RefreshRule, Selector, Spot,
};
use crate::units::{Share, Span, UsdPerHour};

pub(super) fn check(rules: &mut Rules<'_>) {
    let Some(aws) = &rules.environment.aws else { return };
    for (name, pool) in &aws.pools {
        let path = format!("aws.pools.{name}");
        subnets(rules, aws, &path, pool);
        join(rules, &path, pool);
        launch(rules, &format!("{path}.launch"), &pool.launch);
        volumes::together(rules, aws, &path, pool);
        image(rules, &format!("{path}.image"), &pool.image);
        if let Some(spot) = &pool.spot {
            markets(rules, &path, pool, spot);
        }
        warm(rules, &path, pool);
        refresh(rules, &format!("{path}.refresh"), &pool.refresh);
        drain(rules, &path, pool);
    }
    launch(rules, "aws.launch", &aws.launch);
    if let Some(profile) = &aws.profile {
        text::check(rules, "aws.profile", profile);
    }
    budget(rules, aws);
}

fn subnets(rules: &mut Rules<'_>, aws: &Aws, path: &str, pool: &BurstPool) {
    let path = format!("{path}.subnets");
    if aws.provider == AwsProvider::Aws
        && pool.subnets.is_empty()
        && rules.could_read("aws.provider")
        && rules.is_absent(&path)
    {
        let help = "add `subnets = { tags = { … } }` or `subnets = { ids = [\"subnet-…\"] }`";
        rules.error(&path, "the pool does not say in which subnets it starts", help);
    }
    selector(rules, &path, &pool.subnets, ("subnet", "subnet-"));
}

/// Things that are named by IDs beginning with `prefix`, or found by tags.
fn selector(rules: &mut Rules<'_>, path: &str, selector: &Selector, (what, prefix): (&str, &str)) {
    if !selector.ids.is_empty() && !selector.tags.is_empty() {
        let message = format!("{what}s are named by `ids` and by `tags`");
        rules.error(path, message, &format!("remove one: {what}s are given, or found by tags"));
    }
    for (at, id) in selector.ids.iter().enumerate() {
        if !is_id(id, prefix) {
            let help = format!("write it like \"{prefix}0a1b2c3d\"");
            rules.error(&format!("{path}.ids.{at}"), format!("`{id}` is no {what}"), &help);
        }
    }
}

/// Whether it is `prefix` and hexadecimal digits, as all of AWS's IDs.
pub(super) fn is_id(id: &str, prefix: &str) -> bool {
    let digits = id.strip_prefix(prefix).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// How instances start, of all pools or of one.
fn launch(rules: &mut Rules<'_>, path: &str, launch: &Launch) {
    let groups = ("security group", "sg-");
    selector(rules, &format!("{path}.security_groups"), &launch.security_groups, groups);
    volumes::alone(rules, &format!("{path}.volume"), &launch.volume);
    if let Some(profile) = &launch.instance_profile {
        text::check(rules, &format!("{path}.instance_profile"), profile);
    }
    if let Some(name) = launch.instance_profile.as_ref().filter(|name| name.contains(['/', ':'])) {
        let help = "write its name, which its ARN ends in";
        let message = format!("`{name}` is no instance profile's name");
        rules.error(&format!("{path}.instance_profile"), message, help);
    }
}

/// One way to say which image.
fn image(rules: &mut Rules<'_>, path: &str, image: &ImageRef) {
    let ways = [("name", &image.name), ("ssm", &image.ssm), ("id", &image.id)];
    let named: Vec<_> = ways.iter().filter_map(|(key, way)| Some((key, way.as_ref()?))).collect();
    for (key, value) in &named {
        text::check(rules, &format!("{path}.{key}"), value);
    }
    text::check(rules, &format!("{path}.channel"), &image.channel);
    match named[..] {
        [] if rules.is_absent(path)
            && ways.iter().all(|(key, _)| rules.is_absent(&format!("{path}.{key}"))) =>
        {
            let help = "add `name`, `ssm` or `id`";
            rules.error(path, "the pool does not say which image it starts", help);
        }
        [(first, _), (second, _), ..] => {
            let places = [first, second].map(|key| format!("{path}.{key}"));
            rules.report(
                Diagnostic::error("two ways to find one image").help("remove one"),
                &places.each_ref().map(|place| (place.as_str(), "")),
            );
        }
        _ => {}
    }
    if let Some(id) = image.id.as_ref().filter(|id| !is_id(id, "ami-")) {
        let help = "write it like \"ami-0a1b2c3d\"";
        rules.error(&format!("{path}.id"), format!("`{id}` is no machine image"), help);
    }
}

fn join(rules: &mut Rules<'_>, path: &str, pool: &BurstPool) {
    let alone = rules.environment.onprem.is_none() && rules.is_absent("onprem");
    if pool.join == Join::Kubernetes && alone {
        let help = "add `[onprem]`, or write `join = \"standalone\"`";
        rules.error(&format!("{path}.join"), "there is no cluster to join", help);
    }
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

/// What an instance refresh takes:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html>
fn refresh(rules: &mut Rules<'_>, path: &str, refresh: &Refresh) {
    let least = format!("{path}.min_healthy");
    at_most_all(rules, &least, refresh.min_healthy);
    whole_percent(rules, &least, refresh.min_healthy);
    let mut before = None;
    for (at, share) in refresh.checkpoints.iter().enumerate() {
        let at = format!("{path}.checkpoints.{at}");
        whole_percent(rules, &at, *share);
        if *share > Share::ALL || *share == Share::default() {
            rules.error(&at, format!("a checkpoint after {share}"), "use \"1%\" to \"99%\"");
        } else if before.is_some_and(|before| before >= *share) {
            rules.error(&at, "checkpoints do not ascend", "begin with the lowest");
        }
        before = Some(*share);
    }
    let delay = format!("{path}.checkpoint_delay");
    if refresh.checkpoint_delay > Span::from_secs(48 * 3600) {
        rules.error(&delay, "AWS pauses for at most 48 hours", "use at most \"48h\"");
    }
    for (at, alarm) in refresh.alarms.iter().enumerate() {
        text::check(rules, &format!("{path}.alarms.{at}"), alarm);
    }
    let alarms = format!("{path}.alarms");
    if refresh.alarms.len() > 10 {
        rules.error(&alarms, "AWS looks at ten alarms at most", "name those that tell the most");
    }
    if refresh.rule == RefreshRule::Manual && !refresh.alarms.is_empty() {
        rules.report(
            Diagnostic::error("alarms of a refresh that never begins")
                .help("write `rule = \"rolling\"`, or remove `alarms`"),
            &[(&alarms, ""), (&format!("{path}.rule"), "nothing is replaced")],
        );
    }
}

fn whole_percent(rules: &mut Rules<'_>, path: &str, share: Share) {
    if Share::percent(share.whole_percent()) != share {
        rules.error(path, format!("{share} is no whole percentage"), "AWS takes only such");
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
        if let Some(block) = pool.block() {
            return block.usd_per_hour;
        }
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
