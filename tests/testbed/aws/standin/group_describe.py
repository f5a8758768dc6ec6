"""DescribeAutoScalingGroups and DescribeAutoScalingInstances."""

from . import answers, warm_pools
from .answers import validation_error
from .paging import page
from .registry import handles


def shown(group):
    """A group as AWS answers it."""
    value = {
        "AutoScalingGroupName": group.name, "AutoScalingGroupARN": group.arn, **group.config,
        "Instances": [i.shown() for i in group.instances.values() if not i.warm],
        "CreatedTime": group.created,
        "SuspendedProcesses": [{"ProcessName": n, "SuspensionReason": r} for n, r in sorted(group.suspended.items())],
        "EnabledMetrics": [{"Metric": n, "Granularity": g} for n, g in sorted(group.metrics.items())],
        "Tags": [tag for _, tag in sorted(group.tags.items())],
        "Status": "Delete in progress" if group.deleting else None,
    }
    if group.warm_pool:
        value["WarmPoolConfiguration"] = warm_pools.configuration(group)
        value["WarmPoolSize"] = sum(1 for i in group.instances.values() if i.warm)
    return value


def _rendered(group):
    # Large pages are asked for often and change rarely.
    if group.rendered is None:
        group.rendered = answers.rendered("autoscaling", "AutoScalingGroup", shown(group))
    return group.rendered


def _passes(group, one):
    # API_Filter: tag-key, tag-value, key:, value:, tag:KEY. Values of one filter are alternatives.
    name, wanted = one["Name"], one.get("Values", [])
    if name == "tag-key" or name == "key":
        return any(key in group.tags for key in wanted)
    if name == "tag-value" or name == "value":
        return any(tag["Value"] in wanted for tag in group.tags.values())
    if name.startswith("tag:"):
        return name[4:] in group.tags and group.tags[name[4:]]["Value"] in wanted
    raise validation_error(f"Filter type {name} is not correct. Allowed Filter types are: tag-key, tag-value, "
                           "tag:<key>")


@handles("autoscaling", "DescribeAutoScalingGroups")
def describe(region, parameters, call):
    found = region.groups.values()
    names = parameters.get("AutoScalingGroupNames")
    if names:  # those that are not there are left out without an error
        found = [region.groups[name] for name in dict.fromkeys(names) if name in region.groups]
    filters = parameters.get("Filters") or []
    found = sorted((g for g in found if all(_passes(g, one) for one in filters)), key=lambda group: group.name)
    # API_DescribeAutoScalingGroups, parameter MaxRecords: default 50, maximum 100.
    items, token = page(found, parameters, 50, 100)
    # IncludeInstances: "Specifies whether to include information about Amazon EC2 instances ... default true".
    if parameters.get("IncludeInstances") is False:
        value = [{**shown(group), "Instances": []} for group in items]
    else:
        value = [shown(group) if call.plain else _rendered(group) for group in items]
    return {"AutoScalingGroups": value, "NextToken": token}


@handles("autoscaling", "DescribeAutoScalingInstances")
def instances(region, parameters, _):
    wanted = parameters.get("InstanceIds")
    found = [{**i.shown(), "AutoScalingGroupName": g.name, "HealthStatus": i.health.upper()}
             for g in region.groups.values() for i in g.instances.values() if not wanted or i.id in wanted]
    items, token = page(found, parameters, 50, 50)
    return {"AutoScalingInstances": items, "NextToken": token}
