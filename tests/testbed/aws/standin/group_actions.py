"""CreateAutoScalingGroup, UpdateAutoScalingGroup, SetDesiredCapacity, DeleteAutoScalingGroup."""

from . import engine, group_checks, warm_pools
from .answers import AwsError, validation_error
from .group import Group, find
from .lifecycle import begin_terminate
from .registry import handles
from .state import Clock

# Members that are kept as given and shown by DescribeAutoScalingGroups.
_KEPT = ("DefaultCooldown", "LoadBalancerNames", "TargetGroupARNs", "HealthCheckType", "HealthCheckGracePeriod",
         "PlacementGroup", "VPCZoneIdentifier", "TerminationPolicies", "NewInstancesProtectedFromScaleIn",
         "ServiceLinkedRoleARN", "MaxInstanceLifetime", "CapacityRebalance", "Context", "DesiredCapacityType",
         "DefaultInstanceWarmup", "TrafficSources", "DeletionProtection", "AvailabilityZoneDistribution",
         "AvailabilityZoneImpairmentPolicy", "CapacityReservationSpecification", "InstanceLifecyclePolicy",
         "AvailabilityZoneIds")


def _keep(config, given):
    for name in _KEPT:
        if name in given:
            config[name] = given[name]
    # API_UpdateAutoScalingGroup: these values remove what was set before.
    for name, nothing in (("DefaultInstanceWarmup", -1), ("MaxInstanceLifetime", 0), ("PlacementGroup", ""),
                          ("Context", "")):
        if config.get(name) == nothing:
            del config[name]
    if "InstanceMaintenancePolicy" in given:
        config["InstanceMaintenancePolicy"] = group_checks.maintenance(given["InstanceMaintenancePolicy"])
        if config["InstanceMaintenancePolicy"] is None:
            del config["InstanceMaintenancePolicy"]


@handles("autoscaling", "CreateAutoScalingGroup")
def create(region, parameters, _):
    name, now = parameters["AutoScalingGroupName"], Clock.now()
    if name in region.groups:
        raise group_checks.already_exists(name)
    sources = [s for s in ("LaunchTemplate", "MixedInstancesPolicy", "LaunchConfigurationName", "InstanceId")
               if s in parameters]
    if len(sources) != 1:
        raise validation_error("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId "
                               "or MixedInstancesPolicy parameter.")
    if sources[0] in ("LaunchConfigurationName", "InstanceId"):
        raise validation_error(f"{sources[0]} is not supported by the stand-in")
    least, most = parameters["MinSize"], parameters["MaxSize"]
    desired = parameters.get("DesiredCapacity", least)
    group_checks.bounds(least, most, desired)
    config = {
        "MinSize": least, "MaxSize": most, "DesiredCapacity": 0, "DefaultCooldown": 300, "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": 0, "TerminationPolicies": ["Default"], "NewInstancesProtectedFromScaleIn": False,
        "LoadBalancerNames": [], "TargetGroupARNs": [], "TrafficSources": [], "DeletionProtection": "none",
        "ServiceLinkedRoleARN": f"arn:aws:iam::{region.account}:role/aws-service-role/autoscaling.amazonaws.com/"
                                "AWSServiceRoleForAutoScaling",
    }
    _keep(config, parameters)
    config["AvailabilityZones"] = group_checks.places(region, {**parameters, **config})
    if "MixedInstancesPolicy" in parameters:
        config["MixedInstancesPolicy"] = group_checks.policy(region, parameters["MixedInstancesPolicy"])
    else:
        config["LaunchTemplate"] = group_checks.template(region, parameters["LaunchTemplate"])
    group = Group(region, name, config, now)
    for tag in parameters.get("Tags", []):
        group.tags[tag["Key"]] = group_checks.tag(tag, name)
    # API_CreateAutoScalingGroup, LifecycleHookSpecificationList: the hooks are there before the first launch.
    for hook in parameters.get("LifecycleHookSpecificationList", []):
        group.hooks[hook["LifecycleHookName"]] = group_checks.hook(name, hook)
    region.groups[name] = group
    group.set_desired(desired, now, "a user request created an AutoScalingGroup")
    engine.settle(region)


@handles("autoscaling", "UpdateAutoScalingGroup")
def update(region, parameters, _):
    group, now = find(region, parameters["AutoScalingGroupName"]), Clock.now()
    if group.deleting:
        raise AwsError("ScalingActivityInProgress", "The group is being deleted.")
    least, most = parameters.get("MinSize", group.min), parameters.get("MaxSize", group.max)
    desired = parameters.get("DesiredCapacity")
    if desired is None:
        if least > most:
            group_checks.bounds(least, most, least)
        # API_UpdateAutoScalingGroup: without DesiredCapacity, new bounds beyond it set it to the bound.
        desired = min(max(group.desired, least), most)
    group_checks.bounds(least, most, desired)
    _refuse_during_refresh(group, parameters)
    config = dict(group.config)
    _keep(config, parameters)
    if "VPCZoneIdentifier" in parameters or "AvailabilityZones" in parameters:
        if "AvailabilityZones" in parameters:
            config["AvailabilityZones"] = parameters["AvailabilityZones"]
            if "VPCZoneIdentifier" not in parameters:
                config.pop("VPCZoneIdentifier", None)
        config["AvailabilityZones"] = group_checks.places(region, config)
    if "MixedInstancesPolicy" in parameters:
        before = config.pop("LaunchTemplate", None)
        old = config.get("MixedInstancesPolicy") or (
            {"LaunchTemplate": {"LaunchTemplateSpecification": before}} if before else None)
        config["MixedInstancesPolicy"] = group_checks.policy(region, parameters["MixedInstancesPolicy"], old)
    elif "LaunchTemplate" in parameters:
        config.pop("MixedInstancesPolicy", None)
        config["LaunchTemplate"] = group_checks.template(region, parameters["LaunchTemplate"])
    if group.warm_pool and ("MixedInstancesPolicy" in parameters or "LaunchTemplate" in parameters):
        warm_pools.refuse_spot(region, config)
    config.update({"MinSize": least, "MaxSize": most})
    group.config = config
    group.retry_at = 0.0
    group.set_desired(desired, now, "a user request update of AutoScalingGroup constraints to "
                      f"min: {least}, max: {most}, desired: {desired}")
    engine.settle(region)


def _refuse_during_refresh(group, parameters):
    # User Guide "Instance refresh limitations": what the desired configuration gives cannot be changed meanwhile.
    refresh = group.refresh()
    if refresh and refresh.desired_configuration and {"LaunchTemplate", "MixedInstancesPolicy"} & set(parameters):
        raise AwsError("ValidationError", "An active instance refresh with a desired configuration exists. All "
                       "configuration options derived from the desired configuration are not available for update "
                       "while the instance refresh is active.")


@handles("autoscaling", "SetDesiredCapacity")
def set_desired(region, parameters, _):
    group, wanted = find(region, parameters["AutoScalingGroupName"]), parameters["DesiredCapacity"]
    if group.deleting:
        raise AwsError("ScalingActivityInProgress", "The group is being deleted.")
    if wanted > group.max:
        raise validation_error(f"New SetDesiredCapacity value {wanted} is above max value {group.max} for the "
                               "AutoScalingGroup.")
    if wanted < group.min:
        raise validation_error(f"New SetDesiredCapacity value {wanted} is below min value {group.min} for the "
                               "AutoScalingGroup.")
    group.retry_at = 0.0
    group.set_desired(wanted, Clock.now(), "a user request explicitly set group desired capacity")
    engine.settle(region)


@handles("autoscaling", "DeleteAutoScalingGroup")
def delete(region, parameters, _):
    group, now = find(region, parameters["AutoScalingGroupName"]), Clock.now()
    force = parameters.get("ForceDelete", False)
    protection = group.config.get("DeletionProtection", "none")
    # API_CreateAutoScalingGroup, DeletionProtection.
    if protection == "prevent-all-deletion" or (force and protection == "prevent-force-deletion"):
        raise validation_error(f"The group cannot be deleted: its deletion protection is {protection}.")
    if not force:
        if any("Terminating" not in i.state or i.state.endswith(":Retained") for i in group.instances.values()):
            raise AwsError("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances or "
                           "pending Spot instance request(s) still in the group.")
        if group.instances:
            raise AwsError("ScalingActivityInProgress", "You cannot delete an AutoScalingGroup while there are scaling "
                           "activities in progress for that group.")
        if group.warm_pool:
            raise AwsError("ResourceInUse", "You cannot delete an AutoScalingGroup while there is a warm pool still in "
                           "the group.")
    group.deleting, group.due = True, 0.0
    group.warm_pool = None
    group.config["DesiredCapacity"] = 0
    for instance in list(group.instances.values()):
        if instance.state not in ("Terminating", "Warmed:Terminating"):
            begin_terminate(group, instance, now, "a user request deleted the group by force", hooks=False)
    engine.settle(region)
