"""Snapshots as data: which blocks they have, when they are completed, and who finds them."""

import re

from . import permissions
from .answers import AwsError
from .blocks import SIZE
from .filters import tag_list
from .state import Clock, Settings, Worlds, new_id

BLOCKS_PER_GIB = 2**30 // SIZE
TIMEOUT_MINUTES = 60  # API_StartSnapshot, Timeout


class Snapshot:
    """One snapshot."""

    def __init__(self, region, size, tags=None, description="", key=None, parent=None):
        self.id, self.region, self.owner = new_id("snap"), region, region.account
        self.size, self.tags, self.description, self.key = size, tags or {}, description, key
        self.started = self.touched = Clock.now()
        self.seen_from = self.started
        self.parent = parent.id if parent else None
        # EBS User Guide "Read Amazon EBS snapshots with EBS direct APIs": only snapshots of one lineage are compared.
        self.lineage = parent.lineage if parent else self.id
        self.blocks = dict(parent.blocks) if parent else {}  # index -> checksum
        self.written = set()  # the indexes that were put here
        self.timeout = TIMEOUT_MINUTES * 60
        self.done_at = None  # when it is completed, once it is sealed
        self.failure = None  # why it fails then
        self.copied = False
        self.progress = 0
        self.permissions = []

    @property
    def sealed(self):
        return self.done_at is not None

    @property
    def state(self):
        """API_StartSnapshot, Timeout: cancelled so long after the start or the last block, unless completed."""
        now = Clock.now()
        if self.sealed:
            return "pending" if now < self.done_at else "error" if self.failure else "completed"
        return "pending" if now < self.touched + self.timeout else "error"

    def shown(self):
        """As DescribeSnapshots answers it."""
        state = self.state
        done = state == "completed"
        return {
            # A snapshot that was not made from a volume has one that is none.
            "SnapshotId": self.id, "VolumeId": "vol-ffffffff", "State": state, "StartTime": self.started,
            "CompletionTime": self.done_at if done else None, "Progress": f"{100 if done else self.progress}%",
            "OwnerId": self.owner, "Description": self.description, "VolumeSize": self.size,
            "Encrypted": self.key is not None, "KmsKeyId": self.key, "StorageTier": "standard",
            "StateMessage": self.failure if state == "error" else None,
            "FullSnapshotSizeInBytes": len(self.blocks) * SIZE if done else None,
            "TransferType": "standard" if self.copied else None, "Tags": tag_list(self.tags),
        }


def there(snapshot):
    """Whether actions find it yet. EBS direct is eventually consistent: awslabs/coldsnap, issue 43."""
    return snapshot is not None and Clock.now() >= snapshot.seen_from


def visible(region):
    """All that the account may see: its own, and what others share with it or with everybody."""
    found = [snapshot for snapshot in region.snapshots.values() if there(snapshot)]
    for (account, name), other in Worlds.regions.items():
        if name == region.name and account != region.account:
            found += [snapshot for snapshot in other.snapshots.values()
                      if there(snapshot) and permissions.includes(snapshot.permissions, region.account)]
    return found


def usable(region, identifier):
    """A snapshot that the account may make something of."""
    if not re.match("snap-", identifier):
        raise AwsError("InvalidSnapshotID.Malformed", f'Invalid id: "{identifier}" (expecting "snap-...")')
    found = next((one for one in visible(region) if one.id == identifier), None)
    if found is None:
        raise AwsError("InvalidSnapshot.NotFound", f"The snapshot '{identifier}' does not exist.")
    return found


def own(region, identifier):
    """A snapshot that the account may change."""
    found = usable(region, identifier)
    if found.owner != region.account:
        raise AwsError("AuthFailure", f"Not authorized for snapshot:{identifier}")
    return found


def completed(region, identifier):
    """A usable one that is completed, which copies and images need."""
    found = usable(region, identifier)
    if found.state != "completed":
        raise AwsError("IncorrectState", f"Snapshot is in invalid state - {found.state}")
    return found


def copy(region, source, key, inaccessible, description, tags):
    """Begins a copy of a completed snapshot in this region."""
    made = Snapshot(region, source.size, tags, description, key)
    made.blocks, made.copied = dict(source.blocks), True
    made.done_at = Clock.now() + Settings.snapshot_seconds
    if inaccessible:
        # EBS User Guide "Copy an Amazon EBS snapshot", "To check for failure".
        made.failure = "Given key ID is not accessible"
    region.snapshots[made.id] = made
    return made


def specified_tags(parameters, *kinds):
    """{kind: tags} of TagSpecifications; other kinds are refused."""
    found = {kind: {} for kind in kinds}
    for one in parameters.get("TagSpecifications", []):
        if one.get("ResourceType") not in kinds:
            raise AwsError("InvalidParameterValue", f"'{one.get('ResourceType')}' is not a valid taggable resource "
                           "type for this operation.")
        found[one["ResourceType"]].update({tag["Key"]: tag.get("Value", "") for tag in one.get("Tags", [])})
    for key in [key for tags in found.values() for key in tags]:
        if key.startswith("aws:"):
            raise AwsError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
    return found
