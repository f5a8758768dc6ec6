"""EBS direct: start a snapshot, put its blocks, complete it.

Source: EBS direct APIs API Reference; EBS User Guide "Write Amazon EBS snapshots with EBS direct APIs".
"""

import base64
import binascii

from . import blocks, encryption
from .answers import AwsError
from .registry import handles
from .rest import Payload
from .snapshots import BLOCKS_PER_GIB, TIMEOUT_MINUTES, Snapshot, there
from .state import Clock, Settings


def invalid(message, reason="INVALID_PARAMETER_VALUE"):
    """EBS direct's refusal, with one of the reasons of API_StartSnapshot's errors."""
    return AwsError("ValidationException", message, 400, Reason=reason)


def not_found(identifier):
    return AwsError("ResourceNotFoundException", f"The snapshot '{identifier}' does not exist.", 404,
                    Reason="SNAPSHOT_NOT_FOUND")


@handles("ebs", "StartSnapshot")
def start(region, parameters, _):
    # EBS User Guide "Ensure idempotency in StartSnapshot API requests".
    token = parameters.get("ClientToken")
    given = {key: value for key, value in parameters.items() if key != "ClientToken"}
    if token in region.snapshot_tokens:
        before, answer = region.snapshot_tokens[token]
        if before != given:
            raise AwsError("ConflictException", "The request uses the same client token as a previous, but "
                           "non-identical request.", 409)
        return answer
    # Quotas of EBS: 100 pending snapshots.
    if sum(1 for one in region.snapshots.values() if one.state == "pending") >= 100:
        raise AwsError("ConcurrentLimitExceededException", "You have reached the limit of pending snapshots.", 400)
    snapshot = _begin(region, parameters)
    region.snapshots[snapshot.id] = snapshot
    answer = {
        "SnapshotId": snapshot.id, "OwnerId": snapshot.owner, "Status": "pending", "StartTime": snapshot.started,
        "VolumeSize": snapshot.size, "BlockSize": blocks.SIZE, "Description": parameters.get("Description"),
        "Tags": parameters.get("Tags"), "ParentSnapshotId": snapshot.parent, "KmsKeyArn": snapshot.key,
    }
    if token:
        region.snapshot_tokens[token] = given, answer
    return answer


def _begin(region, parameters):
    size, parent = parameters["VolumeSize"], None
    if size > 65536:  # API_StartSnapshot, VolumeSize
        raise invalid("The volume size is greater than the maximum of 65536 GiB.", "INVALID_VOLUME_SIZE")
    if "ParentSnapshotId" in parameters:
        parent = region.snapshots.get(parameters["ParentSnapshotId"])
        if not there(parent):
            raise not_found(parameters["ParentSnapshotId"])
        if parent.state != "completed":
            raise invalid(f"The parent snapshot '{parent.id}' is not completed.", "INVALID_SNAPSHOT_ID")
        if size < parent.size:
            raise invalid("The volume size is smaller than the parent snapshot's.", "INVALID_VOLUME_SIZE")
    tags = {tag["Key"]: tag.get("Value", "") for tag in parameters.get("Tags", [])}
    if len(tags) < len(parameters.get("Tags", [])) or any(key.startswith("aws:") for key in tags):
        raise invalid("The tag keys must be distinct and must not begin with aws:.", "INVALID_TAG")
    snapshot = Snapshot(region, size, tags, parameters.get("Description", ""), _key(region, parameters, parent), parent)
    snapshot.timeout = parameters.get("Timeout", TIMEOUT_MINUTES) * 60
    snapshot.seen_from = snapshot.started + Settings.snapshot_unseen_seconds
    return snapshot


def _key(region, parameters, parent):
    """EBS User Guide "Encryption outcomes for EBS direct APIs", its three tables.

    The first leaves open what a key does beside an unencrypted parent: it is refused here as beside an encrypted one.
    """
    encrypted, named, by_default = (parameters.get("Encrypted"), parameters.get("KmsKeyArn"),
                                    region.encryption_by_default)
    if parent is not None:
        if encrypted is not None or named:
            raise invalid("You can't specify Encrypted or KmsKeyArn with ParentSnapshotId.")
        if parent.key is None and by_default:
            raise invalid("With encryption by default, the parent snapshot must be encrypted.")
        return parent.key
    if encrypted is False:
        if named or by_default:
            raise invalid("The snapshot must be encrypted.")
        return None
    if named:
        return named
    return encryption.default_key(region) if encrypted or by_default else None


def _open(region, identifier):
    """A snapshot that takes blocks."""
    snapshot = region.snapshots.get(identifier)
    if not there(snapshot):
        raise not_found(identifier)
    if snapshot.sealed or snapshot.state != "pending":
        raise invalid(f"The snapshot '{identifier}' is not in the pending state.", "INVALID_SNAPSHOT_ID")
    return snapshot


@handles("ebs", "PutSnapshotBlock")
def put(region, parameters, call):
    payload = call.payload or _decoded(parameters["BlockData"])
    snapshot = _open(region, parameters["SnapshotId"])
    # API_PutSnapshotBlock, DataLength: 524288 is the only size.
    if parameters["DataLength"] != blocks.SIZE:
        raise invalid(f"The data length must be {blocks.SIZE}.")
    if len(payload.data) != blocks.SIZE:
        raise invalid("Failed to read block data")
    if parameters["Checksum"] != payload.checksum:
        raise invalid("The checksum does not match the block data.")
    index = parameters["BlockIndex"]
    if index >= snapshot.size * BLOCKS_PER_GIB:
        raise invalid(f"The block {index} is not within the volume.", "INVALID_BLOCK")
    blocks.put(payload.checksum, payload.data)
    snapshot.blocks[index] = payload.checksum
    snapshot.written.add(index)
    snapshot.touched, snapshot.progress = Clock.now(), parameters.get("Progress", snapshot.progress)
    return {"Checksum": payload.checksum, "ChecksumAlgorithm": "SHA256"}


def _decoded(text):
    try:
        return Payload(base64.b64decode(text, validate=True))
    except binascii.Error:
        raise invalid("Failed to read block data") from None


@handles("ebs", "CompleteSnapshot")
def complete(region, parameters, _):
    snapshot = _open(region, parameters["SnapshotId"])
    if parameters["ChangedBlocksCount"] != len(snapshot.written):
        raise invalid(f"The changed blocks count does not match the {len(snapshot.written)} blocks that were written.")
    if "Checksum" in parameters:
        if parameters.get("ChecksumAggregationMethod") != "LINEAR" or "ChecksumAlgorithm" not in parameters:
            raise invalid("The checksum needs its algorithm and its aggregation method.")
        if parameters["Checksum"] != blocks.linear({index: snapshot.blocks[index] for index in snapshot.written}):
            raise invalid("The checksum does not match the blocks that were written.")
    snapshot.done_at = Clock.now() + Settings.snapshot_seconds
    return {"Status": snapshot.state}
