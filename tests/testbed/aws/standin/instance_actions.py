"""What is asked of single instances: terminate, protect, mark, detach, stand by, complete a hook."""

from . import engine
from .answers import timestamp, validation_error
from .group import begin_activity, find
from .lifecycle import begin_terminate, complete, leave
from .registry import handles
from .state import Clock, Settings


def managed(region, instance_id):
    """(group, instance) of an id that some group has."""
    for group in region.groups.values():
        if instance_id in group.instances:
            group.rendered = None
            return group, group.instances[instance_id]
    raise validation_error(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")


def _of(group, instance_id):
    if instance_id not in group.instances:
        raise validation_error(f"The instance {instance_id} is not part of Auto Scaling group {group.name}.")
    return group.instances[instance_id]


@handles("autoscaling", "TerminateInstanceInAutoScalingGroup")
def terminate(region, parameters, _):
    decrement = parameters["ShouldDecrementDesiredCapacity"]
    if "InstanceIds" in parameters:
        # API_TerminateInstanceInAutoScalingGroup: several at once, of one group that is named.
        group = find(region, parameters.get("AutoScalingGroupName"))
        chosen = [_of(group, identifier) for identifier in parameters["InstanceIds"]]
        leaving = sum(instance.weight for instance in chosen if instance.counts)
        if decrement and group.desired - leaving < group.min:
            raise validation_error("Terminating instances without replacement will violate group's min size "
                                   "constraint.")
        done = [_terminate(group, instance, decrement) for instance in chosen]
        engine.settle(region)
        return {"Activities": done}
    group, instance = managed(region, parameters.get("InstanceId"))
    answer = _terminate(group, instance, decrement)
    engine.settle(region)
    return {"Activity": answer}


def _terminate(group, instance, decrement):
    now = Clock.now()
    if instance.warm:
        raise validation_error(f"The instance {instance.id} is in a warm pool.")
    if decrement and instance.counts and group.desired - instance.weight < group.min:
        raise validation_error("Currently, desiredSize equals minSize ({0}). Terminating instance without replacement "
                               "will violate group's min size constraint. Either set shouldDecrementDesiredCapacity "
                               "flag to false or lower group's min size.".format(group.min))
    stamp = timestamp(now)[:-5] + "Z"
    cause = f"At {stamp} instance {instance.id} was taken out of service in response to a user request"
    if decrement and instance.counts:
        cause += f", shrinking the capacity from {group.desired} to {group.desired - instance.weight}."
        group.config["DesiredCapacity"] -= instance.weight
    if instance.state.endswith(":Retained"):
        leave(group, instance, now)
        return begin_activity(group, now, f"Terminating EC2 instance: {instance.id}", cause)
    return dict(instance.activity if instance.terminating else begin_terminate(group, instance, now, cause))


@handles("autoscaling", "SetInstanceProtection")
def protect(region, parameters, _):
    group = find(region, parameters["AutoScalingGroupName"])
    # API_SetInstanceProtection: at most 50 instances.
    if len(parameters["InstanceIds"]) > 50:
        raise validation_error("At most 50 instances can be given at once.")
    chosen = [_of(group, identifier) for identifier in parameters["InstanceIds"]]
    for instance in chosen:
        # API_SetInstanceProtection: "This operation cannot be called on instances in a warm pool."
        if instance.state not in ("InService", "EnteringStandby", "Standby", "Pending", "Pending:Wait",
                                  "Pending:Proceed"):
            raise validation_error(f"The instance {instance.id} is not in InService or EnteringStandby or Standby.")
    for instance in chosen:
        instance.protected = parameters["ProtectedFromScaleIn"]
    group.due = 0.0
    engine.settle(region)
    return {}


@handles("autoscaling", "SetInstanceHealth")
def health(region, parameters, _):
    group, instance = managed(region, parameters["InstanceId"])
    if parameters["HealthStatus"] not in ("Healthy", "Unhealthy"):
        raise validation_error("Valid instance health states are: [Healthy, Unhealthy].")
    instance.health = parameters["HealthStatus"]
    group.due = 0.0


@handles("autoscaling", "CompleteLifecycleAction")
def complete_action(region, parameters, _):
    group, instance, wait = _waiting(region, parameters)
    if parameters["LifecycleActionResult"] not in ("CONTINUE", "ABANDON"):
        raise validation_error("The lifecycle action result must be one of: CONTINUE, ABANDON")
    complete(group, instance, wait["hook"]["LifecycleHookName"], parameters["LifecycleActionResult"], Clock.now())
    engine.settle(region)
    return {}


@handles("autoscaling", "RecordLifecycleActionHeartbeat")
def heartbeat(region, parameters, _):
    group, _, wait = _waiting(region, parameters)
    wait["deadline"] = Clock.now() + wait["hook"]["HeartbeatTimeout"] * Settings.heartbeat_scale
    group.due = 0.0
    return {}


def _waiting(region, parameters):
    group, name = find(region, parameters["AutoScalingGroupName"]), parameters["LifecycleHookName"]
    if name not in group.hooks:
        raise validation_error(f"Lifecycle hook with name {name} not found for AutoScalingGroup {group.name}")
    token, identifier = parameters.get("LifecycleActionToken"), parameters.get("InstanceId")
    for instance in group.instances.values():
        wait = instance.waits.get(name)
        if wait and wait["result"] is None and (wait["token"] == token or instance.id == identifier):
            return group, instance, wait
    what = f"token {token}" if token else f"instance ID {identifier}"
    raise validation_error(f"No active Lifecycle Action found with {what}")


def _leave_capacity(group, instance, decrement, state, description, now):
    if decrement:
        if group.desired - instance.weight < group.min:
            raise validation_error(f"Currently, desiredSize equals minSize ({group.min}). The group's min size "
                                   "constraint would be violated.")
        group.config["DesiredCapacity"] -= instance.weight
    instance.state, instance.ready_at = state, now + Settings.terminate_seconds
    instance.activity = begin_activity(group, now, f"{description}: {instance.id}",
                                       f"At {timestamp(now)[:-5]}Z instance {instance.id} was {state} by a user "
                                       "request.")
    return dict(instance.activity)


@handles("autoscaling", "DetachInstances", "EnterStandby")
def detach_or_stand_by(region, parameters, call):
    group, now = find(region, parameters["AutoScalingGroupName"]), Clock.now()
    decrement = parameters["ShouldDecrementDesiredCapacity"]
    chosen = [_of(group, identifier) for identifier in parameters.get("InstanceIds", [])]
    state, text = (("Detaching", "Detaching EC2 instance") if call.action == "DetachInstances"
                   else ("EnteringStandby", "Moving EC2 instance to Standby"))
    for instance in chosen:
        if instance.state != "InService" and not (instance.state == "Standby" and state == "Detaching"):
            raise validation_error(f"The instance {instance.id} is not in InService.")
    done = [_leave_capacity(group, instance, decrement, state, text, now) for instance in chosen]
    group.due = 0.0
    return {"Activities": done}


@handles("autoscaling", "ExitStandby")
def exit_standby(region, parameters, _):
    group, now = find(region, parameters["AutoScalingGroupName"]), Clock.now()
    chosen = [_of(group, identifier) for identifier in parameters.get("InstanceIds", [])]
    for instance in chosen:
        if instance.state != "Standby":
            raise validation_error(f"The instance {instance.id} is not in Standby.")
    if group.desired + sum(i.weight for i in chosen) > group.max:
        raise validation_error("The group's max size constraint would be violated.")
    done = []
    for instance in chosen:
        group.config["DesiredCapacity"] += instance.weight
        instance.state, instance.ready_at = "Pending", now + Settings.launch_seconds
        instance.activity = begin_activity(group, now, f"Moving EC2 instance out of Standby: {instance.id}",
                                           f"At {timestamp(now)[:-5]}Z instance {instance.id} was moved out of "
                                           "standby by a user request.")
        done.append(dict(instance.activity))
    group.due = 0.0
    return {"Activities": done}
