"""What the tests of snapshots and images do: they publish disks."""

import base64
import hashlib

from common import StandInTest, client, ec2

BLOCK = 524288
ebs = client("ebs")
OTHER_ACCOUNT, OTHER_KEY = "210987654321", "AKIAOTHER"


def block(letter):
    return letter.encode() * BLOCK


def checksum(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def linear(*blocks):
    return checksum(b"".join(hashlib.sha256(data).digest() for data in blocks))


class PublishingTest(StandInTest):
    """Disks of a few blocks, each a letter."""

    def start(self, size=1, **more):
        return ebs.start_snapshot(VolumeSize=size, **more)["SnapshotId"]

    def put(self, snapshot, index, data, **more):
        given = {"DataLength": BLOCK, "Checksum": checksum(data), **more}
        return ebs.put_snapshot_block(SnapshotId=snapshot, BlockIndex=index, BlockData=data,
                                      ChecksumAlgorithm="SHA256", **given)

    def complete(self, snapshot, count, **more):
        return ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=count, **more)["Status"]

    def state(self, snapshot, through=ec2):
        return through.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["State"]

    def is_completed(self, snapshot, through=ec2):
        self.until(lambda: self.state(snapshot, through) == "completed")
        return snapshot

    def published(self, blocks, size=1, **more):
        """A completed snapshot of these blocks, {index: letter}."""
        snapshot = self.start(size, **more)
        for index, letter in blocks.items():
            self.put(snapshot, index, block(letter))
        self.complete(snapshot, len(blocks))
        return self.is_completed(snapshot)

    def register(self, snapshot, name="node-uefi", **more):
        """An image as a node image is registered."""
        volume = {"SnapshotId": snapshot, "VolumeType": "gp3", **more.pop("volume", {})}
        given = {"Architecture": "x86_64", "VirtualizationType": "hvm", "EnaSupport": True, "BootMode": "uefi",
                 "RootDeviceName": "/dev/xvda", "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": volume}],
                 **more}
        return ec2.register_image(Name=name, **given)["ImageId"]

    def image(self, identifier, through=ec2, **more):
        found = through.describe_images(ImageIds=[identifier], **more)["Images"]
        return found[0] if found else None

    def is_available(self, image, through=ec2):
        self.until(lambda: self.image(image, through)["State"] == "available")
        return image
