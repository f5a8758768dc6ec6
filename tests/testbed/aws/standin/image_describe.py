"""Which images there are, and their attributes.

Source: API_DescribeImages; EC2 User Guide "Disable an Amazon EC2 AMI" and "Deprecate an Amazon EC2 AMI".
"""

import datetime

from . import images, models, permissions
from .answers import AwsError
from .filters import select
from .paging import page
from .registry import handles
from .state import Clock


def _volumes(member):
    return lambda image: [mapping["Ebs"].get(member) for mapping in image["BlockDeviceMappings"] if "Ebs" in mapping]


_SPECIAL = {
    "owner-alias": lambda image: [image.get("ImageOwnerAlias")],
    "is-public": lambda image: [image.get("Public", False)],
    "manifest-location": lambda image: [image.get("ImageLocation")],
    "state-reason-code": lambda image: [image.get("StateReason", {}).get("Code")],
    "state-reason-message": lambda image: [image.get("StateReason", {}).get("Message")],
    "block-device-mapping.device-name": lambda image: [one["DeviceName"] for one in image["BlockDeviceMappings"]],
    "block-device-mapping.snapshot-id": _volumes("SnapshotId"),
    "block-device-mapping.volume-size": _volumes("VolumeSize"),
    "block-device-mapping.volume-type": _volumes("VolumeType"),
    "block-device-mapping.encrypted": _volumes("Encrypted"),
    "block-device-mapping.delete-on-termination": _volumes("DeleteOnTermination"),
}


@handles("ec2", "DescribeImages")
def describe(region, parameters, _):
    wanted, owners = parameters.get("ImageIds"), parameters.get("Owners")
    found = images.visible(region)
    if wanted:
        found = _of_ids(region, found, wanted)
    if owners:
        own = [region.account if owner == "self" else owner for owner in owners]
        found = [image for image in found if image["OwnerId"] in own or image.get("ImageOwnerAlias") in own]
    for user in parameters.get("ExecutableUsers", []):
        found = [image for image in found if _executable(region, image, user)]
    if not parameters.get("IncludeDisabled"):
        found = [image for image in found if image["State"] != "disabled"]
    if not parameters.get("IncludeDeprecated"):
        found = [image for image in found if image["OwnerId"] == region.account or image["ImageId"] in (wanted or [])
                 or not _deprecated(image)]
    # EC2 User Guide "Tag your Amazon EC2 resources": tags are the account's own; others do not see them.
    here = {id(image) for image in region.images}
    shown = [image if id(image) in here else {**image, "Tags": []} for image in found]
    shown = select(shown, parameters.get("Filters"), _SPECIAL, models.service("ec2").shape_for("Image").members)
    items, token = page(shown, parameters, None, 1000, "MaxResults")
    return {"Images": [image.told() if id(image) in here else image for image in items], "NextToken": token}


def _of_ids(region, found, wanted):
    """One that was deregistered is not there, but an error only once no instance is left that refers to it."""
    there = {image["ImageId"] for image in found}
    referred = {instance.image for instance in region.instances.values() if instance.gone_at is None}
    missing = [identifier for identifier in wanted if identifier not in there
               and not (identifier in region.deregistered and identifier in referred)]
    if missing:
        raise images.not_found(*missing)
    return [image for image in found if image["ImageId"] in wanted]


def _executable(region, image, user):
    """API_DescribeImages, ExecutableUsers: explicit permissions alone; of another account, for one's own images."""
    if user == "all":
        return permissions.EVERYBODY in image.permissions
    account = region.account if user == "self" else user
    return {"UserId": account} in image.permissions


def _deprecated(image):
    at = image.get("DeprecationTime")
    return bool(at) and datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() <= Clock.now()


_VALUES = {"description": "Description", "bootMode": "BootMode", "tpmSupport": "TpmSupport",
           "imdsSupport": "ImdsSupport", "sriovNetSupport": "SriovNetSupport", "kernel": "KernelId",
           "ramdisk": "RamdiskId", "uefiData": "UefiData", "lastLaunchedTime": "LastLaunchedTime",
           "deregistrationProtection": "DeregistrationProtection"}


@handles("ec2", "DescribeImageAttribute")
def attribute(region, parameters, _):
    image, name = images.own(region, parameters["ImageId"]), parameters["Attribute"]
    answer = {"ImageId": image["ImageId"]}
    if name == "launchPermission":
        return {**answer, "LaunchPermissions": list(image.permissions)}
    if name == "productCodes":
        return {**answer, "ProductCodes": []}
    if name == "blockDeviceMapping":  # API_DescribeImageAttribute, Attribute: deprecated
        raise AwsError("AuthFailure", "Unauthorized attempt to access restricted resource")
    member = _VALUES[name]
    value = image.uefi_data if name == "uefiData" else image.get(member)
    if name == "deregistrationProtection":
        value = "disabled"
    return {**answer, member: {} if value is None else {"Value": value}}
