"""Scheduled actions: stored, checked, carried out.

Source: API_PutScheduledUpdateGroupAction and User Guide "Scheduled scaling".
"""

import zoneinfo

from . import cron
from .answers import AwsError, validation_error
from .group import begin_activity, end_activity, find
from .paging import page
from .registry import handles
from .state import Clock

_SIZES = ("MinSize", "MaxSize", "DesiredCapacity")


def run_due(group, now):
    """Carries out what is due."""
    changed = False
    for name, action in list(group.scheduled.items()):
        if action["next"] is None or action["next"] > now:
            continue
        changed = True
        if "ScheduledActions" not in group.suspended:
            _carry_out(group, action, now)
        _plan(action, now)
        if action["next"] is None and "Recurrence" not in action:
            group.scheduled.pop(name)  # a single action is gone once it has run
    return changed


def _carry_out(group, action, now):
    least, most = action.get("MinSize", group.min), action.get("MaxSize", group.max)
    wanted = action.get("DesiredCapacity")
    if wanted is None:
        wanted = min(max(group.desired, least), most)
    if not least <= wanted <= most:
        activity = begin_activity(group, now, f"Executing scheduled action {action['ScheduledActionName']}", "")
        end_activity(activity, now, "Failed", "The sizes of the scheduled action contradict the group's.")
        return
    group.config.update({"MinSize": least, "MaxSize": most})
    group.retry_at = 0.0
    group.set_desired(wanted, now, f"scheduled action {action['ScheduledActionName']} was executed,")


def _plan(action, now):
    begin = action["StartTime"].timestamp() if action.get("StartTime") else None
    end = action["EndTime"].timestamp() if action.get("EndTime") else None
    if begin is not None and begin > now:
        action["next"] = begin
    elif "Recurrence" in action:
        action["next"] = cron.following(action["Recurrence"], action.get("TimeZone"), now)
    else:
        action["next"] = None
    if end is not None and action["next"] is not None and action["next"] > end:
        action["next"] = None


def _checked(group, given, now):
    action = {k: v for k, v in given.items() if k not in ("AutoScalingGroupName", "Time")}
    if given.get("Time") and not given.get("StartTime"):
        action["StartTime"] = given["Time"]
    if not any(size in action for size in _SIZES):
        raise validation_error("At least one of the following must be specified: MinSize, MaxSize, DesiredCapacity")
    least, most, wanted = (action.get(size) for size in _SIZES)
    if least is not None and most is not None and least > most:
        raise validation_error(f"Max bound, {most}, must be greater than or equal to min bound, {least}")
    if wanted is not None and ((least is not None and wanted < least) or (most is not None and wanted > most)):
        raise validation_error(f"Desired capacity:{wanted} must be between the specified min size:{least} and max "
                               f"size:{most}")
    if "Recurrence" in action:
        try:
            cron.parse(action["Recurrence"])
        except ValueError:
            raise validation_error(f"Given recurrence string:{action['Recurrence']} is invalid") from None
    elif "StartTime" not in action:
        raise validation_error("Either StartTime or Recurrence must be specified")
    if "TimeZone" in action:
        if "Recurrence" not in action:
            raise validation_error("TimeZone can only be specified with Recurrence")
        if action["TimeZone"] not in zoneinfo.available_timezones():
            raise validation_error(f"Invalid time zone: {action['TimeZone']}")
    if "StartTime" in action and action["StartTime"].timestamp() < now:
        raise validation_error("Given start time is in the past")
    if "StartTime" in action and "EndTime" in action and action["EndTime"] <= action["StartTime"]:
        raise validation_error("The end time must be after the start time")
    name = action["ScheduledActionName"]
    action["ScheduledActionARN"] = group.region.arn(
        "autoscaling", f"scheduledUpdateGroupAction:{abs(hash((group.name, name))):032x}:"
        f"autoScalingGroupName/{group.name}:scheduledActionName/{name}")
    _plan(action, now)
    return action


@handles("autoscaling", "PutScheduledUpdateGroupAction")
def put(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    action = _checked(group, parameters, Clock.now())
    group.scheduled[action["ScheduledActionName"]] = action
    group.due = 0.0


@handles("autoscaling", "BatchPutScheduledUpdateGroupAction")
def batch_put(region, parameters, _):
    group, failed = find(region, parameters["AutoScalingGroupName"]), []
    if len(parameters["ScheduledUpdateGroupActions"]) > 50:
        raise validation_error("The maximum number of scheduled actions allowed is 50.")
    for one in parameters["ScheduledUpdateGroupActions"]:
        try:
            action = _checked(group, one, Clock.now())
            group.scheduled[action["ScheduledActionName"]] = action
        except AwsError as failure:
            failed.append({"ScheduledActionName": one["ScheduledActionName"], "ErrorCode": failure.code,
                           "ErrorMessage": failure.message})
    group.due = 0.0
    return {"FailedScheduledUpdateGroupActions": failed}


@handles("autoscaling", "DeleteScheduledAction")
def delete(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    if group.scheduled.pop(parameters["ScheduledActionName"], None) is None:
        raise validation_error(f"Scheduled action name not found - {parameters['ScheduledActionName']}")


@handles("autoscaling", "BatchDeleteScheduledAction")
def batch_delete(region, parameters, _):
    group, failed = find(region, parameters["AutoScalingGroupName"]), []
    if len(parameters["ScheduledActionNames"]) > 50:
        raise validation_error("The maximum number of scheduled actions allowed is 50.")
    for name in parameters["ScheduledActionNames"]:
        if group.scheduled.pop(name, None) is None:
            failed.append({"ScheduledActionName": name, "ErrorCode": "ValidationError",
                           "ErrorMessage": f"Scheduled action name not found - {name}"})
    return {"FailedScheduledActions": failed}


def shown(group, action):
    """As DescribeScheduledActions answers it: StartTime is the next run when none was given."""
    members = {k: v for k, v in action.items() if k != "next"}
    start = members.get("StartTime") or action["next"]
    return {"AutoScalingGroupName": group.name, **members, "StartTime": start, "Time": start}


@handles("autoscaling", "DescribeScheduledActions")
def describe(region, parameters, _):
    groups = [region.groups[parameters["AutoScalingGroupName"]]] if parameters.get(
        "AutoScalingGroupName") in region.groups else (
            [] if "AutoScalingGroupName" in parameters else region.groups.values())
    found = [shown(group, action) for group in groups for _, action in sorted(group.scheduled.items())]
    names = parameters.get("ScheduledActionNames")
    if names:
        found = [one for one in found if one["ScheduledActionName"] in names]
    items, token = page(found, parameters, 50, 100)
    return {"ScheduledUpdateGroupActions": items, "NextToken": token}
