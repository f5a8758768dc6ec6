"""Which IAM actions on which resources a call needs, with the condition keys that AWS fills in.

Source: the Service Authorization Reference of EC2 Auto Scaling, EC2 and STS.
"""

from . import image_resources, parameter_resources
from .needed import Needed, request_tags, resource_tags

_TEMPLATE_ACTIONS = {"CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "DeleteLaunchTemplate",
                     "DeleteLaunchTemplateVersions"}


def needed(call, region):
    """All that the call must be allowed."""
    prefix = {"servicequotas": "servicequotas"}.get(call.service, call.service)
    action = f"{prefix}:{call.action}"
    common = {"aws:RequestedRegion": [call.region], "aws:PrincipalArn": [call.identity["arn"]],
              "aws:PrincipalAccount": [call.identity["account"]]}
    if call.service == "autoscaling":
        return _auto_scaling(call, region, action, common)
    if call.service == "ec2":
        return _ec2(call, region, action, common)
    if call.service == "s3":
        return [_s3(call, common)]
    if call.service == "ebs":
        return image_resources.direct(call, region, action, common)
    if call.service == "ssm":
        return parameter_resources.needed(call, region, action, common)
    if call.service == "sts" and "RoleArn" in call.parameters:
        return [Needed(action, call.parameters["RoleArn"], common)]
    return [Needed(action, "*", common)]


_S3_ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


def _s3(call, common):
    method, _, path = call.action.partition(" ")
    bucket, _, key = path.strip("/").partition("/")
    if key:
        return Needed("s3:" + _S3_ACTIONS.get(method, method), f"arn:aws:s3:::{bucket}/{key}", common)
    names = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
    return Needed("s3:" + names.get(method, method), f"arn:aws:s3:::{bucket}", common)


def group_arn(region, name, unique="*"):
    """The ARN of a group; its middle is a UUID that only AWS knows before it is there."""
    return region.arn("autoscaling", f"autoScalingGroup:{unique}:autoScalingGroupName/{name}")


def _auto_scaling(call, region, action, common):
    parameters = call.parameters
    if call.action.startswith("Describe"):
        return [Needed(action, "*", common)]
    tags = parameters.get("Tags", [])
    names = {tag.get("ResourceId") for tag in tags} - {None}
    if "AutoScalingGroupName" in parameters:
        names = {parameters["AutoScalingGroupName"]}
    instance = region.instances.get(parameters.get("InstanceId"))
    if not names and instance is not None:
        names = {instance.group_name}
    found = []
    for name in sorted(names) or ["*"]:
        group = region.groups.get(name)
        context = {**common, **request_tags(tags)}
        if "LaunchConfigurationName" in parameters:
            context["autoscaling:LaunchConfigurationName"] = [parameters["LaunchConfigurationName"]]
        if call.action == "DeleteAutoScalingGroup" and "ForceDelete" in parameters:
            context["autoscaling:ForceDelete"] = [str(parameters["ForceDelete"]).lower()]
        if group is not None:
            context.update(resource_tags("autoscaling", {k: t["Value"] for k, t in group.tags.items()}))
        found.append(Needed(action, group.arn if group else group_arn(region, name), context))
    return found + _behind_template(call, region, common)


def _behind_template(call, region, common):
    if call.action not in ("CreateAutoScalingGroup", "UpdateAutoScalingGroup"):
        return []
    policy = call.parameters.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    specification = call.parameters.get("LaunchTemplate") or policy.get("LaunchTemplateSpecification")
    if not specification:
        return []
    template = next((t for t in region.templates.values()
                     if t.id == specification.get("LaunchTemplateId")
                     or t.name == specification.get("LaunchTemplateName")), None)
    if template is None:
        return []
    data = template.data(specification.get("Version", "$Default")) or {}
    # Service Authorization Reference, RunInstances: it is judged for each kind of resource, with the
    # launch template in ec2:LaunchTemplate, and with the tags of what is made.
    by = {**common, "ec2:LaunchTemplate": [region.arn("ec2", f"launch-template/{template.id}")]}
    run = "ec2:RunInstances"
    behind = [Needed(run, region.arn("ec2", f"launch-template/{template.id}"),
                     {**by, **resource_tags("ec2", template.tags)}, hidden=template.id),
              Needed(run, f"arn:aws:ec2:{region.name}::image/{data.get('ImageId', '*')}", by, hidden=template.id)]
    behind += [Needed(run, region.arn("ec2", f"{kind}/*"), by, hidden=template.id)
               for kind in ("subnet", "security-group")]
    reserved = data.get("CapacityReservationSpecification", {}).get("CapacityReservationTarget", {})
    if reserved.get("CapacityReservationId"):
        arn = region.arn("ec2", f"capacity-reservation/{reserved['CapacityReservationId']}")
        behind.append(Needed(run, arn, by, hidden=template.id))
    if reserved.get("CapacityReservationResourceGroupArn"):
        behind.append(Needed(run, reserved["CapacityReservationResourceGroupArn"], by, hidden=template.id))
    tags = {one.get("ResourceType"): one.get("Tags", []) for one in data.get("TagSpecifications", [])}
    for kind in ("instance", "network-interface", "volume"):
        context = {**by, **request_tags(tags.get(kind, []))}
        behind.append(Needed(run, region.arn("ec2", f"{kind}/*"), context, hidden=template.id))
        if kind in tags:
            context = {**context, "ec2:CreateAction": ["RunInstances"]}
            behind.append(Needed("ec2:CreateTags", region.arn("ec2", f"{kind}/*"), context, hidden=template.id))
    profile = data.get("IamInstanceProfile")
    if profile:
        role = profile.get("Name") or profile.get("Arn", "").rpartition("/")[2]
        behind.append(Needed("iam:PassRole", f"arn:aws:iam::{region.account}:role/{role}",
                             {**common, "iam:PassedToService": ["ec2.amazonaws.com"]}, hidden=template.id))
    return behind


def _ec2(call, region, action, common):
    parameters = call.parameters
    publishing = image_resources.needed(call, region, action, common)
    if publishing:
        return publishing
    if call.action == "CreateLaunchTemplate":
        tags = [tag for spec in parameters.get("TagSpecifications", []) for tag in spec.get("Tags", [])]
        arn = region.arn("ec2", "launch-template/*")
        found = [Needed(action, arn, {**common, **request_tags(tags)})]
        if tags:
            context = {**common, **request_tags(tags), "ec2:CreateAction": ["CreateLaunchTemplate"]}
            found.append(Needed("ec2:CreateTags", arn, context))
        return found
    if call.action in _TEMPLATE_ACTIONS:
        template = next((t for t in region.templates.values()
                         if parameters.get("LaunchTemplateId") == t.id
                         or parameters.get("LaunchTemplateName") == t.name), None)
        tags = template.tags if template else {}
        arn = region.arn("ec2", f"launch-template/{template.id if template else '*'}")
        return [Needed(action, arn, {**common, **resource_tags("ec2", tags)})]
    if call.action in ("CreateTags", "DeleteTags"):
        return [_tagging(region, action, identifier, parameters.get("Tags", []), common)
                for identifier in parameters.get("Resources", [])]
    if call.action == "TerminateInstances":
        return [_tagging(region, action, identifier, [], common) for identifier in parameters["InstanceIds"]]
    return [Needed(action, "*", common)]


def _tagging(region, action, identifier, tags, common):
    own = image_resources.of(region, identifier)
    if own:
        return Needed(action, own[0], {**common, **own[1], **request_tags(tags)})
    kind = {"lt": "launch-template", "i": "instance", "subnet": "subnet", "sg": "security-group",
            "vol": "volume"}.get(identifier.partition("-")[0], "*")
    holder = region.templates.get(identifier) or region.instances.get(identifier)
    held = holder.tags if holder else {}
    return Needed(action, region.arn("ec2", f"{kind}/{identifier}"),
                  {**common, **request_tags(tags), **resource_tags("ec2", held)})
