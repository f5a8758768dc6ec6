//! Parts of a launch template that Floodway never writes: the next version would
//! be without them, so that a plan must show them.

use aws_sdk_ec2::types::{
    LaunchTemplateBlockDeviceMapping, LaunchTemplateInstanceMetadataEndpointState,
    LaunchTemplateInstanceMetadataOptions, LaunchTemplateInstanceMetadataProtocolIpv6,
    LaunchTemplateInstanceMetadataTagsState, LaunchTemplateTagSpecification, ResourceType,
    ResponseLaunchTemplateData,
};

/// By their names in the API.
pub(super) fn beside(data: &ResponseLaunchTemplateData) -> Vec<String> {
    let set = [
        ("CpuOptions", data.cpu_options().is_some()),
        ("CreditSpecification", data.credit_specification().is_some()),
        ("DisableApiStop", data.disable_api_stop() == Some(true)),
        ("DisableApiTermination", data.disable_api_termination() == Some(true)),
        ("EbsOptimized", data.ebs_optimized().is_some()),
        ("ElasticGpuSpecifications", !data.elastic_gpu_specifications().is_empty()),
        ("ElasticInferenceAccelerators", !data.elastic_inference_accelerators().is_empty()),
        ("EnclaveOptions", data.enclave_options().is_some()),
        ("HibernationOptions", data.hibernation_options().is_some()),
        (
            "InstanceInitiatedShutdownBehavior",
            data.instance_initiated_shutdown_behavior().is_some(),
        ),
        ("LicenseSpecifications", !data.license_specifications().is_empty()),
        ("MaintenanceOptions", data.maintenance_options().is_some()),
        ("Monitoring", data.monitoring().is_some()),
        ("NetworkPerformanceOptions", data.network_performance_options().is_some()),
        ("PrivateDnsNameOptions", data.private_dns_name_options().is_some()),
        ("RamDiskId", data.ram_disk_id().is_some()),
        ("TagSpecifications", has_other_tags(data.tag_specifications())),
    ];
    let mut found: Vec<String> =
        set.iter().filter(|(_, set)| *set).map(|(name, _)| (*name).to_owned()).collect();
    found.extend(data.metadata_options().map(of_metadata).unwrap_or_default());
    let mut devices = data.block_device_mappings().iter();
    found.extend(devices.next().map(of_root).unwrap_or_default());
    let further = devices.map(|one| one.device_name().unwrap_or_default());
    found.extend(further.map(|name| format!("BlockDeviceMappings of {name}")));
    found
}

fn of_metadata(options: &LaunchTemplateInstanceMetadataOptions) -> Vec<String> {
    use LaunchTemplateInstanceMetadataEndpointState::Disabled;
    let tags = LaunchTemplateInstanceMetadataTagsState::Enabled;
    let ipv6 = LaunchTemplateInstanceMetadataProtocolIpv6::Enabled;
    let set = [
        ("HttpEndpoint disabled", options.http_endpoint() == Some(&Disabled)),
        ("HttpProtocolIpv6 enabled", options.http_protocol_ipv6() == Some(&ipv6)),
        ("InstanceMetadataTags enabled", options.instance_metadata_tags() == Some(&tags)),
    ];
    set.iter().filter(|(_, set)| *set).map(|(name, _)| format!("MetadataOptions: {name}")).collect()
}

/// Of the root volume, beside what [`super::shape::Volume`] says.
fn of_root(mapping: &LaunchTemplateBlockDeviceMapping) -> Vec<String> {
    let ebs = mapping.ebs();
    let set = [
        ("NoDevice", mapping.no_device().is_some()),
        ("SnapshotId", ebs.is_some_and(|ebs| ebs.snapshot_id().is_some())),
        ("VirtualName", mapping.virtual_name().is_some()),
        ("kept on termination", ebs.is_some_and(|ebs| ebs.delete_on_termination() == Some(false))),
        (
            "VolumeInitializationRate",
            ebs.is_some_and(|ebs| ebs.volume_initialization_rate().is_some()),
        ),
    ];
    let name = mapping.device_name().unwrap_or_default();
    let set = set.iter().filter(|(_, set)| *set);
    set.map(|(what, _)| format!("BlockDeviceMappings of {name}: {what}")).collect()
}

/// Whether what starts with an instance has other tags than it.
fn has_other_tags(specifications: &[LaunchTemplateTagSpecification]) -> bool {
    let of = |kind: &ResourceType| {
        let found = specifications.iter().find(|one| one.resource_type() == Some(kind));
        let mut tags: Vec<_> = found
            .map(|one| one.tags())
            .unwrap_or_default()
            .iter()
            .map(|tag| (tag.key(), tag.value()))
            .collect();
        tags.sort_unstable();
        tags
    };
    let kinds = [ResourceType::Volume, ResourceType::NetworkInterface];
    let unknown = specifications.iter().any(|one| {
        let kind = one.resource_type();
        kind != Some(&ResourceType::Instance) && !kinds.iter().any(|known| kind == Some(known))
    });
    unknown || kinds.iter().any(|kind| of(kind) != of(&ResourceType::Instance))
}
