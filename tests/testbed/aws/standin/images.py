"""Images as data: their states, who finds them, and what may be started from them."""

import re

from . import permissions
from .answers import AwsError
from .catalogue import instance_types
from .state import Clock, Worlds


class Image(dict):
    """An image in the form in which EC2 describes it, with what it does not describe."""

    def __init__(self, members, ready_at=None, failure=None):
        super().__init__(members)
        self.ready_at, self.failure = ready_at, failure  # when it is available, or has failed, and why
        self.permissions = [dict(permissions.EVERYBODY)] if members.get("Public") else []
        self.uefi_data = None
        self.pending_answers = None  # how many more tell that it is pending, if it is available after so many

    def told(self):
        """As the next answer tells it, which may be the last in which it is pending."""
        now = dict(self)
        if self.pending_answers is not None:
            self.pending_answers -= 1
            if self.pending_answers <= 0:
                self.pending_answers, self["State"] = None, "available"
        return now

    def settle(self, now):
        """Leaves pending when it is time."""
        if self.ready_at is not None and self.ready_at <= now:
            self.ready_at = None
            self["State"] = "failed" if self.failure else "available"
            if self.failure:
                self["StateReason"] = {"Code": "Client.InternalError", "Message": self.failure}

    def share(self, added, removed):
        permissions.change(self.permissions, added, removed)
        self["Public"] = permissions.EVERYBODY in self.permissions

    @property
    def snapshots(self):
        """The ids of the snapshots behind it."""
        volumes = [mapping.get("Ebs", {}) for mapping in self["BlockDeviceMappings"]]
        return [volume["SnapshotId"] for volume in volumes if "SnapshotId" in volume]


def settle(region):
    """Brings all of a region's images to now."""
    now = Clock.now()
    for image in region.images:
        image.settle(now)


def visible(region):
    """All that the account may start: its own, and what others share with it or with everybody."""
    found = list(region.images)
    for (account, name), other in Worlds.regions.items():
        if name == region.name and account != region.account:
            settle(other)
            found += [image for image in other.images
                      if image["OwnerId"] == account and permissions.includes(image.permissions, region.account)]
    return found


def lookup(region, identifier):
    """The image of this id, if the account may see it."""
    return next((image for image in visible(region) if image["ImageId"] == identifier), None)


def not_found(*identifiers):
    many = len(identifiers) > 1
    return AwsError("InvalidAMIID.NotFound", f"The image id{'s' * many} '[{', '.join(identifiers)}]' "
                    f"{'do' if many else 'does'} not exist")


def unavailable(identifier):
    """API errors: deregistered, or not in a state from which to launch or to modify attributes."""
    return AwsError("InvalidAMIID.Unavailable", f"The image ID '{identifier}' is no longer available")


def usable(region, identifier):
    """An image that the account may make something of."""
    if not re.match("ami-", identifier):
        raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{identifier}" (expecting "ami-...")')
    image = lookup(region, identifier)
    if image is None:
        raise unavailable(identifier) if identifier in region.deregistered else not_found(identifier)
    return image


def own(region, identifier, *states):
    """An image that the account may change, in one of these states if any are named."""
    image = usable(region, identifier)
    if image["OwnerId"] != region.account:
        raise AwsError("AuthFailure", f"Not authorized for image:{identifier}")
    if states and image["State"] not in states:
        raise unavailable(identifier)
    return image


def using(region, snapshot):
    """The images over a snapshot, of the account that has both."""
    return [image for image in region.images if snapshot in image.snapshots]


def launch_refusal(region, identifier):
    """Why nothing starts from the image, or None. Of one that was never there nothing is said.

    Source: EC2 User Guide "Deregister an Amazon EC2 AMI" and "Disable an Amazon EC2 AMI".
    """
    image = lookup(region, identifier)
    if image is not None:
        return None if image["State"] == "available" else f"The image ID '{identifier}' is {image['State']}"
    return unavailable(identifier).message if identifier in region.deregistered else None


def type_refusal(kind, image):
    """Why a type cannot start from the image, or None. Of a type that moto does not know nothing is said.

    Source: EC2 User Guide "Instance launch behavior with Amazon EC2 boot modes", "Virtualization types",
    "Enable enhanced networking with ENA", "Requirements for using NitroTPM".
    """
    told = instance_types().get(kind)
    if told is None or image is None:
        return None
    if image["Architecture"] not in told["ProcessorInfo"]["SupportedArchitectures"]:
        return (f"The architecture '{','.join(told['ProcessorInfo']['SupportedArchitectures'])}' of the specified "
                f"instance type does not match the architecture '{image['Architecture']}' of the specified AMI")
    if image["VirtualizationType"] not in told.get("SupportedVirtualizationTypes", ["hvm"]):
        return (f"Non-Windows instances with a virtualization type of '{image['VirtualizationType']}' are currently "
                "not supported for this instance type")
    mode = image.get("BootMode")
    if mode in ("uefi", "legacy-bios") and mode not in told.get("SupportedBootModes", [mode]):
        return f"The instance type {kind} does not support the boot mode {mode} of the specified AMI"
    if image.get("TpmSupport") and told.get("NitroTpmSupport") == "unsupported":
        return f"The instance type {kind} does not support NitroTPM"
    if told["NetworkInfo"].get("EnaSupport") == "required" and not image.get("EnaSupport"):
        return (f"Enhanced networking with the Elastic Network Adapter (ENA) is required for the '{kind}' instance "
                "type. Ensure that your instance is enabled for ENA")
    return None
