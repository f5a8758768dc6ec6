"""What is done to an image: share, disable, enable, deprecate, deregister."""

import datetime

from . import encryption, images, permissions
from .answers import AwsError
from .registry import handles
from .state import Clock


@handles("ec2", "ModifyImageAttribute")
def modify(region, parameters, _):
    # API errors, InvalidAMIID.Unavailable: nothing is modified in another state. A disabled AMI cannot be shared.
    image = images.own(region, parameters["ImageId"], "available")
    name = parameters.get("Attribute")
    given = [member for member in ("Description", "ImdsSupport", "LaunchPermission") if member in parameters]
    named = name and name[0].upper() + name[1:]
    if len(set(given) | ({named} if named else set())) != 1:  # API_ModifyImageAttribute: one attribute at a time
        raise AwsError("InvalidParameterCombination", "Exactly one attribute must be specified.")
    named = named or given[0]
    if named == "LaunchPermission":
        _share(region, image, *permissions.changes(parameters, "LaunchPermission"))
    elif named in ("Description", "ImdsSupport"):
        value = parameters.get(named, {}).get("Value", parameters.get("Value"))
        if named == "ImdsSupport" and value != "v2.0":
            raise AwsError("InvalidParameterValue", "The only value of imdsSupport is v2.0.")
        image[named] = value
    else:
        raise AwsError("InvalidParameterValue", f"The attribute {name} cannot be modified.")


def _share(region, image, added, removed):
    behind = [region.snapshots[one] for one in image.snapshots if one in region.snapshots]
    # EC2 User Guide "Share an AMI with specific AWS accounts": not if a snapshot is under the AWS managed key;
    # "Make your AMI publicly available": not if one is encrypted.
    if added and any(one.key == encryption.managed_key(region) for one in behind):
        raise AwsError("InvalidParameter", "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify "
                       "another snapshot.")
    if permissions.EVERYBODY in added and any(one.key for one in behind):
        raise AwsError("InvalidParameter", "AMIs with encrypted snapshots can't be made public.")
    image.share(added, removed)


@handles("ec2", "DisableImage")
def disable(region, parameters, _):
    """API_DisableImage: it removes all launch permissions."""
    image = images.own(region, parameters["ImageId"], "available", "disabled")
    image.share([], list(image.permissions))
    image["State"] = "disabled"
    return {"Return": True}


@handles("ec2", "EnableImage")
def enable(region, parameters, _):
    image = images.own(region, parameters["ImageId"], "available", "disabled")
    image["State"] = "available"
    return {"Return": True}


@handles("ec2", "DeregisterImage")
def deregister(region, parameters, _):
    image = images.own(region, parameters["ImageId"])
    region.images = [one for one in region.images if one is not image]
    region.deregistered.add(image["ImageId"])
    results = []
    if parameters.get("DeleteAssociatedSnapshots"):
        for identifier in image.snapshots:
            # API_DeregisterImage: one that other AMIs have is kept.
            skipped = bool(images.using(region, identifier))
            gone = None if skipped else region.snapshots.pop(identifier, None)
            code = "skipped" if skipped else "success" if gone else "client-error"
            results.append({"SnapshotId": identifier, "ReturnCode": code})
    return {"Return": True, "DeleteSnapshotResults": results}


@handles("ec2", "EnableImageDeprecation")
def deprecate(region, parameters, _):
    image, at = images.own(region, parameters["ImageId"]), parameters["DeprecateAt"]
    # API_EnableImageDeprecation, DeprecateAt: not in the past, rounded to the minute.
    if at.timestamp() < Clock.now():
        raise AwsError("InvalidParameterValue", "DeprecateAt must not be in the past.")
    at = at.astimezone(datetime.timezone.utc) + datetime.timedelta(seconds=30)
    image["DeprecationTime"] = at.strftime("%Y-%m-%dT%H:%M:00.000Z")
    return {"Return": True}


@handles("ec2", "DisableImageDeprecation")
def keep(region, parameters, _):
    images.own(region, parameters["ImageId"])["DeprecationTime"] = None
    return {"Return": True}
