"""What GET /truth/world tells."""

from common import ACCOUNT, StandInTest, autoscaling, truth


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
