//! What AWS asks of whoever makes a group and never shows as a call: it judges
//! the launch that the template describes as if the caller made it. Each
//! statement names the page of AWS's documentation that it is from.

use super::document::{Condition, Policy, Scene};
use super::place;
use crate::observe::marks;
use crate::spec::model::BurstPool;
use std::collections::BTreeSet;

/// What a launch makes, and the template tags.
const MADE: [&str; 3] = ["instance", "network-interface", "volume"];

pub(super) fn all(scene: &Scene<'_>, policy: &mut Policy) {
    launches(scene, policy);
    node_roles(scene, policy);
    service_role(scene, policy);
    volume_keys(scene, policy);
}

/// Only by a template of the environment, and what it makes bears its tag.
///
/// Auto Scaling: <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html>;
/// `ec2:LaunchTemplate` and tags on creation: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html>
fn launches(scene: &Scene<'_>, policy: &mut Policy) {
    let place = &scene.place;
    let templates = place.ec2(&["launch-template"]);
    let run = ["ec2:RunInstances"];
    policy.allow("LaunchByTemplate", &run, templates.clone(), Condition::default().has(scene));
    let by: Vec<_> = templates.iter().map(String::as_str).collect();
    let by_template = || Condition::default().and("ArnLike", "ec2:LaunchTemplate", &by);
    let tag = format!("aws:RequestTag/{}", marks::ENVIRONMENT);
    let environment = scene.mark.environment.as_str();
    let marked = by_template().and("StringEquals", &tag, &[environment]);
    policy.allow("LaunchInstances", &run, place.launched(&MADE), marked);
    let given = place.launched(&["image", "security-group", "subnet"]);
    policy.allow("LaunchFromWhatIsThere", &run, given, by_template());
    let reserved = reserved(scene);
    if !reserved.is_empty() {
        policy.allow("LaunchInReservation", &run, reserved, by_template());
    }
    // Only with a launch that is allowed. Other tags may be there too: people put
    // some on a group that go with it.
    let tagged = Condition::default().and("StringEquals", &tag, &[environment]).and(
        "StringEquals",
        "ec2:CreateAction",
        &["RunInstances"],
    );
    policy.allow("TagLaunched", &["ec2:CreateTags"], place.launched(&MADE), tagged);
}

/// The reservations, and groups of them, that templates name:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-RunInstances>
fn reserved(scene: &Scene<'_>) -> Vec<String> {
    let arn = |pool: &BurstPool| {
        let reservation = pool.reservation.as_ref()?;
        let group = || reservation.group.as_deref().map(place::literal_in_pattern);
        let one = |id: &String| {
            let name = format!("capacity-reservation/{}", place::literal_in_pattern(id));
            scene.place.arn("ec2", scene.aws.region_of(pool), scene.place.account, &name)
        };
        reservation.id.as_ref().map(one).or_else(group)
    };
    let arns: BTreeSet<String> = scene.aws.pools.values().filter_map(arn).collect();
    arns.into_iter().collect()
}

/// A template names an instance profile, IAM wants the role that is in it. Its
/// name alone says which: names are unique whatever the path.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html>
fn node_roles(scene: &Scene<'_>, policy: &mut Policy) {
    let profile = |pool: &BurstPool| scene.aws.launch_of(pool).instance_profile;
    let profiles: BTreeSet<String> = scene.aws.pools.values().filter_map(profile).collect();
    if profiles.is_empty() {
        return;
    }
    let declared: BTreeSet<String> = scene.known.node_roles.iter().cloned().collect();
    if declared.is_empty() {
        let names: Vec<_> = profiles.iter().map(String::as_str).collect();
        policy.notes.push(format!(
            "the role in instance profile {} is taken to have its name, as the EC2 console \
             gives it; `aws iam get-instance-profile --instance-profile-name …` tells, and \
             --node-role ROLE says another",
            names.join(", ")
        ));
    }
    let roles = if declared.is_empty() { profiles } else { declared };
    let of_role = |role: &String| {
        let name = place::literal_in_pattern(role);
        [scene.place.role(&name), scene.place.role(&format!("*/{name}"))]
    };
    let to_ec2 = Condition::default().and(
        "StringEquals",
        "iam:PassedToService",
        &[scene.place.ec2_service()],
    );
    let roles = roles.iter().flat_map(of_role).collect();
    policy.allow("PassNodeRole", &["iam:PassRole"], roles, to_ec2);
}

/// The first group of an account makes the role with which Auto Scaling starts
/// its instances, spot ones too.
///
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-service-linked-role.html>
fn service_role(scene: &Scene<'_>, policy: &mut Policy) {
    let service = "autoscaling.amazonaws.com";
    let role = format!("aws-service-role/{service}/AWSServiceRoleForAutoScaling");
    policy.allow(
        "MakeAutoScalingsOwnRole",
        &["iam:CreateServiceLinkedRole"],
        vec![scene.place.role(&role)],
        Condition::default().and("StringEquals", "iam:AWSServiceName", &[service]),
    );
}

/// Of keys of the account's own, not of AWS's for EBS; and only for EBS.
///
/// <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html>,
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html>
fn volume_keys(scene: &Scene<'_>, policy: &mut Policy) {
    let mut by_id = BTreeSet::new();
    let mut by_alias: BTreeSet<(String, String)> = BTreeSet::new();
    for pool in scene.aws.pools.values() {
        let Some(key) = scene.aws.launch_of(pool).volume.kms_key else { continue };
        let region = scene.aws.region_of(pool);
        let (before, name) = match key.rsplit_once(':') {
            Some((before, name)) if key.starts_with("arn:") => (before.to_owned(), name),
            _ => (scene.place.arn("kms", region, scene.place.account, ""), key.as_str()),
        };
        let before = before.trim_end_matches(':');
        if name.starts_with("alias/") {
            by_alias.insert((format!("{before}:key/*"), place::literal(name)));
        } else {
            let name = place::literal_in_pattern(name.trim_start_matches("key/"));
            by_id.insert(format!("{before}:key/{name}"));
        }
    }
    if by_id.is_empty() && by_alias.is_empty() {
        return;
    }
    let through: Vec<String> =
        scene.place.regions.iter().map(|region| format!("ec2.{region}.amazonaws.com")).collect();
    let through: Vec<_> = through.iter().map(String::as_str).collect();
    let aliases: BTreeSet<&str> = by_alias.iter().map(|(_, alias)| alias.as_str()).collect();
    let aliases: Vec<_> = aliases.into_iter().collect();
    let any: BTreeSet<&String> = by_alias.iter().map(|(keys, _)| keys).collect();
    let named = "kms:ResourceAliases";
    let kinds = [
        ("VolumeKeys", "GrantVolumeKeys", by_id.into_iter().collect::<Vec<_>>(), None),
        (
            "VolumeKeysByAlias",
            "GrantVolumeKeysByAlias",
            any.into_iter().cloned().collect(),
            Some(named),
        ),
    ];
    for (use_sid, grant_sid, keys, alias) in kinds {
        if keys.is_empty() {
            continue;
        }
        let mut by_ec2 = Condition::default().and("StringEquals", "kms:ViaService", &through);
        if let Some(key) = alias {
            by_ec2 = by_ec2.and("ForAnyValue:StringEquals", key, &aliases);
        }
        policy.allow(use_sid, &USE_KEY, keys.clone(), by_ec2.clone());
        let grant = by_ec2.and("Bool", "kms:GrantIsForAWSResource", &["true"]);
        policy.allow(grant_sid, &["kms:CreateGrant"], keys, grant);
    }
    policy.notes.push(format!(
        "the key's own policy must allow {} the same, else no instance starts",
        scene.place.role("aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")
    ));
}

const USE_KEY: [&str; 5] = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];
