"""Warm pools."""

from common import StandInTest, autoscaling


class WarmPools(StandInTest):
    def pool(self, name="g"):
        return autoscaling.describe_warm_pool(AutoScalingGroupName=name)

    def states_of_pool(self):
        return sorted(i["LifecycleState"] for i in self.pool()["Instances"])

    def test_filled_used_and_deleted(self):
        self.hold()
        self.group(low=1, high=4, desired=1)
        autoscaling.put_warm_pool(AutoScalingGroupName="g")
        self.assertEqual(self.states_of_pool(), ["Warmed:Pending"] * 3)
        self.advance()
        self.assertEqual(self.states_of_pool(), ["Warmed:Stopped"] * 3)
        self.assertEqual(self.states(), ["InService"])
        shown = self.described()
        self.assertEqual((shown["WarmPoolSize"], shown["WarmPoolConfiguration"]),
                         (3, {"MinSize": 0, "PoolState": "Stopped"}))
        warm = {i["InstanceId"] for i in self.pool()["Instances"]}
        self.update(DesiredCapacity=2)
        self.advance()
        self.assertEqual(len(warm & {i["InstanceId"] for i in self.serving(2)}), 1)
        self.assertEqual(self.states_of_pool(), ["Warmed:Stopped"] * 2)
        autoscaling.delete_warm_pool(AutoScalingGroupName="g")
        self.assertEqual(self.pool()["WarmPoolConfiguration"]["Status"], "PendingDelete")
        self.advance()
        self.assertNotIn("WarmPoolConfiguration", self.described())

    def test_its_instances_cannot_be_protected(self):
        self.group(high=1)
        autoscaling.put_warm_pool(AutoScalingGroupName="g")
        self.until(lambda: self.states_of_pool() == ["Warmed:Stopped"])
        warm = [i["InstanceId"] for i in self.pool()["Instances"]]
        self.refused("ValidationError", autoscaling.set_instance_protection, AutoScalingGroupName="g",
                     InstanceIds=warm, ProtectedFromScaleIn=True)

    def test_forced_deletion_is_at_once(self):
        self.group(high=3)
        autoscaling.put_warm_pool(AutoScalingGroupName="g", MinSize=1)
        self.until(lambda: self.states_of_pool() == ["Warmed:Stopped"] * 3)
        autoscaling.delete_warm_pool(AutoScalingGroupName="g", ForceDelete=True)
        self.assertNotIn("WarmPoolConfiguration", self.pool())
        self.refused("ValidationError", autoscaling.delete_warm_pool, AutoScalingGroupName="g")

    def test_sizes(self):
        self.group(high=9, desired=1)
        autoscaling.put_warm_pool(AutoScalingGroupName="g", MaxGroupPreparedCapacity=3, PoolState="Running")
        self.until(lambda: self.states_of_pool() == ["Warmed:Running"] * 2)
        autoscaling.put_warm_pool(AutoScalingGroupName="g", MaxGroupPreparedCapacity=0, MinSize=0)
        self.until(lambda: self.states_of_pool() == [])
        autoscaling.put_warm_pool(AutoScalingGroupName="g", MaxGroupPreparedCapacity=-1)
        self.until(lambda: len(self.states_of_pool()) == 8)
        self.refused("ValidationError", autoscaling.put_warm_pool, AutoScalingGroupName="g",
                     MaxGroupPreparedCapacity=1, MinSize=2)

    def test_not_with_spot(self):
        self.template("spot", InstanceType="g5.xlarge", InstanceMarketOptions={"MarketType": "spot"})
        self.group("a", LaunchTemplate={"LaunchTemplateName": "spot", "Version": "1"})
        self.group("b", MixedInstancesPolicy=self.mixed(["g5.xlarge"], above=50))
        self.group("c", MixedInstancesPolicy=self.mixed(["g5.xlarge"], above=100))
        for name in ("a", "b"):
            self.refused("ValidationError", autoscaling.put_warm_pool, AutoScalingGroupName=name, text="Spot Instances")
        autoscaling.put_warm_pool(AutoScalingGroupName="c")
        self.refused("ValidationError", self.update, "c", text="Spot Instances", MixedInstancesPolicy={
            "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 0}})

    def test_hibernation_needs_a_template_that_allows_it(self):
        self.group()
        self.refused("ValidationError", autoscaling.put_warm_pool, AutoScalingGroupName="g", PoolState="Hibernated",
                     text="Hibernation")

    def test_hooks_hold_warm_instances(self):
        self.group(high=1, LifecycleHookSpecificationList=[{
            "LifecycleHookName": "up", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}])
        autoscaling.put_warm_pool(AutoScalingGroupName="g")
        self.until(lambda: self.states_of_pool() == ["Warmed:Pending:Wait"])
        one = self.pool()["Instances"][0]["InstanceId"]
        autoscaling.complete_lifecycle_action(LifecycleHookName="up", AutoScalingGroupName="g",
                                              LifecycleActionResult="CONTINUE", InstanceId=one)
        self.until(lambda: self.states_of_pool() == ["Warmed:Stopped"])

    def test_reused_on_scale_in(self):
        self.group(high=2, desired=1)
        one = self.serving(1)[0]["InstanceId"]
        autoscaling.put_warm_pool(AutoScalingGroupName="g", MaxGroupPreparedCapacity=1,
                                  InstanceReusePolicy={"ReuseOnScaleIn": True})
        self.update(DesiredCapacity=0)
        self.until(lambda: [(i["InstanceId"], i["LifecycleState"]) for i in self.pool()["Instances"]]
                   == [(one, "Warmed:Stopped")])
