"""An Auto Scaling group and its instances, as data."""

import uuid

from .answers import timestamp, validation_error
from .state import new_id

TRANSITIONS = {"launch": "autoscaling:EC2_INSTANCE_LAUNCHING", "terminate": "autoscaling:EC2_INSTANCE_TERMINATING"}


class Instance:
    """One instance of a group."""

    def __init__(self, group, now, offering, template, warm=False):
        self.id, self.group_name, self.launched = new_id("i"), group.name, now
        self.type, self.market, self.zone, self.subnet, self.weight = (
            offering.type, offering.market, offering.zone, offering.subnet, offering.weight)
        self.template = template  # {"LaunchTemplateId", "LaunchTemplateName", "Version"}
        self.image = offering.image
        self.made_from = {}  # the image as it was
        self.address = None  # private, in its VPC
        self.data = offering.data
        self.state = "Warmed:Pending" if warm else "Pending"
        self.protected = bool(group.config.get("NewInstancesProtectedFromScaleIn"))
        self.health = "Healthy"
        self.tags = {}
        self.ready_at = None  # when it leaves a state that passes by itself
        self.in_service_at = None
        self.waits = {}  # hook name -> {"token", "deadline", "last", "hook", "result"}
        self.activity = None
        self.leaving = False  # being replaced: counts no longer, goes when another serves
        self.killed = False  # EC2 has taken it away
        self.killed_since = None
        self.killed_at = None  # when EC2 will
        self.noticed_at = None  # when EC2 said so, of spot
        self.gone_at = None

    @property
    def warm(self):
        return self.state.startswith("Warmed:")

    @property
    def terminating(self):
        return "Terminating" in self.state or self.state in ("Detaching", "Detached", "Terminated")

    @property
    def counts(self):
        """Whether it is part of the group's capacity."""
        return not (self.warm or self.terminating or self.leaving or self.state in ("Standby", "EnteringStandby"))

    def shown(self):
        """As DescribeAutoScalingGroups lists it."""
        return {
            "InstanceId": self.id, "InstanceType": self.type, "AvailabilityZone": self.zone,
            "LifecycleState": self.state, "HealthStatus": self.health,
            "LaunchTemplate": self.template, "ProtectedFromScaleIn": self.protected,
            "WeightedCapacity": str(self.weight) if self.weight != 1 else None,
        }


class Group:
    """One group: what was asked for, and what is there."""

    def __init__(self, region, name, config, now):
        self.region, self.name, self.config, self.created = region, name, config, now
        self.arn = region.arn("autoscaling",
                              f"autoScalingGroup:{uuid.uuid4()}:autoScalingGroupName/{name}")
        self.tags, self.hooks, self.instances = {}, {}, {}
        self.activities, self.refreshes, self.scheduled = [], [], {}
        self.suspended, self.metrics, self.warm_pool = {}, {}, None
        self.due = 0.0  # when something happens next; 0: at once
        self.retry_at = 0.0
        self.cause = ""  # why the capacity was last changed
        self.deleting = False
        self.rendered = None  # its answer on the wire, until something changes

    min = property(lambda self: self.config["MinSize"])
    max = property(lambda self: self.config["MaxSize"])
    desired = property(lambda self: self.config["DesiredCapacity"])

    def set_desired(self, value, now, cause):
        """Changes desired and notes why, as activities tell it."""
        if value != self.desired:
            self.cause = (f"At {timestamp(now)[:-5]}Z {cause} changing the desired capacity "
                          f"from {self.desired} to {value}.  ")
            self.config["DesiredCapacity"] = value
        self.due = 0.0

    def counted(self):
        return [instance for instance in self.instances.values() if instance.counts]

    def warmed(self):
        return [instance for instance in self.instances.values() if instance.warm and not instance.terminating]

    def refresh(self):
        """The instance refresh in progress, or None."""
        first = self.refreshes[0] if self.refreshes else None
        return first if first is not None and first.active else None

    def source(self):
        """What instances are launched from: the group's template and policy, or those of its refresh."""
        refresh = self.refresh()
        return refresh.source(self) if refresh else self.config

    def hooks_at(self, moment):
        return [hook for hook in self.hooks.values() if hook["LifecycleTransition"] == TRANSITIONS[moment]]


def find(region, name):
    """The group, or AWS's refusal."""
    group = region.groups.get(name)
    if group is None:
        raise validation_error(f"AutoScalingGroup name not found - AutoScalingGroup {name} not found")
    group.rendered = None  # whoever looks for it may change it
    return group


def begin_activity(group, now, description, cause, status="InProgress"):
    """A new activity, newest first; only the last few hundred are kept."""
    activity = {
        "ActivityId": str(uuid.uuid4()), "AutoScalingGroupName": group.name, "Description": description,
        "Cause": cause, "StartTime": now, "StatusCode": status, "Progress": 50, "Details": "{}",
        "AutoScalingGroupARN": group.arn,
    }
    group.activities.insert(0, activity)
    del group.activities[300:]
    return activity


def end_activity(activity, now, status, message=None):
    """An activity's outcome."""
    if activity is not None and "EndTime" not in activity:
        activity.update({"EndTime": now, "StatusCode": status, "Progress": 100})
        if message:
            activity["StatusMessage"] = message
