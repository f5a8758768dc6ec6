"""Instance refreshes: which instances, how many at once, until when.

Source: User Guide "Use an instance refresh to update instances" and API_RefreshPreferences.
"""

import copy
import math
import uuid

from . import launching
from .answers import timestamp
from .lifecycle import begin_terminate
from .state import Clock, Settings

_ACTIVE = ("Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking")


class Refresh:
    """One instance refresh."""

    def __init__(self, group, now, preferences, desired_configuration):
        self.id, self.status, self.reason = str(uuid.uuid4()), "Pending", None
        self.start, self.end, self.preferences = now, None, preferences
        self.desired_configuration = desired_configuration
        self.before = copy.deepcopy({k: group.config[k] for k in ("LaunchTemplate", "MixedInstancesPolicy")
                                     if k in group.config})
        self.old = {i.id for i in group.instances.values() if not i.terminating}
        self.total = 0
        self.paused_until = None
        self.stuck_since = None
        self.rollback = None
        self.reached = 0  # percentage at which it ended

    active = property(lambda self: self.status in _ACTIVE)

    def source(self, group):
        """The configuration that instances are launched from meanwhile."""
        if self.rollback is not None:
            return self.before
        if not self.desired_configuration:
            return group.config
        return self.desired_configuration

    def warmup(self, group):
        seconds = self.preferences.get("InstanceWarmup")
        if seconds is None:
            seconds = group.config.get("DefaultInstanceWarmup", group.config.get("HealthCheckGracePeriod", 0))
        return seconds * Settings.warmup_scale

    def warm(self, group, instance, now):
        if instance.state != "InService":
            return False
        return instance.id in self.old or instance.in_service_at + self.warmup(group) <= now

    def candidates(self, group):
        """(those to be replaced, those that protection or standby keeps)."""
        free, held = [], []
        for instance in group.instances.values():
            if instance.id not in self.old or instance.terminating or instance.warm:
                continue
            if self.rollback is None and self.preferences.get("SkipMatching") and self._matches(group, instance):
                continue
            protected = self.preferences.get("ScaleInProtectedInstances", "Wait")
            standby = self.preferences.get("StandbyInstances", "Wait")
            if instance.state == "Standby":
                {"Terminate": free, "Wait": held}.get(standby, []).append(instance)
            elif instance.protected:
                {"Refresh": free, "Wait": held}.get(protected, []).append(instance)
            else:
                free.append(instance)
        return free, held

    def _matches(self, group, instance):
        source = self.source(group)
        policy = source.get("MixedInstancesPolicy")
        whole = policy["LaunchTemplate"]["LaunchTemplateSpecification"] if policy else source["LaunchTemplate"]
        try:
            template, version = launching.template_of(group.region, whole)
        except launching.NoCapacity:
            return False
        kinds = [o["InstanceType"] for o in policy["LaunchTemplate"].get("Overrides", []) if "InstanceType" in o] \
            if policy else [template.versions[version]["data"].get("InstanceType")]
        return (instance.template["LaunchTemplateId"] == template.id and instance.template["Version"] == str(version)
                and (instance.type in kinds or not kinds))

    def times(self, group):
        """When it goes on by itself."""
        found = [] if self.paused_until is None else [self.paused_until]
        if self.stuck_since is not None:
            found.append(self.stuck_since + Settings.refresh_wait_seconds)
        found += [i.in_service_at + self.warmup(group) for i in group.instances.values()
                  if i.in_service_at is not None and i.id not in self.old]
        return found

    def percentage(self, group):
        """An instance counts once its replacement is healthy and warm (API_InstanceRefresh)."""
        if not self.total:
            return 0
        return 100 * (self.total - self.remaining(group)) // self.total

    def remaining(self, group):
        """How many are still to be updated."""
        free, held = self.candidates(group)
        now = Clock.now()
        unready = sum(1 for i in group.counted() if i.id not in self.old and not self.warm(group, i, now))
        return min(self.total, len(free) + len(held) + unready)

    def finish(self, status, now, reason=None, group=None):
        if group is not None:
            self.reached = self.percentage(group)
        self.status, self.end, self.reason = status, now, reason or self.reason


def surge(group):
    """How many more than desired may run meanwhile (MaxHealthyPercentage)."""
    refresh = group.refresh()
    if refresh is None or refresh.status not in ("InProgress", "RollbackInProgress"):
        return 0
    most = refresh.preferences.get("MaxHealthyPercentage")
    if most is None or refresh.paused_until is not None:
        return 0
    free, _ = refresh.candidates(group)
    more = group.desired * (most - 100) // 100
    # API_RefreshPreferences, MaxHealthyPercentage: where both bounds leave no room, one is launched first.
    if more < 1 and group.desired - _least(group, refresh) < 1:
        more = 1
    return min(len(free), more)


def _least(group, refresh):
    return math.ceil(group.desired * refresh.preferences.get("MinHealthyPercentage", 90) / 100)


def advance(group, now):
    """The next step of the group's refresh, if there is one."""
    refresh = group.refresh()
    if refresh is None or "InstanceRefresh" in group.suspended:
        return False
    if refresh.status == "Pending":
        refresh.status = "InProgress"
        free, held = refresh.candidates(group)
        refresh.total = len(free) + len(held)
        return True
    if refresh.status == "Cancelling":
        if any(i.ready_at is not None or i.waits for i in group.instances.values()):
            return False
        refresh.finish("Cancelled", now, "Cancelled due to user request.", group)
        return True
    if refresh.paused_until is not None:
        if now < refresh.paused_until:
            return False
        refresh.paused_until = None
        refresh.reason = None
        # API_RefreshPreferences, CheckpointPercentages: all are replaced only if the last is 100.
        passed = refresh.preferences.get("_passed", [])
        if refresh.status == "Baking" or passed[-1:] == refresh.preferences.get("CheckpointPercentages", [])[-1:]:
            return _succeed(group, refresh, now)
    return _replace(group, refresh, now)


def _replace(group, refresh, now):
    counted = group.counted()
    free, held = refresh.candidates(group)
    warm = sum(1 for i in counted if refresh.warm(group, i, now))
    settled = warm >= group.desired and len(counted) >= group.desired
    if not free and settled:
        if not held:
            return _done(group, refresh, now)
        return _held(group, refresh, held, now)
    if _checkpoint(group, refresh, settled, now):
        return True
    room = warm - _least(group, refresh)
    if settled and room < 1 and not surge(group):
        room = 1  # at least one at a time is replaced, whatever the percentages leave
    if free and room >= 1:
        refresh.stuck_since = None
        for instance in free[:room]:
            begin_terminate(group, instance, now, f"At {timestamp(now)[:-5]}Z an instance was taken out of service in "
                            "response to an instance refresh.")
        return True
    return _stuck(group, refresh, warm, now)


def _held(group, refresh, held, now):
    refresh.reason = (f"Waiting for {len(held)} instances to have scale-in protection removed or to leave standby "
                      "before they can be replaced.")
    if refresh.stuck_since is None:
        refresh.stuck_since = now
    if now >= refresh.stuck_since + Settings.refresh_wait_seconds:
        return fail(group, refresh, now, "There are instances that are protected from scale in or in standby, and "
                    "the instance refresh has timed out waiting for them.")
    return False


def _stuck(group, refresh, warm, now):
    failing = group.retry_at > now
    if not failing:
        return False
    refresh.reason = group.activities[0].get("StatusMessage") if group.activities else None
    if refresh.stuck_since is None:
        refresh.stuck_since = now
    if now >= refresh.stuck_since + Settings.refresh_wait_seconds:
        return fail(group, refresh, now, "The instance refresh could not launch healthy instances in time. "
                    + (refresh.reason or ""))
    return False


def _checkpoint(group, refresh, settled, now):
    percentages = refresh.preferences.get("CheckpointPercentages") or []
    done = refresh.percentage(group)
    reached = [p for p in percentages if done >= p and p not in refresh.preferences.get("_passed", [])]
    if not (reached and settled):
        return False
    refresh.preferences.setdefault("_passed", []).extend(reached)
    delay = refresh.preferences.get("CheckpointDelay", 3600) * Settings.warmup_scale
    refresh.paused_until = now + delay
    refresh.reason = f"Reached checkpoint {reached[-1]}%. Waiting {refresh.preferences.get('CheckpointDelay', 3600)}s."
    return True


def _done(group, refresh, now):
    bake = refresh.preferences.get("BakeTime", 0) * Settings.warmup_scale
    if bake and refresh.rollback is None:
        refresh.status, refresh.paused_until = "Baking", now + bake
        return True
    return _succeed(group, refresh, now)


def _succeed(group, refresh, now):
    if refresh.rollback is not None:
        refresh.finish("RollbackSuccessful", now)
        return True
    if refresh.desired_configuration:
        # API_StartInstanceRefresh: once it succeeds, the group's settings reflect the desired configuration.
        for key in ("LaunchTemplate", "MixedInstancesPolicy"):
            group.config.pop(key, None)
        group.config.update(copy.deepcopy(refresh.desired_configuration))
    refresh.finish("Successful", now)
    return True


def fail(group, refresh, now, reason):
    """It fails, and rolls back if it was asked to."""
    refresh.reason = reason
    if refresh.preferences.get("AutoRollback") and refresh.rollback is None:
        roll_back(group, refresh, now, reason)
    else:
        refresh.finish("RollbackFailed" if refresh.rollback is not None else "Failed", now, reason, group)
    group.due = 0.0
    return True


def roll_back(group, refresh, now, reason):
    """Replaces what was launched since by instances of the configuration from before."""
    refresh.rollback = {
        "RollbackReason": reason, "RollbackStartTime": now,
        "PercentageCompleteOnRollback": refresh.percentage(group),
        "InstancesToUpdateOnRollback": refresh.remaining(group),
    }
    refresh.status, refresh.paused_until, refresh.stuck_since = "RollbackInProgress", None, None
    refresh.old = {i.id for i in group.instances.values() if i.id not in refresh.old and not i.terminating}
    refresh.total = len(refresh.old)
    group.due, group.retry_at = 0.0, 0.0
