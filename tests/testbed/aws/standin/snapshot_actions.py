"""EC2's view of snapshots: describe, copy, share, delete."""

from . import encryption, images, models, permissions, snapshots
from .answers import AwsError, timestamp
from .filters import select
from .paging import page
from .registry import handles
from .state import Worlds

_SPECIAL = {
    "status": lambda item: [item["State"]],
    "start-time": lambda item: [timestamp(item["StartTime"])],
    "owner-alias": lambda item: [],
}


@handles("ec2", "DescribeSnapshots")
def describe(region, parameters, _):
    found = snapshots.visible(region)
    wanted, owners = parameters.get("SnapshotIds"), parameters.get("OwnerIds")
    if wanted:
        found = [snapshots.usable(region, identifier) for identifier in dict.fromkeys(wanted)]
    if owners:
        found = [one for one in found if one.owner in owners or (one.owner == region.account and "self" in owners)]
    for account in parameters.get("RestorableByUserIds", []):
        account = region.account if account == "self" else account
        found = [one for one in found if one.owner == account or {"UserId": account} in one.permissions
                 or permissions.EVERYBODY in one.permissions]
    # EC2 User Guide "Tag your Amazon EC2 resources": tags are the account's own; others do not see them.
    shown = [{**one.shown(), "Tags": one.shown()["Tags"] if one.owner == region.account else []} for one in found]
    shown = select(shown, parameters.get("Filters"), _SPECIAL, models.service("ec2").shape_for("Snapshot").members)
    items, token = page(shown, parameters, None, 1000, "MaxResults")
    return {"Snapshots": items, "NextToken": token}


@handles("ec2", "CopySnapshot")
def copy(region, parameters, _):
    origin = Worlds.region(region.account, parameters["SourceRegion"])
    source = snapshots.completed(origin, parameters["SourceSnapshotId"])
    # EBS User Guide "Copy an Amazon EBS snapshot", limits: twenty at a time to one region.
    if sum(1 for one in region.snapshots.values() if one.copied and one.state == "pending") >= 20:
        raise AwsError("ResourceLimitExceeded", "Too many snapshot copies in progress. The limit is 20 for this "
                       "destination region.")
    tags = snapshots.specified_tags(parameters, "snapshot")["snapshot"]
    key = encryption.key_of_copy(region, source.key, parameters)
    description = parameters.get("Description") or f"[Copied {source.id} from {origin.name}]"
    made = snapshots.copy(region, source, key, not encryption.accessible(region, key), description, tags)
    return {"SnapshotId": made.id, "Tags": made.shown()["Tags"]}


@handles("ec2", "DeleteSnapshot")
def delete(region, parameters, _):
    snapshot = snapshots.own(region, parameters["SnapshotId"])
    users = images.using(region, snapshot.id)
    if users:
        raise AwsError("InvalidSnapshot.InUse", f"The snapshot {snapshot.id} is currently in use by "
                       f"{users[0]['ImageId']}")
    del region.snapshots[snapshot.id]


@handles("ec2", "ModifySnapshotAttribute")
def modify(region, parameters, _):
    snapshot = snapshots.own(region, parameters["SnapshotId"])
    if parameters.get("Attribute", "createVolumePermission") != "createVolumePermission":
        raise AwsError("InvalidParameterValue", "Only createVolumePermission can be modified.")
    added, removed = permissions.changes(parameters, "CreateVolumePermission")
    # API_ModifySnapshotAttribute: not both in a single operation; up to 500 modifications.
    if bool(added) == bool(removed):
        raise AwsError("InvalidParameterCombination", "Specify permissions to add or permissions to remove.")
    if len(added + removed) > 500:
        raise AwsError("InvalidParameterValue", "At most 500 modifications can be made in one operation.")
    # API_ModifySnapshotAttribute: encrypted ones cannot be made public, and those under the default key not be shared.
    if permissions.EVERYBODY in added and snapshot.key:
        raise AwsError("OperationNotPermitted", "Encrypted snapshots cannot be shared publicly")
    if added and snapshot.key == encryption.managed_key(region):
        raise AwsError("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared")
    permissions.change(snapshot.permissions, added, removed)


@handles("ec2", "DescribeSnapshotAttribute")
def attribute(region, parameters, _):
    snapshot = snapshots.own(region, parameters["SnapshotId"])
    if parameters["Attribute"] == "productCodes":
        return {"SnapshotId": snapshot.id, "ProductCodes": []}
    return {"SnapshotId": snapshot.id, "CreateVolumePermissions": list(snapshot.permissions)}
