//! A launch template as it is.

use super::interfaces;
use super::others::beside;
use super::shape::{Metadata, Reservation, Shape, Volume};
use crate::backend::aws::tags::{self, Tags};
use crate::observe::{Live, Ownership, ResourceId};
use aws_sdk_ec2::types::{
    LaunchTemplate, LaunchTemplateVersion, MarketType, ResourceType, ResponseLaunchTemplateData,
};
use std::collections::BTreeMap;

/// What is seen of a template of `region`, in its default version.
pub(in crate::backend::aws) fn live(
    region: &str,
    owner: impl Fn(&Tags) -> Ownership,
    template: &LaunchTemplate,
    version: &LaunchTemplateVersion,
) -> Live {
    let tags = tags_of(template);
    let ownership = owner(&tags);
    let owned = match ownership {
        Ownership::Ours => tags::owned(&tags),
        _ => tags.clone(),
    };
    let shape = shape(version, owned);
    Live {
        id: ResourceId::launch_template(
            region,
            template.launch_template_name().unwrap_or_default(),
        ),
        uid: uid(template),
        fields: serde_json::to_value(shape).unwrap_or_default().into(),
        taken: BTreeMap::new(),
        runtime: None,
        marks: tags::marks_of(&tags),
        applyset: None,
        version: template.default_version_number().map(|number| number.to_string()),
        workload: None,
        autoscaler: None,
        deleting: false,
        ownership,
    }
}

pub(super) fn uid(template: &LaunchTemplate) -> String {
    template.launch_template_id().unwrap_or_default().to_owned()
}

pub(super) fn tags_of(template: &LaunchTemplate) -> Tags {
    pairs(template.tags())
}

fn pairs(tags: &[aws_sdk_ec2::types::Tag]) -> Tags {
    let pair = |tag: &aws_sdk_ec2::types::Tag| {
        Some((tag.key()?.to_owned(), tag.value().unwrap_or("").to_owned()))
    };
    tags.iter().filter_map(pair).collect()
}

/// The fields of one version.
pub(super) fn shape(version: &LaunchTemplateVersion, tags: Tags) -> Shape {
    let nothing = ResponseLaunchTemplateData::builder().build();
    let data = version.launch_template_data().unwrap_or(&nothing);
    let root = data.block_device_mappings().first().and_then(|mapping| mapping.ebs());
    let of_instances = data
        .tag_specifications()
        .iter()
        .find(|tagged| tagged.resource_type() == Some(&ResourceType::Instance));
    let metadata = data.metadata_options();
    let mut groups = data.security_group_ids().to_vec();
    groups.sort();
    let mut others = [others(data), beside(data)].concat();
    let mut efa_cards = None;
    match interfaces::read(data.network_interfaces()) {
        Some((cards, of_interfaces)) if groups.is_empty() => {
            (efa_cards, groups) = (Some(cards), of_interfaces);
        }
        _ if data.network_interfaces().is_empty() => {}
        _ => others.push("NetworkInterfaces".to_owned()),
    }
    Shape {
        image: data.image_id().unwrap_or_default().to_owned(),
        instance_profile: data
            .iam_instance_profile()
            .and_then(|profile| profile.name().or(profile.arn()))
            .map(str::to_owned),
        security_groups: groups,
        efa_cards,
        reservation: reservation(data),
        instance_type: data
            .instance_type()
            .filter(|_| is_block(data))
            .map(|name| name.as_str().to_owned()),
        volume: Volume {
            size_gib: root.and_then(|ebs| ebs.volume_size()).unwrap_or(0),
            kind: root
                .and_then(|ebs| ebs.volume_type())
                .map_or_else(|| "none".to_owned(), |kind| kind.as_str().to_owned()),
            encrypted: root.and_then(|ebs| ebs.encrypted()).unwrap_or(false),
            iops: root.and_then(|ebs| ebs.iops()),
            throughput: root.and_then(|ebs| ebs.throughput()),
            kms_key: root.and_then(|ebs| ebs.kms_key_id()).map(str::to_owned),
        },
        metadata: Metadata {
            tokens: metadata
                .and_then(|options| options.http_tokens())
                .map_or_else(|| "optional".to_owned(), |tokens| tokens.as_str().to_owned()),
            hop_limit: metadata
                .and_then(|options| options.http_put_response_hop_limit())
                .unwrap_or(1),
        },
        user_data: data.user_data().map(decoded).unwrap_or_default(),
        instance_tags: of_instances.map(|tagged| pairs(tagged.tags())).unwrap_or_default(),
        others: others.into_iter().map(|name| (name, "set".to_owned())).collect(),
        tags,
    }
}

/// Whether its instances are of a capacity block's market.
fn is_block(data: &ResponseLaunchTemplateData) -> bool {
    let market = data.instance_market_options().and_then(|options| options.market_type());
    market == Some(&MarketType::CapacityBlock)
}

/// The reservation that its instances start in. Of a block's market without one
/// is none of ours either.
fn reservation(data: &ResponseLaunchTemplateData) -> Option<Reservation> {
    let specification = data.capacity_reservation_specification();
    let target = specification.and_then(|given| given.capacity_reservation_target());
    let block = is_block(data);
    let text = |text: Option<&str>| text.map(str::to_owned);
    (target.is_some() || block).then(|| Reservation {
        id: text(target.and_then(|target| target.capacity_reservation_id())),
        group: text(target.and_then(|t| t.capacity_reservation_resource_group_arn())),
        block,
    })
}

/// User data that is no text is shown as it is sent.
fn decoded(text: &str) -> String {
    let bytes = aws_smithy_types::base64::decode(text).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

/// What lets somebody in or starts something else, and is never ours.
fn others(data: &ResponseLaunchTemplateData) -> Vec<String> {
    let block = is_block(data);
    let reserved = data.capacity_reservation_specification();
    let preference = reserved.and_then(|given| given.capacity_reservation_preference());
    let set = [
        ("KeyName", data.key_name().is_some()),
        ("InstanceType", data.instance_type().is_some() && !block),
        ("InstanceMarketOptions", data.instance_market_options().is_some() && !block),
        ("InstanceRequirements", data.instance_requirements().is_some()),
        ("SecurityGroups", !data.security_groups().is_empty()),
        ("Placement", data.placement().is_some()),
        ("KernelId", data.kernel_id().is_some()),
        ("CapacityReservationSpecification", preference.is_some()),
    ];
    set.iter().filter(|(_, set)| *set).map(|(name, _)| (*name).to_owned()).collect()
}
