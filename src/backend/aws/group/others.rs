//! What a group holds that Floodway never puts there. A write replaces a policy's
//! overrides, the health check and the warm pool whole, so that a plan must show
//! what goes with them. What no write touches is everybody's, and not looked at.

use aws_sdk_autoscaling::types::{
    AutoScalingGroup, InstancesDistribution, LaunchTemplateOverrides, WarmPoolConfiguration,
    WarmPoolState, WarmPoolStatus,
};
use std::collections::BTreeMap;

/// Pools of a strategy that knows them, where nobody says:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstancesDistribution.html>
const SPOT_POOLS: i32 = 2;
/// What spot may cost at most.
pub(super) const SPOT_MAX_PRICE: &str = "SpotMaxPrice";
/// What types of an override must have.
const REQUIREMENTS: &str = "InstanceRequirements";
/// Begins what is of the warm pool.
const WARM_POOL: &str = "WarmPool";

/// By names of the API.
pub(super) fn others(group: &AutoScalingGroup) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut put = |name: &str, value: Option<String>| {
        found.extend(value.map(|value| (name.to_owned(), value)));
    };
    let check = group.health_check_type().filter(|check| *check != "EC2");
    put("HealthCheckType", check.map(str::to_owned));
    let policy = group.mixed_instances_policy();
    if let Some(distribution) = policy.and_then(|policy| policy.instances_distribution()) {
        let price = distribution.spot_max_price().filter(|price| !price.is_empty());
        put(SPOT_MAX_PRICE, price.map(str::to_owned));
        put("SpotInstancePools", spot_pools(distribution).map(|pools| pools.to_string()));
    }
    let template = policy.and_then(|policy| policy.launch_template());
    let overrides = template.map(|template| template.overrides()).unwrap_or_default();
    // One override alone that names no type is the pool's own requirements.
    let by_requirements = matches!(overrides, [one] if one.instance_type().is_none());
    for one in overrides {
        let not_ours = |(member, _): &(&str, _)| !(by_requirements && *member == REQUIREMENTS);
        for (member, value) in members(one).into_iter().filter(not_ours) {
            put(&format!("{member} of {}", one.instance_type().unwrap_or("any type")), value);
        }
    }
    let warm = group.warm_pool_configuration();
    let warm = warm.filter(|pool| pool.status() != Some(&WarmPoolStatus::PendingDelete));
    for (member, value) in warm.map(of_warm_pool).into_iter().flatten() {
        put(&format!("{WARM_POOL}.{member}"), value);
    }
    found
}

/// Whether the warm pool itself has to be written.
pub(super) fn of_the_warm_pool(others: &BTreeMap<String, String>) -> bool {
    others.keys().any(|name| name.starts_with(WARM_POOL))
}

/// What is on demand has the strategy too, and makes nothing of it.
fn spot_pools(distribution: &InstancesDistribution) -> Option<i32> {
    let by_price = distribution.spot_allocation_strategy() == Some("lowest-price");
    let spot = distribution.on_demand_percentage_above_base_capacity() != Some(100);
    distribution.spot_instance_pools().filter(|pools| by_price && spot && *pools != SPOT_POOLS)
}

fn members(one: &LaunchTemplateOverrides) -> [(&'static str, Option<String>); 4] {
    let template = one.launch_template_specification().map(|named| {
        let name = named.launch_template_name().or(named.launch_template_id()).unwrap_or_default();
        format!("{name}, version {}", named.version().unwrap_or("$Default"))
    });
    [
        ("WeightedCapacity", one.weighted_capacity().map(str::to_owned)),
        ("LaunchTemplate", template),
        ("ImageId", one.image_id().map(str::to_owned)),
        (REQUIREMENTS, one.instance_requirements().map(|_| "set".to_owned())),
    ]
}

/// In what it is not one of as many stopped instances as its minimum says.
fn of_warm_pool(pool: &WarmPoolConfiguration) -> [(&'static str, Option<String>); 3] {
    let least = pool.min_size().unwrap_or(0);
    let prepared = pool.max_group_prepared_capacity();
    let fixed = least > 0 && prepared == Some(least);
    let state = pool.pool_state().filter(|state| **state != WarmPoolState::Stopped);
    let reuse = pool.instance_reuse_policy().and_then(|policy| policy.reuse_on_scale_in());
    [
        (
            "MaxGroupPreparedCapacity",
            (!fixed).then(|| prepared.map_or("as the group's max".to_owned(), |n| n.to_string())),
        ),
        ("PoolState", state.map(|state| state.as_str().to_owned())),
        ("ReuseOnScaleIn", reuse.filter(|reuse| *reuse).map(|reuse| reuse.to_string())),
    ]
}
