"""Snapshots as EC2 shows, copies, shares and deletes them."""

from common import ACCOUNT, client, ec2, truth
from publishing import OTHER_ACCOUNT, OTHER_KEY, PublishingTest, ebs

KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a"
west = client("ec2", region="us-west-2")


class Describing(PublishingTest):
    def setUp(self):
        super().setUp()
        truth("POST", "reset")

    def names(self, **more):
        return sorted(one["SnapshotId"] for one in ec2.describe_snapshots(**more)["Snapshots"])

    def seed(self, *snapshots, **more):
        return truth("POST", "world", {"snapshots": list(snapshots), **more})["snapshots"]

    def test_by_id_owner_tag_and_state(self):
        self.seed({"id": "snap-0a", "tags": {"channel": "stable"}, "size": 3, "started": "2026-01-01T00:00:00Z"},
                  {"id": "snap-0b", "state": "pending"}, {"id": "snap-0c", "encrypted": True, "description": "disk"})
        self.seed({"id": "snap-0d", "shared_with": [ACCOUNT]}, account=OTHER_ACCOUNT)
        self.seed({"id": "snap-0e"}, account=OTHER_ACCOUNT)
        self.assertEqual(self.names(), ["snap-0a", "snap-0b", "snap-0c", "snap-0d"])
        self.assertEqual(self.names(OwnerIds=["self"]), ["snap-0a", "snap-0b", "snap-0c"])
        self.assertEqual(self.names(OwnerIds=[OTHER_ACCOUNT]), ["snap-0d"])
        self.assertEqual(self.names(SnapshotIds=["snap-0b"]), ["snap-0b"])
        for name, value, found in (("tag:channel", "st*", "snap-0a"), ("tag-key", "channel", "snap-0a"),
                                   ("status", "pending", "snap-0b"), ("encrypted", "true", "snap-0c"),
                                   ("volume-size", "3", "snap-0a"), ("description", "disk", "snap-0c"),
                                   ("owner-id", OTHER_ACCOUNT, "snap-0d"), ("start-time", "2026-01-01T*", "snap-0a")):
            self.assertEqual(self.names(Filters=[{"Name": name, "Values": [value]}]), [found], name)
        self.refused("InvalidSnapshot.NotFound", self.names, SnapshotIds=["snap-0f"])
        self.refused("InvalidSnapshotID.Malformed", self.names, SnapshotIds=["vol-0f"])
        self.refused("InvalidParameterValue", self.names, Filters=[{"Name": "colour", "Values": ["x"]}])

    def test_pages(self):
        self.seed(*({"id": f"snap-{number:03}"} for number in range(7)))
        pages = ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], PaginationConfig={"PageSize": 3})
        self.assertEqual([len(one["Snapshots"]) for one in pages], [3, 3, 1])

    def test_tags(self):
        self.seed({"id": "snap-0a", "tags": {"a": "1"}})
        ec2.create_tags(Resources=["snap-0a"], Tags=[{"Key": "b", "Value": "2"}])
        ec2.delete_tags(Resources=["snap-0a"], Tags=[{"Key": "a"}])
        shown = ec2.describe_snapshots(SnapshotIds=["snap-0a"])["Snapshots"][0]
        self.assertEqual(shown["Tags"], [{"Key": "b", "Value": "2"}])
        listed = ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": ["snapshot"]}])["Tags"]
        self.assertEqual([(one["ResourceId"], one["Key"]) for one in listed], [("snap-0a", "b")])
        self.refused("InvalidSnapshot.NotFound", ec2.create_tags, Resources=["snap-0b"],
                     Tags=[{"Key": "b", "Value": "2"}])

    def test_a_snapshot_is_kept_while_an_image_has_it(self):
        snapshot = self.published({0: "a"})
        image = self.register(snapshot)
        self.refused("InvalidSnapshot.InUse", ec2.delete_snapshot, SnapshotId=snapshot,
                     text=f"The snapshot {snapshot} is currently in use by {image}")
        self.is_available(image)
        ec2.disable_image(ImageId=image)
        self.refused("InvalidSnapshot.InUse", ec2.delete_snapshot, SnapshotId=snapshot)
        ec2.deregister_image(ImageId=image)
        ec2.delete_snapshot(SnapshotId=snapshot)
        self.refused("InvalidSnapshot.NotFound", ec2.delete_snapshot, SnapshotId=snapshot)


class Copying(PublishingTest):
    def test_to_another_region(self):
        self.hold()
        source = self.start(Tags=[{"Key": "k", "Value": "v"}])
        copy = {"SourceRegion": "us-east-1", "SourceSnapshotId": source}
        self.refused("IncorrectState", west.copy_snapshot, **copy)
        self.complete(source, 0)
        self.advance()
        made = west.copy_snapshot(**copy, Description="moved", TagSpecifications=[
            {"ResourceType": "snapshot", "Tags": [{"Key": "t", "Value": "1"}]}])
        self.assertEqual(made["Tags"], [{"Key": "t", "Value": "1"}])
        self.assertEqual(self.state(made["SnapshotId"], west), "pending")
        self.advance()
        shown = west.describe_snapshots(SnapshotIds=[made["SnapshotId"]])["Snapshots"][0]
        self.assertEqual((shown["State"], shown["Tags"], shown["Description"], shown["Encrypted"]),
                         ("completed", [{"Key": "t", "Value": "1"}], "moved", False))
        self.refused("InvalidSnapshot.NotFound", self.state, made["SnapshotId"])
        self.refused("InvalidSnapshot.NotFound", west.copy_snapshot, SourceRegion="us-east-1",
                     SourceSnapshotId="snap-0")

    def test_the_copy_has_the_blocks(self):
        source = self.published({0: "a", 9: "b"})
        made = west.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=source)["SnapshotId"]
        self.is_completed(made, west)
        listed = client("ebs", region="us-west-2").list_snapshot_blocks(SnapshotId=made)["Blocks"]
        self.assertEqual([one["BlockIndex"] for one in listed], [0, 9])

    def test_keys_of_copies(self):
        def copied(source, **more):
            made = west.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=source, **more)["SnapshotId"]
            self.until(lambda: self.state(made, west) != "pending")
            return west.describe_snapshots(SnapshotIds=[made])["Snapshots"][0]

        plain, secret = self.published({0: "a"}), self.published({0: "a"}, KmsKeyArn=KEY)
        there = KEY.replace("us-east-1", "us-west-2")
        self.assertFalse(copied(plain)["Encrypted"])
        self.assertEqual(copied(plain, Encrypted=True, KmsKeyId=there)["KmsKeyId"], there)
        self.assertEqual(copied(plain, Encrypted=True, KmsKeyId="0a")["KmsKeyId"], there)
        self.assertRegex(copied(secret)["KmsKeyId"], "us-west-2")
        self.refused("InvalidParameterDependency", copied, plain, KmsKeyId=there)
        self.refused("InvalidRequest", copied, secret, Encrypted=False)
        failed = copied(plain, Encrypted=True, KmsKeyId=KEY)  # a key of another region
        self.assertEqual((failed["State"], failed["StateMessage"]), ("error", "Given key ID is not accessible"))


class Sharing(PublishingTest):
    def setUp(self):
        super().setUp()
        truth("POST", "world", {"keys": {OTHER_KEY: OTHER_ACCOUNT}})
        self.theirs = client("ec2", key=OTHER_KEY)

    def share(self, snapshot, operation="Add", **who):
        ec2.modify_snapshot_attribute(SnapshotId=snapshot,
                                      CreateVolumePermission={operation: [who or {"UserId": OTHER_ACCOUNT}]})

    def test_with_an_account_and_no_more(self):
        snapshot = self.published({0: "a"}, Tags=[{"Key": "k", "Value": "v"}])
        self.refused("InvalidSnapshot.NotFound", self.state, snapshot, self.theirs)
        self.share(snapshot)
        self.share(snapshot)
        told = ec2.describe_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission")
        self.assertEqual(told["CreateVolumePermissions"], [{"UserId": OTHER_ACCOUNT}])
        seen = self.theirs.describe_snapshots(RestorableByUserIds=["self"])["Snapshots"]
        self.assertEqual([(one["SnapshotId"], one["OwnerId"], one.get("Tags", [])) for one in seen],
                         [(snapshot, ACCOUNT, [])])
        self.assertEqual(len(client("ebs", key=OTHER_KEY).list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]), 1)
        self.refused("AuthFailure", self.theirs.delete_snapshot, SnapshotId=snapshot)
        self.refused("InvalidSnapshot.NotFound", west.describe_snapshots, SnapshotIds=[snapshot])
        self.share(snapshot, "Remove")
        self.refused("InvalidSnapshot.NotFound", self.state, snapshot, self.theirs)

    def test_the_older_form_of_a_request(self):
        snapshot = self.published({0: "a"})
        change = {"SnapshotId": snapshot, "Attribute": "createVolumePermission", "UserIds": [OTHER_ACCOUNT]}
        self.refused("MissingParameter", ec2.modify_snapshot_attribute, **change)
        ec2.modify_snapshot_attribute(**change, OperationType="add")
        self.state(snapshot, self.theirs)
        ec2.modify_snapshot_attribute(**change, OperationType="remove")
        self.refused("InvalidSnapshot.NotFound", self.state, snapshot, self.theirs)

    def test_not_what_is_encrypted_under_the_key_that_aws_manages(self):
        managed, own = self.published({0: "a"}, Encrypted=True), self.published({0: "a"}, KmsKeyArn=KEY)
        answer = self.refused("OperationNotPermitted", self.share, managed,
                              text="Encrypted snapshots with EBS default key cannot be shared")
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.share(own)
        self.refused("OperationNotPermitted", self.share, own, Group="all")

    def test_permissions_that_are_refused(self):
        snapshot = self.published({0: "a"})
        self.refused("InvalidAMIAttributeItemValue", self.share, snapshot, UserId="1234")
        self.refused("InvalidParameterCombination", ec2.modify_snapshot_attribute, SnapshotId=snapshot)
        self.refused("InvalidParameterCombination", ec2.modify_snapshot_attribute, SnapshotId=snapshot,
                     CreateVolumePermission={"Add": [{"UserId": OTHER_ACCOUNT}], "Remove": [{"UserId": ACCOUNT}]})
        self.share(snapshot, Group="all")
        # EBS direct does not read public snapshots.
        self.refused("ResourceNotFoundException", client("ebs", key=OTHER_KEY).list_snapshot_blocks,
                     SnapshotId=snapshot)
        self.assertEqual(len(ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]), 1)
