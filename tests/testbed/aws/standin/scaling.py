"""What a group does to have what it should: launches, terminations, replacements."""

from .answers import timestamp
from .group import begin_activity
from .launching import NoCapacity, launch, market_of_next, on_demand_target
from .lifecycle import begin_terminate
from .state import Settings


def replace_unhealthy(group, now):
    """Unhealthy instances are taken out (processes HealthCheck and ReplaceUnhealthy)."""
    if {"HealthCheck", "ReplaceUnhealthy", "Terminate"} & set(group.suspended):
        return False
    changed = False
    for instance in list(group.instances.values()):
        if instance.health == "Unhealthy" and not instance.terminating and instance.state != "Standby":
            how = ("an EC2 health check indicating it has been terminated or stopped" if instance.killed
                   else "a user health-check")
            begin_terminate(group, instance, now, f"At {timestamp(now)[:-5]}Z an instance was taken out of service in "
                            f"response to {how}.")
            changed = True
    return changed


def reconcile(group, now, surge=0):
    """Towards desired: at most as many launches as there is capacity, victims by policy."""
    if group.deleting:
        return False
    counted = group.counted()
    there, wanted = sum(i.weight for i in counted), group.desired + surge
    if there < wanted and "Launch" not in group.suspended and now >= group.retry_at:
        return _scale_out(group, now, there, wanted)
    if there > wanted and "Terminate" not in group.suspended:
        return _scale_in(group, now, counted, there, wanted)
    return _let_go_replaced(group, now, there, wanted) or _towards_market_shares(group, now, there, wanted)


def _scale_out(group, now, there, wanted):
    changed = False
    while there < wanted:
        # User Guide "Warm pools": a scale-out draws on the warm pool first, then launches cold.
        warmed = [i for i in group.warmed() if i.state in ("Warmed:Stopped", "Warmed:Running", "Warmed:Hibernated")]
        if warmed:
            instance = warmed[0]
            instance.state, instance.ready_at = "Pending", now + Settings.launch_seconds
            instance.activity = begin_activity(
                group, now, f"Launching a new EC2 instance from warm pool: {instance.id}", group.cause)
        else:
            instance = launch(group, now, there, wanted)
        if instance is None:
            break
        there += instance.weight
        changed = True
    return changed


def _scale_in(group, now, counted, there, wanted):
    changed = False
    for instance in _victims(group, counted):
        if there - instance.weight < wanted:
            break
        there -= instance.weight
        cause = group.cause + (f"At {timestamp(now)[:-5]}Z an instance was taken out of service in response to a "
                               "difference between desired and actual capacity, shrinking the capacity from "
                               f"{there + instance.weight} to {there}.")
        reuse = (group.warm_pool or {}).get("InstanceReusePolicy", {}).get("ReuseOnScaleIn")
        if reuse and instance.state == "InService" and group.warm_pool.get("Status") != "PendingDelete":
            instance.state, instance.ready_at = "Warmed:Pending", now + Settings.launch_seconds
            instance.activity = begin_activity(group, now, f"Returning EC2 instance to warm pool: {instance.id}",
                                               cause)
        else:
            begin_terminate(group, instance, now, cause)
        changed = True
    return changed


def _victims(group, counted):
    """Those that may be taken, in the order of the group's termination policies.

    Source: User Guide "Termination policies": protected instances never; the zone with
    the most instances first; Default: what keeps the markets' shares, then the oldest
    launch template version, then the oldest.
    """
    free = [i for i in counted if not i.protected]
    policy = (group.config.get("TerminationPolicies") or ["Default"])[0]
    zones = {}
    for instance in counted:
        zones[instance.zone] = zones.get(instance.zone, 0) + 1
    surplus = _surplus_market(group, group.desired)
    order = []
    while free:
        most = max(zones[i.zone] for i in free)
        pool = [i for i in free if zones[i.zone] == most] if policy == "Default" else free
        keys = {
            "OldestInstance": lambda i: (i.launched,),
            "NewestInstance": lambda i: (-i.launched,),
            "OldestLaunchTemplate": lambda i: (int(i.template["Version"]), i.launched),
        }
        key = keys.get(policy, lambda i: (i.market != surplus, i.state == "InService",
                                          int(i.template["Version"]), i.launched))
        chosen = min(pool, key=key)
        free.remove(chosen)
        zones[chosen.zone] -= 1
        order.append(chosen)
    return order


def _surplus_market(group, desired):
    policy = group.source().get("MixedInstancesPolicy")
    if not policy:
        return None
    target = on_demand_target(policy["InstancesDistribution"], desired)
    on_demand = sum(i.weight for i in group.counted() if i.market == "on-demand")
    return "on-demand" if on_demand > target else "spot"


def _let_go_replaced(group, now, there, wanted):
    """Instances that others were started for go once those serve."""
    leaving = [i for i in group.instances.values() if i.leaving and not i.terminating]
    serving = sum(i.weight for i in group.counted() if i.state == "InService")
    if not leaving or serving < wanted or "Terminate" in group.suspended:
        return False
    for instance in leaving:
        begin_terminate(group, instance, now, f"At {timestamp(now)[:-5]}Z an instance was taken out of service in "
                        "response to a rebalance of purchase options or of capacity.")
    return True


def _towards_market_shares(group, now, there, wanted):
    """One at a time, launched before terminated, when the policy's shares have changed.

    Source: User Guide "Mixed instances groups": after a change of the purchase options
    Auto Scaling "gradually replaces existing instances to match the new purchase options".
    """
    policy = group.source().get("MixedInstancesPolicy")
    if not policy or there != wanted or group.refresh() or "AZRebalance" in group.suspended:
        return False
    counted = group.counted()
    if any(i.state != "InService" for i in counted) or any(i.leaving for i in group.instances.values()):
        return False
    target = on_demand_target(policy["InstancesDistribution"], group.desired)
    on_demand = sum(i.weight for i in counted if i.market == "on-demand")
    if on_demand == target or now < group.retry_at:
        return False
    wrong = "on-demand" if on_demand > target else "spot"
    candidates = [i for i in _victims(group, counted) if i.market == wrong]
    if not candidates:
        return False
    candidates[0].leaving = True
    try:
        if market_of_next(group, group.desired) == wrong:
            candidates[0].leaving = False
            return False
    except NoCapacity:
        candidates[0].leaving = False
        return False
    return True
