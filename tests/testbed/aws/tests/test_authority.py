"""IAM policies that a test gives an access key."""

from common import ACCOUNT, StandInTest, autoscaling, client, ec2, truth

KEY = "AKIALIMITED"


class Authority(StandInTest):
    def setUp(self):
        super().setUp()
        truth("POST", "world", {"keys": {KEY: {"account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/limited"}}})
        self.autoscaling, self.ec2 = client("autoscaling", key=KEY), client("ec2", key=KEY)

    def allow(self, *actions, resource="*", effect="Allow", **conditions):
        statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
        if conditions:
            statement["Condition"] = conditions
        self.rule(kind="policy", access_key=KEY, document={"Version": "2012-10-17", "Statement": [statement]})

    def create(self, name="mine", **tags):
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=0, MaxSize=1, VPCZoneIdentifier=self.subnets[0],
            LaunchTemplate={"LaunchTemplateName": "node"},
            Tags=[{"Key": key, "Value": value, "PropagateAtLaunch": False} for key, value in tags.items()])

    def test_what_is_not_allowed_is_denied_as_aws_says_it(self):
        self.allow("autoscaling:Describe*")
        self.autoscaling.describe_auto_scaling_groups()
        answer = self.refused(
            "AccessDenied", self.create,
            text=f"User: arn:aws:iam::{ACCOUNT}:user/limited is not authorized to perform: "
            "autoscaling:CreateAutoScalingGroup on resource: "
            f"arn:aws:autoscaling:us-east-1:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/mine because no "
            "identity-based policy allows the autoscaling:CreateAutoScalingGroup action")
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 403)
        answer = self.refused("UnauthorizedOperation", self.ec2.describe_images,
                              text="is not authorized to perform: ec2:DescribeImages on resource: *")
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 403)
        autoscaling.describe_auto_scaling_groups(), client("sts", key=KEY).get_caller_identity()  # others are free

    def test_request_tags(self):
        self.allow("autoscaling:CreateAutoScalingGroup", StringEquals={"aws:RequestTag/owner": "floodway"})
        self.allow("ec2:RunInstances")
        self.refused("AccessDenied", self.create)
        self.refused("AccessDenied", self.create, owner="other")
        self.create(owner="floodway")

    def test_resource_tags(self):
        self.group("mine", Tags=[{"Key": "owner", "Value": "floodway", "PropagateAtLaunch": False}])
        self.group("theirs")
        self.allow("autoscaling:SetDesiredCapacity", StringEquals={"autoscaling:ResourceTag/owner": "floodway"})
        self.autoscaling.set_desired_capacity(AutoScalingGroupName="mine", DesiredCapacity=1)
        self.refused("AccessDenied", self.autoscaling.set_desired_capacity, AutoScalingGroupName="theirs",
                     DesiredCapacity=1)
        mine = self.serving(1, "mine")[0]["InstanceId"]
        self.refused("AccessDenied", self.autoscaling.terminate_instance_in_auto_scaling_group, InstanceId=mine,
                     ShouldDecrementDesiredCapacity=True)

    def test_tag_keys_and_likeness(self):
        self.group("mine")
        self.allow("autoscaling:CreateOrUpdateTags", **{"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]},
                                                        "StringLike": {"aws:RequestTag/a": "x*"}})

        def tag(key, value):
            self.autoscaling.create_or_update_tags(Tags=[{"ResourceId": "mine", "Key": key, "Value": value,
                                                          "ResourceType": "auto-scaling-group"}])

        tag("a", "xyz")
        self.refused("AccessDenied", tag, "a", "other")
        self.refused("AccessDenied", tag, "c", "xyz")

    def test_resources_and_wildcards(self):
        self.group("prod-a")
        self.group("test-a")
        arn = f"arn:aws:autoscaling:*:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/prod-*"
        self.allow("autoscaling:UpdateAutoScalingGroup", resource=arn)
        update = self.autoscaling.update_auto_scaling_group
        update(AutoScalingGroupName="prod-a", MaxSize=3)
        self.refused("AccessDenied", update, AutoScalingGroupName="test-a", MaxSize=3)

    def test_a_denial_wins(self):
        self.allow("*")
        self.allow("autoscaling:DescribeAutoScalingGroups", effect="Deny")
        self.refused("AccessDenied", self.autoscaling.describe_auto_scaling_groups, text="with an explicit deny")

    def test_an_unknown_operator_denies(self):
        self.allow("autoscaling:*", DateGreaterThan={"aws:CurrentTime": "2020-01-01T00:00:00Z"})
        self.refused("AccessDenied", self.autoscaling.describe_auto_scaling_groups)

    def test_tagging_while_creating_needs_create_tags(self):
        def make():
            self.ec2.create_launch_template(
                LaunchTemplateName="mine", LaunchTemplateData={"InstanceType": "g5.xlarge"},
                TagSpecifications=[{"ResourceType": "launch-template",
                                    "Tags": [{"Key": "owner", "Value": "floodway"}]}])

        self.allow("ec2:CreateLaunchTemplate", resource=f"arn:aws:ec2:*:{ACCOUNT}:launch-template/*")
        self.refused("UnauthorizedOperation", make, text="ec2:CreateTags")
        self.allow("ec2:CreateTags", StringEquals={"ec2:CreateAction": "CreateLaunchTemplate"})
        make()
        held = ec2.describe_launch_templates(LaunchTemplateNames=["mine"])["LaunchTemplates"][0]["LaunchTemplateId"]
        self.refused("UnauthorizedOperation", self.ec2.create_tags, Resources=[held], Tags=[{"Key": "a", "Value": "b"}])
        self.allow("ec2:ModifyLaunchTemplate", StringEquals={"ec2:ResourceTag/owner": "floodway"})
        self.ec2.modify_launch_template(LaunchTemplateName="mine", DefaultVersion="1")
        self.refused("UnauthorizedOperation", self.ec2.modify_launch_template, LaunchTemplateName="node",
                     DefaultVersion="1")

    def test_what_a_template_needs_behind_it(self):
        self.template("full", InstanceType="g5.xlarge", IamInstanceProfile={"Name": "node"})
        self.allow("autoscaling:*")
        create = dict(AutoScalingGroupName="mine", MinSize=0, MaxSize=1, VPCZoneIdentifier=self.subnets[0],
                      LaunchTemplate={"LaunchTemplateName": "full", "Version": "1"})
        self.refused("AccessDenied", self.autoscaling.create_auto_scaling_group, **create,
                     text="You are not authorized to use launch template")
        self.allow("ec2:RunInstances")
        self.refused("AccessDenied", self.autoscaling.create_auto_scaling_group, **create)
        self.allow("iam:PassRole", resource=f"arn:aws:iam::{ACCOUNT}:role/node",
                   StringEquals={"iam:PassedToService": "ec2.amazonaws.com"})
        self.autoscaling.create_auto_scaling_group(**create)

    def test_a_launch_is_judged_by_its_template_and_the_tags_of_what_it_makes(self):
        tags = [{"Key": "owner", "Value": "floodway"}]
        self.template("marked", InstanceType="g5.xlarge", TagSpecifications=[
            {"ResourceType": kind, "Tags": tags} for kind in ("instance", "network-interface", "volume")])
        create = dict(AutoScalingGroupName="mine", MinSize=0, MaxSize=1, VPCZoneIdentifier=self.subnets[0],
                      LaunchTemplate={"LaunchTemplateName": "marked", "Version": "1"})
        self.allow("autoscaling:*")
        by = {"ArnLike": {"ec2:LaunchTemplate": f"arn:aws:ec2:us-east-1:{ACCOUNT}:launch-template/*"}}
        for kinds in (["launch-template"], ["subnet", "security-group"]):
            self.allow("ec2:RunInstances", resource=[f"arn:aws:ec2:*:{ACCOUNT}:{kind}/*" for kind in kinds])
        self.allow("ec2:RunInstances", resource="arn:aws:ec2:us-east-1::image/*", **by)
        made = [f"arn:aws:ec2:*:{ACCOUNT}:{kind}/*" for kind in ("instance", "network-interface", "volume")]
        self.allow("ec2:CreateTags", resource=made, StringEquals={"ec2:CreateAction": "RunInstances"})
        self.allow("ec2:RunInstances", resource=made, StringEquals={"aws:RequestTag/owner": "another"})
        self.refused("AccessDenied", self.autoscaling.create_auto_scaling_group, **create)
        self.allow("ec2:RunInstances", resource=made, StringEquals={"aws:RequestTag/owner": "floodway"}, **by)
        self.autoscaling.create_auto_scaling_group(**create)

    def test_force_and_launch_configurations_can_be_refused(self):
        self.group("mine")
        self.allow("autoscaling:DeleteAutoScalingGroup", BoolIfExists={"autoscaling:ForceDelete": "false"})
        self.allow("autoscaling:CreateAutoScalingGroup", Null={"autoscaling:LaunchConfigurationName": "true"})
        self.refused("AccessDenied", self.autoscaling.create_auto_scaling_group, AutoScalingGroupName="old",
                     MinSize=0, MaxSize=1, LaunchConfigurationName="old", VPCZoneIdentifier=self.subnets[0])
        delete = self.autoscaling.delete_auto_scaling_group
        self.refused("AccessDenied", delete, AutoScalingGroupName="mine", ForceDelete=True)
        delete(AutoScalingGroupName="mine")

    def test_a_role_has_policies_of_its_own(self):
        self.rule(kind="policy", principal="arn:aws:sts::*:assumed-role/plan/*", document={"Statement": {
            "Effect": "Allow", "Action": "autoscaling:Describe*", "Resource": "*"}})
        given = client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/plan", RoleSessionName="session")
        as_role = client("autoscaling", key=given["Credentials"]["AccessKeyId"])
        self.group()
        as_role.describe_auto_scaling_groups()
        self.refused("AccessDenied", as_role.set_desired_capacity, AutoScalingGroupName="g", DesiredCapacity=1,
                     text="assumed-role/plan/session is not authorized to perform: autoscaling:SetDesiredCapacity")

    def test_objects_by_path(self):
        client("s3").create_bucket(Bucket="locks")
        mine = client("s3", key=KEY)
        self.allow("s3:GetObject", "s3:PutObject", resource="arn:aws:s3:::locks/prod/*")
        mine.put_object(Bucket="locks", Key="prod/lock", Body=b"1")
        self.refused("AccessDenied", mine.put_object, Bucket="locks", Key="test/lock", Body=b"1")
