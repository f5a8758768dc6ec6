"""EC2's view of the groups' instances."""

from .answers import AwsError
from .filters import select, tag_list
from .paging import page
from .registry import handles
from .state import Clock

_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


def state_of(instance):
    """EC2's state of an instance in a lifecycle state."""
    if instance.gone_at is not None or instance.killed:
        return "terminated"
    state = instance.state
    if state in ("Warmed:Stopped", "Warmed:Hibernated"):
        return "stopped"
    if state in ("Pending", "Warmed:Pending"):
        return "pending"
    return "shutting-down" if state in ("Terminating", "Terminating:Proceed", "Warmed:Terminating",
                                        "Warmed:Terminating:Proceed") else "running"


def shown(region, instance):
    """As DescribeInstances answers it."""
    subnet = region.subnet(instance.subnet) or {}
    state, data = state_of(instance), instance.data
    options = data.get("MetadataOptions", {})
    # API_RegisterImage, ImdsSupport: what instances of the image have where the launch says nothing.
    tokens, hops = ("required", 2) if instance.made_from.get("ImdsSupport") == "v2.0" else ("optional", 1)
    address = instance.address
    return {
        "InstanceId": instance.id, "ImageId": instance.image, "InstanceType": instance.type,
        "State": {"Code": _CODES[state], "Name": state}, "LaunchTime": instance.launched,
        "Placement": {"AvailabilityZone": instance.zone, "Tenancy": "default", "GroupName": ""},
        "SubnetId": instance.subnet, "VpcId": subnet.get("VpcId"),
        "PrivateIpAddress": address if state != "terminated" else None,
        "PrivateDnsName": f"ip-{address.replace('.', '-')}.{region.name}.compute.internal",
        "InstanceLifecycle": instance.market if instance.market != "on-demand" else None,
        "SpotInstanceRequestId": "sir-" + instance.id[2:10] if instance.market == "spot" else None,
        "Architecture": instance.made_from.get("Architecture", "x86_64"),
        "SecurityGroups": [{"GroupId": g, "GroupName": g} for g in data.get("SecurityGroupIds", [])],
        "MetadataOptions": {"State": "applied", "HttpTokens": options.get("HttpTokens", tokens),
                            "HttpPutResponseHopLimit": options.get("HttpPutResponseHopLimit", hops),
                            "HttpEndpoint": options.get("HttpEndpoint", "enabled")},
        "Tags": tag_list(instance.tags),
    }


_SPECIAL = {
    "instance-state-name": lambda item: [item["State"]["Name"]],
    "instance-state-code": lambda item: [item["State"]["Code"]],
    "availability-zone": lambda item: [item["Placement"]["AvailabilityZone"]],
    "private-ip-address": lambda item: [item["PrivateIpAddress"]],
}
_PLAIN = ("InstanceId", "ImageId", "InstanceType", "SubnetId", "VpcId", "InstanceLifecycle", "Architecture",
          "PrivateDnsName", "SpotInstanceRequestId")


def _known(region):
    # EC2 User Guide "Terminate instances": a terminated one stays visible for about an hour.
    now = Clock.now()
    return [i for i in region.instances.values() if i.gone_at is None or now - i.gone_at < 3600]


def _chosen(region, wanted):
    found = _known(region)
    there = {instance.id for instance in found}
    missing = [identifier for identifier in wanted or [] if identifier not in there]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        verb = "do" if plural else "does"
        raise AwsError("InvalidInstanceID.NotFound",
                       f"The instance ID{plural} '{', '.join(missing)}' {verb} not exist")
    return [i for i in found if not wanted or i.id in wanted]


@handles("ec2", "DescribeInstances")
def describe(region, parameters, _):
    found = [shown(region, i) for i in _chosen(region, parameters.get("InstanceIds"))]
    found = select(found, parameters.get("Filters"), _SPECIAL, _PLAIN)
    items, token = page(found, parameters, None, 1000, "MaxResults")
    return {"Reservations": [{"ReservationId": "r-" + i["InstanceId"][2:], "OwnerId": region.account, "Instances": [i],
                              "Groups": [], "RequesterId": "autoscaling"} for i in items], "NextToken": token}


@handles("ec2", "DescribeInstanceStatus")
def status(region, parameters, _):
    found = [i for i in _chosen(region, parameters.get("InstanceIds"))
             if parameters.get("IncludeAllInstances") or state_of(i) == "running"]
    ok = {"Status": "ok", "Details": [{"Name": "reachability", "Status": "passed"}]}
    items, token = page(found, parameters, None, 1000, "MaxResults")
    return {"InstanceStatuses": [{
        "InstanceId": i.id, "AvailabilityZone": i.zone, "InstanceStatus": ok, "SystemStatus": ok,
        "InstanceState": {"Code": _CODES[state_of(i)], "Name": state_of(i)}} for i in items], "NextToken": token}


@handles("ec2", "TerminateInstances")
def terminate(region, parameters, _):
    """From outside the group: its health check finds out and replaces it."""
    changes = []
    for instance in _chosen(region, parameters["InstanceIds"]):
        before = state_of(instance)
        kill(region, instance)
        changes.append({"InstanceId": instance.id, "CurrentState": {"Code": 32, "Name": "shutting-down"},
                        "PreviousState": {"Code": _CODES[before], "Name": before}})
    return {"TerminatingInstances": changes}


def kill(region, instance, after=0.0):
    """EC2 takes an instance away, at once or after a notice."""
    if after:
        instance.killed_at = Clock.now() + after
    else:
        instance.killed, instance.health, instance.killed_since = True, "Unhealthy", Clock.now()
    if instance.group_name in region.groups:
        region.groups[instance.group_name].due = 0.0
