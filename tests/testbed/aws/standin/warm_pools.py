"""Warm pools: how many, in which state, and the actions upon them.

Source: User Guide "Warm pools for Amazon EC2 Auto Scaling" and API_PutWarmPool.
"""

from . import launching
from .answers import AwsError, timestamp, validation_error
from .group import find
from .lifecycle import begin_terminate, leave
from .paging import page
from .registry import handles
from .state import Clock


def target(group):
    """Max (or MaxGroupPreparedCapacity) less desired, at least MinSize."""
    pool = group.warm_pool
    prepared = pool.get("MaxGroupPreparedCapacity")
    if prepared is None or prepared < 0:
        prepared = group.max
    return max(pool.get("MinSize", 0), prepared - group.desired, 0)


def reconcile(group, now):
    """Fills or empties the pool."""
    pool = group.warm_pool
    if pool is None or group.deleting:
        return False
    there = group.warmed()
    deleting = pool.get("Status") == "PendingDelete"
    wanted = 0 if deleting else target(group)
    if deleting and not any(i.warm for i in group.instances.values()):
        group.warm_pool = None
        return True
    changed = False
    if len(there) < wanted and "Launch" not in group.suspended and now >= group.retry_at:
        for _ in range(wanted - len(there)):
            if launching.launch(group, now, len(there), group.desired, warm=True) is None:
                break
            changed = True
    for instance in there[wanted:] if "Terminate" not in group.suspended else ():
        begin_terminate(group, instance, now, f"At {timestamp(now)[:-5]}Z an instance was taken out of the warm pool.")
        changed = True
    return changed


def configuration(group):
    return dict(group.warm_pool) if group.warm_pool else None


def refuse_spot(region, config):
    """Warm pools hold no spot instances (User Guide "Warm pools", limitations)."""
    policy = config.get("MixedInstancesPolicy")
    if policy:
        distribution = policy["InstancesDistribution"]
        spot = distribution["OnDemandPercentageAboveBaseCapacity"] < 100
    else:
        template, version = launching.template_of(region, config["LaunchTemplate"])
        options = template.versions[version]["data"].get("InstanceMarketOptions", {})
        spot = options.get("MarketType") == "spot"
        # User Guide "Use Capacity Blocks for machine learning workloads", limitations.
        if options.get("MarketType") == "capacity-block":
            raise validation_error("Warm pools are not supported when the launch template targets a Capacity Block.")
    if spot:
        raise validation_error("You can't add a warm pool to an Auto Scaling group that requests Spot Instances.")


@handles("autoscaling", "PutWarmPool")
def put(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    if group.refresh() is not None:
        raise AwsError("InstanceRefreshInProgress",
                       "An active instance refresh already exists for the specified Auto Scaling group.")
    refuse_spot(region, group.config)
    given = {k: v for k, v in parameters.items() if k != "AutoScalingGroupName"}
    if given.get("MaxGroupPreparedCapacity") is not None:
        most = given["MaxGroupPreparedCapacity"]
        if most < -1:
            raise validation_error("MaxGroupPreparedCapacity must be -1 or more")
        if -1 < most < given.get("MinSize", 0):
            raise validation_error("MaxGroupPreparedCapacity must be greater than or equal to MinSize")
    source = group.config.get("LaunchTemplate")
    if given.get("PoolState") == "Hibernated" and source:
        template, version = launching.template_of(region, source)
        # User Guide "Warm pools", prerequisites of hibernation: the template must enable it.
        if not template.versions[version]["data"].get("HibernationOptions", {}).get("Configured"):
            raise validation_error("Hibernation must be enabled in the launch template to use the Hibernated pool "
                                   "state.")
    kept = {k: v for k, v in (group.warm_pool or {}).items() if k != "Status"}
    pool = {"MinSize": 0, "PoolState": "Stopped", **kept, **given}
    if pool.get("MaxGroupPreparedCapacity") == -1:
        del pool["MaxGroupPreparedCapacity"]
    group.warm_pool, group.due = pool, 0.0
    return {}


@handles("autoscaling", "DeleteWarmPool")
def delete(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    if group.warm_pool is None:
        raise validation_error(f"No warm pool found for AutoScalingGroup {group.name}")
    if parameters.get("ForceDelete"):
        for instance in [i for i in group.instances.values() if i.warm]:
            leave(group, instance, Clock.now())
        group.warm_pool = None
    else:
        if group.warm_pool.get("Status") == "PendingDelete":
            raise AwsError("ScalingActivityInProgress", "The warm pool is already being deleted.")
        group.warm_pool["Status"] = "PendingDelete"
    group.due = 0.0
    return {}


@handles("autoscaling", "DescribeWarmPool")
def describe(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    warm = [i.shown() for i in group.instances.values() if i.warm]
    # API_DescribeWarmPool, parameter MaxRecords: the maximum value is 50.
    items, token = page(warm, parameters, 50, 50)
    return {"WarmPoolConfiguration": configuration(group), "Instances": items, "NextToken": token}
