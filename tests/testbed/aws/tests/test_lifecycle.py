"""Lifecycle hooks: waits, results, heartbeats, retention."""

from common import StandInTest, autoscaling, truth

LAUNCH, TERMINATE = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"


class Hooks(StandInTest):
    def hook(self, name, transition, heartbeat=7200, **more):
        autoscaling.put_lifecycle_hook(LifecycleHookName=name, AutoScalingGroupName="g",
                                       LifecycleTransition=transition, HeartbeatTimeout=heartbeat, **more)

    def waiting(self, state):
        return self.until(lambda: self.instances(state=state))[0]["InstanceId"]

    def complete(self, hook, result, **which):
        autoscaling.complete_lifecycle_action(LifecycleHookName=hook, AutoScalingGroupName="g",
                                              LifecycleActionResult=result, **which)

    def test_a_launch_waits_until_continued(self):
        self.hold()
        self.group()
        self.hook("up", LAUNCH)
        self.update(DesiredCapacity=1)
        self.assertEqual(self.states(), ["Pending"])
        self.advance()
        one = self.waiting("Pending:Wait")
        self.refused("ValidationError", self.complete, "up", "CONTINUE", InstanceId="i-0none",
                     text="No active Lifecycle Action found with instance ID i-0none")
        self.refused("ValidationError", self.complete, "down", "CONTINUE", InstanceId=one)
        self.complete("up", "CONTINUE", InstanceId=one)
        self.assertEqual(self.states(), ["Pending:Proceed"])
        self.advance()
        self.assertEqual(self.states(), ["InService"])

    def test_an_abandoned_launch_is_replaced_and_told(self):
        self.group()
        self.hook("up", LAUNCH)
        self.update(DesiredCapacity=1)
        one = self.waiting("Pending:Wait")
        token = self.dumped()["instances"][0]["waits"]["up"]
        self.complete("up", "ABANDON", LifecycleActionToken=token)
        self.until(lambda: [i["InstanceId"] for i in self.instances(state="Pending:Wait")] not in ([], [one]))
        told = [a for a in autoscaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]
                if a["StatusCode"] == "Cancelled"]
        self.assertIn(f"Lifecycle Action with token {token} was abandoned", told[0]["StatusMessage"])

    def test_all_hooks_must_continue(self):
        self.group()
        self.hook("one", LAUNCH)
        self.hook("two", LAUNCH)
        self.update(DesiredCapacity=1)
        one = self.waiting("Pending:Wait")
        self.complete("one", "CONTINUE", InstanceId=one)
        self.assertEqual(self.states(), ["Pending:Wait"])
        self.complete("two", "CONTINUE", InstanceId=one)
        self.serving(1)

    def test_a_termination_waits_and_goes_either_way(self):
        for result in ("CONTINUE", "ABANDON"):
            truth("POST", "reset")
            self.setUp()
            self.group(desired=1)
            self.hook("down", TERMINATE)
            one = self.serving(1)[0]["InstanceId"]
            self.update(DesiredCapacity=0)
            self.assertEqual(self.waiting("Terminating:Wait"), one)
            self.hold()
            self.complete("down", result, InstanceId=one)
            self.assertEqual(self.states(), ["Terminating:Proceed"])
            self.advance()
            self.assertEqual(self.states(), [])

    def test_terminating_one_instance_goes_through_the_hook(self):
        self.group(desired=1)
        self.hook("down", TERMINATE)
        one = self.serving(1)[0]["InstanceId"]
        autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=one, ShouldDecrementDesiredCapacity=True)
        self.assertEqual(self.waiting("Terminating:Wait"), one)

    def test_heartbeats_end_with_the_default_result(self):
        self.group()
        self.hook("up", LAUNCH, heartbeat=30, DefaultResult="CONTINUE")  # 0.3 s here
        self.hold()
        self.update(DesiredCapacity=1)
        self.advance()
        self.assertEqual(self.states(), ["Pending:Wait"])
        self.advance(0.4)
        self.assertEqual(self.states(), ["InService"])
        truth("POST", "clock", {"hold": False})
        self.hook("up", LAUNCH, heartbeat=30, DefaultResult="ABANDON")
        self.update(DesiredCapacity=2)
        self.until(lambda: any("Heartbeat Timeout" in a.get("StatusMessage", "") for a in
                               autoscaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]))

    def test_a_recorded_heartbeat_prolongs(self):
        self.group()
        self.hook("up", LAUNCH, heartbeat=60, DefaultResult="CONTINUE")  # 0.6 s here
        self.hold()
        self.update(DesiredCapacity=1)
        self.advance()
        one = self.waiting("Pending:Wait")
        for _ in range(4):
            self.advance(0.5)
            autoscaling.record_lifecycle_action_heartbeat(LifecycleHookName="up", AutoScalingGroupName="g",
                                                          InstanceId=one)
            self.assertEqual(self.states(), ["Pending:Wait"])
        self.advance(0.7)
        self.assertEqual(self.states(), ["InService"])

    def test_heartbeats_are_bounded(self):
        self.group()
        self.refused("ValidationError", self.hook, "up", LAUNCH, heartbeat=29)
        self.refused("ValidationError", self.hook, "up", LAUNCH, heartbeat=7201)

    def test_retained_where_the_policy_says_so(self):
        self.group(desired=1, InstanceLifecyclePolicy={"RetentionTriggers": {"TerminateHookAbandon": "retain"}})
        self.hook("down", TERMINATE)
        one = self.serving(1)[0]["InstanceId"]
        self.update(DesiredCapacity=0)
        self.waiting("Terminating:Wait")
        self.complete("down", "ABANDON", InstanceId=one)
        self.assertEqual(self.states(), ["Terminating:Retained"])
        self.refused("ResourceInUse", autoscaling.delete_auto_scaling_group, AutoScalingGroupName="g")
        autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=one, ShouldDecrementDesiredCapacity=False)
        self.serving(0)

    def test_completed_from_outside(self):
        self.group()
        self.hook("up", LAUNCH)
        self.update(DesiredCapacity=2)
        self.until(lambda: self.states() == ["Pending:Wait"] * 2)
        truth("POST", "instances", {"action": "complete", "group": "g"})
        self.serving(2)

    def test_hooks_are_listed_changed_and_deleted(self):
        self.group()
        self.hook("up", LAUNCH, NotificationMetadata="x")
        self.hook("up", LAUNCH, heartbeat=100)
        hook = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName="g")["LifecycleHooks"][0]
        self.assertEqual((hook["HeartbeatTimeout"], hook["NotificationMetadata"], hook["GlobalTimeout"]),
                         (100, "x", 10000))
        autoscaling.delete_lifecycle_hook(AutoScalingGroupName="g", LifecycleHookName="up")
        self.refused("ValidationError", autoscaling.delete_lifecycle_hook, AutoScalingGroupName="g",
                     LifecycleHookName="up")
