//! The calls that Floodway makes. Which conditions and resources each action
//! knows: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2autoscaling.html>,
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>

use super::document::{Condition, Policy, Scene};
use super::{Purpose, place};
use crate::desired::lookups;
use crate::observe::{Lookup, Sought, marks};
use crate::spec::Catalog;
use crate::spec::model::{Count, Join, RefreshRule};

/// What there is, why instances do not come, and what they cost and may be.
const LOOK: [&str; 11] = [
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeInstanceRefreshes",
    "autoscaling:DescribeLifecycleHooks",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeScheduledActions",
    "autoscaling:DescribeWarmPool",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeSpotPriceHistory",
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:GetServiceQuota",
];

/// Makes what bears the environment's tags.
const CREATE: [&str; 2] = ["autoscaling:CreateAutoScalingGroup", "ec2:CreateLaunchTemplate"];

/// Changes of what is there. A number that git owns goes with the update.
const CHANGE: [&str; 13] = [
    "autoscaling:BatchDeleteScheduledAction",
    "autoscaling:BatchPutScheduledUpdateGroupAction",
    "autoscaling:DeleteAutoScalingGroup",
    "autoscaling:DeleteLifecycleHook",
    "autoscaling:DeleteWarmPool",
    "autoscaling:EnableMetricsCollection",
    "autoscaling:PutLifecycleHook",
    "autoscaling:SetInstanceProtection",
    "autoscaling:TerminateInstanceInAutoScalingGroup",
    "autoscaling:UpdateAutoScalingGroup",
    "ec2:CreateLaunchTemplateVersion",
    "ec2:DeleteLaunchTemplate",
    "ec2:ModifyLaunchTemplate",
];

const TAG: [&str; 2] = ["autoscaling:CreateOrUpdateTags", "ec2:CreateTags"];
const UNTAG: [&str; 2] = ["autoscaling:DeleteTags", "ec2:DeleteTags"];

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
    // Where instances that stand alone are reached.
    if purpose == Purpose::Run && scene.aws.pools.values().any(|p| p.join == Join::Standalone) {
        actions.push("ec2:DescribeInstances");
    }
    if purpose == Purpose::Run && scene.aws.pools.values().any(|pool| pool.spot.is_some()) {
        actions.push("ec2:DescribeSpotInstanceRequests");
    }
    // Writing a template asks for its image's root device.
    if purpose == Purpose::Apply {
        actions.push("ec2:DescribeImages");
    }
    for lookup in lookups(scene.environment, &Catalog::shipped()) {
        match lookup.sought {
            // Channels, and what is known of the builds behind two images.
            Sought::Image { .. } => {
                actions.push("ec2:DescribeImages");
                parameters.push(all_images(scene, &lookup.region));
            }
            Sought::Subnets(_) | Sought::SubnetIds(_) => actions.push("ec2:DescribeSubnets"),
            Sought::SecurityGroups(_) => actions.push("ec2:DescribeSecurityGroups"),
            Sought::InstanceTypes(_) => {
                actions.push("ec2:GetInstanceTypesFromInstanceRequirements");
            }
            Sought::Reservation(_) => actions.push("ec2:DescribeCapacityReservations"),
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
        parameters.dedup();
        let none = Condition::default();
        policy.allow("ReadImageParameters", &["ssm:GetParameter"], parameters, none);
    }
    if scene.environment.account_alone().is_some() {
        // In which regions something was left, no cluster notes.
        let search = ["autoscaling:DescribeAutoScalingGroups", "ec2:DescribeRegions"];
        policy.allow("SearchRegions", &search, vec!["*".to_owned()], Condition::default());
    }
}

/// The lock of an environment without a cluster, and of its controller what says
/// who leads, what operators say and what was learned. An object that is not there is
/// told as such only to who may list its bucket:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
pub(super) fn lock(scene: &Scene<'_>, purpose: Purpose, policy: &mut Policy) {
    let environment = scene.environment;
    let alone = environment.lock_bucket().is_some();
    let kept = match purpose {
        Purpose::Run => environment.lease_bucket(),
        Purpose::Plan | Purpose::Apply => environment.lock_bucket(),
        Purpose::Publish => None,
    };
    let Some(lock) = kept else { return };
    let bucket = scene.place.arn("s3", "", "", &lock.bucket);
    let mark = scene.mark;
    let keys = match purpose {
        Purpose::Run if alone => {
            vec![mark.leadership_key(), mark.hands_key(), mark.notes_key()]
        }
        Purpose::Run => vec![mark.leadership_key()],
        Purpose::Plan | Purpose::Apply | Purpose::Publish => vec![mark.lock_key()],
    };
    let objects = keys.into_iter().map(|key| format!("{bucket}/{key}")).collect();
    let both = ["s3:GetObject", "s3:PutObject"];
    policy.allow("Lock", &both, objects, Condition::default());
    policy.allow("SeeNoLock", &["s3:ListBucket"], vec![bucket], Condition::default());
}

/// Of an environment without a cluster, whether its rollout is paused or its phase is
/// given up: who plans reads it, who applies may write it too.
pub(super) fn hands(scene: &Scene<'_>, purpose: Purpose, policy: &mut Policy) {
    let declared = scene.environment.rollout.is_declared();
    let Some(lock) = scene.environment.lock_bucket().filter(|_| declared) else { return };
    let bucket = scene.place.arn("s3", "", "", &lock.bucket);
    let object = vec![format!("{bucket}/{}", scene.mark.hands_key())];
    if purpose == Purpose::Apply {
        let both = ["s3:GetObject", "s3:PutObject"];
        return policy.allow("Hands", &both, object, Condition::default());
    }
    policy.allow("Hands", &["s3:GetObject"], object, Condition::default());
    policy.allow("SeeNoHands", &["s3:ListBucket"], vec![bucket], Condition::default());
}

/// The ARN of all parameters of images.
fn all_images(scene: &Scene<'_>, region: &str) -> String {
    let path = Lookup::IMAGES.trim_start_matches('/');
    scene.place.arn("ssm", region, scene.place.account, &format!("parameter/{path}*"))
}

/// Whether running instances follow their template by themselves.
fn refreshes(scene: &Scene<'_>) -> bool {
    scene.aws.pools.values().any(|pool| pool.refresh.rule == RefreshRule::Rolling)
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

/// Writes to groups and launch templates. EC2 knows templates by IDs: their names
/// are in no ARN.
pub(super) fn writes(scene: &Scene<'_>, policy: &mut Policy) {
    let templates = || scene.place.ec2(&["launch-template"]);
    let both = || [scene.place.groups(&scene.mark.environment), templates()].concat();
    let condition = Condition::default;
    let made = || condition().makes(scene).own_tags();
    policy.allow("Create", &CREATE, both(), by_template(made()));
    let by = made().and("StringEquals", "ec2:CreateAction", &["CreateLaunchTemplate"]);
    policy.allow("TagCreated", &["ec2:CreateTags"], templates(), by);
    let mut changes = CHANGE.to_vec();
    if scene.aws.pools.values().any(|pool| pool.warm_pool > 0) {
        changes.push("autoscaling:PutWarmPool");
    }
    // A group that carries on for one that goes takes its number over.
    if scene.aws.pools.values().any(|pool| matches!(pool.size, Count::Between { .. })) {
        changes.push("autoscaling:SetDesiredCapacity");
    }
    if refreshes(scene) {
        changes.push("autoscaling:StartInstanceRefresh");
    }
    changes.sort_unstable();
    // What runs is drained, and never deleted with its group.
    let changed = by_template(condition().has(scene));
    let changed = changed.and("BoolIfExists", "autoscaling:ForceDelete", &["false"]);
    policy.allow("Change", &changes, both(), changed);
    let tagged = condition().has(scene).keeps(scene).own_tags();
    policy.allow("Tag", &TAG, both(), tagged);
    // Tags that Floodway put there earlier, but not those that say whose it is.
    let whose = [marks::ENVIRONMENT, marks::REPOSITORY, marks::FILE];
    let untagged = condition().has(scene).own_tags();
    let untagged = untagged.and("ForAllValues:StringNotEquals", "aws:TagKeys", &whose);
    policy.allow("Untag", &UNTAG, both(), untagged);
}

/// A launch configuration would start instances past all that is asked of a
/// template.
fn by_template(condition: Condition) -> Condition {
    condition.and("Null", "autoscaling:LaunchConfigurationName", &["true"])
}

/// What the controller writes.
pub(super) fn scaling(scene: &Scene<'_>, policy: &mut Policy) {
    let groups = scene.place.groups(&scene.mark.environment);
    policy.allow("ScaleGroups", &SCALE, groups, Condition::default().has(scene));
}
