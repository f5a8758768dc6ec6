//! The calls that Floodway makes. Which conditions and resources each action
//! knows: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2autoscaling.html>,
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>

use super::document::{Condition, Policy, Scene};
use super::{Purpose, place};
use crate::desired::lookups;
use crate::observe::{Sought, marks};

/// What there is, and why instances do not come.
const LOOK: [&str; 4] = [
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeScalingActivities",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeLaunchTemplates",
];

/// Changes of what is there. AWS knows no condition by which the template that a
/// group is given could be told.
const CHANGE_GROUPS: [&str; 9] = [
    "autoscaling:DeleteAutoScalingGroup",
    "autoscaling:DeleteLifecycleHook",
    "autoscaling:DeleteWarmPool",
    "autoscaling:EnableMetricsCollection",
    "autoscaling:PutLifecycleHook",
    "autoscaling:SetDesiredCapacity",
    "autoscaling:SetInstanceProtection",
    "autoscaling:TerminateInstanceInAutoScalingGroup",
    "autoscaling:UpdateAutoScalingGroup",
];

const CHANGE_TEMPLATES: [&str; 3] =
    ["ec2:CreateLaunchTemplateVersion", "ec2:DeleteLaunchTemplate", "ec2:ModifyLaunchTemplate"];

/// What the controller does: more, fewer, these and not those, and the hooks of
/// instances that have no agent to answer them.
const SCALE: [&str; 5] = [
    "autoscaling:CompleteLifecycleAction",
    "autoscaling:RecordLifecycleActionHeartbeat",
    "autoscaling:SetDesiredCapacity",
    "autoscaling:SetInstanceProtection",
    "autoscaling:TerminateInstanceInAutoScalingGroup",
];

/// Reads. None of EC2's and Auto Scaling's knows resources, so that they see
/// what is not Floodway's too; `sts:GetCallerIdentity` needs no permission:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
pub(super) fn reads(scene: &Scene<'_>, purpose: Purpose, policy: &mut Policy) {
    let mut actions = LOOK.to_vec();
    let mut parameters = Vec::new();
    // Writing a template asks for its image's root device.
    if purpose == Purpose::Apply {
        actions.push("ec2:DescribeImages");
    }
    for lookup in lookups(scene.environment) {
        match lookup.sought {
            Sought::Image { .. } => actions.push("ec2:DescribeImages"),
            Sought::Subnets(_) => actions.push("ec2:DescribeSubnets"),
            Sought::SecurityGroups(_) => actions.push("ec2:DescribeSecurityGroups"),
            Sought::Parameter(name) => parameters.push(parameter(scene, &lookup.region, &name)),
        }
    }
    actions.sort_unstable();
    actions.dedup();
    let regions: Vec<_> = scene.place.regions.iter().copied().collect();
    let here = Condition::default().and("StringEquals", "aws:RequestedRegion", &regions);
    policy.allow("Look", &actions, vec!["*".to_owned()], here);
    if !parameters.is_empty() {
        parameters.sort();
        let none = Condition::default();
        policy.allow("ReadImageParameters", &["ssm:GetParameter"], parameters, none);
    }
}

/// The ARN of a parameter. AWS's own public ones have no account:
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html>
fn parameter(scene: &Scene<'_>, region: &str, name: &str) -> String {
    let path = place::literal_in_pattern(name);
    if name.starts_with("arn:") {
        return path;
    }
    let account = if name.starts_with("/aws/") { "" } else { scene.place.account };
    let path = path.trim_start_matches('/');
    scene.place.arn("ssm", region, account, &format!("parameter/{path}"))
}

/// Writes to groups.
pub(super) fn groups(scene: &Scene<'_>, policy: &mut Policy) {
    let groups = || scene.place.groups(&scene.mark.environment);
    let condition = Condition::default;
    let made = condition().makes(scene).own_tags();
    policy.allow("CreateGroups", &["autoscaling:CreateAutoScalingGroup"], groups(), made);
    let mut changes = CHANGE_GROUPS.to_vec();
    if scene.aws.pools.values().any(|pool| pool.warm_pool > 0) {
        changes.push("autoscaling:PutWarmPool");
        changes.sort_unstable();
    }
    policy.allow("ChangeGroups", &changes, groups(), condition().has(scene));
    let tagged = condition().has(scene).keeps(scene).own_tags();
    policy.allow("TagGroups", &["autoscaling:CreateOrUpdateTags"], groups(), tagged);
    policy.allow("UntagGroups", &["autoscaling:DeleteTags"], groups(), untagged(scene));
}

/// Writes to launch templates, which EC2 knows by IDs: their names are in no ARN.
pub(super) fn templates(scene: &Scene<'_>, policy: &mut Policy) {
    let templates = || scene.place.ec2(&["launch-template"]);
    let condition = Condition::default;
    let made = condition().makes(scene).own_tags();
    let create = "ec2:CreateLaunchTemplate";
    policy.allow("CreateTemplates", &[create], templates(), made.clone());
    let by = made.and("StringEquals", "ec2:CreateAction", &["CreateLaunchTemplate"]);
    policy.allow("TagNewTemplates", &["ec2:CreateTags"], templates(), by);
    policy.allow("ChangeTemplates", &CHANGE_TEMPLATES, templates(), condition().has(scene));
    let tagged = condition().has(scene).keeps(scene).own_tags();
    policy.allow("TagTemplates", &["ec2:CreateTags"], templates(), tagged);
    policy.allow("UntagTemplates", &["ec2:DeleteTags"], templates(), untagged(scene));
}

/// Tags that Floodway put there earlier, but not those that say whose it is.
fn untagged(scene: &Scene<'_>) -> Condition {
    let whose = [marks::ENVIRONMENT, marks::REPOSITORY, marks::FILE];
    let condition = Condition::default().has(scene).own_tags();
    condition.and("ForAllValues:StringNotEquals", "aws:TagKeys", &whose)
}

/// What the controller writes.
pub(super) fn scaling(scene: &Scene<'_>, policy: &mut Policy) {
    let groups = scene.place.groups(&scene.mark.environment);
    policy.allow("ScaleGroups", &SCALE, groups, Condition::default().has(scene));
}
