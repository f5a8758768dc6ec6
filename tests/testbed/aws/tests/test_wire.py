"""Requests that no SDK would make: each deviation from botocore's models is reported."""

import urllib.error
import urllib.parse
import urllib.request

from common import URL, StandInTest, truth


def send(service, version, **form):
    request = urllib.request.Request(URL, data=urllib.parse.urlencode({"Version": version, **form}).encode(), headers={
        "Authorization": f"AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/{service}/aws4_request, Signature=0"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as failure:
        return failure.code, failure.read().decode()


def auto_scaling(**form):
    return send("autoscaling", "2011-01-01", **form)


def ec2(**form):
    return send("ec2", "2016-11-15", **form)


class Violations(StandInTest):
    def kinds(self):
        found = [(v["kind"], v["path"]) for v in truth("GET", "violations")]
        truth("POST", "reset")
        return found

    def test_a_misspelt_parameter(self):
        self.assertEqual(auto_scaling(Action="DescribeAutoScalingGroups", MaxRecord="5")[0], 200)
        self.assertEqual(self.kinds(), [("unknown parameter", "MaxRecord")])
        status, text = ec2(Action="DescribeSubnets", **{"SubnetIds.1": "x"})  # its name on the wire is SubnetId
        self.assertEqual(status, 400)
        self.assertIn("UnknownParameter", text)
        self.assertEqual(self.kinds(), [("unknown parameter", "SubnetIds")])

    def test_a_misspelt_member_deep_inside(self):
        auto_scaling(Action="CreateAutoScalingGroup", AutoScalingGroupName="g", MinSize="0", MaxSize="1", **{
            "Tags.member.1.Key": "k", "Tags.member.1.PropagatesAtLaunch": "true",
            "MixedInstancesPolicy.LaunchTemplate.Overrides.member.1.InstanceTyp": "x"})
        self.assertEqual(sorted(self.kinds()), [
            ("unknown parameter", "MixedInstancesPolicy.LaunchTemplate.Overrides[0].InstanceTyp"),
            ("unknown parameter", "Tags[0].PropagatesAtLaunch")])

    def test_wrong_types(self):
        self.assertEqual(auto_scaling(Action="SetDesiredCapacity", AutoScalingGroupName="g", DesiredCapacity="many")[0],
                         400)
        self.assertIn(("wrong type", "DesiredCapacity"), self.kinds())
        auto_scaling(Action="SetDesiredCapacity", AutoScalingGroupName="g", DesiredCapacity="1", HonorCooldown="yes")
        self.assertEqual(self.kinds(), [("wrong type", "HonorCooldown")])
        auto_scaling(Action="DescribeAutoScalingGroups", AutoScalingGroupNames="g")
        self.assertEqual(self.kinds(), [("wrong type", "AutoScalingGroupNames")])

    def test_missing_members(self):
        status, text = auto_scaling(Action="SetDesiredCapacity", AutoScalingGroupName="g")
        self.assertEqual(status, 400)
        self.assertIn("ValidationError", text)
        self.assertEqual(self.kinds(), [("missing", "DesiredCapacity")])
        self.assertIn("MissingParameter", ec2(Action="CreateLaunchTemplate", LaunchTemplateName="x")[1])
        self.assertEqual(self.kinds(), [("missing", "LaunchTemplateData")])

    def test_enums_ranges_patterns(self):
        ec2(Action="CreateLaunchTemplate", LaunchTemplateName="xyz", **{
            "LaunchTemplateData.InstanceInitiatedShutdownBehavior": "explode"})
        self.assertEqual(self.kinds(), [("enum", "LaunchTemplateData.InstanceInitiatedShutdownBehavior")])
        self.assertIn("InvalidParameterValue", ec2(Action="DescribeLaunchTemplates", MaxResults="500")[1])
        self.assertEqual(self.kinds(), [("range", "MaxResults")])
        auto_scaling(Action="CreateAutoScalingGroup", AutoScalingGroupName="g", MinSize="0", MaxSize="1", **{
            "LaunchTemplate.LaunchTemplateName": "no blanks", "InstanceMaintenancePolicy.MinHealthyPercentage": "300"})
        self.assertEqual(sorted(self.kinds()), [
            ("pattern", "LaunchTemplate.LaunchTemplateName"),
            ("range", "InstanceMaintenancePolicy.MinHealthyPercentage")])

    def test_unknown_actions(self):
        self.assertIn("InvalidAction", auto_scaling(Action="DescribeAutoScalingGroup")[1])
        self.assertEqual(self.kinds(), [("unknown action", "DescribeAutoScalingGroup")])
