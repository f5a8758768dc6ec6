"""An instance's way through its states, and the hooks that hold it.

Source: User Guide "Amazon EC2 Auto Scaling instance lifecycle" and "Lifecycle hooks".
"""

import uuid

from .answers import timestamp
from .group import begin_activity, end_activity
from .state import Settings


def wait_for_hooks(group, instance, now, moment):
    """Puts an instance before its hooks; False if there are none."""
    hooks = group.hooks_at(moment)
    if not hooks:
        return False
    for hook in hooks:
        # API_LifecycleHook, GlobalTimeout: 172800 seconds (48 hours) or 100 times the heartbeat, the smaller.
        heartbeat = hook["HeartbeatTimeout"]
        instance.waits[hook["LifecycleHookName"]] = {
            "token": str(uuid.uuid4()), "hook": dict(hook), "moment": moment, "result": None,
            "deadline": now + heartbeat * Settings.heartbeat_scale,
            "last": now + min(172800, 100 * heartbeat) * Settings.heartbeat_scale,
        }
    instance.state += ":Wait"
    instance.ready_at = None
    if instance.activity is not None:
        instance.activity["StatusCode"] = "MidLifecycleAction"
    return True


def begin_terminate(group, instance, now, cause, hooks=True):
    """Starts to take an instance away; its activity."""
    end_activity(instance.activity, now, "Cancelled")
    warm = instance.warm
    instance.state = "Warmed:Terminating" if warm else "Terminating"
    instance.waits = {}
    instance.leaving = False
    instance.activity = begin_activity(group, now, f"Terminating EC2 instance: {instance.id}", cause)
    if not (hooks and wait_for_hooks(group, instance, now, "terminate")):
        instance.ready_at = now + Settings.terminate_seconds
    group.due = 0.0
    return instance.activity


def complete(group, instance, hook_name, result, now, why="Lifecycle Action Completed with ABANDON Result"):
    """A hook's result. ABANDON ends the others' wait; CONTINUE waits for them."""
    wait = instance.waits[hook_name]
    wait["result"] = result
    waits = list(instance.waits.values())
    if result == "CONTINUE" and any(each["result"] is None for each in waits):
        return
    abandoned = any(each["result"] == "ABANDON" for each in waits)
    instance.waits = {}
    group.due = 0.0
    base = instance.state.removesuffix(":Wait")
    if wait["moment"] == "launch" and abandoned:
        end_activity(instance.activity, now, "Cancelled",
                     "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token "
                     f"{wait['token']} was abandoned: {why}")
        stamp = timestamp(now)[:-5] + "Z"
        group.retry_at = now + Settings.retry_seconds
        begin_terminate(group, instance, now, f"At {stamp} an instance was taken out of service in response to a "
                        "launch lifecycle action being abandoned.")
        return
    triggers = group.config.get("InstanceLifecyclePolicy", {}).get("RetentionTriggers", {})
    # API_RetentionTriggers: `retain` keeps an instance whose termination hook was abandoned.
    if wait["moment"] == "terminate" and abandoned and triggers.get("TerminateHookAbandon") == "retain" \
            and not instance.killed:
        instance.state = base + ":Retained"
        end_activity(instance.activity, now, "Cancelled", "The instance is retained.")
        return
    instance.state = base + ":Proceed"
    half = Settings.launch_seconds if wait["moment"] == "launch" else Settings.terminate_seconds
    instance.ready_at = now + half / 2


def time_out(group, now):
    """Hooks whose heartbeat has ended take their default result."""
    changed = False
    for instance in list(group.instances.values()):
        for name, wait in list(instance.waits.items()):
            if wait["result"] is None and min(wait["deadline"], wait["last"]) <= now and name in instance.waits:
                complete(group, instance, name, wait["hook"]["DefaultResult"], now, "Heartbeat Timeout")
                changed = True
    return changed


def pass_by(group, now):
    """States that end by themselves, end."""
    changed = False
    for instance in list(group.instances.values()):
        if instance.killed_at is not None and instance.killed_at <= now and not instance.killed:
            instance.killed, instance.health, instance.killed_at = True, "Unhealthy", None
            instance.killed_since = now
            changed = True
        if instance.ready_at is None or instance.ready_at > now:
            continue
        changed = True
        state = instance.state.removeprefix("Warmed:")
        if state == "Pending" and wait_for_hooks(group, instance, now, "launch"):
            continue
        instance.ready_at = None
        if state in ("Pending", "Pending:Proceed"):
            if instance.warm:
                instance.state = f"Warmed:{group.warm_pool['PoolState'] if group.warm_pool else 'Stopped'}"
            else:
                instance.state, instance.in_service_at = "InService", now
            end_activity(instance.activity, now, "Successful")
        elif state in ("Terminating", "Terminating:Proceed"):
            leave(group, instance, now)
        elif state == "EnteringStandby":
            instance.state = "Standby"
            end_activity(instance.activity, now, "Successful")
        elif state == "Detaching":
            instance.state = "Detached"
            group.instances.pop(instance.id)
            end_activity(instance.activity, now, "Successful")
    return changed


def leave(group, instance, now):
    """It is gone; EC2 shows it as terminated for a while."""
    instance.state, instance.gone_at, instance.ready_at = "Terminated", now, None
    group.instances.pop(instance.id, None)
    end_activity(instance.activity, now, "Successful")
