"""Creating, updating, describing, scaling and deleting groups."""

from common import ACCOUNT, StandInTest, autoscaling, client, ec2, truth


class Creating(StandInTest):
    def test_a_second_group_of_the_name_is_refused(self):
        self.group()
        self.refused("AlreadyExists", self.group, text="AutoScalingGroup by this name already exists")

    def test_names_are_of_one_region(self):
        self.group()
        other = client("autoscaling", region="eu-west-1")
        self.assertEqual(other.describe_auto_scaling_groups()["AutoScalingGroups"], [])

    def test_accounts_are_apart(self):
        truth("POST", "world", {"keys": {"AKIAOTHER": "111122223333"}})
        self.group()
        other = client("autoscaling", key="AKIAOTHER")
        self.assertEqual(other.describe_auto_scaling_groups()["AutoScalingGroups"], [])

    def test_bounds(self):
        self.refused("ValidationError", self.group, low=3, high=2,
                     text="Max bound, 2, must be greater than or equal to min bound, 3")
        self.refused("ValidationError", self.group, low=1, high=2, desired=3,
                     text="Desired capacity:3 must be between the specified min size:1 and max size:2")
        self.assertIsNone(self.described())

    def test_a_place_is_needed(self):
        self.refused("ValidationError", autoscaling.create_auto_scaling_group, AutoScalingGroupName="g", MinSize=0,
                     MaxSize=1, LaunchTemplate={"LaunchTemplateName": "node"},
                     text="At least one Availability Zone or VPC Subnet is required.")
        self.refused("ValidationError", self.group, VPCZoneIdentifier="subnet-0none",
                     text="The subnet ID 'subnet-0none' does not exist")

    def test_a_template_is_needed_and_must_be_there(self):
        for given in ({"LaunchTemplateName": "none"}, {"LaunchTemplateId": "lt-0000"},
                      {"LaunchTemplateName": "node", "Version": "7"}):
            self.refused("ValidationError", self.group, LaunchTemplate=given,
                         text="You must use a valid fully-formed launch template")
        self.refused("ValidationError", autoscaling.create_auto_scaling_group, AutoScalingGroupName="g", MinSize=0,
                     MaxSize=1, VPCZoneIdentifier=self.subnets[0], text="Valid requests must contain either")

    def test_a_template_that_could_not_launch(self):
        self.template("image", ImageId="ami-0000000000000none", InstanceType="g5.xlarge")
        self.template("firewall", InstanceType="g5.xlarge", SecurityGroupIds=["sg-0none"])
        ec2.create_launch_template(LaunchTemplateName="empty", LaunchTemplateData={"InstanceType": "g5.xlarge"})
        for name, text in (("image", "The image id '[ami-0000000000000none]' does not exist"),
                           ("firewall", "The security group 'sg-0none' does not exist"),
                           ("empty", "The request must contain the parameter ImageId")):
            self.refused("ValidationError", self.group, LaunchTemplate={"LaunchTemplateName": name}, text=text)

    def test_desired_is_min_unless_given(self):
        self.group(low=2)
        self.assertEqual(self.described()["DesiredCapacity"], 2)

    def test_hooks_come_with_it_or_nothing_does(self):
        good = {"LifecycleHookName": "up", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
        bad = {"LifecycleHookName": "down", "LifecycleTransition": "autoscaling:EC2_INSTANCE_RUNNING"}
        self.refused("ValidationError", self.group, desired=1, LifecycleHookSpecificationList=[good, bad])
        self.assertIsNone(self.described())
        self.group(desired=1, LifecycleHookSpecificationList=[good])
        hooks = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName="g")["LifecycleHooks"]
        self.assertEqual([(h["LifecycleHookName"], h["DefaultResult"], h["HeartbeatTimeout"], h["GlobalTimeout"])
                          for h in hooks], [("up", "ABANDON", 3600, 172800)])
        self.until(lambda: self.states() == ["Pending:Wait"])

    def test_fields_are_kept_and_answered(self):
        given = {
            "DefaultInstanceWarmup": 90, "CapacityRebalance": True, "HealthCheckGracePeriod": 60,
            "HealthCheckType": "EC2", "DefaultCooldown": 10, "NewInstancesProtectedFromScaleIn": True,
            "InstanceMaintenancePolicy": {"MinHealthyPercentage": 90, "MaxHealthyPercentage": 120},
            "TerminationPolicies": ["OldestInstance"], "MaxInstanceLifetime": 86400,
            "InstanceLifecyclePolicy": {"RetentionTriggers": {"TerminateHookAbandon": "retain"}},
            "DeletionProtection": "prevent-force-deletion",
            "AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-best-effort"},
        }
        self.group(**given)
        shown = self.described()
        self.assertEqual({name: shown[name] for name in given}, given)
        self.assertEqual(shown["AvailabilityZones"], ["us-east-1a", "us-east-1b", "us-east-1c"])
        self.assertTrue(shown["AutoScalingGroupARN"].startswith(
            f"arn:aws:autoscaling:us-east-1:{ACCOUNT}:autoScalingGroup:"))

    def test_maintenance_policy_bounds(self):
        self.refused("ValidationError", self.group,
                     InstanceMaintenancePolicy={"MinHealthyPercentage": 50, "MaxHealthyPercentage": 180})


class Updating(StandInTest):
    def test_what_is_not_named_stays(self):
        self.group(MixedInstancesPolicy=self.mixed(["g5.xlarge", "g6.xlarge"], base=1, above=50),
                   HealthCheckGracePeriod=77, NewInstancesProtectedFromScaleIn=True)
        before = self.described()
        self.update(MaxSize=9)
        after = self.described()
        self.assertEqual(after.pop("MaxSize"), 9)
        before.pop("MaxSize")
        self.assertEqual(after, before)

    def test_parts_of_a_mixed_policy_stay_too(self):
        self.group(MixedInstancesPolicy=self.mixed(["g5.xlarge", "g6.xlarge"], base=1, above=50))
        self.update(MixedInstancesPolicy={"InstancesDistribution": {"OnDemandBaseCapacity": 2}})
        policy = self.described()["MixedInstancesPolicy"]
        self.assertEqual([o["InstanceType"] for o in policy["LaunchTemplate"]["Overrides"]], ["g5.xlarge", "g6.xlarge"])
        self.assertEqual(policy["InstancesDistribution"]["OnDemandBaseCapacity"], 2)
        self.assertEqual(policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"], 50)

    def test_a_raised_min_raises_desired(self):
        self.group(desired=1)
        self.update(MinSize=3)
        self.assertEqual(self.described()["DesiredCapacity"], 3)
        self.serving(3)

    def test_a_lowered_max_pulls_desired_down_and_takes_instances(self):
        self.group(desired=4)
        self.serving(4)
        self.update(MaxSize=2)
        self.assertEqual(self.described()["DesiredCapacity"], 2)
        self.serving(2)

    def test_a_lowered_max_never_takes_protected_ones(self):
        self.group(desired=3, NewInstancesProtectedFromScaleIn=True)
        self.serving(3)
        free = self.instances()[0]["InstanceId"]
        autoscaling.set_instance_protection(AutoScalingGroupName="g", InstanceIds=[free], ProtectedFromScaleIn=False)
        self.update(MaxSize=1)
        left = self.serving(2)
        self.assertNotIn(free, [i["InstanceId"] for i in left])
        self.assertEqual(self.described()["DesiredCapacity"], 1)

    def test_desired_out_of_bounds_is_refused(self):
        self.group(desired=1)
        self.refused("ValidationError", self.update, MaxSize=2, DesiredCapacity=3, text="must be between")
        self.assertEqual(self.described()["MaxSize"], 10)

    def test_a_missing_group(self):
        self.refused("ValidationError", self.update, "none", MaxSize=2, text="not found")

    def test_a_template_takes_a_policys_place_and_back(self):
        self.group()
        self.update(MixedInstancesPolicy=self.mixed(["g5.xlarge"]))
        self.assertNotIn("LaunchTemplate", self.described())
        self.update(LaunchTemplate={"LaunchTemplateName": "node", "Version": "1"})
        self.assertNotIn("MixedInstancesPolicy", self.described())

    def test_values_that_clear(self):
        self.group(DefaultInstanceWarmup=10,
                   InstanceMaintenancePolicy={"MinHealthyPercentage": 90, "MaxHealthyPercentage": 120})
        self.update(DefaultInstanceWarmup=-1,
                    InstanceMaintenancePolicy={"MinHealthyPercentage": -1, "MaxHealthyPercentage": -1})
        self.assertNotIn("DefaultInstanceWarmup", self.described())
        self.assertNotIn("InstanceMaintenancePolicy", self.described())


class SettingDesired(StandInTest):
    def test_bounds(self):
        self.group(low=1, high=3)
        call = autoscaling.set_desired_capacity
        self.refused("ValidationError", call, AutoScalingGroupName="g", DesiredCapacity=4,
                     text="New SetDesiredCapacity value 4 is above max value 3 for the AutoScalingGroup.")
        self.refused("ValidationError", call, AutoScalingGroupName="g", DesiredCapacity=0,
                     text="New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup.")
        call(AutoScalingGroupName="g", DesiredCapacity=3)
        self.serving(3)


class Deleting(StandInTest):
    def test_with_instances_only_by_force(self):
        self.group(desired=1)
        self.serving(1)
        self.refused("ResourceInUse", autoscaling.delete_auto_scaling_group, AutoScalingGroupName="g",
                     text="You cannot delete an AutoScalingGroup while there are instances")
        self.hold()
        autoscaling.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
        self.assertEqual(self.described()["Status"], "Delete in progress")
        self.advance()
        self.assertIsNone(self.described())

    def test_not_while_instances_terminate(self):
        self.group(desired=1)
        self.serving(1)
        self.hold()
        self.update(DesiredCapacity=0)
        self.refused("ScalingActivityInProgress", autoscaling.delete_auto_scaling_group, AutoScalingGroupName="g")
        self.advance()
        autoscaling.delete_auto_scaling_group(AutoScalingGroupName="g")
        self.assertIsNone(self.described())

    def test_not_with_a_warm_pool(self):
        self.group()
        autoscaling.put_warm_pool(AutoScalingGroupName="g", MaxGroupPreparedCapacity=0)
        self.refused("ResourceInUse", autoscaling.delete_auto_scaling_group, AutoScalingGroupName="g", text="warm pool")

    def test_deletion_protection(self):
        self.group(DeletionProtection="prevent-all-deletion")
        self.refused("ValidationError", autoscaling.delete_auto_scaling_group, AutoScalingGroupName="g")


class Describing(StandInTest):
    def test_filters_by_tag(self):
        tags = lambda value: [{"Key": "env", "Value": value, "PropagateAtLaunch": True}]  # noqa: E731
        self.group("a", Tags=tags("prod"))
        self.group("b", Tags=tags("test"))
        self.group("c")

        def names(*filters):
            found = autoscaling.describe_auto_scaling_groups(Filters=list(filters))
            return [g["AutoScalingGroupName"] for g in found["AutoScalingGroups"]]

        self.assertEqual(names({"Name": "tag:env", "Values": ["prod"]}), ["a"])
        self.assertEqual(names({"Name": "tag-key", "Values": ["env"]}), ["a", "b"])
        self.assertEqual(names({"Name": "tag-value", "Values": ["test", "other"]}), ["b"])
        self.refused("ValidationError", names, {"Name": "name", "Values": ["a"]}, text="Filter type name")

    def test_pages(self):
        for index in range(7):
            self.group(f"g{index}")
        first = autoscaling.describe_auto_scaling_groups(MaxRecords=5)
        rest = autoscaling.describe_auto_scaling_groups(MaxRecords=5, NextToken=first["NextToken"])
        names = [g["AutoScalingGroupName"] for g in first["AutoScalingGroups"] + rest["AutoScalingGroups"]]
        self.assertEqual(names, [f"g{index}" for index in range(7)])
        self.assertNotIn("NextToken", rest)
        self.refused("ValidationError", autoscaling.describe_auto_scaling_groups, MaxRecords=101)
        self.refused("InvalidNextToken", autoscaling.describe_auto_scaling_groups, NextToken="x")

    def test_what_is_answered_follows_what_changes(self):
        self.group(desired=1)
        self.serving(1)
        autoscaling.create_or_update_tags(Tags=[{"ResourceId": "g", "ResourceType": "auto-scaling-group", "Key": "k",
                                                 "Value": "<&>", "PropagateAtLaunch": False}])
        self.assertEqual(self.described()["Tags"][0]["Value"], "<&>")
        truth("POST", "instances", {"action": "kill", "group": "g"})
        self.until(lambda: [i["HealthStatus"] for i in self.instances()] != ["Healthy"])


class Dumps(StandInTest):
    def test_two_runs_to_the_same_end_are_equal(self):
        dumps = []
        for _ in range(2):
            truth("POST", "reset")
            truth("POST", "world", {"subnets": [{"zone": "us-east-1a", "id": "subnet-0a"}],
                                    "images": [{"name": "node", "id": "ami-00000000000000001"}]})
            self.template("node", InstanceType="g5.xlarge")
            self.group(desired=2, VPCZoneIdentifier="subnet-0a",
                       Tags=[{"Key": "k", "Value": "v", "PropagateAtLaunch": True}])
            autoscaling.put_scheduled_update_group_action(AutoScalingGroupName="g", ScheduledActionName="day",
                                                          Recurrence="0 8 * * *", MinSize=1)
            self.serving(2)
            dumps.append(truth("GET", "world?stable=1"))
        self.assertEqual(*dumps)
        group = dumps[0]["accounts"][ACCOUNT]["us-east-1"]["groups"][0]
        self.assertEqual([(i["type"], i["tags"]) for i in group["instances"]], [("g5.xlarge", {"k": "v"})] * 2)
