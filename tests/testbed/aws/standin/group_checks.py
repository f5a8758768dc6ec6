"""What a group's configuration must hold, and the defaults that AWS fills in."""

import copy

from . import images, reservations
from .answers import AwsError, validation_error

# API_InstancesDistribution: the defaults.
_DISTRIBUTION = {
    "OnDemandAllocationStrategy": "prioritized", "OnDemandBaseCapacity": 0,
    "OnDemandPercentageAboveBaseCapacity": 100, "SpotAllocationStrategy": "lowest-price",
}


def bounds(least, most, desired):
    """min <= desired <= max."""
    if least < 0 or most < 0:
        raise validation_error("The sizes of a group must not be negative")
    if least > most:
        raise validation_error(f"Max bound, {most}, must be greater than or equal to min bound, {least}")
    if not least <= desired <= most:
        raise validation_error(f"Desired capacity:{desired} must be between the specified min size:{least} and max "
                               f"size:{most}")


def template(region, given, own_image=True):
    """A template specification with id and name both, as AWS answers it; the version must be there."""
    if bool(given.get("LaunchTemplateId")) == bool(given.get("LaunchTemplateName")):
        raise validation_error("Valid requests must contain either launchTemplateId or LaunchTemplateName")
    found = next((t for t in region.templates.values() if t.id == given.get("LaunchTemplateId")
                  or t.name == given.get("LaunchTemplateName")), None)
    fault = "You must use a valid fully-formed launch template. "
    if found is None:
        if given.get("LaunchTemplateId"):
            raise validation_error(f"{fault}The specified launch template, with template ID "
                                   f"{given['LaunchTemplateId']}, does not exist.")
        raise validation_error(f"{fault}The specified launch template, with template name "
                               f"{given['LaunchTemplateName']}, does not exist.")
    number = found.number(given.get("Version", "$Default"))
    if number is None:
        raise validation_error(f"{fault}The specified launch template version {given['Version']} does not exist.")
    why_not = _launchable(region, found.versions[number]["data"], own_image)
    if why_not:
        raise validation_error(fault + why_not)
    return {"LaunchTemplateId": found.id, "LaunchTemplateName": found.name,
            **({"Version": given["Version"]} if "Version" in given else {})}


def _launchable(region, data, own_image):
    """Why EC2 would refuse RunInstances: Auto Scaling asks by a dry run. What nobody seeded is not looked for."""
    image = data.get("ImageId")
    if not image and own_image:
        return "The request must contain the parameter ImageId"
    if image and not image.startswith("resolve:"):
        why_not = images.launch_refusal(region, image)
        if why_not is None and region.images and images.lookup(region, image) is None:
            why_not = images.not_found(image).message
        if why_not:
            return why_not
    wanted = [*data.get("SecurityGroupIds", []),
              *(group for card in data.get("NetworkInterfaces", []) for group in card.get("Groups", []))]
    there = {group["GroupId"] for group in region.security_groups}
    missing = [group for group in wanted if there and group not in there]
    if missing:
        return f"The security group '{missing[0]}' does not exist"
    if data.get("InstanceMarketOptions", {}).get("MarketType") == "capacity-block" and not reservations.target(data):
        return "The market type capacity-block requires the ID of a capacity block"
    if data.get("SecurityGroupIds") and data.get("NetworkInterfaces"):
        return "Network interfaces and an instance-level security groups may not be specified on the same request"
    return None


def policy(region, given, before=None):
    """A mixed instances policy over the one from before: what is not named stays."""
    before = copy.deepcopy(before or {})
    launch, old = given.get("LaunchTemplate", {}), before.get("LaunchTemplate", {})
    specification = launch.get("LaunchTemplateSpecification")
    if not specification and old.get("LaunchTemplateSpecification"):
        specification = {k: v for k, v in old["LaunchTemplateSpecification"].items() if k != "LaunchTemplateName"}
    if not specification:
        raise validation_error("Valid requests must contain a launch template in the mixed instances policy")
    overrides = launch.get("Overrides", old.get("Overrides", []))
    names = [override["InstanceType"] for override in overrides if "InstanceType" in override]
    if len(names) != len(set(names)):
        raise validation_error("The instance types of the overrides must be distinct")
    for override in overrides:
        if "InstanceType" in override and "InstanceRequirements" in override:
            raise validation_error("Overrides must not have both InstanceType and InstanceRequirements")
    defaults = dict(_DISTRIBUTION)
    if any("InstanceRequirements" in override for override in overrides):
        defaults["OnDemandAllocationStrategy"] = "lowest-price"
    distribution = {**defaults, **before.get("InstancesDistribution", {}),
                    **given.get("InstancesDistribution", {})}
    if (any("InstanceRequirements" in override for override in overrides)
            and distribution["OnDemandAllocationStrategy"] == "prioritized"):
        # API_InstancesDistribution: `prioritized` "cannot be used for groups that" specify InstanceRequirements.
        raise validation_error("The specified OnDemandAllocationStrategy is not valid. The prioritized allocation "
                               "strategy is not compatible with instance requirements. Valid options are "
                               "[lowest-price].")
    if distribution.get("SpotMaxPrice") == "":
        del distribution["SpotMaxPrice"]
    if not 0 <= distribution["OnDemandPercentageAboveBaseCapacity"] <= 100:
        raise validation_error("OnDemandPercentageAboveBaseCapacity must be between 0 and 100")
    if distribution["SpotAllocationStrategy"] == "lowest-price":
        distribution.setdefault("SpotInstancePools", 2)
    elif "SpotInstancePools" in given.get("InstancesDistribution", {}):
        raise validation_error("SpotInstancePools option is only available with the lowest-price allocation strategy.")
    else:
        distribution.pop("SpotInstancePools", None)
    whole = template(region, specification, not overrides or any("ImageId" not in one for one in overrides))
    number_of = region.templates[whole["LaunchTemplateId"]].data(whole.get("Version", "$Default"))
    if number_of.get("InstanceMarketOptions"):
        raise validation_error("Incompatible launch template: You cannot use a launch template that is set to request "
                               "Spot Instances (InstanceMarketOptions) when you configure an Auto Scaling group with "
                               "a mixed instances policy. Add a different launch template to the group and try again.")
    for override in overrides:
        if "Overrides" in launch and "LaunchTemplateSpecification" in override:
            override["LaunchTemplateSpecification"] = template(region, override["LaunchTemplateSpecification"])
    return {"LaunchTemplate": {"LaunchTemplateSpecification": whole, "Overrides": overrides},
            "InstancesDistribution": distribution}


def places(region, config):
    """Subnets, or zones without them; the zones that result."""
    wanted = [s.strip() for s in (config.get("VPCZoneIdentifier") or "").split(",") if s.strip()]
    if wanted:
        found = []
        for subnet in wanted:
            if region.subnet(subnet) is None:
                raise validation_error(f"The subnet ID '{subnet}' does not exist")
            found.append(region.subnet(subnet)["AvailabilityZone"])
        return sorted(set(found))
    zones = config.get("AvailabilityZones")
    if not zones:
        raise validation_error("At least one Availability Zone or VPC Subnet is required.")
    for zone in zones:
        if zone not in region.zones():
            raise validation_error(f"Invalid availability zones: [{zone}]")
    return zones


def maintenance(given):
    """API_InstanceMaintenancePolicy: -1 clears; both or none; min <= 100 <= max, at most 100 apart."""
    least, most = given.get("MinHealthyPercentage"), given.get("MaxHealthyPercentage")
    if least == -1 and most == -1:
        return None
    if least is None or most is None or least == -1 or most == -1:
        raise validation_error("Both MinHealthyPercentage and MaxHealthyPercentage must be specified.")
    if not (0 <= least <= 100 <= most <= 200) or most - least > 100:
        raise validation_error("The difference between MinHealthyPercentage and MaxHealthyPercentage cannot be greater "
                               "than 100, and MaxHealthyPercentage must be between 100 and 200.")
    return {"MinHealthyPercentage": least, "MaxHealthyPercentage": most}


def hook(group_name, given, before=None):
    """A lifecycle hook with AWS's defaults: heartbeat 3600, result ABANDON."""
    whole = {"HeartbeatTimeout": 3600, "DefaultResult": "ABANDON", **(before or {}), **given,
             "AutoScalingGroupName": group_name}
    if whole.get("LifecycleTransition") not in ("autoscaling:EC2_INSTANCE_LAUNCHING",
                                                "autoscaling:EC2_INSTANCE_TERMINATING"):
        raise validation_error("Valid lifecycle transition must be specified.")
    if whole["DefaultResult"] not in ("CONTINUE", "ABANDON"):
        raise validation_error("DefaultResult must be CONTINUE or ABANDON")
    # API_PutLifecycleHook, parameter HeartbeatTimeout: from 30 to 7200 seconds.
    if not 30 <= whole["HeartbeatTimeout"] <= 7200:
        raise validation_error("Heartbeat timeout must be between 30 and 7200 seconds.")
    if bool(whole.get("NotificationTargetARN")) and not whole.get("RoleARN"):
        raise validation_error("RoleARN must be specified with NotificationTargetARN")
    whole["GlobalTimeout"] = min(172800, 100 * whole["HeartbeatTimeout"])
    return whole


def tag(given, name):
    """One tag of a group."""
    if given.get("ResourceType", "auto-scaling-group") != "auto-scaling-group":
        raise validation_error("ResourceType must be auto-scaling-group")
    if given["Key"].lower().startswith("aws:"):
        raise validation_error("Tag keys must not begin with aws:")
    return {"Key": given["Key"], "Value": given.get("Value", ""), "ResourceId": name,
            "ResourceType": "auto-scaling-group", "PropagateAtLaunch": bool(given.get("PropagateAtLaunch", False))}


def already_exists(name):
    return AwsError("AlreadyExists", f"AutoScalingGroup by this name already exists - A group with the name {name} "
                    "already exists")
