"""Images, subnets, security groups, prices, quotas, parameters, identity: what a test seeded, as AWS answers it."""

import datetime

from common import ACCOUNT, StandInTest, client, ec2, truth


class Places(StandInTest):
    def names(self, **more):
        return [image["Name"] for image in ec2.describe_images(**more)["Images"]]

    def test_images(self):
        truth("POST", "world", {"images": [
            {"name": "node-2", "tags": {"channel": "stable"}, "architecture": "arm64", "boot_mode": "uefi",
             "created": "2026-02-01T00:00:00.000Z", "owner": "999988887777"}]})
        self.assertEqual(self.names(Owners=["self"]), ["node"])
        self.assertEqual(self.names(Owners=["999988887777"]), ["node-2"])
        self.assertEqual(self.names(Filters=[{"Name": "tag:channel", "Values": ["sta*"]},
                                             {"Name": "architecture", "Values": ["arm64"]}]), ["node-2"])
        self.assertEqual(self.names(Filters=[{"Name": "name", "Values": ["node*"]},
                                             {"Name": "state", "Values": ["available"]}]), ["node", "node-2"])
        self.refused("InvalidAMIID.NotFound", ec2.describe_images, ImageIds=["ami-00000000000000000"])
        self.refused("InvalidParameterValue", self.names, Filters=[{"Name": "colour", "Values": ["x"]}])

    def test_subnets_and_security_groups(self):
        truth("POST", "world", {"subnets": [{"zone": "us-east-1a", "tags": {"tier": "gpu"}, "id": "subnet-0gpu"}],
                                "security_groups": [{"name": "gpu", "tags": {"tier": "gpu"}, "id": "sg-0gpu"}]})
        filters = [{"Name": "tag:tier", "Values": ["gpu"]}]
        self.assertEqual([s["SubnetId"] for s in ec2.describe_subnets(Filters=filters)["Subnets"]], ["subnet-0gpu"])
        self.assertEqual([g["GroupId"] for g in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]],
                         ["sg-0gpu"])
        self.assertEqual(len(ec2.describe_subnets()["Subnets"]), 4)
        self.refused("InvalidSubnetID.NotFound", ec2.describe_subnets, SubnetIds=["subnet-0none"])
        self.refused("InvalidGroup.NotFound", ec2.describe_security_groups, GroupIds=["sg-0none"])
        zones = ec2.describe_availability_zones()["AvailabilityZones"]
        self.assertEqual([z["ZoneName"] for z in zones], ["us-east-1a", "us-east-1b", "us-east-1c"])

    def test_spot_prices(self):
        truth("POST", "world", {"prices": [
            {"instance_type": "g5.xlarge", "usd": 0.5, "zone": "us-east-1a", "at": "2026-01-01T00:00:00Z"},
            {"instance_type": "g5.xlarge", "usd": 0.4, "zone": "us-east-1a", "at": "2026-01-02T00:00:00Z"},
            {"instance_type": "g6.xlarge", "usd": 0.3}]})
        found = ec2.describe_spot_price_history(InstanceTypes=["g5.xlarge"])["SpotPriceHistory"]
        self.assertEqual([p["SpotPrice"] for p in found], ["0.400000", "0.500000"])
        found = ec2.describe_spot_price_history(InstanceTypes=["g5.xlarge"], ProductDescriptions=["Linux/UNIX"],
                                                StartTime=datetime.datetime(2026, 6, 1))["SpotPriceHistory"]
        self.assertEqual([p["SpotPrice"] for p in found], ["0.400000"])  # the price in force
        self.assertEqual(len(ec2.describe_spot_price_history(InstanceTypes=["g6.xlarge"])["SpotPriceHistory"]), 3)
        first = ec2.describe_spot_price_history(MaxResults=2)
        self.assertTrue(first["NextToken"])

    def test_quotas(self):
        truth("POST", "world", {"quotas": [{"code": "L-DB2E81BA", "name": "Running On-Demand G", "value": 64}]})
        quotas = client("service-quotas")
        self.assertEqual(quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-DB2E81BA")["Quota"]["Value"], 64)
        self.assertEqual(len(quotas.list_service_quotas(ServiceCode="ec2")["Quotas"]), 1)
        self.refused("NoSuchResourceException", quotas.get_service_quota, ServiceCode="ec2", QuotaCode="L-0")

    def test_parameters(self):
        truth("POST", "world", {"parameters": {"/floodway/node": "ami-1"}})
        ssm = client("ssm")
        found = ssm.get_parameters(Names=["/floodway/node", "/none"])
        self.assertEqual([p["Value"] for p in found["Parameters"]], ["ami-1"])
        self.assertEqual(found["InvalidParameters"], ["/none"])
        self.assertEqual(ssm.get_parameter(Name="/floodway/node")["Parameter"]["Version"], 1)
        self.refused("ParameterNotFound", ssm.get_parameter, Name="/none")
        self.refused("ParameterAlreadyExists", ssm.put_parameter, Name="/floodway/node", Value="x", Type="String")

    def test_identity(self):
        sts = client("sts")
        self.assertEqual(sts.get_caller_identity()["Account"], ACCOUNT)
        user = "arn:aws:iam::111122223333:user/x"
        truth("POST", "world", {"keys": {"AKIAOTHER": {"account": "111122223333", "arn": user}}})
        self.assertEqual(client("sts", key="AKIAOTHER").get_caller_identity()["Arn"], user)
        role = "arn:aws:iam::444455556666:role/apply"
        given = sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
        caller = client("sts", key=given["AccessKeyId"]).get_caller_identity()
        self.assertEqual(caller["Arn"], "arn:aws:sts::444455556666:assumed-role/apply/session")

    def test_an_image_by_parameter_is_resolved_at_launch(self):
        truth("POST", "world", {"parameters": {"/floodway/node": "ami-00000000000000001"}})
        self.template("by-name", ImageId="resolve:ssm:/floodway/node", InstanceType="g5.xlarge")
        self.group(desired=1, LaunchTemplate={"LaunchTemplateName": "by-name"})
        self.serving(1)
        self.assertEqual(self.dumped()["instances"][0]["image"], "ami-00000000000000001")
        found = client("ssm").get_parameters_by_path(Path="/floodway", Recursive=True)["Parameters"]
        self.assertEqual([p["Name"] for p in found], ["/floodway/node"])

    def test_a_dry_run_says_that_it_would_succeed(self):
        answer = self.refused("DryRunOperation", ec2.create_launch_template, DryRun=True, LaunchTemplateName="other",
                              LaunchTemplateData={"InstanceType": "g5.xlarge"})
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 412)
        self.assertEqual(len(ec2.describe_launch_templates()["LaunchTemplates"]), 1)

    def test_offerings_are_motos(self):
        found = ec2.describe_instance_type_offerings(
            LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["g5.xlarge"]}])
        self.assertTrue(found["InstanceTypeOfferings"])
        types = ec2.describe_instance_types(InstanceTypes=["g5.xlarge"])["InstanceTypes"]
        self.assertEqual(types[0]["VCpuInfo"]["DefaultVCpus"], 4)

    def test_the_rest_is_motos(self):
        self.assertTrue(ec2.describe_regions()["Regions"])
        s3 = client("s3")
        s3.create_bucket(Bucket="locks")
        s3.put_object(Bucket="locks", Key="a", Body=b"1", IfNoneMatch="*")
        self.refused("PreconditionFailed", s3.put_object, Bucket="locks", Key="a", Body=b"2", IfNoneMatch="*")
        self.assertEqual(s3.get_object(Bucket="locks", Key="a")["Body"].read(), b"1")
        truth("POST", "reset")
        self.assertEqual(s3.list_buckets()["Buckets"], [])
        self.assertIn("s3", {call["service"] for call in truth("GET", "calls")})
