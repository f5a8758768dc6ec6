"""What hangs on a group: hooks, tags, suspended processes, metrics, and the activities it tells."""

from . import group_checks
from .answers import timestamp, validation_error
from .group import find
from .lifecycle import complete
from .paging import page
from .registry import handles
from .state import Clock

# API_SuspendProcesses and API_DescribeScalingProcessTypes.
PROCESSES = ("Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck",
             "InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions")
# API_EnableMetricsCollection.
METRICS = tuple("Group" + name for name in (
    "MinSize", "MaxSize", "DesiredCapacity", "InServiceInstances", "PendingInstances", "StandbyInstances",
    "TerminatingInstances", "TotalInstances", "InServiceCapacity", "PendingCapacity", "StandbyCapacity",
    "TerminatingCapacity", "TotalCapacity")) + (
        "WarmPoolDesiredCapacity", "WarmPoolWarmedCapacity", "WarmPoolPendingCapacity", "WarmPoolTerminatingCapacity",
        "WarmPoolTotalCapacity", "GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity")


@handles("autoscaling", "PutLifecycleHook")
def put_hook(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    before = group.hooks.get(parameters["LifecycleHookName"])
    # API_PutLifecycleHook: at most 50 hooks for a group.
    if before is None and len(group.hooks) >= 50:
        raise validation_error("The maximum number of lifecycle hooks per group is 50.")
    group.hooks[parameters["LifecycleHookName"]] = group_checks.hook(group.name, parameters, before)
    return {}


@handles("autoscaling", "DeleteLifecycleHook")
def delete_hook(region, parameters, _):
    group, name = find(region, parameters["AutoScalingGroupName"]), parameters["LifecycleHookName"]
    if group.hooks.pop(name, None) is None:
        raise validation_error(f"Lifecycle hook with name {name} not found for AutoScalingGroup {group.name}")
    # API_DeleteLifecycleHook: outstanding actions are completed first, ABANDON for launching, CONTINUE for terminating.
    for instance in list(group.instances.values()):
        if name in instance.waits:
            launching = instance.waits[name]["moment"] == "launch"
            complete(group, instance, name, "ABANDON" if launching else "CONTINUE", Clock.now())
    return {}


@handles("autoscaling", "DescribeLifecycleHooks")
def describe_hooks(region, parameters, _):
    group, names = find(region, parameters["AutoScalingGroupName"]), parameters.get("LifecycleHookNames")
    return {"LifecycleHooks": [hook for name, hook in sorted(group.hooks.items()) if not names or name in names]}


@handles("autoscaling", "CreateOrUpdateTags")
def put_tags(region, parameters, _):
    made = [(find(region, tag["ResourceId"]), group_checks.tag(tag, tag["ResourceId"])) for tag in parameters["Tags"]]
    for group, tag in made:
        # User Guide "Tag Auto Scaling groups": at most 50 tags for a group.
        if tag["Key"] not in group.tags and len(group.tags) >= 50:
            raise validation_error("The number of tags for a group must not exceed 50.")
        group.tags[tag["Key"]] = tag


@handles("autoscaling", "DeleteTags")
def delete_tags(region, parameters, _):
    for tag in parameters["Tags"]:
        held = find(region, tag["ResourceId"]).tags
        # API_DeleteTags: a value that is given must match, else the tag stays.
        if tag["Key"] in held and tag.get("Value") in (None, held[tag["Key"]]["Value"]):
            del held[tag["Key"]]


@handles("autoscaling", "DescribeTags")
def describe_tags(region, parameters, _):
    found = [tag for _, group in sorted(region.groups.items()) for _, tag in sorted(group.tags.items())]
    members = {"auto-scaling-group": "ResourceId", "key": "Key", "value": "Value",
               "propagate-at-launch": "PropagateAtLaunch"}
    for one in parameters.get("Filters") or []:
        if one["Name"] not in members:
            raise validation_error(f"Filter type {one['Name']} is not correct.")
        found = [tag for tag in found
                 if str(tag[members[one["Name"]]]).lower() in [v.lower() for v in one["Values"]]]
    items, token = page(found, parameters, 50, 100)
    return {"Tags": items, "NextToken": token}


@handles("autoscaling", "SuspendProcesses", "ResumeProcesses")
def processes(region, parameters, call):
    group = find(region, parameters["AutoScalingGroupName"])
    names = parameters.get("ScalingProcesses") or PROCESSES
    for name in names:
        if name not in PROCESSES:
            raise validation_error(f"The process name {name} is not valid.")
        if call.action == "SuspendProcesses":
            group.suspended.setdefault(name, f"User suspended at {timestamp(Clock.now())[:-5]}Z")
        else:
            group.suspended.pop(name, None)
    group.due = 0.0


@handles("autoscaling", "EnableMetricsCollection")
def enable_metrics(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    if parameters["Granularity"] != "1Minute":
        raise validation_error("The only valid granularity is 1Minute.")
    for name in parameters.get("Metrics") or METRICS:
        if name not in METRICS:
            raise validation_error(f"Metric {name} is not valid.")
        group.metrics[name] = "1Minute"


@handles("autoscaling", "DisableMetricsCollection")
def disable_metrics(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    for name in parameters.get("Metrics") or METRICS:
        group.metrics.pop(name, None)


@handles("autoscaling", "DescribeScalingActivities")
def activities(region, parameters, _):
    name = parameters.get("AutoScalingGroupName")
    if name in region.groups:
        found = list(region.groups[name].activities)
    elif name is not None and not parameters.get("IncludeDeletedGroups"):
        find(region, name)
    else:
        found = [a for g in region.groups.values() for a in g.activities if name is None]
        if parameters.get("IncludeDeletedGroups"):
            found += [{**a, "AutoScalingGroupState": "Deleted"} for a in region.deleted_groups_activities
                      if name in (None, a["AutoScalingGroupName"])]
        found.sort(key=lambda activity: activity["StartTime"], reverse=True)
    wanted = parameters.get("ActivityIds")
    if wanted:
        found = [activity for activity in found if activity["ActivityId"] in wanted]
    # API_DescribeScalingActivities, parameter MaxRecords: default and maximum are 100.
    items, token = page(found, parameters, 100, 100)
    return {"Activities": items, "NextToken": token}
