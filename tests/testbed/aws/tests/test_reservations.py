"""Capacity reservations and Capacity Blocks for ML."""

import datetime

from common import StandInTest, autoscaling, ec2, truth

ID = "cr-00000000000000001"


def at(**later):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**later)).isoformat()


class Reservations(StandInTest):
    def reserve(self, **more):
        zone = more.pop("zone", "us-east-1a")
        truth("POST", "world", {"capacity_reservations": [
            {"id": ID, "instance_type": "g5.xlarge", "zone": zone, "instances": 2, **more}]})
        data = {"CapacityReservationSpecification": {"CapacityReservationTarget": {"CapacityReservationId": ID}}}
        if more.get("block"):
            data["InstanceMarketOptions"] = {"MarketType": "capacity-block"}
        self.template("reserved", InstanceType="g5.xlarge", **data)

    def start(self, count, **more):
        more.setdefault("LaunchTemplate", {"LaunchTemplateName": "reserved", "Version": "$Default"})
        self.group(desired=count, **more)

    def held(self):
        return ec2.describe_capacity_reservations(CapacityReservationIds=[ID])["CapacityReservations"][0]

    def failure(self):
        def failed():
            told = autoscaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]
            return next((one["StatusMessage"] for one in told if one["StatusCode"] == "Failed"), None)
        return self.until(failed)

    def test_what_is_reserved_is_told(self):
        self.reserve(block=True, begins=at(hours=-1), ends=at(hours=5))
        held = self.held()
        self.assertEqual((held["State"], held["ReservationType"], held["TotalInstanceCount"],
                          held["AvailableInstanceCount"], held["AvailabilityZone"]),
                         ("active", "capacity-block", 2, 2, "us-east-1a"))
        truth("POST", "clock", {"advance": 6 * 3600})
        self.assertEqual(self.held()["State"], "expired")
        self.refused("InvalidCapacityReservationId.NotFound", ec2.describe_capacity_reservations,
                     CapacityReservationIds=["cr-00000000000000002"])

    def test_no_more_start_than_are_held(self):
        self.reserve()
        self.start(3, VPCZoneIdentifier=self.subnets[0])
        self.until(lambda: len(self.instances(state="InService")) == 2)
        self.assertIn("insufficient capacity", self.failure())
        self.assertEqual(self.held()["AvailableInstanceCount"], 0)

    def test_nothing_starts_before_the_beginning(self):
        self.reserve(begins=at(hours=1))
        self.start(1)
        self.assertIn("not in the active state", self.failure())
        self.assertEqual(self.instances(), [])

    def test_nothing_starts_in_another_zone(self):
        self.reserve(zone="us-east-1b")
        self.start(1)
        self.assertEqual([one["AvailabilityZone"] for one in self.serving(1)], ["us-east-1b"])
        self.update(VPCZoneIdentifier=self.subnets[0], DesiredCapacity=2)
        self.assertIn("does not match", self.failure())

    def test_what_runs_in_a_block_is_ended_half_an_hour_before_it(self):
        self.reserve(block=True, ends=at(hours=2))
        self.start(1)
        self.serving(1)
        shown = ec2.describe_instances()["Reservations"][0]["Instances"][0]
        self.assertEqual(shown["InstanceLifecycle"], "capacity-block")
        truth("POST", "clock", {"advance": 3600})
        self.serving(1)
        before = self.instances()[0]["InstanceId"]
        truth("POST", "clock", {"advance": 1801})
        self.until(lambda: before not in [one["InstanceId"] for one in self.instances()])
        self.assertIn("not in the active state", self.failure())

    def test_a_block_takes_no_policy_and_no_warm_pool(self):
        self.reserve(block=True, ends=at(hours=2))
        policy = self.mixed(["g5.xlarge"])
        policy["LaunchTemplate"]["LaunchTemplateSpecification"]["LaunchTemplateName"] = "reserved"
        self.refused("ValidationError", self.group, "mixed", MixedInstancesPolicy=policy,
                     text="Incompatible launch template")
        self.start(1)
        self.refused("ValidationError", autoscaling.put_warm_pool, AutoScalingGroupName="g", MinSize=1)
        self.template("nowhere", InstanceType="g5.xlarge", InstanceMarketOptions={"MarketType": "capacity-block"})
        self.refused("ValidationError", self.group, "nowhere", LaunchTemplate={
            "LaunchTemplateName": "nowhere", "Version": "$Default"}, text="capacity block")
