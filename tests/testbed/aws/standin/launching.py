"""Which market, type and zone the next instance has, and whether there is capacity for it."""

import math

from . import images, interfaces, parameters, requirements, reservations, rules
from .answers import AwsError, timestamp
from .group import Instance, begin_activity, end_activity
from .state import Settings


class Offering:
    """What one instance would be."""

    def __init__(self, kind, market, zone, subnet, weight, data, image):
        self.type, self.market, self.zone, self.subnet = kind, market, zone, subnet
        self.weight, self.data, self.image = weight, data, image


class NoCapacity(AwsError):
    """A launch that AWS reports as a failed scaling activity; a refusal where it is asked for directly."""

    def __init__(self, message):
        super().__init__("ValidationError", message)


def on_demand_target(distribution, desired):
    """How many of `desired` are on demand.

    Source: API_InstancesDistribution: the base first, then the percentage above it,
    which is rounded up to the next whole instance (User Guide, "mixed instances group").
    """
    base = min(desired, distribution.get("OnDemandBaseCapacity", 0))
    above = desired - base
    return base + math.ceil(above * distribution.get("OnDemandPercentageAboveBaseCapacity", 100) / 100)


def market_of_next(group, desired):
    """The market that is short of its share."""
    source = group.source()
    policy = source.get("MixedInstancesPolicy")
    if not policy:
        template, version = template_of(group.region, source["LaunchTemplate"])
        options = template.versions[version]["data"].get("InstanceMarketOptions", {})
        return options.get("MarketType", "on-demand")
    target = on_demand_target(policy["InstancesDistribution"], desired)
    there = sum(i.weight for i in group.counted() if i.market == "on-demand")
    return "on-demand" if there < target else "spot"


def template_of(region, specification):
    """(template, version number) of a specification, by what its version means now."""
    template = next((t for t in region.templates.values()
                     if t.id == specification.get("LaunchTemplateId")
                     or t.name == specification.get("LaunchTemplateName")), None)
    number = template and template.number(specification.get("Version", "$Default"))
    if number is None:
        name = specification.get("LaunchTemplateName") or specification.get("LaunchTemplateId")
        raise NoCapacity(f"The specified launch template {name} does not exist. Launching EC2 instance failed.")
    return template, number


def _price(region, kind, zone):
    prices = [float(p["SpotPrice"]) for p in region.prices if p["InstanceType"] == kind
              and p["AvailabilityZone"] == zone]
    return prices[-1] if prices else math.inf


def _types(group, market, zone):
    """(type, weight, specification, image or None) in the order in which AWS tries them."""
    source = group.source()
    policy = source.get("MixedInstancesPolicy")
    if not policy:
        specification = source["LaunchTemplate"]
        template, version = template_of(group.region, specification)
        return [(template.versions[version]["data"].get("InstanceType"), 1, specification, None)]
    whole = policy["LaunchTemplate"]["LaunchTemplateSpecification"]
    template, version = template_of(group.region, whole)
    own = template.versions[version]["data"].get("InstanceType")
    found = []
    for override in policy["LaunchTemplate"].get("Overrides") or [{"InstanceType": own}]:
        specification = override.get("LaunchTemplateSpecification", whole)
        weight = int(override.get("WeightedCapacity", 1))
        kinds = [override["InstanceType"]] if "InstanceType" in override else requirements.matching(
            group.region, override.get("InstanceRequirements", {}))
        found += [(kind, weight, specification, override.get("ImageId")) for kind in kinds or [own] if kind]
    distribution = policy["InstancesDistribution"]
    # API_InstancesDistribution: on-demand `prioritized` and spot `capacity-optimized-prioritized`
    # go by the overrides' order; the strategies by price go by price.
    if market == "spot" and distribution["SpotAllocationStrategy"] in ("price-capacity-optimized", "lowest-price"):
        found.sort(key=lambda each: _price(group.region, each[0], zone))
    if market == "on-demand" and distribution["OnDemandAllocationStrategy"] == "lowest-price":
        declared = group.region.instance_types
        found.sort(key=lambda each: declared.get(each[0], {}).get("price", math.inf))
    return found


def _places(group):
    """(zone, subnet) of the group, those with the fewest of its instances first."""
    region, wanted = group.region, group.config.get("VPCZoneIdentifier")
    if wanted:
        places = [(region.subnet(s)["AvailabilityZone"], s) for s in wanted.replace(" ", "").split(",") if s]
    else:
        places = [(zone, None) for zone in group.config["AvailabilityZones"]]
    counts = {place: 0 for place in places}
    for instance in group.instances.values():
        if (instance.zone, instance.subnet) in counts and not instance.terminating:
            counts[instance.zone, instance.subnet] += 1
    return sorted(places, key=lambda place: counts[place])


def _blocking(region, kind, market, zone):
    """The rule that leaves no room for one more, or None."""
    for rule in rules.capacity():
        if rule["instance_type"] != kind or rule.get("market") not in (None, market):
            continue
        if rule.get("zone") not in (None, zone) or rule.get("region") not in (None, region.name):
            continue
        there = sum(1 for i in region.instances.values() if i.type == kind and not i.gone_at and not i.killed
                    and rule.get("market") in (None, i.market) and rule.get("zone") in (None, i.zone))
        if there >= rule["instances"]:
            return rule
    return None


def choose(group, market):
    """The offering that AWS takes, zone by zone, type by type."""
    tried, dear, message = [], [], None
    for zone, subnet in _places(group):
        for kind, weight, specification, image in _types(group, market, zone):
            template, version = template_of(group.region, specification)
            data = template.versions[version]["data"]
            if market == "spot" and _too_dear(group, kind, zone):
                dear.append((kind, zone))
                continue
            image = _image(group.region, image or data.get("ImageId"))
            refused = (interfaces.refusal(kind, data.get("NetworkInterfaces"))
                       or reservations.refusal(group.region, data, kind, zone)
                       or images.launch_refusal(group.region, image)
                       or images.type_refusal(kind, images.lookup(group.region, image)))
            if refused:
                tried.append((kind, zone))
                message = message or f"{refused}. Launching EC2 instance failed."
                continue
            rule = _blocking(group.region, kind, market, zone)
            if rule is None:
                offering = Offering(kind, market, zone, subnet, weight, data, image)
                return offering, {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name,
                                  "Version": str(version)}
            tried.append((kind, zone))
            message = message or rule.get("message")
    if dear and not tried:
        raise NoCapacity("Could not launch Spot Instances. SpotMaxPriceTooLow - Your Spot request price of "
                         f"{_most(group)} is lower than the minimum required Spot request fulfillment price of "
                         f"{min(_price(group.region, *each) for each in dear)}. Launching EC2 instance failed.")
    raise NoCapacity(message or _no_capacity(group, market, tried))


def _most(group):
    return group.source().get("MixedInstancesPolicy", {}).get("InstancesDistribution", {}).get("SpotMaxPrice")


def _too_dear(group, kind, zone):
    # API_InstancesDistribution, SpotMaxPrice: below the spot price, nothing is launched.
    most, price = _most(group), _price(group.region, kind, zone)
    return most is not None and price != math.inf and float(most) < price


def _image(region, image):
    # EC2 User Guide "Use a Systems Manager parameter instead of an AMI ID": resolved at launch.
    if image and image.startswith("resolve:ssm:"):
        # Its name may be followed by a version or a label.
        try:
            return parameters.select(region, image.removeprefix("resolve:ssm:"))[1].value
        except AwsError:
            raise NoCapacity(f"The parameter of {image} does not exist. Launching EC2 instance failed.") from None
    return image


def _no_capacity(group, market, tried):
    # User Guide "Troubleshoot issues: EC2 instance launch failures", the messages quoted there.
    if market == "spot":
        return ("Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available "
                "that matches your request. Launching EC2 instance failed.")
    kind, zone = tried[0]
    others = [z for z in group.region.zones() if z != zone]
    return (f"We currently do not have sufficient {kind} capacity in the Availability Zone you requested ({zone}). "
            "Our system will be working on provisioning additional capacity. You can currently get "
            f"{kind} capacity by not specifying an Availability Zone in your request or choosing "
            f"{', '.join(others)}. Launching EC2 instance failed.")


def _address(region, instance):
    """A seeded one that no instance has, else one of its own.

    EC2 User Guide "Amazon EC2 instance IP addressing": an instance keeps its primary private
    address until it is terminated; then it is free for another.
    """
    taken = {other.address for other in region.instances.values() if other.gone_at is None and not other.killed}
    free = [address for address in region.addresses if address not in taken]
    digits = [int(c, 16) for c in instance.id[-4:]]
    return free[0] if free else f"10.{digits[0]}.{digits[1] * 16 + digits[2]}.{digits[3] * 15 + 1}"


def launch(group, now, before, desired, warm=False):
    """Starts one instance, or records the failed activity and waits for the next try."""
    stamp = timestamp(now)[:-5] + "Z"
    cause = group.cause + (f"At {stamp} an instance was started in response to a difference between desired and "
                           f"actual capacity, increasing the capacity from {before} to {before + 1}.")
    try:
        offering, template = choose(group, "on-demand" if warm else market_of_next(group, desired))
    except NoCapacity as failure:
        activity = begin_activity(group, now, f"Launching a new EC2 instance.  Status Reason: {failure}", cause)
        end_activity(activity, now, "Failed", str(failure))
        group.retry_at = now + Settings.retry_seconds
        return None
    instance = Instance(group, now, offering, template, warm)
    instance.ready_at = now + Settings.launch_seconds
    instance.address = _address(group.region, instance)
    instance.made_from = images.lookup(group.region, instance.image) or {}
    instance.killed_at = reservations.closes(group.region, offering.data)
    instance.tags = {"aws:autoscaling:groupName": group.name,
                     "aws:ec2launchtemplate:id": template["LaunchTemplateId"],
                     "aws:ec2launchtemplate:version": template["Version"]}
    for specification in offering.data.get("TagSpecifications", []):
        if specification.get("ResourceType") == "instance":
            instance.tags.update({tag["Key"]: tag.get("Value", "") for tag in specification.get("Tags", [])})
    # User Guide "Tag Auto Scaling groups and instances": the group's tags override the template's.
    instance.tags.update({k: t["Value"] for k, t in group.tags.items() if t["PropagateAtLaunch"]})
    instance.activity = begin_activity(group, now, f"Launching a new EC2 instance: {instance.id}", cause)
    group.instances[instance.id] = group.region.instances[instance.id] = instance
    return instance
