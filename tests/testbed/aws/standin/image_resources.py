"""What calls about snapshots and images need.

Source: the Service Authorization Reference of Amazon Elastic Block Store and of EC2. The ARNs of both kinds have no
account.
"""

from .answers import timestamp
from .needed import Needed, request_tags, resource_tags
from .state import Worlds

_OF_IMAGES = {"DeregisterImage", "DisableImage", "EnableImage", "ModifyImageAttribute", "DescribeImageAttribute",
              "EnableImageDeprecation", "DisableImageDeprecation"}
_OF_SNAPSHOTS = {"DeleteSnapshot", "ModifySnapshotAttribute", "DescribeSnapshotAttribute"}


def arn(region_name, kind, identifier="*"):
    return f"arn:aws:ec2:{region_name}::{kind}/{identifier}"


def of(region, identifier):
    """(ARN, condition keys) of an image or a snapshot by its id, or None of anything else."""
    kind = identifier.partition("-")[0]
    if kind == "ami":
        return arn(region.name, "image", identifier), _image_keys(region, identifier)
    if kind == "snap":
        return arn(region.name, "snapshot", identifier), _snapshot_keys(region, identifier)
    return None


def _image_keys(region, identifier):
    image = next((one for one in region.images if one["ImageId"] == identifier), None)
    keys = {"ec2:ImageID": [identifier]}
    if image is not None:
        keys.update({"ec2:Owner": [image["OwnerId"]], "ec2:Public": [str(bool(image.get("Public"))).lower()],
                     "ec2:ImageType": ["machine"], "ec2:RootDeviceType": ["ebs"],
                     **resource_tags("ec2", {tag["Key"]: tag["Value"] for tag in image["Tags"]})})
    return keys


def _snapshot_keys(region, identifier):
    snapshot = region.snapshots.get(identifier)
    keys = {"ec2:SnapshotID": [identifier]}
    if snapshot is not None:
        keys.update({"ec2:Owner": [snapshot.owner], "ec2:VolumeSize": [str(snapshot.size)],
                     "ec2:Encrypted": [str(snapshot.key is not None).lower()],
                     "ec2:SnapshotTime": [timestamp(snapshot.started)], **resource_tags("ec2", snapshot.tags)})
    return keys


def direct(call, region, action, common):
    """EBS direct."""
    parameters = call.parameters
    if call.action != "StartSnapshot":
        wanted = [parameters.get(name) for name in ("SnapshotId", "FirstSnapshotId", "SecondSnapshotId")]
        return [Needed(action, arn(region.name, "snapshot", identifier),
                       {**common, **_snapshot_keys(region, identifier)}) for identifier in wanted if identifier]
    tags = request_tags(parameters.get("Tags", []))
    context = {**common, **tags, "ebs:VolumeSize": [str(parameters.get("VolumeSize"))]}
    if "Description" in parameters:
        context["ebs:Description"] = [parameters["Description"]]
    if "ParentSnapshotId" in parameters:
        context["ebs:ParentSnapshot"] = [arn(region.name, "snapshot", parameters["ParentSnapshotId"])]
    found = [Needed(action, arn(region.name, "snapshot"), context)]
    if tags:
        found.append(Needed("ec2:CreateTags", arn(region.name, "snapshot"), {**common, **tags}))
    return found


def needed(call, region, action, common):
    """EC2's actions on images and snapshots; nothing for the others."""
    parameters = call.parameters
    if call.action in _OF_IMAGES or call.action in _OF_SNAPSHOTS:
        identifier = parameters.get("ImageId" if call.action in _OF_IMAGES else "SnapshotId", "*")
        kind = "image" if call.action in _OF_IMAGES else "snapshot"
        found, keys = of(region, identifier) or (arn(region.name, kind), {})
        return [Needed(action, found, {**common, **keys, **_attribute(call)})]
    if call.action == "RegisterImage":
        volumes = [mapping.get("Ebs", {}) for mapping in parameters.get("BlockDeviceMappings", [])]
        behind = [Needed(action, *_in(common, of(region, volume["SnapshotId"]) or ("*", {})))
                  for volume in volumes if "SnapshotId" in volume]
        return _made(call, region, action, common, "image") + behind
    if call.action in ("CopyImage", "CopySnapshot"):
        origin = Worlds.region(region.account, parameters.get("SourceRegion", region.name))
        source = parameters.get("SourceImageId") or parameters.get("SourceSnapshotId") or ""
        kinds = ("image", "snapshot") if call.action == "CopyImage" else ("snapshot",)
        return [Needed(action, *_in(common, of(origin, source) or ("*", {}))),
                *_made(call, region, action, common, *kinds)]
    return []


def _in(common, found):
    return found[0], {**common, **found[1]}


def _made(call, region, action, common, *kinds):
    """What is made, and CreateTags where it is made with tags."""
    given = {one.get("ResourceType"): one.get("Tags", []) for one in call.parameters.get("TagSpecifications", [])}
    found = []
    for kind in kinds:
        tags = request_tags(given.get(kind, []))
        context = {**common, **tags, "ec2:Owner": [region.account]}
        if call.action == "CopySnapshot":
            context["ec2:ParentSnapshot"] = [arn(call.parameters.get("SourceRegion"), "snapshot",
                                                 call.parameters.get("SourceSnapshotId"))]
        found.append(Needed(action, arn(region.name, kind), context))
        if tags:
            found.append(Needed("ec2:CreateTags", arn(region.name, kind),
                                {**common, **tags, "ec2:CreateAction": [call.action]}))
    return found


def _attribute(call):
    """ec2:Attribute, and who is added to or removed from a snapshot's permissions."""
    parameters, keys = call.parameters, {}
    if not call.action.startswith("Modify"):
        return keys
    names = [name for name in ("Description", "ImdsSupport", "LaunchPermission", "CreateVolumePermission")
             if name in parameters]
    names += [name[0].upper() + name[1:] for name in [parameters.get("Attribute")] if name]
    if names:
        keys["ec2:Attribute"] = names
    if call.action == "ModifySnapshotAttribute":
        for side in ("Add", "Remove"):
            items = list(parameters.get("CreateVolumePermission", {}).get(side, []))
            if parameters.get("OperationType") == side.lower():
                items += [{"UserId": one} for one in parameters.get("UserIds", [])]
                items += [{"Group": one} for one in parameters.get("GroupNames", [])]
            for key, member in (("userId", "UserId"), ("group", "Group")):
                values = [one[member] for one in items if member in one]
                if values:
                    keys[f"ec2:{side}/{key}"] = values
    return keys
