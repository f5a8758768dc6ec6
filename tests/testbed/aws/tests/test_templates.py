"""Launch templates and their versions."""

import base64

from common import StandInTest, client, ec2


class Templates(StandInTest):
    def create(self, name="other", **more):
        more.setdefault("LaunchTemplateData", {"InstanceType": "g5.xlarge"})
        return ec2.create_launch_template(LaunchTemplateName=name, **more)["LaunchTemplate"]

    def versions(self, *versions, **more):
        return ec2.describe_launch_template_versions(Versions=list(versions), **more)["LaunchTemplateVersions"]

    def test_a_name_is_used_once(self):
        self.refused("InvalidLaunchTemplateName.AlreadyExistsException", self.create, "node",
                     text="Launch template name already in use.")
        self.refused("InvalidLaunchTemplateName.MalformedException", self.create, "no blanks")

    def test_the_same_token_makes_one(self):
        first = self.create(ClientToken="a")
        self.assertEqual(self.create(ClientToken="a"), first)
        self.refused("IdempotentParameterMismatch", self.create, "third", ClientToken="a")
        self.assertEqual(len(ec2.describe_launch_templates()["LaunchTemplates"]), 2)

    def test_the_same_token_makes_one_version(self):
        def make(token, kind="g6.xlarge"):
            return ec2.create_launch_template_version(LaunchTemplateName="node", ClientToken=token,
                                                      LaunchTemplateData={"InstanceType": kind})

        first = make("a")["LaunchTemplateVersion"]
        self.assertEqual(make("a")["LaunchTemplateVersion"], first)
        self.refused("IdempotentParameterMismatch", make, "a", "g5.xlarge")
        self.assertEqual(make("b")["LaunchTemplateVersion"]["VersionNumber"], 3)

    def test_version_one_stays_as_it_was(self):
        before = self.versions("1", LaunchTemplateName="node")
        self.version(InstanceType="g6.xlarge")
        self.assertEqual(self.versions("1", LaunchTemplateName="node"), before)

    def test_a_source_version_is_merged(self):
        made = ec2.create_launch_template_version(LaunchTemplateName="node", SourceVersion="1",
                                                  LaunchTemplateData={"InstanceType": "g6.xlarge"})
        data = made["LaunchTemplateVersion"]["LaunchTemplateData"]
        self.assertEqual((data["ImageId"], data["InstanceType"]), ("ami-00000000000000001", "g6.xlarge"))

    def test_the_default_version(self):
        self.version(InstanceType="g6.xlarge")
        self.assertEqual(self.versions("$Default", LaunchTemplateName="node")[0]["VersionNumber"], 1)
        changed = ec2.modify_launch_template(LaunchTemplateName="node", DefaultVersion="2")["LaunchTemplate"]
        self.assertEqual((changed["DefaultVersionNumber"], changed["LatestVersionNumber"]), (2, 2))
        self.assertTrue(self.versions("$Default", LaunchTemplateName="node")[0]["DefaultVersion"])
        self.refused("InvalidLaunchTemplateId.VersionNotFound", ec2.modify_launch_template, LaunchTemplateName="node",
                     DefaultVersion="9")

    def test_the_default_versions_of_all_templates_by_pages(self):
        for index in range(5):
            self.create(f"t-{index}", TagSpecifications=[{"ResourceType": "launch-template",
                                                          "Tags": [{"Key": "k", "Value": "v"}]}])
        first = ec2.describe_launch_template_versions(Versions=["$Default"], MaxResults=4)
        rest = ec2.describe_launch_template_versions(Versions=["$Default"], MaxResults=4, NextToken=first["NextToken"])
        names = [v["LaunchTemplateName"] for v in first["LaunchTemplateVersions"] + rest["LaunchTemplateVersions"]]
        self.assertEqual(names, ["node", "t-0", "t-1", "t-2", "t-3", "t-4"])
        self.refused("MissingParameter", self.versions, "1")
        tagged = ec2.describe_launch_templates(Filters=[{"Name": "tag:k", "Values": ["v"]}], MaxResults=3)
        self.assertEqual(len(tagged["LaunchTemplates"]), 3)
        self.assertIn("NextToken", tagged)

    def test_what_is_not_there(self):
        self.refused("InvalidLaunchTemplateName.NotFoundException", self.versions, "1", LaunchTemplateName="none")
        self.refused("InvalidLaunchTemplateId.NotFound", ec2.delete_launch_template,
                     LaunchTemplateId="lt-00000000000000000")
        self.refused("InvalidLaunchTemplateId.VersionNotFound", self.versions, "7", LaunchTemplateName="node")

    def test_versions_are_deleted_but_not_the_default(self):
        self.version(InstanceType="g6.xlarge")
        done = ec2.delete_launch_template_versions(LaunchTemplateName="node", Versions=["1", "2", "9"])
        self.assertEqual([v["VersionNumber"] for v in done["SuccessfullyDeletedLaunchTemplateVersions"]], [2])
        self.assertEqual(len(done["UnsuccessfullyDeletedLaunchTemplateVersions"]), 2)
        self.assertEqual(self.version(InstanceType="g6.xlarge"), 3)

    def test_user_data(self):
        text = base64.b64encode(b"x" * 16385).decode()
        self.refused("InvalidUserData.Malformed", self.version, UserData=text, text="limited to 16384 bytes")
        self.refused("InvalidUserData.Malformed", self.version, UserData="%%%")

    def test_tags(self):
        made = self.create()
        ec2.create_tags(Resources=[made["LaunchTemplateId"]], Tags=[{"Key": "a", "Value": "1"}])
        shown = ec2.describe_launch_templates(LaunchTemplateNames=["other"])["LaunchTemplates"][0]
        self.assertEqual(shown["Tags"], [{"Key": "a", "Value": "1"}])
        ec2.delete_tags(Resources=[made["LaunchTemplateId"]], Tags=[{"Key": "a"}])
        self.assertEqual(ec2.describe_launch_templates(LaunchTemplateNames=["other"])["LaunchTemplates"][0].get(
            "Tags", []), [])

    def test_all_that_a_template_holds_comes_back(self):
        given = {
            "ImageId": "ami-00000000000000001", "InstanceType": "p5.48xlarge", "EbsOptimized": True,
            "IamInstanceProfile": {"Name": "node"},
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp3", "Encrypted": True,
                                                                        "VolumeSize": 200, "Iops": 6000}}],
            "NetworkInterfaces": [{"DeviceIndex": 0, "NetworkCardIndex": 0, "InterfaceType": "efa", "Groups": ["sg-1"],
                                   "DeleteOnTermination": True}],
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
            "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
            "InstanceMarketOptions": {"MarketType": "capacity-block"},
        }
        self.create(LaunchTemplateData=given)
        self.assertEqual(self.versions("$Latest", LaunchTemplateName="other")[0]["LaunchTemplateData"], given)

    def test_regions_are_apart(self):
        other = client("ec2", region="eu-west-1")
        self.assertEqual(other.describe_launch_templates()["LaunchTemplates"], [])
