"""Capacity reservations and Capacity Blocks for ML: what is held, by whom it is used, and when it ends.

Source: EC2 User Guide "Launch instances into an existing Capacity Reservation" and "Work with Capacity Blocks";
API_CapacityReservation.
"""

from . import models
from .answers import AwsError
from .filters import select
from .paging import page
from .registry import handles
from .state import Clock

# "Work with Capacity Blocks": thirty minutes before a block ends, EC2 begins to end what runs in it.
BLOCK_CLOSES = 30 * 60


def target(data):
    """The ID of the reservation that a template's instances start in, or None."""
    given = data.get("CapacityReservationSpecification", {}).get("CapacityReservationTarget", {})
    return given.get("CapacityReservationId")


def find(region, identifier):
    return next((one for one in region.capacity_reservations if one["CapacityReservationId"] == identifier), None)


def _state(held, now):
    if held["State"] not in ("active", "scheduled"):
        return held["State"]
    if now < held["StartDate"]:
        return "scheduled"
    return "expired" if now >= held.get("EndDate", float("inf")) else "active"


def _free(region, held):
    used = sum(1 for one in region.instances.values() if one.gone_at is None and not one.killed
               and target(one.data) == held["CapacityReservationId"])
    return max(held["TotalInstanceCount"] - used, 0)


def closes(region, data):
    """When EC2 takes an instance of these data away again, or None."""
    held = find(region, target(data))
    if held and held["ReservationType"] == "capacity-block" and "EndDate" in held:
        return held["EndDate"] - BLOCK_CLOSES
    return None


def refusal(region, data, kind, zone):
    """Why no instance starts in the reservation that is meant, or None."""
    identifier = target(data)
    if not identifier:
        return None
    held = find(region, identifier)
    if held is None:
        return f"The capacity reservation '{identifier}' was not found"
    if _state(held, Clock.now()) != "active" or Clock.now() >= (closes(region, data) or float("inf")):
        return f"The capacity reservation '{identifier}' is not in the active state"
    if (kind, zone) != (held["InstanceType"], held["AvailabilityZone"]):
        return f"The requested configuration does not match the capacity reservation '{identifier}'"
    block = data.get("InstanceMarketOptions", {}).get("MarketType") == "capacity-block"
    if block != (held["ReservationType"] == "capacity-block"):
        return f"The market type of the request does not match the capacity reservation '{identifier}'"
    if not _free(region, held):
        return f"The capacity reservation '{identifier}' has insufficient capacity"
    return None


@handles("ec2", "DescribeCapacityReservations")
def describe(region, parameters, _):
    now = Clock.now()
    wanted = parameters.get("CapacityReservationIds")
    for identifier in wanted or []:
        if find(region, identifier) is None:
            raise AwsError("InvalidCapacityReservationId.NotFound",
                           f"The capacity reservation '{identifier}' was not found")
    found = [{**held, "State": _state(held, now), "AvailableInstanceCount": _free(region, held)}
             for held in region.capacity_reservations if not wanted or held["CapacityReservationId"] in wanted]
    found = select(found, parameters.get("Filters"), None,
                   models.service("ec2").shape_for("CapacityReservation").members)
    items, token = page(found, parameters, None, 1000, "MaxResults")
    return {"CapacityReservations": items, "NextToken": token}
