//! What it takes to publish images, to promote them and to prune them: everything that
//! is written bears the name of an image, as a tag or in a parameter's name. Which
//! resources and conditions each action knows:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>,
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticblockstore.html>,
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html>

use super::document::{Condition, Policy, Scene};
use super::place;
use crate::observe::{Lookup, marks};
use std::collections::BTreeSet;

/// What there is, and who uses it. Nothing of it knows resources.
const LOOK: [&str; 8] = [
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeLaunchConfigurations",
    "ec2:DescribeImages",
    "ec2:DescribeInstances",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeSnapshots",
    "ec2:GetEbsDefaultKmsKeyId",
    "ec2:GetEbsEncryptionByDefault",
];
/// The blocks of a snapshot that has been started, and of the one that it is built on.
const BLOCKS: [&str; 4] = [
    "ebs:CompleteSnapshot",
    "ebs:GetSnapshotBlock",
    "ebs:ListSnapshotBlocks",
    "ebs:PutSnapshotBlock",
];
/// From an AMI's registration to its end.
const IMAGES: [&str; 5] = [
    "ec2:DeregisterImage",
    "ec2:DescribeImageAttribute",
    "ec2:DisableImage",
    "ec2:EnableImage",
    "ec2:ModifyImageAttribute",
];
/// What becomes of a snapshot: AMIs stand on it, others may use it, other regions have
/// it too.
const SNAPSHOTS: [&str; 5] = [
    "ec2:CopySnapshot",
    "ec2:DeleteSnapshot",
    "ec2:DescribeSnapshotAttribute",
    "ec2:ModifySnapshotAttribute",
    "ec2:RegisterImage",
];
/// Channels, and what is known of builds.
const PARAMETERS: [&str; 5] = [
    "ssm:DeleteParameters",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParametersByPath",
    "ssm:PutParameter",
];

/// The images that the environment names.
pub(super) fn images<'a>(scene: &Scene<'a>) -> BTreeSet<&'a str> {
    scene.aws.pools.values().filter_map(|pool| pool.image.name.as_deref()).collect()
}

pub(super) fn all(scene: &Scene<'_>, policy: &mut Policy) {
    let place = &scene.place;
    let names: Vec<String> = images(scene).into_iter().map(place::literal).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tag = |of: &str| format!("aws:{of}Tag/{}", marks::IMAGE);
    let makes = || Condition::default().and("StringEquals", &tag("Request"), &names).own_tags();
    let has = || Condition::default().and("StringEquals", &tag("Resource"), &names);
    let (image, snapshot) = (|| place.nobodys("image"), || place.nobodys("snapshot"));

    let regions: Vec<_> = place.regions.iter().copied().collect();
    let here = Condition::default().and("StringEquals", "aws:RequestedRegion", &regions);
    policy.allow("LookAtImages", &LOOK, vec!["*".to_owned()], here);
    let made = ["ebs:StartSnapshot", "ec2:CopySnapshot"];
    policy.allow("MakeSnapshots", &made, snapshot(), makes());
    policy.allow("SendBlocks", &BLOCKS, snapshot(), has());
    policy.allow("UseSnapshots", &SNAPSHOTS, snapshot(), has());
    policy.allow("RegisterImages", &["ec2:RegisterImage"], image(), makes());
    policy.allow("ChangeImages", &IMAGES, image(), has());
    // EBS direct does not tell for which call it tags.
    policy.allow("TagNewSnapshots", &["ec2:CreateTags"], snapshot(), makes());
    let new = makes().and("StringEquals", "ec2:CreateAction", &["RegisterImage"]);
    policy.allow("TagNewImages", &["ec2:CreateTags"], image(), new);
    // It stays one of these images.
    let kept = has().own_tags().and("StringEqualsIfExists", &tag("Request"), &names);
    let both = [image(), snapshot()].concat();
    policy.allow("TagImages", &["ec2:CreateTags"], both.clone(), kept);
    let name = [marks::IMAGE];
    let untagged = has().own_tags().and("ForAllValues:StringNotEquals", "aws:TagKeys", &name);
    policy.allow("UntagImages", &["ec2:DeleteTags"], both, untagged);
    policy.allow("Channels", &PARAMETERS, parameters(scene), Condition::default());

    policy.notes.push(format!(
        "it is for account {}: a build account of its own needs it with its own number",
        place.account
    ));
    policy.notes.push(
        "under a key of your own (--kms-key) publishing needs kms:CreateGrant, kms:Decrypt, \
         kms:DescribeKey, kms:GenerateDataKeyWithoutPlaintext and kms:ReEncrypt* on it"
            .to_owned(),
    );
    policy.notes.push(
        "where launch templates name images by parameters (resolve:ssm:…), prune and list need \
         ssm:GetParameter on those"
            .to_owned(),
    );
}

/// All of the images' parameters.
fn parameters(scene: &Scene<'_>) -> Vec<String> {
    let of_image = |name: &str| {
        let folder = Lookup::IMAGES.trim_start_matches('/');
        let path = format!("parameter/{folder}{}/*", place::literal_in_pattern(name));
        let arn = |region: &&str| scene.place.arn("ssm", region, scene.place.account, &path);
        scene.place.regions.iter().map(arn).collect::<Vec<_>>()
    };
    images(scene).into_iter().flat_map(of_image).collect()
}
