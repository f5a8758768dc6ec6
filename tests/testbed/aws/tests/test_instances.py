"""Which instances a group starts, what EC2 shows of them, and what is asked of single ones."""

from common import StandInTest, autoscaling, ec2, truth


class Choosing(StandInTest):
    def test_zones_in_turn(self):
        self.group(desired=4)
        zones = sorted(i["AvailabilityZone"][-1] for i in self.serving(4))
        self.assertEqual(zones, ["a", "a", "b", "c"])

    def test_the_templates_type_and_spot_by_its_market(self):
        self.template("spot", InstanceType="g6.xlarge", InstanceMarketOptions={"MarketType": "spot"})
        self.group(desired=1, LaunchTemplate={"LaunchTemplateName": "spot", "Version": "$Latest"})
        self.serving(1)
        self.assertEqual([(i["type"], i["market"]) for i in self.dumped()["instances"]], [("g6.xlarge", "spot")])

    def test_a_spot_template_does_not_go_with_a_policy(self):
        self.template("spot", InstanceType="g6.xlarge", InstanceMarketOptions={"MarketType": "spot"})
        policy = self.mixed(["g6.xlarge"])
        policy["LaunchTemplate"]["LaunchTemplateSpecification"]["LaunchTemplateName"] = "spot"
        self.refused("ValidationError", self.group, MixedInstancesPolicy=policy, text="Incompatible launch template")

    def test_base_and_percentage_round_up_on_demand(self):
        self.group(desired=6, MixedInstancesPolicy=self.mixed(["g5.xlarge"], base=1, above=30))
        self.serving(6)
        markets = [i["market"] for i in self.dumped()["instances"]]
        self.assertEqual((markets.count("on-demand"), markets.count("spot")), (3, 3))  # 1 + ceil(5 * 0.3)

    def test_on_demand_goes_by_order_spot_by_price(self):
        truth("POST", "world", {"prices": [{"instance_type": "g5.xlarge", "usd": 0.9},
                                           {"instance_type": "g6.xlarge", "usd": 0.3}]})
        self.group(desired=2, MixedInstancesPolicy=self.mixed(["g5.xlarge", "g6.xlarge"], base=1, above=0))
        self.serving(2)
        self.assertEqual(sorted((i["market"], i["type"]) for i in self.dumped()["instances"]),
                         [("on-demand", "g5.xlarge"), ("spot", "g6.xlarge")])

    def test_the_next_override_where_there_is_no_capacity(self):
        self.rule(kind="capacity", instance_type="g5.xlarge", instances=1)
        self.group(desired=3, MixedInstancesPolicy=self.mixed(["g5.xlarge", "g6.xlarge"]))
        self.serving(3)
        self.assertEqual(sorted(i["type"] for i in self.dumped()["instances"]), ["g5.xlarge", "g6.xlarge", "g6.xlarge"])

    def test_an_override_may_have_its_own_image(self):
        policy = self.mixed(["g5g.xlarge"])
        policy["LaunchTemplate"]["Overrides"][0]["ImageId"] = "ami-0000000000000arm6"
        self.group(desired=1, MixedInstancesPolicy=policy)
        self.serving(1)
        self.assertEqual(self.dumped()["instances"][0]["image"], "ami-0000000000000arm6")

    def test_no_spot_above_the_highest_price(self):
        truth("POST", "world", {"prices": [{"instance_type": "g5.xlarge", "usd": 0.9}]})
        self.group(desired=1, MixedInstancesPolicy=self.mixed(["g5.xlarge"], above=0, SpotMaxPrice="0.5"))
        told = self.until(lambda: autoscaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"])
        self.assertIn("SpotMaxPriceTooLow", told[0]["StatusMessage"])

    def test_changed_shares_replace_instances(self):
        self.group(desired=2, MixedInstancesPolicy=self.mixed(["g5.xlarge"], above=100))
        self.serving(2)
        self.update(MixedInstancesPolicy={"InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 0}})
        self.until(lambda: [i["market"] for i in self.dumped()["instances"]] == ["spot", "spot"])
        self.serving(2)

    def test_attributes_choose_among_declared_types(self):
        truth("POST", "world", {"instance_types": {"g5.xlarge": {"vcpus": 4, "memory_mib": 16384, "gpus": 1},
                                                   "m5.large": {"vcpus": 2, "memory_mib": 8192, "gpus": 0}}})
        policy = self.mixed([])
        policy["LaunchTemplate"]["Overrides"] = [{"InstanceRequirements": {
            "VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}, "AcceleratorCount": {"Min": 1}}}]
        self.group(desired=1, MixedInstancesPolicy=policy)
        self.serving(1)
        self.assertEqual(self.dumped()["instances"][0]["type"], "g5.xlarge")

    def test_no_type_comes_first_by_attributes(self):
        policy = self.mixed([])
        policy["LaunchTemplate"]["Overrides"] = [{"InstanceRequirements": {
            "VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}}}]
        policy["InstancesDistribution"]["OnDemandAllocationStrategy"] = "prioritized"
        self.refused("ValidationError", self.group, MixedInstancesPolicy=policy,
                     text="not compatible with instance requirements")

    def test_types_are_found_by_attributes(self):
        def found(**more):
            asked = {"VCpuCount": {"Min": 32}, "MemoryMiB": {"Min": 131072}, "AcceleratorCount": {"Min": 4, "Max": 4},
                     "AcceleratorNames": ["l40s"], **more}
            told = ec2.get_instance_types_from_instance_requirements(
                ArchitectureTypes=["x86_64"], VirtualizationTypes=["hvm"], InstanceRequirements=asked)
            return [one["InstanceType"] for one in told["InstanceTypes"]]
        self.assertEqual(found(), ["g6e.12xlarge", "g6e.24xlarge"])
        self.assertEqual(found(ExcludedInstanceTypes=["*.24x*"]), ["g6e.12xlarge"])
        self.assertEqual(found(AcceleratorNames=["a10g", "l40s"], VCpuCount={"Min": 32, "Max": 48}),
                         ["g5.12xlarge", "g6e.12xlarge"])

    def interfaces(self, *kinds):
        return [{"NetworkCardIndex": card, "DeviceIndex": 0, "InterfaceType": kind, "DeleteOnTermination": True}
                for card, kind in enumerate(kinds)]

    def test_network_cards_take_what_their_type_has(self):
        self.template("efa", InstanceType="g6e.24xlarge", NetworkInterfaces=self.interfaces("efa", "efa-only"))
        launch = {"LaunchTemplateName": "efa", "Version": "$Default"}
        self.group("fits", desired=1, LaunchTemplate=launch)
        self.serving(1, "fits")
        for kind, *given in (("g6e.xlarge", "efa"), ("g6e.12xlarge", "efa", "efa-only"), ("g6e.24xlarge", "efa-only"),
                             ("p6-b300.48xlarge", "efa")):
            name = "-".join([kind, *given]).replace(".", "-")
            self.template(name, InstanceType=kind, NetworkInterfaces=self.interfaces(*given))
            self.group(name, desired=1, LaunchTemplate={**launch, "LaunchTemplateName": name})
            told = self.until(lambda name=name: autoscaling.describe_scaling_activities(
                AutoScalingGroupName=name)["Activities"])
            self.assertEqual(told[0]["StatusCode"], "Failed", name)
            self.assertRegex(told[0]["StatusMessage"], "interface|network card", name)

    def test_the_version_is_resolved_at_launch(self):
        self.group(desired=1, LaunchTemplate={"LaunchTemplateName": "node", "Version": "$Latest"})
        self.serving(1)
        self.version(InstanceType="g6.xlarge")
        self.update(DesiredCapacity=2)
        self.serving(2)
        shown = sorted((i["LaunchTemplate"]["Version"], i["InstanceType"]) for i in self.instances())
        self.assertEqual(shown, [("1", "g5.xlarge"), ("2", "g6.xlarge")])
        self.assertEqual(self.described()["LaunchTemplate"]["Version"], "$Latest")


class Ec2View(StandInTest):
    def test_market_tags_and_filters(self):
        self.template("tagged", InstanceType="g5.xlarge", TagSpecifications=[
            {"ResourceType": "instance",
             "Tags": [{"Key": "from", "Value": "template"}, {"Key": "both", "Value": "t"}]}])
        policy = self.mixed(["g5.xlarge"], above=0)
        policy["LaunchTemplate"]["LaunchTemplateSpecification"]["LaunchTemplateName"] = "tagged"
        self.group(desired=1, MixedInstancesPolicy=policy, Tags=[
            {"Key": "both", "Value": "group", "PropagateAtLaunch": True},
            {"Key": "kept", "Value": "here", "PropagateAtLaunch": False}])
        self.serving(1)
        found = ec2.describe_instances(Filters=[{"Name": "tag:aws:autoscaling:groupName", "Values": ["g"]},
                                                {"Name": "instance-state-name", "Values": ["running"]}])
        instance = found["Reservations"][0]["Instances"][0]
        tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
        self.assertEqual(instance["InstanceLifecycle"], "spot")
        self.assertEqual((tags["from"], tags["both"]), ("template", "group"))
        self.assertNotIn("kept", tags)
        self.assertIn(instance["SubnetId"], self.subnets)
        self.refused("InvalidInstanceID.NotFound", ec2.describe_instances, InstanceIds=["i-00000000000000000"])

    def test_an_address_is_an_instances_own_until_it_is_gone(self):
        truth("POST", "world", {"addresses": ["192.0.2.7"]})
        self.group(desired=2)
        ids = [i["InstanceId"] for i in self.serving(2)]

        def addresses(of):
            named = [{"Name": "instance-id", "Values": of + ["i-0none"]}]
            found = ec2.describe_instances(Filters=named, MaxResults=5)["Reservations"]
            return {i["InstanceId"]: i.get("PrivateIpAddress") for r in found for i in r["Instances"]}

        shown = addresses(ids)
        self.assertEqual(len(set(shown.values())), 2)
        given = next(i for i, address in shown.items() if address == "192.0.2.7")
        autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=given, ShouldDecrementDesiredCapacity=False)
        new = self.until(lambda: set(i["InstanceId"] for i in self.instances(state="InService")) - set(ids))
        self.serving(2)
        self.assertNotEqual(addresses(list(new)), {next(iter(new)): shown[given]}, "it was not free yet")
        self.update(DesiredCapacity=3)
        last = {i["InstanceId"] for i in self.serving(3)} - set(ids) - new
        self.assertEqual(list(addresses(list(last)).values()), ["192.0.2.7"])

    def test_terminated_from_outside_is_replaced(self):
        self.group(desired=1)
        old = self.serving(1)[0]["InstanceId"]
        ec2.terminate_instances(InstanceIds=[old])
        self.until(lambda: [i["InstanceId"] for i in self.instances(state="InService")] not in ([old], []))
        shown = ec2.describe_instances(InstanceIds=[old])["Reservations"][0]["Instances"][0]
        self.assertEqual(shown["State"]["Name"], "terminated")


class Single(StandInTest):
    def test_terminate_with_and_without_replacement(self):
        self.group(low=1, desired=2)
        first = self.serving(2)[0]["InstanceId"]
        call = autoscaling.terminate_instance_in_auto_scaling_group
        activity = call(InstanceId=first, ShouldDecrementDesiredCapacity=True)["Activity"]
        self.assertEqual(activity["Description"], f"Terminating EC2 instance: {first}")
        last = self.serving(1)[0]["InstanceId"]
        self.refused("ValidationError", call, InstanceId=last, ShouldDecrementDesiredCapacity=True,
                     text="violate group's min size constraint")
        call(InstanceId=last, ShouldDecrementDesiredCapacity=False)
        self.until(lambda: [i["InstanceId"] for i in self.instances(state="InService")] not in ([], [last]))
        self.refused("ValidationError", call, InstanceId="i-0none", ShouldDecrementDesiredCapacity=False,
                     text="No managed instance found")

    def test_terminate_several(self):
        self.group(low=1, desired=3)
        ids = [i["InstanceId"] for i in self.serving(3)]
        call = autoscaling.terminate_instance_in_auto_scaling_group
        self.refused("ValidationError", call, InstanceIds=ids, AutoScalingGroupName="g",
                     ShouldDecrementDesiredCapacity=True)
        done = call(InstanceIds=ids[:2], AutoScalingGroupName="g", ShouldDecrementDesiredCapacity=True)["Activities"]
        self.assertEqual(len(done), 2)
        self.assertEqual([i["InstanceId"] for i in self.serving(1)], ids[2:])

    def test_protection(self):
        self.group(desired=2, NewInstancesProtectedFromScaleIn=True)
        ids = [i["InstanceId"] for i in self.serving(2)]
        self.assertTrue(all(i["ProtectedFromScaleIn"] for i in self.instances()))
        self.update(DesiredCapacity=0)
        self.serving(2)
        autoscaling.set_instance_protection(AutoScalingGroupName="g", InstanceIds=ids, ProtectedFromScaleIn=False)
        self.serving(0)
        self.refused("ValidationError", autoscaling.set_instance_protection, AutoScalingGroupName="g",
                     InstanceIds=["i-0none"], ProtectedFromScaleIn=True, text="is not part of Auto Scaling group g")

    def test_unhealthy_ones_are_replaced(self):
        self.group(desired=1)
        old = self.serving(1)[0]["InstanceId"]
        autoscaling.set_instance_health(InstanceId=old, HealthStatus="Unhealthy")
        self.until(lambda: [i["InstanceId"] for i in self.instances(state="InService")] not in ([old], []))

    def test_detach_and_standby(self):
        self.group(desired=2)
        one, two = (i["InstanceId"] for i in self.serving(2))
        autoscaling.enter_standby(AutoScalingGroupName="g", InstanceIds=[one], ShouldDecrementDesiredCapacity=True)
        self.until(lambda: self.states() == ["InService", "Standby"])
        autoscaling.exit_standby(AutoScalingGroupName="g", InstanceIds=[one])
        self.serving(2)
        autoscaling.detach_instances(AutoScalingGroupName="g", InstanceIds=[two], ShouldDecrementDesiredCapacity=True)
        self.assertEqual([i["InstanceId"] for i in self.serving(1)], [one])
        self.assertEqual(self.described()["DesiredCapacity"], 1)

    def test_all_of_the_account(self):
        self.group("a", desired=1)
        self.group("b", desired=1)
        self.serving(1, "a"), self.serving(1, "b")
        found = autoscaling.describe_auto_scaling_instances()["AutoScalingInstances"]
        self.assertEqual(sorted(i["AutoScalingGroupName"] for i in found), ["a", "b"])

    def test_a_notice_stands_in_the_spot_request_until_the_instance_is_gone(self):
        policy = self.mixed(["g5.xlarge"], above=0)
        self.group(desired=4, MixedInstancesPolicy=policy, CapacityRebalance=True)
        ids = {i["InstanceId"] for i in self.serving(4)}

        def requests(code):
            marked = [{"Name": "status-code", "Values": [code]}]
            return ec2.describe_spot_instance_requests(Filters=marked, MaxResults=5)["SpotInstanceRequests"]

        self.assertEqual(len(requests("fulfilled")), 4)
        self.hold()
        noticed = set(truth("POST", "instances", {"action": "spot-interrupt", "group": "g", "share": 0.5, "after": 120,
                                                  "rebalance": False})["instances"])
        shown = requests("marked-for-termination")
        self.assertEqual({one["InstanceId"] for one in shown}, noticed)
        self.assertTrue(all(one["State"] == "active" and one["Status"]["UpdateTime"] for one in shown))
        self.assertEqual(len(noticed), 2)
        self.advance(119)
        self.assertEqual({i["InstanceId"] for i in self.instances(state="InService")}, ids)
        self.advance(2)
        truth("POST", "clock", {"hold": False})
        self.until(lambda: not noticed & {i["InstanceId"] for i in self.instances()})
        self.assertEqual({i["InstanceId"] for i in self.serving(4)} & ids, ids - noticed)
        self.assertEqual(requests("marked-for-termination"), [])
        self.assertEqual({one["InstanceId"] for one in requests("instance-terminated-no-capacity")}, noticed)
        told = autoscaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]
        causes = [one["Cause"] for one in told if one["Description"].startswith("Terminating")]
        self.assertEqual(len([cause for cause in causes if "EC2 health check" in cause]), 2)

    def test_spot_interruptions_with_and_without_rebalancing(self):
        policy = self.mixed(["g5.xlarge"], above=0)
        self.group("plain", desired=1, MixedInstancesPolicy=policy)
        self.group("eager", desired=1, MixedInstancesPolicy=policy, CapacityRebalance=True)
        for name, during in (("plain", 1), ("eager", 2)):
            old = self.serving(1, name)[0]["InstanceId"]
            self.hold()
            done = truth("POST", "instances", {"action": "spot-interrupt", "group": name, "after": 0.4})
            self.assertEqual(done["instances"], [old])
            self.assertEqual(len(self.instances(name)), during)
            truth("POST", "clock", {"hold": False})
            self.until(lambda: [i["InstanceId"] for i in self.instances(name, "InService")] not in ([old], []))
            self.serving(1, name)
