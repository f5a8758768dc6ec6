use super::*;
use aws_sdk_autoscaling::types::{
    Instance, LaunchTemplate, LaunchTemplateOverrides, MixedInstancesPolicy,
};
use aws_sdk_ec2::types::{LaunchTemplateTagSpecification, ResponseLaunchTemplateData, Tag};

fn named(id: &str, version: &str) -> LaunchTemplateSpecification {
    let named = LaunchTemplateSpecification::builder().launch_template_id(id);
    named.version(version).build()
}

#[test]
fn groups_hold_to_versions_by_themselves_by_overrides_and_by_their_instances() {
    let other = LaunchTemplateOverrides::builder()
        .launch_template_specification(named("lt-b", "7"))
        .image_id("ami-0c")
        .build();
    let template = LaunchTemplate::builder()
        .launch_template_specification(named("lt-a", "3"))
        .overrides(other)
        .build();
    let mixed = AutoScalingGroup::builder()
        .auto_scaling_group_name("mixed")
        .mixed_instances_policy(MixedInstancesPolicy::builder().launch_template(template).build())
        .instances(Instance::builder().launch_template(named("lt-a", "2")).build())
        .build();
    let by_name = LaunchTemplateSpecification::builder().launch_template_name("own");
    let plain =
        AutoScalingGroup::builder().launch_template(by_name.clone().version("9").build()).build();
    let newest =
        AutoScalingGroup::builder().launch_template(by_name.version("$Latest").build()).build();
    let mut usage = Usage::new();
    let pinned = Pinned::of(&[mixed, plain, newest], &mut usage);
    let versions = |versions: &[&str]| versions.iter().map(|v| (*v).to_owned()).collect();
    assert_eq!(
        pinned.0,
        BTreeMap::from([
            (Template::Id("lt-a".to_owned()), versions(&["2", "3"])),
            (Template::Id("lt-b".to_owned()), versions(&["7"])),
            (Template::Name("own".to_owned()), versions(&["9"])),
        ])
    );
    assert_eq!(usage["ami-0c"], BTreeSet::from(["Auto Scaling group mixed".to_owned()]));
}

/// A version of template `lt-a`, which is called `edge`.
fn version(number: i64, managed_by: &str) -> LaunchTemplateVersion {
    let tag = Tag::builder().key(MANAGED_BY.0).value(managed_by).build();
    let tags = LaunchTemplateTagSpecification::builder().resource_type(ResourceType::Instance);
    let data = ResponseLaunchTemplateData::builder().tag_specifications(tags.tags(tag).build());
    LaunchTemplateVersion::builder()
        .launch_template_id("lt-a")
        .launch_template_name("edge")
        .version_number(number)
        .launch_template_data(data.build())
        .build()
}

#[test]
fn old_versions_count_unless_they_are_floodways_and_no_group_holds_to_them() {
    let current = Current::of(vec![version(5, "floodway"), version(2, "floodway")]);
    let holding = |group: LaunchTemplateSpecification| {
        let group = AutoScalingGroup::builder().launch_template(group).build();
        Pinned::of(&[group], &mut Usage::new())
    };
    let nobody = Pinned::default();
    assert!(counts(&version(3, "somebody"), &current, &nobody));
    assert!(!counts(&version(3, "floodway"), &current, &nobody));
    assert!(counts(&version(3, "floodway"), &current, &holding(named("lt-a", "3"))));
    let by_name = LaunchTemplateSpecification::builder().launch_template_name("edge");
    assert!(counts(&version(3, "floodway"), &current, &holding(by_name.version("3").build())));
    assert!(!counts(&version(3, "floodway"), &current, &holding(named("lt-b", "3"))));
    assert!(counts(&version(6, "floodway"), &current, &nobody), "it was made since");
    assert!(!counts(&version(2, "somebody"), &current, &nobody), "it is current");
}

#[test]
fn only_templates_with_other_versions_are_read_once_more() {
    let with_others = |numbers: &[i64]| {
        let versions = numbers.iter().map(|number| version(*number, "somebody"));
        Current::of(versions.collect()).with_others().len()
    };
    assert_eq!([with_others(&[1]), with_others(&[1, 2]), with_others(&[2, 1])], [0; 3]);
    assert_eq!([with_others(&[2]), with_others(&[3, 1]), with_others(&[9, 8])], [1; 3]);
}
