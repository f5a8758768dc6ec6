"""Scheduled actions."""

import datetime

from common import StandInTest, autoscaling, truth


def later(seconds):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)


class Schedules(StandInTest):
    def setUp(self):
        super().setUp()
        self.group()

    def put(self, name="day", **more):
        autoscaling.put_scheduled_update_group_action(AutoScalingGroupName="g", ScheduledActionName=name, **more)

    def shown(self, **more):
        return autoscaling.describe_scheduled_actions(AutoScalingGroupName="g", **more)["ScheduledUpdateGroupActions"]

    def test_kept_as_given(self):
        self.put(Recurrence="0 8 * * MON-FRI", TimeZone="Europe/Berlin", MinSize=1, MaxSize=8, DesiredCapacity=2)
        action = self.shown()[0]
        self.assertEqual((action["Recurrence"], action["TimeZone"], action["MinSize"], action["MaxSize"],
                          action["DesiredCapacity"]), ("0 8 * * MON-FRI", "Europe/Berlin", 1, 8, 2))
        self.assertIn(action["StartTime"].hour, (6, 7))  # eight in Berlin
        self.assertLess(action["StartTime"].weekday(), 5)

    def test_refused(self):
        self.refused("ValidationError", self.put, Recurrence="0 8 * *", MinSize=1, text="recurrence")
        self.refused("ValidationError", self.put, Recurrence="0 25 * * *", MinSize=1, text="recurrence")
        self.refused("ValidationError", self.put, Recurrence="0 8 * * *", TimeZone="Mars/Base", MinSize=1,
                     text="time zone")
        self.refused("ValidationError", self.put, Recurrence="0 8 * * *", text="At least one")
        self.refused("ValidationError", self.put, MinSize=1, text="StartTime or Recurrence")
        self.refused("ValidationError", self.put, Recurrence="0 8 * * *", MinSize=3, MaxSize=2, text="Max bound")
        self.refused("ValidationError", self.put, StartTime=later(-60), MinSize=1, text="in the past")

    def test_carried_out_when_due(self):
        self.put("once", StartTime=later(3600), MinSize=2)
        self.put("daily", Recurrence="*/30 * * * *", DesiredCapacity=1)
        truth("POST", "clock", {"advance": 1900})
        self.until(lambda: self.described()["DesiredCapacity"] == 1)
        truth("POST", "clock", {"advance": 1800})
        self.until(lambda: self.described()["DesiredCapacity"] == 2)
        self.serving(2)
        self.assertEqual([a["ScheduledActionName"] for a in self.shown()], ["daily"])
        told = autoscaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]
        self.assertTrue(any("scheduled action once was executed" in a["Cause"] for a in told))

    def test_not_while_suspended(self):
        self.put("once", StartTime=later(60), MinSize=2)
        autoscaling.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["ScheduledActions"])
        truth("POST", "clock", {"advance": 120})
        self.assertEqual(self.described()["MinSize"], 0)

    def test_batches(self):
        answer = autoscaling.batch_put_scheduled_update_group_action(
            AutoScalingGroupName="g", ScheduledUpdateGroupActions=[
                {"ScheduledActionName": "good", "Recurrence": "0 8 * * *", "MinSize": 1},
                {"ScheduledActionName": "bad", "Recurrence": "8 o'clock", "MinSize": 1}])
        failed = answer["FailedScheduledUpdateGroupActions"]
        self.assertEqual([(f["ScheduledActionName"], f["ErrorCode"]) for f in failed], [("bad", "ValidationError")])
        self.assertEqual([a["ScheduledActionName"] for a in self.shown(ScheduledActionNames=["good", "bad"])], ["good"])
        failed = autoscaling.batch_delete_scheduled_action(AutoScalingGroupName="g",
                                                           ScheduledActionNames=["good", "bad"])
        self.assertEqual([f["ScheduledActionName"] for f in failed["FailedScheduledActions"]], ["bad"])
        self.put(Recurrence="0 8 * * *", MinSize=1)
        autoscaling.delete_scheduled_action(AutoScalingGroupName="g", ScheduledActionName="day")
        self.refused("ValidationError", autoscaling.delete_scheduled_action, AutoScalingGroupName="g",
                     ScheduledActionName="day")
