"""RegisterImage and CopyImage.

Source: API_RegisterImage, API_CopyImage, API_EbsBlockDevice; EC2 User Guide "Create an AMI from a snapshot" and
"Copy an Amazon EC2 AMI"; the codes of "Error codes for the Amazon EC2 API".
"""

import copy
import re

from . import encryption, images, snapshots
from .answers import AwsError, timestamp
from .images import Image
from .registry import handles
from .state import Clock, Settings, Worlds, new_id
from .templates import once


def _checked_name(region, name):
    # API_RegisterImage, Name
    if not re.fullmatch(r"[a-zA-Z0-9()\[\] ./\-'@_]{3,128}", name):
        raise AwsError("InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long, and may "
                       "contain letters, numbers, '(', ')', '.', '-', '/' and '_'")
    for image in region.images:
        if image["Name"] == name and image["OwnerId"] == region.account:
            raise AwsError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image['ImageId']}")
    return name


@handles("ec2", "RegisterImage")
def register(region, parameters, _):
    name = _checked_name(region, parameters["Name"])
    # API_RegisterImage, TagSpecifications: any other kind than image makes the request fail.
    tags = snapshots.specified_tags(parameters, "image")["image"]
    root, mode = parameters.get("RootDeviceName"), parameters.get("BootMode")
    mappings = [_mapping(region, one) for one in parameters.get("BlockDeviceMappings", []) if "NoDevice" not in one]
    devices = [mapping["DeviceName"] for mapping in mappings]
    if len(set(devices)) < len(devices):
        raise _bad_mapping("A device name is mapped more than once")
    volume = next((one.get("Ebs", {}) for one in mappings if one["DeviceName"] == root), {})
    if "SnapshotId" not in volume:
        raise _bad_mapping("No root snapshot specified in device mapping.")
    # EC2 User Guide "Requirements for using NitroTPM": the boot mode of the AMI is UEFI.
    if parameters.get("TpmSupport") and mode != "uefi":
        raise AwsError("InvalidParameterCombination", "TpmSupport requires the boot mode uefi")
    if mode in ("uefi", "uefi-preferred") and parameters.get("Architecture", "i386") == "i386":
        raise AwsError("InvalidParameterCombination", "The architecture i386 does not support UEFI")
    kept = {member: parameters.get(member) for member in (
        "Description", "BootMode", "TpmSupport", "ImdsSupport", "SriovNetSupport", "KernelId", "RamdiskId")}
    image = _new(region, name, mappings, tags, {
        **kept, "RootDeviceName": root, "EnaSupport": parameters.get("EnaSupport", False),
        # API_RegisterImage: i386 and paravirtual, where nothing is said.
        "Architecture": parameters.get("Architecture", "i386"),
        "VirtualizationType": parameters.get("VirtualizationType", "paravirtual"),
    }, Clock.now() + Settings.image_seconds)
    image.uefi_data = parameters.get("UefiData")
    return {"ImageId": image["ImageId"]}


def _new(region, name, mappings, tags, members, ready_at, failure=None):
    image = Image({
        "ImageId": new_id("ami"), "Name": name, "ImageLocation": f"{region.account}/{name}", "OwnerId": region.account,
        "State": "pending", "CreationDate": timestamp(Clock.now()), "ImageType": "machine", "Public": False,
        "RootDeviceType": "ebs", "Hypervisor": "xen", "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances", "BlockDeviceMappings": mappings,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()], **members,
    }, ready_at, failure)
    image.settle(Clock.now())
    region.images.append(image)
    return image


def _bad_mapping(message):
    return AwsError("InvalidBlockDeviceMapping", message)


def _mapping(region, given):
    """A block device mapping with AWS's defaults, refused where EC2 refuses it."""
    device, volume = given.get("DeviceName"), given.get("Ebs")
    if not device:
        raise AwsError("MissingParameter", "The request must contain the parameter deviceName")
    if volume is None:
        return {"DeviceName": device, "VirtualName": given.get("VirtualName")}
    for unsupported in ("KmsKeyId", "OutpostArn", "AvailabilityZone"):
        if unsupported in volume:
            raise AwsError("InvalidParameterCombination", f"{unsupported} is not supported for device {device}")
    kind = volume.get("VolumeType", "gp2")
    if "Throughput" in volume and kind != "gp3":
        raise AwsError("InvalidParameterCombination", f"The parameter throughput is not supported for {kind} volumes.")
    whole = {"DeleteOnTermination": True, "VolumeType": kind, "Encrypted": False, **volume}
    if "SnapshotId" in volume:
        if "Encrypted" in volume:
            raise _bad_mapping(f"the encrypted flag cannot be specified since device {device} has a snapshot "
                               "specified.")
        snapshot = snapshots.completed(region, volume["SnapshotId"])
        whole["Encrypted"] = snapshot.key is not None
        whole.setdefault("VolumeSize", snapshot.size)
        if whole["VolumeSize"] < snapshot.size:
            raise _bad_mapping(f"Volume of size {whole['VolumeSize']}GB is smaller than snapshot '{snapshot.id}', "
                               f"expect size >= {snapshot.size}GB")
    elif "VolumeSize" not in volume:
        raise AwsError("MissingParameter", "The request must contain the parameter size or snapshotId")
    return {"DeviceName": device, "Ebs": whole}


@handles("ec2", "CopyImage")
def copy_image(region, parameters, _):
    return once(region.image_tokens, parameters, lambda: _copied(region, parameters))


def _copied(region, parameters):
    origin = Worlds.region(region.account, parameters["SourceRegion"])
    images.settle(origin)
    source = images.usable(origin, parameters["SourceImageId"])
    if source["State"] != "available":
        raise images.unavailable(source["ImageId"])
    name = _checked_name(region, parameters["Name"])
    tags = snapshots.specified_tags(parameters, "image", "snapshot")
    # EC2 User Guide "Copy an Amazon EC2 AMI", limits: 100 at a time to one region.
    if sum(1 for image in region.images if image["State"] == "pending" and "SourceImageId" in image) >= 100:
        raise AwsError("ResourceLimitExceeded", "Too many AMI copies in progress. The limit is 100 for this "
                       "destination region.")
    keys = [_copy_key(region, origin, source, identifier, parameters) for identifier in source.snapshots]
    mappings, failure = copy.deepcopy(source["BlockDeviceMappings"]), None
    volumes = [mapping["Ebs"] for mapping in mappings if "SnapshotId" in mapping.get("Ebs", {})]
    identifier = new_id("ami")
    for volume, (behind, key) in zip(volumes, keys):
        inaccessible = not encryption.accessible(region, key)
        made = snapshots.copy(region, behind, key, inaccessible,
                              f"Copied for DestinationAmi {identifier} from SourceAmi {source['ImageId']} for "
                              f"SourceSnapshot {behind.id}.", dict(tags["snapshot"]))
        volume.update({"SnapshotId": made.id, "Encrypted": key is not None})
        failure = failure or made.failure
    own_tags = {tag["Key"]: tag["Value"] for tag in source["Tags"] if source["OwnerId"] == region.account
                and parameters.get("CopyImageTags") and not tag["Key"].startswith("aws:")}
    kept = {member: source.get(member) for member in (
        "Architecture", "BootMode", "TpmSupport", "ImdsSupport", "EnaSupport", "SriovNetSupport", "KernelId",
        "RamdiskId", "RootDeviceName", "VirtualizationType")}
    description = parameters.get("Description") or f"[Copied {source['ImageId']} from {origin.name}] {source['Name']}"
    ready_at = Clock.now() + max(Settings.image_seconds, Settings.snapshot_seconds)
    image = _new(region, name, mappings, {**own_tags, **tags["image"]}, {
        **kept, "ImageId": identifier, "Description": description, "SourceImageId": source["ImageId"],
        "SourceImageRegion": origin.name,
    }, ready_at, failure)
    image.uefi_data = source.uefi_data
    return {"ImageId": image["ImageId"]}


def _copy_key(region, origin, source, identifier, parameters):
    """(the snapshot behind, its copy's key): the same key in the same region, if no other is named."""
    behind = next((one for one in snapshots.visible(origin) if one.id == identifier), None)
    if behind is None:
        # "Copy an Amazon EC2 AMI", cross-account copying: the storage must be shared as well.
        raise AwsError("InvalidRequest", "You do not have permission to access the storage of this ami")
    default = behind.key if origin.name == region.name and behind.owner == region.account else None
    return behind, encryption.key_of_copy(region, behind.key, parameters, default)
