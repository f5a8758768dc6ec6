"""Seeded subnets, security groups and zones, and how EC2 describes them."""

from . import models
from .answers import AwsError
from .filters import select
from .paging import page
from .registry import handles


def _members(shape):
    return models.service("ec2").shape_for(shape).members


def _by_ids(items, key, wanted, missing):
    if not wanted:
        return items
    there = {item[key] for item in items}
    for identifier in wanted:
        if identifier not in there:
            raise AwsError(missing[0], missing[1].format(identifier))
    return [item for item in items if item[key] in wanted]


@handles("ec2", "DescribeSubnets")
def subnets(region, parameters, _):
    found = _by_ids(region.subnets, "SubnetId", parameters.get("SubnetIds"),
                    ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"))
    found = select(found, parameters.get("Filters"), None, _members("Subnet"))
    items, token = page(found, parameters, None, 1000, "MaxResults")
    return {"Subnets": items, "NextToken": token}


@handles("ec2", "DescribeSecurityGroups")
def security_groups(region, parameters, _):
    found = _by_ids(region.security_groups, "GroupId", parameters.get("GroupIds"),
                    ("InvalidGroup.NotFound", "The security group '{}' does not exist"))
    if parameters.get("GroupNames"):
        found = [group for group in found if group["GroupName"] in parameters["GroupNames"]]
    found = select(found, parameters.get("Filters"), None, _members("SecurityGroup"))
    items, token = page(found, parameters, None, 1000, "MaxResults")
    return {"SecurityGroups": items, "NextToken": token}


@handles("ec2", "DescribeAvailabilityZones")
def zones(region, parameters, _):
    found = [{
        "ZoneName": zone, "ZoneId": f"{region.name}-az{index + 1}", "RegionName": region.name, "State": "available",
        "ZoneType": "availability-zone", "OptInStatus": "opt-in-not-required", "GroupName": region.name,
    } for index, zone in enumerate(region.zones())]
    found = _by_ids(found, "ZoneName", parameters.get("ZoneNames"),
                    ("InvalidParameterValue", "Invalid availability zone: [{}]"))
    return {"AvailabilityZones": select(found, parameters.get("Filters"), None, _members("AvailabilityZone"))}
