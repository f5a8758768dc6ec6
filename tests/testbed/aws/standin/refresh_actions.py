"""StartInstanceRefresh, CancelInstanceRefresh, RollbackInstanceRefresh, DescribeInstanceRefreshes."""

from . import engine, group_checks, launching, refreshes
from .answers import AwsError, validation_error
from .group import find
from .paging import page
from .registry import handles
from .state import Clock


def _checked(group, given):
    preferences = dict(given)
    # API_RefreshPreferences: the defaults.
    least = preferences.setdefault("MinHealthyPercentage", group.config.get("InstanceMaintenancePolicy", {}).get(
        "MinHealthyPercentage", 90))
    policy = group.config.get("InstanceMaintenancePolicy", {})
    if "MinHealthyPercentage" not in given and "MaxHealthyPercentage" in policy:
        preferences.setdefault("MaxHealthyPercentage", policy["MaxHealthyPercentage"])
    most = preferences.get("MaxHealthyPercentage", 100)
    if not 0 <= least <= 100:
        raise validation_error("MinHealthyPercentage must be between 0 and 100")
    if "MaxHealthyPercentage" in given and "MinHealthyPercentage" not in given:
        raise validation_error("MinHealthyPercentage must be specified with MaxHealthyPercentage")
    if not 100 <= most <= 200 or most - least > 100:
        raise validation_error("The difference between MinHealthyPercentage and MaxHealthyPercentage cannot be "
                               "greater than 100.")
    for name, default in (("SkipMatching", False), ("AutoRollback", False), ("ScaleInProtectedInstances", "Wait"),
                          ("StandbyInstances", "Wait")):
        preferences.setdefault(name, default)
    points = preferences.get("CheckpointPercentages")
    if "CheckpointDelay" in preferences and not points:
        raise validation_error("CheckpointPercentages must be specified with CheckpointDelay")
    if points:
        if points != sorted(set(points)) or not all(1 <= point <= 100 for point in points):
            raise validation_error("CheckpointPercentages must be in ascending order, between 1 and 100")
        preferences.setdefault("CheckpointDelay", 3600)
    return preferences


@handles("autoscaling", "StartInstanceRefresh")
def start(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    if group.refresh() is not None:
        raise AwsError("InstanceRefreshInProgress",
                       "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.")
    preferences = _checked(group, parameters.get("Preferences", {}))
    wanted = parameters.get("DesiredConfiguration")
    if wanted:
        if "MixedInstancesPolicy" in wanted:
            wanted = {"MixedInstancesPolicy": group_checks.policy(
                region, wanted["MixedInstancesPolicy"], group.config.get("MixedInstancesPolicy"))}
        else:
            wanted = {"LaunchTemplate": group_checks.template(region, wanted["LaunchTemplate"])}
    if preferences["AutoRollback"]:
        _refuse_irreversible(wanted, group, validation_error)
    refresh = refreshes.Refresh(group, Clock.now(), preferences, wanted)
    group.refreshes.insert(0, refresh)
    group.due, group.retry_at = 0.0, 0.0
    return {"InstanceRefreshId": refresh.id}


def _refuse_irreversible(wanted, group, refusal):
    # API_RollbackInstanceRefresh: not without a desired configuration, not from $Latest or $Default.
    if not wanted:
        raise refusal("The instance refresh has no desired configuration, so it cannot be rolled back.")
    policy = group.config.get("MixedInstancesPolicy")
    whole = policy["LaunchTemplate"]["LaunchTemplateSpecification"] if policy else group.config["LaunchTemplate"]
    if whole.get("Version", "$Default") in ("$Latest", "$Default"):
        raise refusal("The Auto Scaling group uses the launch template's $Latest or $Default version, so the "
                      "instance refresh cannot be rolled back.")
    template, version = launching.template_of(group.region, whole)
    if template.versions[version]["data"].get("ImageId", "").startswith("resolve:"):
        raise refusal("The launch template uses a Systems Manager parameter instead of an AMI ID, so the instance "
                      "refresh cannot be rolled back.")


def _active(group, doing):
    refresh = group.refresh()
    if refresh is None:
        raise AwsError("ActiveInstanceRefreshNotFound", f"No in progress or pending Instance Refresh found for Auto "
                       f"Scaling group {group.name} to {doing}.")
    return refresh


@handles("autoscaling", "CancelInstanceRefresh")
def cancel(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    refresh = _active(group, "cancel")
    refresh.status, group.due = "Cancelling", 0.0
    if parameters.get("WaitForTransitioningInstances") is False:
        refresh.finish("Cancelled", Clock.now(), "Cancelled due to user request.", group)
    engine.settle(region)
    return {"InstanceRefreshId": refresh.id}


@handles("autoscaling", "RollbackInstanceRefresh")
def roll_back(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    refresh = _active(group, "roll back")
    _refuse_irreversible(refresh.desired_configuration, group,
                         lambda text: AwsError("IrreversibleInstanceRefresh", text))
    refreshes.roll_back(group, refresh, Clock.now(), "The rollback was started by a user request.")
    engine.settle(region)
    return {"InstanceRefreshId": refresh.id}


def shown(group, refresh):
    """As DescribeInstanceRefreshes answers it."""
    remaining = refresh.remaining(group) if refresh.active else 0
    percentage = refresh.percentage(group) if refresh.active else refresh.reached
    if refresh.status == "Successful":
        percentage = 100
    if refresh.rollback is not None:
        # API_InstanceRefresh: the percentage goes back down to zero; what was not updated needs no rollback.
        remaining = refresh.rollback["InstancesToUpdateOnRollback"]
        percentage = refresh.rollback["PercentageCompleteOnRollback"] * (100 - percentage) // 100 \
            if refresh.active else 0
    return {
        "InstanceRefreshId": refresh.id, "AutoScalingGroupName": group.name, "Status": refresh.status,
        "StatusReason": refresh.reason, "StartTime": refresh.start, "EndTime": refresh.end,
        "PercentageComplete": percentage, "InstancesToUpdate": remaining,
        "Preferences": {k: v for k, v in refresh.preferences.items() if not k.startswith("_")},
        "DesiredConfiguration": refresh.desired_configuration, "RollbackDetails": refresh.rollback,
        "Strategy": "Rolling",
    }


@handles("autoscaling", "DescribeInstanceRefreshes")
def describe(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    wanted = parameters.get("InstanceRefreshIds")
    found = [shown(group, refresh) for refresh in group.refreshes if not wanted or refresh.id in wanted]
    items, token = page(found, parameters, 50, 100)
    return {"InstanceRefreshes": items, "NextToken": token}
