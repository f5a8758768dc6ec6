"""The rules that tests post, and the recorder."""

import os
import subprocess
import threading
import time
from email.utils import parsedate_to_datetime

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from common import URL, StandInTest, autoscaling, client, ec2, truth


class Rules(StandInTest):
    def test_an_error_on_the_nth_call_of_an_action_on_a_resource(self):
        self.rule(kind="error", action="CreateAutoScalingGroup", resource="gpu", nth=2, code="ResourceContention",
                  message="busy", status=500)
        self.group("gpu-1")
        self.group("cpu-1")
        answer = self.refused("ResourceContention", self.group, "gpu-2", text="busy")
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 500)
        self.assertIsNone(self.described("gpu-2"))
        self.group("gpu-3")

    def test_every_and_times(self):
        self.rule(kind="error", service="ec2", action=["DescribeSubnets"], every=2, times=2, code="InternalError",
                  status=500)
        outcome = []
        for _ in range(8):
            try:
                ec2.describe_subnets()
                outcome.append(True)
            except ec2.exceptions.ClientError:
                outcome.append(False)
        self.assertEqual(outcome, [True, False, True, False, True, True, True, True])

    def test_probability_is_repeatable(self):
        def run():
            rule = self.rule(kind="error", service="ec2", action="Describe*", probability=0.5, seed=7, code="X")
            codes = []
            for _ in range(20):
                try:
                    codes.append(bool(ec2.describe_subnets()))
                except ec2.exceptions.ClientError:
                    codes.append(False)
            truth("DELETE", f"rules?id={rule}")
            return codes

        first = run()
        self.assertEqual(first, run())
        self.assertTrue(0 < sum(first) < 20)

    def test_throttling_as_each_service_says_it(self):
        self.rule(kind="throttle", rate=0.5, burst=2)
        for _ in range(2):
            ec2.describe_subnets()
        answer = self.refused("RequestLimitExceeded", ec2.describe_subnets, text="Request limit exceeded.")
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 503)
        for _ in range(2):
            autoscaling.describe_auto_scaling_groups()
        answer = self.refused("Throttling", autoscaling.describe_auto_scaling_groups, text="Rate exceeded")
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.group()  # writes have a bucket of their own
        time.sleep(2.1)
        ec2.describe_subnets()

    def test_delay(self):
        self.rule(kind="delay", action="DescribeSubnets", seconds=0.3)
        began = time.monotonic()
        ec2.describe_subnets()
        self.assertGreater(time.monotonic() - began, 0.3)

    def test_a_lost_answer_has_had_its_effect(self):
        self.rule(kind="lose", action="CreateAutoScalingGroup", times=1)
        self.assertRaises(ConnectionClosedError, self.group)
        self.assertIsNotNone(self.described())
        lost = [c for c in truth("GET", "calls") if c["action"] == "CreateAutoScalingGroup"]
        self.assertEqual([(c["status"], c["error"]) for c in lost], [(200, "lost")])

    def held(self, phase, patience):
        self.rule(kind="withhold", action="CreateAutoScalingGroup", phase=phase, times=1)
        short = client("autoscaling", read_timeout=patience)

        def call():
            try:
                short.create_auto_scaling_group(
                    AutoScalingGroupName="g", MinSize=0, MaxSize=1, LaunchTemplate={"LaunchTemplateName": "node"},
                    VPCZoneIdentifier=self.subnets[0])
            except ReadTimeoutError:
                pass

        thread = threading.Thread(target=call)
        thread.start()
        held = self.until(lambda: truth("GET", "withheld"))
        self.assertEqual([(h["action"], h["phase"]) for h in held], [("CreateAutoScalingGroup", phase)])
        return thread

    def test_withheld_before_the_effect_until_the_client_goes(self):
        thread = self.held("before", 3)
        thread.join()
        self.until(lambda: truth("GET", "withheld") == [])
        self.assertIsNone(self.described())

    def test_withheld_before_the_effect_until_released(self):
        thread = self.held("before", 30)
        self.assertIsNone(self.described())
        self.assertEqual(truth("POST", "release"), {"released": 1})
        thread.join()
        self.assertIsNotNone(self.described())

    def test_withheld_after_the_effect(self):
        thread = self.held("after", 3)
        self.assertIsNotNone(self.described())
        thread.join()
        self.until(lambda: truth("GET", "withheld") == [])

    def test_outage(self):
        self.rule(kind="outage", seconds=2)
        self.refused("Unavailable", ec2.describe_subnets)
        self.refused("ServiceUnavailable", autoscaling.describe_auto_scaling_groups)
        time.sleep(2.1)
        ec2.describe_subnets()

    def test_outage_by_reset(self):
        self.rule(kind="outage", seconds=5, how="reset")
        self.assertRaises(ConnectionClosedError, ec2.describe_subnets)

    def test_a_clock_that_is_wrong_is_refused_until_it_is_put_right(self):
        for seconds, words in ((3600, "Signature expired"), (-3600, "Signature not yet current")):
            rule = self.rule(kind="skew", seconds=seconds)
            answer = self.refused("SignatureDoesNotMatch", autoscaling.describe_auto_scaling_groups, text=words)
            date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
            self.assertAlmostEqual(date - time.time(), seconds, delta=60)
            truth("DELETE", f"rules?id={rule}")
            autoscaling.describe_auto_scaling_groups()
        self.rule(kind="skew", seconds=3600, code="RequestExpired")
        self.refused("RequestExpired", ec2.describe_subnets)
        truth("DELETE", "rules")
        self.rule(kind="skew", seconds=800)
        ec2.describe_subnets()

    def test_sdks_try_again(self):
        self.rule(kind="error", action="DescribeSubnets", times=1, code="InternalError", status=500)
        client("ec2", retries=2).describe_subnets()

    def test_rules_are_checked_listed_and_taken_away(self):
        for wrong in ({"kind": "none"}, {"kind": "error", "code": "X", "nht": 1}, {"kind": "delay"}):
            self.assertRaises(AssertionError, truth, "POST", "rules", [wrong])
        self.rule(kind="error", action="DescribeSubnets", code="X")
        self.refused("X", ec2.describe_subnets)
        self.assertEqual([(r["kind"], r["done"]) for r in truth("GET", "rules")], [("error", 1)])
        truth("DELETE", "rules")
        ec2.describe_subnets()


class OthersActing(StandInTest):
    def test_unseen_by_rules_and_recorder(self):
        self.group()
        self.rule(kind="error", code="X")
        truth("DELETE", "calls")
        done = truth("POST", "do", {"service": "autoscaling", "action": "SetDesiredCapacity",
                                    "parameters": {"AutoScalingGroupName": "g", "DesiredCapacity": 2}})
        self.assertEqual(done, {"answer": {}})
        done = truth("POST", "do", {"service": "autoscaling", "action": "PutScheduledUpdateGroupAction", "parameters": {
            "AutoScalingGroupName": "g", "ScheduledActionName": "x", "MinSize": 1, "StartTime": "2000-01-01T00:00:00Z"}})
        self.assertEqual(done["error"]["code"], "ValidationError")
        self.assertRaises(AssertionError, truth, "POST", "do", {
            "service": "autoscaling", "action": "SetDesiredCapacity", "parameters": {"AutoScalingGroup": "g"}})
        found = truth("POST", "do", {"service": "autoscaling", "action": "DescribeAutoScalingGroups"})
        self.assertEqual(found["answer"]["AutoScalingGroups"][0]["DesiredCapacity"], 2)
        self.assertEqual(truth("GET", "calls"), [])
        self.assertEqual(self.dumped()["desired"], 2)


class Recorder(StandInTest):
    def test_calls(self):
        truth("DELETE", "calls")
        self.group(desired=1)
        self.refused("AlreadyExists", self.group)
        ec2.create_launch_template(LaunchTemplateName="other", ClientToken="token",
                                   LaunchTemplateData={"InstanceType": "g5.xlarge"})
        calls = truth("GET", "calls")
        self.assertEqual([(c["service"], c["action"], c["status"], c["error"]) for c in calls], [
            ("autoscaling", "CreateAutoScalingGroup", 200, None),
            ("autoscaling", "CreateAutoScalingGroup", 400, "AlreadyExists"),
            ("ec2", "CreateLaunchTemplate", 200, None)])
        self.assertEqual((calls[0]["parameters"]["MinSize"], calls[0]["access_key"], calls[0]["region"]),
                         (0, "AKIATEST", "us-east-1"))
        self.assertEqual(calls[2]["client_token"], "token")
        answer = ec2.describe_subnets()
        self.assertEqual(truth("GET", "calls")[-1]["request_id"], answer["ResponseMetadata"]["RequestId"])

    def test_what_boto3_sends_violates_nothing(self):
        self.group(desired=1, MixedInstancesPolicy=self.mixed(["g5.xlarge"]),
                   Tags=[{"Key": "k", "Value": "v", "PropagateAtLaunch": True}],
                   LifecycleHookSpecificationList=[{"LifecycleHookName": "up", "HeartbeatTimeout": 60,
                                                    "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}])
        ec2.describe_images(Owners=["self"], Filters=[{"Name": "state", "Values": ["available"]}])
        client("ssm").get_parameters(Names=["/a"])
        client("sts").get_caller_identity()
        self.assertEqual(truth("GET", "violations"), [])

    def test_it_listens_on_loopback_and_ends_when_told(self):
        self.assertTrue(URL.startswith("http://127.0.0.1:"))
        for end in (lambda process: process.terminate(), lambda process: process.stdin.close()):
            process = subprocess.Popen([os.environ["AWS_STANDIN"], "--port", "0", "--until-stdin-closes"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.assertTrue(process.stdout.readline().startswith(b"ready http://127.0.0.1:"))
            end(process)
            self.assertEqual(process.wait(timeout=20), 0)
            process.stdout.close()
            process.stdin.close()
