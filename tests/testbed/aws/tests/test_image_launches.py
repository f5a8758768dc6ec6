"""What is launched from images, and what is not."""

from common import ACCOUNT, autoscaling, ec2, truth
from publishing import OTHER_ACCOUNT, PublishingTest


class Launching(PublishingTest):
    def launch(self, image, kind="g5.xlarge", **data):
        self.template("published", ImageId=image, InstanceType=kind, **data)
        self.group(desired=1, LaunchTemplate={"LaunchTemplateName": "published"})

    def failure(self):
        def failed():
            told = autoscaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]
            return next((one["StatusMessage"] for one in told if one["StatusCode"] == "Failed"), None)
        return self.until(failed)

    def options(self):
        return ec2.describe_instances()["Reservations"][0]["Instances"][0]["MetadataOptions"]

    def test_from_a_registered_image(self):
        self.launch(self.is_available(self.register(self.published({}), ImdsSupport="v2.0")))
        self.serving(1)
        self.assertEqual((self.options()["HttpTokens"], self.options()["HttpPutResponseHopLimit"]), ("required", 2))

    def test_not_from_one_that_is_disabled_or_gone(self):
        image = self.is_available(self.register(self.published({})))
        self.launch(image)
        self.serving(1)
        ec2.disable_image(ImageId=image)
        self.update(DesiredCapacity=2)
        self.assertIn("disabled. Launching EC2 instance failed.", self.failure())
        self.assertEqual(len(self.instances(state="InService")), 1)
        self.refused("ValidationError", self.group, "other", LaunchTemplate={"LaunchTemplateName": "published"})
        ec2.enable_image(ImageId=image)
        self.serving(2)
        ec2.deregister_image(ImageId=image)
        self.assertIsNone(self.image(image))  # no error, while instances refer to it
        self.update(DesiredCapacity=3)
        self.until(lambda: "no longer available" in self.failure())
        self.refused("ValidationError", self.group, "other", LaunchTemplate={"LaunchTemplateName": "published"})

    def test_not_from_one_that_is_pending(self):
        snapshot = self.published({})
        self.hold()
        self.template("pending", ImageId=self.register(snapshot), InstanceType="g5.xlarge")
        self.refused("ValidationError", self.group, LaunchTemplate={"LaunchTemplateName": "pending"}, text="pending")

    def test_a_type_must_know_the_boot_mode(self):
        snapshot = self.published({})
        uefi, bios = (self.is_available(self.register(snapshot, f"node-{mode}", BootMode=mode))
                      for mode in ("uefi", "legacy-bios"))
        self.launch(uefi, "p4d.24xlarge")
        self.assertIn("does not support the boot mode uefi", self.failure())
        self.template("bios", ImageId=bios, InstanceType="p4d.24xlarge")
        self.update(LaunchTemplate={"LaunchTemplateName": "bios"})
        self.serving(1)

    def test_an_image_that_was_registered_without_its_flags_starts_nothing(self):
        image = ec2.register_image(Name="old", RootDeviceName="/dev/sda1", Architecture="x86_64", BlockDeviceMappings=[
            {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": self.published({})}}])["ImageId"]
        self.launch(self.is_available(image))
        self.assertIn("virtualization type of 'paravirtual'", self.failure())

    def test_from_one_that_another_account_shares(self):
        truth("POST", "world", {"account": OTHER_ACCOUNT, "images": [
            {"name": "theirs", "id": "ami-0theirs", "shared_with": [ACCOUNT]}]})
        self.launch("ami-0theirs")
        self.serving(1)
