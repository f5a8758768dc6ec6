"""One instance refresh, as data and as what it still has to do."""

import copy
import uuid

from . import launching
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
