"""Instance refreshes."""

from common import StandInTest, autoscaling, truth


class Refreshes(StandInTest):
    def setUp(self):
        super().setUp()
        self.group(desired=4, LaunchTemplate={"LaunchTemplateName": "node", "Version": "1"})
        self.serving(4)
        self.version(InstanceType="g5.xlarge")

    def start(self, configuration="2", **preferences):
        more = {}
        if configuration:
            more["DesiredConfiguration"] = {"LaunchTemplate": {"LaunchTemplateName": "node", "Version": configuration}}
        return autoscaling.start_instance_refresh(AutoScalingGroupName="g", Preferences=preferences, **more)[
            "InstanceRefreshId"]

    def shown(self):
        return autoscaling.describe_instance_refreshes(AutoScalingGroupName="g")["InstanceRefreshes"][0]

    def ends(self, status):
        return self.until(lambda: self.shown()["Status"] == status and self.shown(), f"not {status}: {self.shown()}")

    def versions(self):
        return sorted(i["LaunchTemplate"]["Version"] for i in self.instances())

    def test_all_are_replaced_and_the_group_follows(self):
        self.hold()
        identifier = self.start(MinHealthyPercentage=50)
        shown = self.shown()
        self.assertEqual((shown["InstanceRefreshId"], shown["Status"], shown["InstancesToUpdate"]),
                         (identifier, "InProgress", 4))
        self.assertEqual(self.states().count("InService"), 2)  # two at once: half must stay healthy
        self.assertEqual(self.described()["LaunchTemplate"]["Version"], "1")
        truth("POST", "clock", {"hold": False})
        shown = self.ends("Successful")
        self.assertEqual((shown["PercentageComplete"], shown["InstancesToUpdate"]), (100, 0))
        self.assertEqual(self.versions(), ["2"] * 4)
        self.assertEqual(self.described()["LaunchTemplate"]["Version"], "2")

    def test_the_healthy_percentages_hold(self):
        self.hold()
        self.start(MinHealthyPercentage=100, MaxHealthyPercentage=150)
        least = most = 4
        while self.shown()["Status"] == "InProgress":
            self.advance(0.01)
            states = self.states()
            least, most = min(least, states.count("InService")), max(most, len(states))
        self.ends("Successful")
        self.assertEqual(least, 4)
        self.assertGreater(most, 4)

    def test_one_is_launched_first_where_the_percentages_leave_no_room(self):
        self.hold()
        self.start(MinHealthyPercentage=100, MaxHealthyPercentage=100)
        self.assertEqual(self.states(), ["InService"] * 4 + ["Pending"])
        truth("POST", "clock", {"hold": False})
        self.ends("Successful")

    def test_a_last_checkpoint_below_all_ends_there(self):
        self.start(MinHealthyPercentage=50, CheckpointPercentages=[50], CheckpointDelay=10)
        self.ends("Successful")
        self.assertEqual(self.versions(), ["1", "1", "2", "2"])

    def test_no_warm_pool_meanwhile(self):
        self.hold()
        self.start()
        self.refused("InstanceRefreshInProgress", autoscaling.put_warm_pool, AutoScalingGroupName="g")

    def test_matching_ones_are_skipped(self):
        self.start("1", SkipMatching=True)
        before = {i["InstanceId"] for i in self.instances()}
        self.ends("Successful")
        self.assertEqual({i["InstanceId"] for i in self.instances()}, before)

    def test_one_at_a_time(self):
        self.hold()
        self.start()
        self.refused("InstanceRefreshInProgress", self.start, text="An Instance Refresh is already in progress")
        self.refused("ValidationError", self.update, LaunchTemplate={"LaunchTemplateName": "node", "Version": "2"},
                     text="An active instance refresh with a desired configuration exists")

    def test_cancelled(self):
        self.hold()
        self.start(MinHealthyPercentage=75)
        self.assertEqual(self.shown()["Status"], "InProgress")
        autoscaling.cancel_instance_refresh(AutoScalingGroupName="g")
        self.assertEqual(self.shown()["Status"], "Cancelling")
        truth("POST", "clock", {"hold": False})
        self.ends("Cancelled")
        self.serving(4)
        self.refused("ActiveInstanceRefreshNotFound", autoscaling.cancel_instance_refresh, AutoScalingGroupName="g")
        self.assertIn("1", self.versions())

    def test_rolled_back(self):
        self.hold()
        self.start(MinHealthyPercentage=50)
        self.assertIn("2", self.versions())
        autoscaling.rollback_instance_refresh(AutoScalingGroupName="g")
        self.assertEqual(self.shown()["Status"], "RollbackInProgress")
        truth("POST", "clock", {"hold": False})
        self.assertEqual(self.ends("RollbackSuccessful")["PercentageComplete"], 0)
        self.assertEqual(self.versions(), ["1"] * 4)
        self.assertEqual(self.described()["LaunchTemplate"]["Version"], "1")
        self.refused("ActiveInstanceRefreshNotFound", autoscaling.rollback_instance_refresh, AutoScalingGroupName="g")

    def test_no_rollback_without_a_configuration(self):
        self.hold()
        self.start(None)
        self.refused("IrreversibleInstanceRefresh", autoscaling.rollback_instance_refresh, AutoScalingGroupName="g")

    def test_an_alarm_rolls_back(self):
        self.hold()
        self.start(MinHealthyPercentage=50, AutoRollback=True, AlarmSpecification={"Alarms": ["errors"]})
        self.assertIn("2", self.versions())
        truth("POST", "instances", {"action": "alarm", "group": "g"})
        truth("POST", "clock", {"hold": False})
        self.assertIn("alarm", self.ends("RollbackSuccessful")["RollbackDetails"]["RollbackReason"])

    def protect(self):
        ids = [i["InstanceId"] for i in self.instances()]
        autoscaling.set_instance_protection(AutoScalingGroupName="g", InstanceIds=ids[:2], ProtectedFromScaleIn=True)
        return set(ids[:2])

    def test_protected_ones_wait_and_fail(self):
        self.protect()
        self.start(MinHealthyPercentage=50)
        self.until(lambda: "Waiting for 2 instances" in self.shown().get("StatusReason", ""))
        shown = self.ends("Failed")
        self.assertIn("protected from scale in", shown["StatusReason"])
        self.assertEqual(self.versions(), ["1", "1", "2", "2"])
        self.assertEqual(self.described()["LaunchTemplate"]["Version"], "1")

    def test_protected_ones_ignored(self):
        kept = self.protect()
        self.start(MinHealthyPercentage=50, ScaleInProtectedInstances="Ignore")
        self.ends("Successful")
        self.assertLess(kept, {i["InstanceId"] for i in self.instances()})

    def test_protected_ones_refreshed(self):
        self.protect()
        self.start(MinHealthyPercentage=50, ScaleInProtectedInstances="Refresh")
        self.ends("Successful")
        self.assertEqual(self.versions(), ["2"] * 4)

    def test_checkpoints_pause(self):
        self.hold()
        self.start(MinHealthyPercentage=50, CheckpointPercentages=[50, 100], CheckpointDelay=50)  # 0.5 s here
        for _ in range(3):
            self.advance()
            self.shown()
        self.assertIn("checkpoint 50%", self.shown()["StatusReason"])
        self.assertEqual((self.shown()["PercentageComplete"], self.versions()), (50, ["1", "1", "2", "2"]))
        truth("POST", "clock", {"hold": False})
        self.ends("Successful")

    def test_warm_up_is_waited_for(self):
        self.hold()
        self.start(MinHealthyPercentage=0, InstanceWarmup=50)  # 0.5 s here
        for _ in range(3):
            self.advance()
            self.shown()
        self.assertEqual((self.states(), self.versions()), (["InService"] * 4, ["2"] * 4))
        self.assertEqual(self.shown()["Status"], "InProgress")
        self.advance(0.5)
        self.assertEqual(self.shown()["Status"], "Successful")

    def test_without_capacity_it_fails(self):
        self.rule(kind="capacity", instance_type="g5.xlarge", instances=3)
        self.start(MinHealthyPercentage=75)
        self.assertIn("do not have sufficient g5.xlarge capacity", self.ends("Failed")["StatusReason"])

    def test_preferences_are_checked(self):
        self.refused("ValidationError", self.start, MaxHealthyPercentage=110)
        self.refused("ValidationError", self.start, MinHealthyPercentage=50, MaxHealthyPercentage=180)
        self.refused("ValidationError", self.start, CheckpointPercentages=[50, 20])
