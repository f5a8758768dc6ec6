"""Tags, suspended processes, metrics, activities."""

from common import StandInTest, autoscaling, ec2, truth


class Tags(StandInTest):
    def tag(self, key="k", value="v", group="g", **more):
        return {"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": key, "Value": value,
                "PropagateAtLaunch": False, **more}

    def test_created_changed_deleted(self):
        self.group()
        autoscaling.create_or_update_tags(Tags=[self.tag(), self.tag("other")])
        autoscaling.create_or_update_tags(Tags=[self.tag(value="w", PropagateAtLaunch=True)])
        self.assertEqual(self.described()["Tags"][0], self.tag(value="w", PropagateAtLaunch=True))
        autoscaling.delete_tags(Tags=[{"ResourceId": "g", "ResourceType": "auto-scaling-group", "Key": "k"}])
        found = autoscaling.describe_tags(Filters=[{"Name": "auto-scaling-group", "Values": ["g"]}])["Tags"]
        self.assertEqual([tag["Key"] for tag in found], ["other"])

    def test_refused(self):
        self.group()
        self.refused("ValidationError", autoscaling.create_or_update_tags, Tags=[self.tag(group="none")])
        self.refused("ValidationError", autoscaling.create_or_update_tags, Tags=[self.tag("aws:x")])


class Processes(StandInTest):
    def test_launch_and_terminate_are_respected(self):
        self.group()
        autoscaling.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["Launch", "Terminate"])
        self.update(DesiredCapacity=1)
        self.assertEqual(self.states(), [])
        autoscaling.resume_processes(AutoScalingGroupName="g", ScalingProcesses=["Launch"])
        self.serving(1)
        self.update(DesiredCapacity=0)
        self.serving(1)
        self.assertEqual([p["ProcessName"] for p in self.described()["SuspendedProcesses"]], ["Terminate"])
        autoscaling.resume_processes(AutoScalingGroupName="g")
        self.serving(0)
        self.refused("ValidationError", autoscaling.suspend_processes, AutoScalingGroupName="g",
                     ScalingProcesses=["Sleep"])

    def test_health_check_is_respected(self):
        self.group(desired=1)
        one = self.serving(1)[0]["InstanceId"]
        autoscaling.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["ReplaceUnhealthy"])
        truth("POST", "instances", {"action": "unhealthy", "instance": one})
        self.assertEqual([i["HealthStatus"] for i in self.serving(1)], ["Unhealthy"])


class Metrics(StandInTest):
    def test_enabled_and_disabled(self):
        self.group()
        autoscaling.enable_metrics_collection(AutoScalingGroupName="g", Granularity="1Minute")
        self.assertIn({"Metric": "GroupDesiredCapacity", "Granularity": "1Minute"}, self.described()["EnabledMetrics"])
        autoscaling.disable_metrics_collection(AutoScalingGroupName="g")
        self.assertEqual(self.described()["EnabledMetrics"], [])
        self.refused("ValidationError", autoscaling.enable_metrics_collection, AutoScalingGroupName="g",
                     Granularity="1Minute", Metrics=["None"])


class Activities(StandInTest):
    def activities(self, **more):
        return autoscaling.describe_scaling_activities(**more)["Activities"]

    def test_launches_and_terminations_are_told(self):
        self.group(desired=1)
        one = self.serving(1)[0]["InstanceId"]
        self.update(DesiredCapacity=0)
        self.serving(0)
        newest, oldest = self.activities(AutoScalingGroupName="g")
        self.assertEqual(newest["Description"], f"Terminating EC2 instance: {one}")
        self.assertEqual(oldest["Description"], f"Launching a new EC2 instance: {one}")
        self.assertEqual((newest["StatusCode"], oldest["StatusCode"], oldest["Progress"]),
                         ("Successful", "Successful", 100))
        self.assertIn("increasing the capacity from 0 to 1", oldest["Cause"])
        self.assertIn("shrinking the capacity from 1 to 0", newest["Cause"])

    def test_pages_and_deleted_groups(self):
        self.group(desired=5)
        self.serving(5)
        first = autoscaling.describe_scaling_activities(AutoScalingGroupName="g", MaxRecords=3)
        rest = autoscaling.describe_scaling_activities(AutoScalingGroupName="g", MaxRecords=3,
                                                       NextToken=first["NextToken"])
        self.assertEqual((len(first["Activities"]), len(rest["Activities"])), (3, 2))
        autoscaling.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
        self.until(lambda: self.described() is None)
        self.refused("ValidationError", autoscaling.describe_scaling_activities, AutoScalingGroupName="g")
        told = self.activities(AutoScalingGroupName="g", IncludeDeletedGroups=True)
        self.assertEqual({a["AutoScalingGroupState"] for a in told}, {"Deleted"})

    def test_no_capacity_on_demand(self):
        rule = self.rule(kind="capacity", instance_type="g5.xlarge", market="on-demand", instances=1)
        self.group(desired=2)
        failed = self.until(lambda: [a for a in self.activities(AutoScalingGroupName="g")
                                     if a["StatusCode"] == "Failed"])[0]
        self.assertIn("We currently do not have sufficient g5.xlarge capacity in the Availability Zone you requested",
                      failed["StatusMessage"])
        self.assertEqual((len(self.instances()), self.described()["DesiredCapacity"]), (1, 2))
        truth("DELETE", f"rules?id={rule}")
        self.serving(2)  # AWS tries again

    def test_no_spot_capacity_in_one_zone_takes_another(self):
        for zone in "ab":
            self.rule(kind="capacity", instance_type="g5.xlarge", market="spot", zone=f"us-east-1{zone}", instances=0)
        self.rule(kind="capacity", instance_type="g5.xlarge", market="spot", zone="us-east-1c", instances=1)
        self.group(desired=2, MixedInstancesPolicy=self.mixed(["g5.xlarge"], above=0))
        failed = self.until(lambda: [a for a in self.activities(AutoScalingGroupName="g")
                                     if a["StatusCode"] == "Failed"])[0]
        self.assertIn("There is no Spot capacity available that matches your request", failed["StatusMessage"])
        self.assertEqual([i["AvailabilityZone"] for i in self.instances()], ["us-east-1c"])

    def test_another_reason_for_no_launch(self):
        self.rule(kind="capacity", instance_type="g5.xlarge", instances=0, message="You have requested more vCPU "
                  "capacity than your current vCPU limit of 0 allows. Launching EC2 instance failed.")
        self.group(desired=1)
        failed = self.until(lambda: self.activities(AutoScalingGroupName="g"))[0]
        self.assertIn("vCPU limit of 0", failed["StatusMessage"])

    def test_a_template_that_went_away(self):
        self.group()
        ec2.delete_launch_template(LaunchTemplateName="node")
        self.update(DesiredCapacity=1)
        failed = self.until(lambda: self.activities(AutoScalingGroupName="g"))[0]
        self.assertEqual(failed["StatusCode"], "Failed")
