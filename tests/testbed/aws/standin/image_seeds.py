"""Seeds of POST /truth/world: `images`, `snapshots` and `ebs`."""

import datetime

from . import encryption as keys
from .images import Image
from .snapshots import Snapshot
from .state import new_id


_SNAPSHOT_KEYS = {"id", "size", "tags", "description", "encrypted", "kms_key", "state", "started", "shared_with"}


def _tags(given):
    return [{"Key": key, "Value": value} for key, value in given.get("tags", {}).items()]


def encryption(region, given):
    """`{"encryption_by_default": true, "default_kms_key": …}`."""
    unknown = set(given) - {"encryption_by_default", "default_kms_key"}
    if unknown:
        raise ValueError(f"unknown seeds of ebs: {sorted(unknown)}")
    region.encryption_by_default = given.get("encryption_by_default", region.encryption_by_default)
    if "default_kms_key" in given:
        region.default_kms_key = keys.key_arn(region, given["default_kms_key"])


def snapshot(region, given):
    """A snapshot without blocks; `kms_key` encrypts it, `encrypted` under the default key."""
    unknown = set(given) - _SNAPSHOT_KEYS
    if unknown:
        raise ValueError(f"unknown seeds of a snapshot: {sorted(unknown)}")
    key = given.get("kms_key")
    key = keys.key_arn(region, key) if key else keys.default_key(region) if given.get("encrypted") else None
    made = Snapshot(region, given.get("size", 8), dict(given.get("tags", {})), given.get("description", ""), key)
    made.id = given.get("id", made.id)
    if "started" in given:
        made.started = datetime.datetime.fromisoformat(given["started"].replace("Z", "+00:00")).timestamp()
    state = given.get("state", "completed")
    if state != "pending":
        made.done_at = made.started
        made.failure = "seeded" if state == "error" else None
    made.permissions = [{"UserId": account} for account in given.get("shared_with", [])]
    region.snapshots[made.id] = made
    return made


def image(region, given):
    """An image; of the account's own the snapshots are there too. With `pending_answers` it is pending in as many
    answers of DescribeImages, and available from then on."""
    answers = given.get("pending_answers") or None
    state = given.get("state", "pending" if answers else "available")
    made = Image({
        "ImageId": given.get("id", new_id("ami")), "Name": given["name"], "OwnerId": given.get("owner", region.account),
        "Architecture": given.get("architecture", "x86_64"), "State": state,
        "CreationDate": given.get("created", "2026-01-01T00:00:00.000Z"), "BootMode": given.get("boot_mode"),
        "ImageType": "machine", "Public": given.get("public", False), "RootDeviceType": "ebs",
        "RootDeviceName": given.get("root_device", "/dev/xvda"), "VirtualizationType": "hvm", "Hypervisor": "xen",
        "EnaSupport": True, "PlatformDetails": "Linux/UNIX", "ImageOwnerAlias": given.get("owner_alias"),
        "DeprecationTime": given.get("deprecated"), "TpmSupport": given.get("tpm"), "Tags": _tags(given),
        "BlockDeviceMappings": given.get("mappings", [{"DeviceName": "/dev/xvda", "Ebs": {
            "SnapshotId": new_id("snap"), "VolumeSize": 8, "VolumeType": "gp3", "Encrypted": False,
            "DeleteOnTermination": True}}]),
    })
    made.pending_answers = answers
    made.permissions += [{"UserId": account} for account in given.get("shared_with", [])]
    region.images.append(made)
    for volume in [mapping.get("Ebs", {}) for mapping in made["BlockDeviceMappings"]]:
        if made["OwnerId"] == region.account and volume.get("SnapshotId", "") not in region.snapshots:
            snapshot(region, {"id": volume.get("SnapshotId", new_id("snap")), "size": volume.get("VolumeSize", 8),
                              "encrypted": volume.get("Encrypted", False), "started": made["CreationDate"]})
    return made
