"""POST /truth/world: what is there before a test begins. Short forms are filled up to what EC2 answers."""

import datetime

from . import image_seeds, parameters
from .state import Clock, Worlds, new_id

_KEYS = {"account", "region", "ebs", "snapshots", "images", "subnets", "security_groups", "parameters", "prices",
         "quotas", "instance_types", "capacity_reservations", "keys", "network", "addresses"}
DEFAULT_REGION = "us-east-1"


def _tags(given):
    tags = given.get("tags", {})
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _epoch(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def plant(spec):
    """Adds what `spec` names; what was made, so that a test knows the ids."""
    unknown = set(spec) - _KEYS
    if unknown:
        raise ValueError(f"unknown seeds: {sorted(unknown)}")
    for key, value in spec.get("keys", {}).items():
        value = {"account": value} if isinstance(value, str) else value
        account = value["account"]
        Worlds.keys[key] = {"account": account, "arn": value.get("arn", f"arn:aws:iam::{account}:user/floodway"),
                            "user_id": value.get("user_id", "AIDAFLOODWAYSTANDIN00")}
    account = spec.get("account") or Worlds.identity(None)["account"]
    region = Worlds.region(account, spec.get("region", DEFAULT_REGION))
    if spec.get("network"):
        network(region, spec["network"])
    image_seeds.encryption(region, spec.get("ebs", {}))
    made = {
        "snapshots": [image_seeds.snapshot(region, one).shown() for one in spec.get("snapshots", [])],
        "images": [image_seeds.image(region, one) for one in spec.get("images", [])],
        "subnets": [_subnet(region, one) for one in spec.get("subnets", [])],
        "security_groups": [_security_group(region, one) for one in spec.get("security_groups", [])],
    }
    if spec.get("network"):
        made["subnets"], made["security_groups"] = region.subnets[:], region.security_groups[:]
    for name, value in spec.get("parameters", {}).items():
        parameters.put(region, name, value)
    for one in spec.get("prices", []):
        zones = [one["zone"]] if "zone" in one else region.zones()
        for zone in zones:
            region.prices.append({
                "InstanceType": one["instance_type"], "AvailabilityZone": zone,
                "ProductDescription": one.get("product", "Linux/UNIX"), "SpotPrice": f"{float(one['usd']):.6f}",
                "Timestamp": _epoch(one["at"]) if "at" in one else Clock.now() - 60,
            })
    for one in spec.get("quotas", []):
        region.quotas.append({"ServiceCode": one.get("service", "ec2"), "QuotaCode": one["code"],
                              "QuotaName": one.get("name", one["code"]), "Value": float(one["value"])})
    region.instance_types.update(spec.get("instance_types", {}))
    region.addresses += spec.get("addresses", [])
    region.capacity_reservations += [_reservation(region, one) for one in spec.get("capacity_reservations", [])]
    return made


def network(region, wanted):
    """A VPC with one subnet in each of the region's first zones, and one security group."""
    count = wanted if isinstance(wanted, int) and not isinstance(wanted, bool) else 3
    vpc = new_id("vpc")
    for index, letter in enumerate("abcdef"[:count]):
        _subnet(region, {"vpc": vpc, "zone": region.name + letter, "cidr": f"10.{index}.0.0/16"})
    _security_group(region, {"vpc": vpc, "name": "floodway"})


def _subnet(region, given):
    subnet = {
        "SubnetId": given.get("id", new_id("subnet")), "VpcId": given.get("vpc", "vpc-0floodway"),
        "AvailabilityZone": given["zone"], "State": "available", "OwnerId": region.account,
        "CidrBlock": given.get("cidr", "10.0.0.0/16"), "AvailableIpAddressCount": given.get("free", 4091),
        "DefaultForAz": False, "MapPublicIpOnLaunch": False, "Tags": _tags(given),
    }
    subnet["SubnetArn"] = region.arn("ec2", f"subnet/{subnet['SubnetId']}")
    region.subnets.append(subnet)
    return subnet


def _reservation(region, given):
    """A capacity reservation; with `block`, a Capacity Block for ML."""
    held = {
        "CapacityReservationId": given.get("id", new_id("cr")), "OwnerId": region.account,
        "InstanceType": given["instance_type"], "InstancePlatform": "Linux/UNIX", "Tenancy": "default",
        "AvailabilityZone": given["zone"], "TotalInstanceCount": given["instances"],
        "State": given.get("state", "active"), "EbsOptimized": False, "EphemeralStorage": False,
        "StartDate": _epoch(given["begins"]) if "begins" in given else Clock.now() - 60,
        "EndDateType": "limited" if "ends" in given else "unlimited", "InstanceMatchCriteria": "targeted",
        "CreateDate": Clock.now() - 60, "Tags": _tags(given),
        "ReservationType": "capacity-block" if given.get("block") else "default",
    }
    if "ends" in given:
        held["EndDate"] = _epoch(given["ends"])
    held["CapacityReservationArn"] = region.arn("ec2", f"capacity-reservation/{held['CapacityReservationId']}")
    return held


def _security_group(region, given):
    group = {
        "GroupId": given.get("id", new_id("sg")), "GroupName": given["name"],
        "VpcId": given.get("vpc", "vpc-0floodway"),
        "Description": given.get("description", given["name"]), "OwnerId": region.account, "IpPermissions": [],
        "IpPermissionsEgress": [], "Tags": _tags(given),
    }
    region.security_groups.append(group)
    return group
