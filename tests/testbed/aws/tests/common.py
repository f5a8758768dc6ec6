"""A started stand-in, boto3 clients for it, and what many tests ask."""

import atexit
import json
import os
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
ACCOUNT = "123456789012"
_PROCESS = subprocess.Popen(
    [os.environ["AWS_STANDIN"], "--until-stdin-closes", "--launch-seconds", "0.05", "--terminate-seconds", "0.05",
     "--heartbeat-scale", "0.01", "--retry-seconds", "0.1", "--refresh-wait-seconds", "0.5",
     "--snapshot-seconds", "0.05", "--image-seconds", "0.05"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
URL = _PROCESS.stdout.readline().split()[1]


@atexit.register
def _end():
    _PROCESS.stdin.close()
    _PROCESS.wait()


def client(service, key="AKIATEST", region=REGION, retries=0, **config):
    return boto3.client(service, region_name=region, endpoint_url=URL, aws_access_key_id=key,
                        aws_secret_access_key="secret",
                        config=Config(retries={"total_max_attempts": retries + 1}, max_pool_connections=20, **config))


def truth(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/truth/{path}", method=method, data=data)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as failure:
        raise AssertionError(failure.read().decode()) from None


autoscaling, ec2 = client("autoscaling"), client("ec2")


class StandInTest(unittest.TestCase):
    """Each test has an empty world with a network of three zones, an image and a template."""

    def setUp(self):
        truth("POST", "reset")
        made = truth("POST", "world", {"network": 3, "images": [{"name": "node", "id": "ami-00000000000000001"}]})
        self.subnets = [subnet["SubnetId"] for subnet in made["subnets"]]
        self.template("node", InstanceType="g5.xlarge")

    def template(self, name, **data):
        data.setdefault("ImageId", "ami-00000000000000001")
        return ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)["LaunchTemplate"]

    def version(self, name="node", **data):
        data.setdefault("ImageId", "ami-00000000000000001")
        made = ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData=data)
        return made["LaunchTemplateVersion"]["VersionNumber"]

    def group(self, name="g", low=0, high=10, desired=None, **more):
        if "MixedInstancesPolicy" not in more:
            more.setdefault("LaunchTemplate", {"LaunchTemplateName": "node", "Version": "$Default"})
        more.setdefault("VPCZoneIdentifier", ",".join(self.subnets))
        if desired is not None:
            more["DesiredCapacity"] = desired
        autoscaling.create_auto_scaling_group(AutoScalingGroupName=name, MinSize=low, MaxSize=high, **more)

    def update(self, name="g", **more):
        autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, **more)

    def described(self, name="g"):
        found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return found[0] if found else None

    def instances(self, name="g", state=None):
        return [i for i in self.described(name)["Instances"] if state in (None, i["LifecycleState"])]

    def states(self, name="g"):
        return sorted(i["LifecycleState"] for i in self.described(name)["Instances"])

    def dumped(self, name="g"):
        groups = truth("GET", "world")["accounts"][ACCOUNT][REGION]["groups"]
        return next(group for group in groups if group["name"] == name)

    def until(self, condition, what="it did not happen", seconds=20):
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                self.fail(f"{what}; {truth('GET', 'world')}")
            time.sleep(0.02)

    def serving(self, count, name="g"):
        """Waits until exactly so many are InService, and none is anything else."""
        return self.until(lambda: self.states(name) == ["InService"] * count and (self.instances(name) or True),
                          f"not {count} in service")

    def hold(self):
        """Stops the clock: what passes by itself waits for `advance`."""
        truth("POST", "clock", {"hold": True})

    def advance(self, seconds=0.06):
        """Moves the clock on, by default past a launch or a termination."""
        truth("POST", "clock", {"advance": seconds})

    def refused(self, code, call, *arguments, text=None, **parameters):
        with self.assertRaises(ClientError) as caught:
            call(*arguments, **parameters)
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], code, error)
        if text:
            self.assertIn(text, error["Message"])
        return caught.exception.response

    def rule(self, **rule):
        return truth("POST", "rules", [rule])["ids"][0]

    def mixed(self, kinds, base=0, above=100, **distribution):
        return {
            "LaunchTemplate": {"LaunchTemplateSpecification": {"LaunchTemplateName": "node", "Version": "$Default"},
                               "Overrides": [{"InstanceType": kind} for kind in kinds]},
            "InstancesDistribution": {"OnDemandBaseCapacity": base, "OnDemandPercentageAboveBaseCapacity": above,
                                      "SpotAllocationStrategy": "price-capacity-optimized", **distribution},
        }
