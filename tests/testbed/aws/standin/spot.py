"""EC2's spot requests, one for each spot instance, and the notice that it gives before it takes one back."""

from .filters import select, tag_list
from .instances import state_of
from .paging import page
from .registry import handles


def _status(instance):
    """(state, status code, message, time).

    Source: EC2 User Guide "Get the status of a Spot Instance request": `marked-for-termination` from
    the notice to the end, and then why it ended.
    """
    gone = state_of(instance) in ("terminated", "shutting-down")
    if instance.noticed_at is not None and not instance.killed and not gone:
        return ("active", "marked-for-termination", "Your Spot instance is marked for termination.",
                instance.noticed_at)
    if instance.noticed_at is not None and instance.killed:
        return ("closed", "instance-terminated-no-capacity",
                "Your Spot instance was terminated because there is no Spot capacity available that matches your "
                "request.", instance.killed_since)
    if gone:
        return ("closed", "instance-terminated-by-user", "Your Spot instance was terminated by a user.",
                instance.gone_at or instance.launched)
    return "active", "fulfilled", "Your Spot request is fulfilled.", instance.launched


def _shown(instance):
    state, code, message, since = _status(instance)
    return {
        "SpotInstanceRequestId": "sir-" + instance.id[2:10], "InstanceId": instance.id, "Type": "one-time",
        "State": state, "Status": {"Code": code, "Message": message, "UpdateTime": since},
        "CreateTime": instance.launched, "LaunchedAvailabilityZone": instance.zone,
        "InstanceInterruptionBehavior": "terminate", "ProductDescription": "Linux/UNIX", "Tags": tag_list({}),
    }


_SPECIAL = {"status-code": lambda item: [item["Status"]["Code"]]}


@handles("ec2", "DescribeSpotInstanceRequests")
def describe(region, parameters, _):
    wanted = parameters.get("SpotInstanceRequestIds")
    found = [_shown(i) for i in region.instances.values() if i.market == "spot"]
    found = [one for one in found if not wanted or one["SpotInstanceRequestId"] in wanted]
    found = select(found, parameters.get("Filters"), _SPECIAL, ("InstanceId", "State", "SpotInstanceRequestId", "Type"))
    items, token = page(found, parameters, None, 1000, "MaxResults")
    return {"SpotInstanceRequests": items, "NextToken": token}
