"""Images: registered, copied, shared, disabled, deregistered."""

import datetime

from common import ACCOUNT, client, ec2, truth
from publishing import OTHER_ACCOUNT, OTHER_KEY, PublishingTest

KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a"
west = client("ec2", region="us-west-2")


class Registering(PublishingTest):
    def test_what_is_registered_is_told(self):
        self.hold()
        snapshot = self.start()
        self.refused("IncorrectState", self.register, snapshot)
        self.complete(snapshot, 0)
        self.advance()
        made = self.register(snapshot, "node (1)", TpmSupport="v2.0", ImdsSupport="v2.0", Description="disk",
                             volume={"VolumeSize": 20, "DeleteOnTermination": True}, TagSpecifications=[
                                 {"ResourceType": "image", "Tags": [{"Key": "k", "Value": "v"}]}])
        self.assertEqual(self.image(made)["State"], "pending")
        self.advance()
        image = self.image(made)
        self.assertEqual(image["BlockDeviceMappings"], [{"DeviceName": "/dev/xvda", "Ebs": {
            "DeleteOnTermination": True, "SnapshotId": snapshot, "VolumeSize": 20, "VolumeType": "gp3",
            "Encrypted": False}}])
        told = {"State": "available", "Name": "node (1)", "OwnerId": ACCOUNT, "Architecture": "x86_64",
                "BootMode": "uefi", "TpmSupport": "v2.0", "ImdsSupport": "v2.0", "EnaSupport": True,
                "VirtualizationType": "hvm", "RootDeviceName": "/dev/xvda", "RootDeviceType": "ebs", "Public": False,
                "Description": "disk", "Tags": [{"Key": "k", "Value": "v"}], "ImageLocation": f"{ACCOUNT}/node (1)"}
        self.assertEqual({name: image.get(name) for name in told}, told)
        for name, key, value in (("bootMode", "BootMode", "uefi"), ("tpmSupport", "TpmSupport", "v2.0"),
                                 ("imdsSupport", "ImdsSupport", "v2.0"), ("description", "Description", "disk")):
            told = ec2.describe_image_attribute(ImageId=made, Attribute=name)
            self.assertEqual(told[key]["Value"], value)
        self.assertEqual(truth("GET", "violations"), [])

    def test_one_may_be_seeded_that_is_pending_in_its_first_answers(self):
        slow = "ami-0000000000000000b"
        truth("POST", "world", {"images": [{"name": "slow", "id": slow, "pending_answers": 2}]})
        self.assertEqual([self.image(slow)["State"] for _ in range(4)], ["pending"] * 2 + ["available"] * 2)

    def test_what_is_not_said_is_aws_s_default(self):
        made = ec2.register_image(Name="old", RootDeviceName="/dev/sda1", BlockDeviceMappings=[
            {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": self.published({}, size=3)}}])["ImageId"]
        image = self.image(made)
        self.assertEqual((image["Architecture"], image["VirtualizationType"], image["EnaSupport"]),
                         ("i386", "paravirtual", False))
        self.assertEqual((image["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"], image.get("BootMode")), (3, None))

    def test_a_name_is_of_one_image_per_account_and_region(self):
        snapshot = self.published({})
        first = self.register(snapshot, "node-1")
        self.refused("InvalidAMIName.Duplicate", self.register, snapshot, "node-1",
                     text=f"AMI name node-1 is already in use by AMI {first}")
        self.refused("InvalidAMIName.Duplicate", self.register, snapshot, "node")  # the seeded one
        self.refused("InvalidAMIName.Malformed", self.register, snapshot, "node:1")
        self.register(snapshot, "node-2")  # two images of one snapshot
        ec2.deregister_image(ImageId=first)
        self.register(snapshot, "node-1")

    def test_mappings_that_are_refused(self):
        snapshot = self.published({}, size=2)
        self.refused("InvalidBlockDeviceMapping", self.register, snapshot, volume={"VolumeSize": 1},
                     text="smaller than snapshot")
        self.refused("InvalidBlockDeviceMapping", self.register, snapshot, volume={"Encrypted": True})
        self.refused("InvalidBlockDeviceMapping", self.register, snapshot, RootDeviceName="/dev/sda1",
                     text="No root snapshot specified in device mapping.")
        self.refused("InvalidSnapshot.NotFound", self.register, "snap-0")
        self.refused("InvalidParameterCombination", self.register, snapshot,
                     volume={"VolumeType": "gp2", "Throughput": 200})
        twice = [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}] * 2
        self.refused("InvalidBlockDeviceMapping", self.register, snapshot, BlockDeviceMappings=twice)

    def test_flags_that_are_refused(self):
        snapshot = self.published({})
        self.refused("InvalidParameterCombination", self.register, snapshot, BootMode="legacy-bios", TpmSupport="v2.0")
        self.refused("InvalidParameterCombination", self.register, snapshot, Architecture="i386")
        self.refused("InvalidParameterValue", self.register, snapshot, BootMode="efi")
        self.refused("InvalidParameterValue", self.register, snapshot, TagSpecifications=[
            {"ResourceType": "snapshot", "Tags": [{"Key": "k", "Value": "v"}]}], text="not a valid taggable resource")
        self.refused("DryRunOperation", self.register, snapshot, DryRun=True)

    def test_filters(self):
        snapshot = self.published({})
        uefi = self.register(snapshot, "node-uefi", TagSpecifications=[
            {"ResourceType": "image", "Tags": [{"Key": "floodway.dev/image", "Value": "gpu"}]}])
        bios = self.register(snapshot, "node-bios", BootMode="legacy-bios")
        for name, value, found in (("boot-mode", "uefi", [uefi]), ("name", "node-*", [uefi, bios]),
                                   ("tag:floodway.dev/image", "gpu", [uefi]), ("tag-key", "floodway*", [uefi]),
                                   ("block-device-mapping.snapshot-id", snapshot, [uefi, bios])):
            images = ec2.describe_images(Owners=["self"], Filters=[{"Name": name, "Values": [value]}])["Images"]
            self.assertEqual([image["ImageId"] for image in images], found, name)
        pages = ec2.get_paginator("describe_images").paginate(Owners=["self"], PaginationConfig={"PageSize": 2})
        self.assertEqual([len(page["Images"]) for page in pages], [2, 1])


class Copying(PublishingTest):
    def test_to_another_region(self):
        source = self.is_available(self.register(self.published({0: "a"}), TpmSupport="v2.0", TagSpecifications=[
            {"ResourceType": "image", "Tags": [{"Key": "k", "Value": "v"}]}]))
        copy = {"Name": "node-uefi", "SourceRegion": "us-east-1", "SourceImageId": source, "ClientToken": "t"}
        self.hold()
        made = west.copy_image(**copy, CopyImageTags=True, TagSpecifications=[
            {"ResourceType": "snapshot", "Tags": [{"Key": "s", "Value": "1"}]}])["ImageId"]
        image = self.image(made, west)
        self.assertEqual((image["State"], image["SourceImageId"], image["SourceImageRegion"], image["BootMode"],
                          image["TpmSupport"], image["EnaSupport"], image["Tags"]),
                         ("pending", source, "us-east-1", "uefi", "v2.0", True, [{"Key": "k", "Value": "v"}]))
        snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        self.assertEqual(self.state(snapshot, west), "pending")
        self.advance()
        self.assertEqual((self.image(made, west)["State"], self.state(snapshot, west)), ("available", "completed"))
        tags = west.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["Tags"]
        self.assertEqual(tags, [{"Key": "s", "Value": "1"}])

    def test_the_same_token_makes_one_copy(self):
        source = self.is_available(self.register(self.published({})))
        copy = {"Name": "node", "SourceRegion": "us-east-1", "SourceImageId": source, "ClientToken": "t"}
        first = west.copy_image(**copy)["ImageId"]
        self.assertEqual(west.copy_image(**copy)["ImageId"], first)
        self.refused("IdempotentParameterMismatch", west.copy_image, **{**copy, "Name": "other"})
        self.refused("InvalidAMIName.Duplicate", west.copy_image, **{**copy, "ClientToken": "u"})
        self.assertEqual(self.image(first, west)["Tags"], [])

    def test_sources_that_are_refused(self):
        self.hold()
        source = self.register(self.published_at_once())
        copy = {"Name": "copy", "SourceRegion": "us-east-1", "SourceImageId": source}
        self.refused("InvalidAMIID.Unavailable", west.copy_image, **copy)
        self.refused("InvalidAMIID.NotFound", west.copy_image, **{**copy, "SourceImageId": "ami-0"})
        self.advance()
        ec2.disable_image(ImageId=source)
        self.refused("InvalidAMIID.Unavailable", west.copy_image, **copy)

    def published_at_once(self):
        return truth("POST", "world", {"snapshots": [{"size": 1}]})["snapshots"][0]["SnapshotId"]

    def test_keys(self):
        source = self.is_available(self.register(self.published({}, KmsKeyArn=KEY)))

        def key(through, name, **more):
            made = through.copy_image(Name=name, SourceRegion="us-east-1", SourceImageId=source, **more)["ImageId"]
            snapshot = self.image(made, through)["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
            return through.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["KmsKeyId"], made

        self.assertEqual(key(ec2, "same")[0], KEY)
        self.assertRegex(key(west, "default")[0], "us-west-2")
        there = KEY.replace("us-east-1", "us-west-2")
        self.assertEqual(key(west, "named", Encrypted=True, KmsKeyId=there)[0], there)
        self.refused("InvalidRequest", key, west, "plain", Encrypted=False)
        failed = key(west, "wrong", Encrypted=True, KmsKeyId=KEY)[1]
        self.until(lambda: self.image(failed, west)["State"] == "failed")
        self.assertEqual(self.image(failed, west)["StateReason"]["Message"], "Given key ID is not accessible")


class Sharing(PublishingTest):
    def setUp(self):
        super().setUp()
        truth("POST", "world", {"keys": {OTHER_KEY: OTHER_ACCOUNT}})
        self.theirs = client("ec2", key=OTHER_KEY)

    def available(self, **more):
        return self.is_available(self.register(self.published({0: "a"}, **more)))

    def share(self, image, operation="Add", **who):
        ec2.modify_image_attribute(ImageId=image, LaunchPermission={operation: [who or {"UserId": OTHER_ACCOUNT}]})

    def test_with_an_account(self):
        image = self.available()
        self.refused("InvalidAMIID.NotFound", self.image, image, self.theirs)
        self.share(image)
        self.assertEqual(ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"],
                         [{"UserId": OTHER_ACCOUNT}])
        for through, users in ((self.theirs, ["self"]), (ec2, [OTHER_ACCOUNT])):
            found = through.describe_images(ExecutableUsers=users)["Images"]
            self.assertEqual([one["ImageId"] for one in found], [image])
        self.assertEqual(self.theirs.describe_images(Owners=["self"])["Images"], [])
        self.refused("AuthFailure", self.theirs.deregister_image, ImageId=image)
        self.share(image, "Remove")
        self.refused("InvalidAMIID.NotFound", self.image, image, self.theirs)

    def test_a_copy_by_the_other_needs_the_snapshot_too(self):
        image = self.available()
        self.share(image)
        copy = {"Name": "copy", "SourceRegion": "us-east-1", "SourceImageId": image}
        self.refused("InvalidRequest", self.theirs.copy_image, **copy, text="permission to access the storage")
        ec2.modify_snapshot_attribute(SnapshotId=self.image(image)["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"],
                                      CreateVolumePermission={"Add": [{"UserId": OTHER_ACCOUNT}]})
        made = self.theirs.copy_image(**copy)["ImageId"]
        self.assertEqual(self.image(made, self.theirs)["OwnerId"], OTHER_ACCOUNT)

    def test_not_what_is_encrypted_under_the_key_that_aws_manages(self):
        self.refused("InvalidParameter", self.share, self.available(Encrypted=True),
                     text="Snapshots encrypted with the AWS Managed CMK can't be shared")

    def test_with_everybody(self):
        image = self.available()
        self.share(image, Group="all")
        self.assertTrue(self.image(image, self.theirs)["Public"])
        self.assertEqual([one["ImageId"] for one in self.theirs.describe_images(ExecutableUsers=["all"])["Images"]],
                         [image])

    def test_changes_that_are_refused(self):
        self.hold()
        image = self.register(truth("POST", "world", {"snapshots": [{"size": 1}]})["snapshots"][0]["SnapshotId"])
        self.refused("InvalidAMIID.Unavailable", self.share, image)
        self.advance()
        self.refused("InvalidAMIAttributeItemValue", self.share, image, UserId="12")
        self.refused("InvalidParameterCombination", ec2.modify_image_attribute, ImageId=image)
        self.refused("InvalidParameterCombination", ec2.modify_image_attribute, ImageId=image,
                     Description={"Value": "x"}, ImdsSupport={"Value": "v2.0"})
        ec2.modify_image_attribute(ImageId=image, Description={"Value": "x"})
        self.assertEqual(self.image(image)["Description"], "x")


class Ending(PublishingTest):
    def test_disabled_and_enabled(self):
        truth("POST", "world", {"keys": {OTHER_KEY: OTHER_ACCOUNT}})
        image = self.is_available(self.register(self.published({})))
        ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": OTHER_ACCOUNT}]})
        self.assertTrue(ec2.disable_image(ImageId=image)["Return"])
        ec2.disable_image(ImageId=image)
        self.assertIsNone(self.image(image))
        self.assertEqual(self.image(image, IncludeDisabled=True)["State"], "disabled")
        self.refused("InvalidAMIID.Unavailable", ec2.modify_image_attribute, ImageId=image,
                     LaunchPermission={"Add": [{"UserId": OTHER_ACCOUNT}]})
        ec2.enable_image(ImageId=image)
        self.assertEqual(self.image(image)["State"], "available")
        self.refused("InvalidAMIID.NotFound", self.image, image, client("ec2", key=OTHER_KEY))  # shared no more

    def test_deregistered(self):
        image = self.register(self.published({}))
        self.assertTrue(ec2.deregister_image(ImageId=image)["Return"])
        self.refused("InvalidAMIID.Unavailable", ec2.deregister_image, ImageId=image, text="is no longer available")
        self.refused("InvalidAMIID.NotFound", self.image, image)
        self.refused("InvalidAMIID.NotFound", ec2.deregister_image, ImageId="ami-0")
        self.refused("InvalidAMIID.Malformed", ec2.deregister_image, ImageId="snap-0")
        self.refused("InvalidAMIID.Unavailable", ec2.disable_image, ImageId=image)

    def test_deregistered_with_its_snapshots(self):
        shared, alone = self.published({}), self.published({})
        first, second, third = (self.register(snapshot, name) for snapshot, name in (
            (shared, "node-1"), (shared, "node-2"), (alone, "node-3")))
        for image, snapshot, code in ((first, shared, "skipped"), (second, shared, "success"),
                                      (third, alone, "success")):
            answer = ec2.deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)
            self.assertEqual(answer["DeleteSnapshotResults"], [{"SnapshotId": snapshot, "ReturnCode": code}])
        self.refused("InvalidSnapshot.NotFound", self.state, shared)

    def test_deprecated(self):
        at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        truth("POST", "world", {"keys": {OTHER_KEY: OTHER_ACCOUNT}})
        image, theirs = self.is_available(self.register(self.published({}))), client("ec2", key=OTHER_KEY)
        ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": OTHER_ACCOUNT}]})
        self.refused("InvalidParameterValue", ec2.enable_image_deprecation, ImageId=image,
                     DeprecateAt=at - datetime.timedelta(hours=2))
        ec2.enable_image_deprecation(ImageId=image, DeprecateAt=at)
        self.advance(2 * 3600)
        self.assertTrue(self.image(image)["DeprecationTime"])
        self.assertEqual(theirs.describe_images()["Images"], [])
        self.assertEqual(len(theirs.describe_images(IncludeDeprecated=True)["Images"]), 1)
        ec2.disable_image_deprecation(ImageId=image)
        self.assertEqual(len(theirs.describe_images()["Images"]), 1)
