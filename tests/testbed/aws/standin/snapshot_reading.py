"""EBS direct: which blocks a snapshot has, which differ from another's, and what is in them.

Source: EBS direct APIs API Reference; EBS User Guide "Read Amazon EBS snapshots with EBS direct APIs" and
"Frequently asked questions for EBS direct APIs".
"""

import base64
import hashlib
import itertools
import secrets
import struct

from . import blocks, snapshots
from .permissions import EVERYBODY
from .registry import handles
from .snapshot_writing import invalid, not_found
from .state import Clock, Settings

# "Frequently asked questions": block tokens are valid for seven days, next tokens for 60 minutes.
_BLOCK_TOKEN_SECONDS, _PAGE_TOKEN_SECONDS = 7 * 24 * 3600, 3600
_SECRET, _COUNT = secrets.token_bytes(16), itertools.count()


def _token(*what, at=None, number=None):
    """What cannot be guessed, tells when it was made, and is another one each time."""
    at, number = int(Clock.now()) if at is None else at, next(_COUNT) if number is None else number
    head = struct.pack(">QI", at, number % 2**32)
    return base64.b64encode(head + hashlib.sha256(_SECRET + head + repr(what).encode()).digest()).decode()


def _valid(token, seconds, *what):
    try:
        at, number = struct.unpack(">QI", base64.b64decode(token)[:12])
    except (ValueError, struct.error):
        return False
    return token == _token(*what, at=at, number=number) and Clock.now() < at + seconds


def _readable(region, identifier):
    """API reference and "Frequently asked questions": completed, of the account or shared with it, not public."""
    found = next((one for one in snapshots.visible(region) if one.id == identifier), None)
    if found is None or (found.owner != region.account and EVERYBODY in found.permissions):
        raise not_found(identifier)
    if found.state != "completed":
        raise invalid(f"The snapshot '{identifier}' is not in the completed state.", "INVALID_SNAPSHOT_ID")
    if Clock.now() < found.done_at + Settings.snapshot_unread_seconds:  # awslabs/coldsnap, issue 141
        raise not_found(identifier)
    return found


def _begin(token, identifier):
    """Where the page of this token begins."""
    try:
        number, _, proof = base64.b64decode(token).decode().partition(" ")
    except ValueError:
        number = proof = ""
    if not number.isdigit() or not _valid(proof, _PAGE_TOKEN_SECONDS, identifier, int(number)):
        raise invalid("The page token is not valid.", "INVALID_PAGE_TOKEN")
    return int(number)


def _page(parameters, identifier, indexes):
    """(the indexes of the page, its next token)."""
    begin, token = parameters.get("StartingBlockIndex", 0), parameters.get("NextToken")
    if token is not None:  # API reference: then StartingBlockIndex is ignored
        begin = _begin(token, identifier)
    size = min(parameters.get("MaxResults", 10000), int(Settings.blocks_per_page))
    left = [index for index in sorted(indexes) if index >= begin]
    following = None
    if len(left) > size:
        following = base64.b64encode(f"{left[size]} {_token(identifier, left[size])}".encode()).decode()
    return left[:size], following


def _answer(snapshot, following, **members):
    return {**members, "NextToken": following, "ExpiryTime": Clock.now() + _BLOCK_TOKEN_SECONDS,
            "VolumeSize": snapshot.size, "BlockSize": blocks.SIZE}


def _block_token(snapshot, index):
    checksum = snapshot.blocks.get(index)
    return checksum and _token(snapshot.id, index, checksum)


@handles("ebs", "ListSnapshotBlocks")
def list_blocks(region, parameters, _):
    snapshot = _readable(region, parameters["SnapshotId"])
    indexes, following = _page(parameters, snapshot.id, snapshot.blocks)
    return _answer(snapshot, following, Blocks=[
        {"BlockIndex": index, "BlockToken": _block_token(snapshot, index)} for index in indexes])


@handles("ebs", "ListChangedBlocks")
def list_changed(region, parameters, _):
    if "FirstSnapshotId" not in parameters:  # API_ListChangedBlocks, FirstSnapshotId
        raise invalid("The first snapshot must be specified.")
    first, second = (_readable(region, parameters[name]) for name in ("FirstSnapshotId", "SecondSnapshotId"))
    if first.lineage != second.lineage:
        raise invalid("The snapshots are not related.", "UNRELATED_SNAPSHOTS")
    changed = [index for index in first.blocks.keys() | second.blocks.keys()
               if first.blocks.get(index) != second.blocks.get(index)]
    indexes, following = _page(parameters, f"{first.id} {second.id}", changed)
    return _answer(second, following, ChangedBlocks=[
        {"BlockIndex": index, "FirstBlockToken": _block_token(first, index),
         "SecondBlockToken": _block_token(second, index)} for index in indexes])


@handles("ebs", "GetSnapshotBlock")
def get(region, parameters, _):
    snapshot, index = _readable(region, parameters["SnapshotId"]), parameters["BlockIndex"]
    checksum = snapshot.blocks.get(index)
    if not _valid(parameters["BlockToken"], _BLOCK_TOKEN_SECONDS, snapshot.id, index, checksum):
        raise invalid("The block token is not valid.", "INVALID_BLOCK_TOKEN")
    return {"DataLength": blocks.SIZE, "BlockData": blocks.get(checksum), "Checksum": checksum,
            "ChecksumAlgorithm": "SHA256"}
