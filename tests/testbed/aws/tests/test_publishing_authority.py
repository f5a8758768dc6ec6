"""IAM policies about snapshots, images and parameters."""

from common import ACCOUNT, client, ec2, truth
from publishing import PublishingTest, block, checksum, BLOCK

KEY = "AKIALIMITED"
TAGS = [{"Key": "floodway.dev/image", "Value": "gpu"}]
SNAPSHOTS, IMAGES = "arn:aws:ec2:us-east-1::snapshot/*", "arn:aws:ec2:us-east-1::image/*"
MINE = {"StringEquals": {"aws:ResourceTag/floodway.dev/image": "gpu"}}
GIVEN = {"StringEquals": {"aws:RequestTag/floodway.dev/image": "gpu"}}


class Authority(PublishingTest):
    def setUp(self):
        super().setUp()
        truth("POST", "world", {"keys": {KEY: {"account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/limited"}}})
        self.ebs, self.ec2, self.ssm = (client(service, key=KEY) for service in ("ebs", "ec2", "ssm"))

    def allow(self, *actions, resource="*", effect="Allow", **conditions):
        statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
        if conditions:
            statement["Condition"] = conditions
        self.rule(kind="policy", access_key=KEY, document={"Version": "2012-10-17", "Statement": [statement]})

    def test_ebs_says_no_in_its_own_words(self):
        self.allow("ec2:*")
        answer = self.refused("AccessDeniedException", self.ebs.start_snapshot, VolumeSize=1,
                              text="is not authorized to perform: ebs:StartSnapshot on resource: "
                              "arn:aws:ec2:us-east-1::snapshot/*")
        self.assertEqual((answer["ResponseMetadata"]["HTTPStatusCode"], answer["Reason"]),
                         (403, "UNAUTHORIZED_ACCOUNT"))

    def test_a_snapshot_is_started_with_tags_and_written_by_them(self):
        self.allow("ebs:StartSnapshot", resource=SNAPSHOTS, **GIVEN)
        self.allow("ebs:PutSnapshotBlock", "ebs:CompleteSnapshot", resource=SNAPSHOTS, **MINE)
        self.refused("AccessDeniedException", self.ebs.start_snapshot, VolumeSize=1)
        self.refused("AccessDeniedException", self.ebs.start_snapshot, VolumeSize=1, Tags=TAGS, text="ec2:CreateTags")
        self.allow("ec2:CreateTags", resource=SNAPSHOTS, **GIVEN)
        own = self.ebs.start_snapshot(VolumeSize=1, Tags=TAGS)["SnapshotId"]
        data = {"BlockIndex": 0, "BlockData": block("a"), "DataLength": BLOCK, "Checksum": checksum(block("a")),
                "ChecksumAlgorithm": "SHA256"}
        self.ebs.put_snapshot_block(SnapshotId=own, **data)
        self.refused("AccessDeniedException", self.ebs.put_snapshot_block, SnapshotId=self.start(), **data)
        self.ebs.complete_snapshot(SnapshotId=own, ChangedBlocksCount=1)

    def test_a_parent_can_be_required(self):
        self.allow("ebs:StartSnapshot", ArnLike={"ebs:ParentSnapshot": "arn:aws:ec2:*::snapshot/*"})
        self.refused("AccessDeniedException", self.ebs.start_snapshot, VolumeSize=1)
        self.ebs.start_snapshot(VolumeSize=1, ParentSnapshotId=self.published({}))

    def test_an_image_is_registered_over_ones_own_snapshot(self):
        self.allow("ec2:RegisterImage", resource=IMAGES, **GIVEN)
        self.allow("ec2:RegisterImage", resource=SNAPSHOTS, StringEquals={"ec2:Owner": ACCOUNT, **MINE["StringEquals"]})
        self.allow("ec2:CreateTags", resource=IMAGES, StringEquals={"ec2:CreateAction": "RegisterImage"})
        given = {"Name": "node-1", "RootDeviceName": "/dev/xvda", "TagSpecifications": [
            {"ResourceType": "image", "Tags": TAGS}]}

        def register(snapshot, **more):
            return self.ec2.register_image(**{**given, **more}, BlockDeviceMappings=[
                {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}])

        own = self.published({}, Tags=TAGS)
        self.refused("UnauthorizedOperation", register, self.published({}))
        self.refused("UnauthorizedOperation", register, own, TagSpecifications=[])
        register(own)

    def test_what_is_done_to_an_image_goes_by_its_tags(self):
        snapshot = self.published({}, Tags=TAGS)
        own = self.is_available(self.register(snapshot, "node-1", TagSpecifications=[
            {"ResourceType": "image", "Tags": TAGS}]))
        other = self.is_available(self.register(snapshot, "node-2"))
        self.allow("ec2:DisableImage", "ec2:DeregisterImage", resource=IMAGES, **MINE)
        self.allow("ec2:ModifyImageAttribute", resource=IMAGES, StringEquals={"ec2:Attribute": "LaunchPermission"})
        self.allow("ec2:ModifySnapshotAttribute", resource=SNAPSHOTS, StringEquals={"ec2:Add/userId": "210987654321"})
        self.allow("ec2:DeleteSnapshot", resource=SNAPSHOTS, **MINE)
        self.refused("UnauthorizedOperation", self.ec2.disable_image, ImageId=other)
        self.ec2.modify_image_attribute(ImageId=own, LaunchPermission={"Add": [{"UserId": "210987654321"}]})
        self.refused("UnauthorizedOperation", self.ec2.modify_image_attribute, ImageId=own, Description={"Value": "x"})
        share = self.ec2.modify_snapshot_attribute
        share(SnapshotId=snapshot, CreateVolumePermission={"Add": [{"UserId": "210987654321"}]})
        self.refused("UnauthorizedOperation", share, SnapshotId=snapshot,
                     CreateVolumePermission={"Add": [{"UserId": "111122223333"}]})
        self.ec2.disable_image(ImageId=own)
        self.ec2.deregister_image(ImageId=own)
        ec2.deregister_image(ImageId=other)
        self.ec2.delete_snapshot(SnapshotId=snapshot)

    def test_a_copy_needs_the_source_and_what_is_made(self):
        west = client("ec2", key=KEY, region="us-west-2")
        source = self.is_available(self.register(self.published({})))
        copy = {"Name": "copy", "SourceRegion": "us-east-1", "SourceImageId": source}
        self.allow("ec2:CopyImage", resource=[f"arn:aws:ec2:us-east-1::image/{source}"])
        self.refused("UnauthorizedOperation", west.copy_image, **copy,
                     text="ec2:CopyImage on resource: arn:aws:ec2:us-west-2::image/*")
        self.allow("ec2:CopyImage", resource=["arn:aws:ec2:us-west-2::image/*", "arn:aws:ec2:us-west-2::snapshot/*"])
        west.copy_image(**copy)

    def test_images_and_snapshots_are_tagged_by_arns_without_an_account(self):
        snapshot = self.published({})
        self.allow("ec2:CreateTags", resource=SNAPSHOTS)
        self.ec2.create_tags(Resources=[snapshot], Tags=TAGS)
        self.refused("UnauthorizedOperation", self.ec2.create_tags, Resources=["ami-00000000000000001"], Tags=TAGS)

    def test_parameters_by_path(self):
        prefix = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/floodway/images/"
        self.allow("ssm:PutParameter", resource=prefix + "*", StringEquals={"ssm:Overwrite": "true"})
        self.allow("ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParametersByPath", resource=prefix + "*")
        name = "/floodway/images/gpu"
        put = {"Name": name, "Value": "1", "Type": "String"}
        self.refused("AccessDeniedException", self.ssm.put_parameter, **put)
        self.ssm.put_parameter(**put, Overwrite=True)
        self.assertEqual(self.ssm.get_parameter(Name=name + ":1")["Parameter"]["Value"], "1")
        self.ssm.get_parameter_history(Name=name)
        self.ssm.get_parameters_by_path(Path="/floodway/images/gpu")
        self.refused("AccessDeniedException", self.ssm.get_parameters_by_path, Path="/floodway")
        self.refused("AccessDeniedException", self.ssm.delete_parameters, Names=[name])
        self.refused("AccessDeniedException", self.ssm.describe_parameters)
