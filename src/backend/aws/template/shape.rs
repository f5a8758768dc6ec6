//! What a launch template says, as plans say it.

use super::interfaces;
use crate::backend::aws::tags::Tags;
use crate::plan::{FailureKind, PortError};
use crate::spec::EfaCards;
use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{
    CapacityReservationTarget, InstanceType, LaunchTemplateBlockDeviceMappingRequest,
    LaunchTemplateCapacityReservationSpecificationRequest, LaunchTemplateEbsBlockDeviceRequest,
    LaunchTemplateHttpTokensState, LaunchTemplateIamInstanceProfileSpecificationRequest,
    LaunchTemplateInstanceMarketOptionsRequest, LaunchTemplateInstanceMetadataEndpointState,
    LaunchTemplateInstanceMetadataOptionsRequest, LaunchTemplateTagSpecificationRequest,
    MarketType, RequestLaunchTemplateData, ResourceType, Tag, VolumeType,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The owned fields of a launch template; see `desired` for what each means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    pub(super) image: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) instance_profile: Option<String>,
    pub(super) security_groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) efa_cards: Option<EfaCards>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reservation: Option<Reservation>,
    /// Only in a capacity block: else the group names the types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) instance_type: Option<String>,
    pub(super) volume: Volume,
    pub(super) metadata: Metadata,
    pub(super) user_data: String,
    pub(super) instance_tags: Tags,
    pub(super) tags: Tags,
    /// What somebody put into it and Floodway never does, by its name in the API.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) others: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Volume {
    pub(super) size_gib: i32,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) encrypted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) iops: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) throughput: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kms_key: Option<String>,
}

/// The only capacity that its instances start in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reservation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// The ARN of a group of reservations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) block: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metadata {
    pub(super) tokens: String,
    pub(super) hop_limit: i32,
}

impl Shape {
    /// From a plan's body.
    ///
    /// # Errors
    /// A body that another Floodway has written.
    pub(super) fn of(body: &Value) -> Result<Self, PortError> {
        serde_json::from_value(body.clone()).map_err(|error| PortError {
            kind: FailureKind::Rejected,
            message: format!(
                "the plan says of a launch template what this Floodway cannot do: {error}"
            ),
            help: Some("plan again with this version".to_owned()),
        })
    }

    /// The fields that a version holds; its tags are the template's.
    pub(super) fn version(&self) -> Value {
        let version = Self { tags: Tags::new(), ..self.clone() };
        serde_json::to_value(version).unwrap_or_default()
    }

    /// As EC2 takes it; `root` is the image's root device.
    pub(super) fn data(&self, root: &str) -> RequestLaunchTemplateData {
        let volume = LaunchTemplateEbsBlockDeviceRequest::builder()
            .volume_size(self.volume.size_gib)
            .volume_type(VolumeType::from(self.volume.kind.as_str()))
            .encrypted(self.volume.encrypted)
            .set_iops(self.volume.iops)
            .set_throughput(self.volume.throughput)
            .set_kms_key_id(self.volume.kms_key.clone())
            .delete_on_termination(true)
            .build();
        let mapping = LaunchTemplateBlockDeviceMappingRequest::builder()
            .device_name(root)
            .ebs(volume)
            .build();
        let metadata = LaunchTemplateInstanceMetadataOptionsRequest::builder()
            .http_endpoint(LaunchTemplateInstanceMetadataEndpointState::Enabled)
            .http_tokens(LaunchTemplateHttpTokensState::from(self.metadata.tokens.as_str()))
            .http_put_response_hop_limit(self.metadata.hop_limit)
            .build();
        let profile = self.instance_profile.as_ref().map(|name| {
            LaunchTemplateIamInstanceProfileSpecificationRequest::builder().name(name).build()
        });
        let tagged = |kind: ResourceType| {
            LaunchTemplateTagSpecificationRequest::builder()
                .resource_type(kind)
                .set_tags(Some(ec2_tags(&self.instance_tags)))
                .build()
        };
        let reservation = self.reservation.as_ref();
        let target = reservation.map(|reservation| {
            CapacityReservationTarget::builder()
                .set_capacity_reservation_id(reservation.id.clone())
                .set_capacity_reservation_resource_group_arn(reservation.group.clone())
                .build()
        });
        let target = target.map(|target| {
            LaunchTemplateCapacityReservationSpecificationRequest::builder()
                .capacity_reservation_target(target)
                .build()
        });
        let block = reservation.filter(|reservation| reservation.block).map(|_| {
            LaunchTemplateInstanceMarketOptionsRequest::builder()
                .market_type(MarketType::CapacityBlock)
                .build()
        });
        let groups = (!self.security_groups.is_empty()).then_some(self.security_groups.as_slice());
        let interfaces = self.efa_cards.map(|cards| interfaces::requested(cards, groups));
        let groups = groups.filter(|_| interfaces.is_none()).map(<[String]>::to_vec);
        RequestLaunchTemplateData::builder()
            .image_id(&self.image)
            .set_iam_instance_profile(profile)
            .set_security_group_ids(groups)
            .set_network_interfaces(interfaces)
            .set_capacity_reservation_specification(target)
            .set_instance_market_options(block)
            .set_instance_type(self.instance_type.as_deref().map(InstanceType::from))
            .block_device_mappings(mapping)
            .metadata_options(metadata)
            .user_data(base64(&self.user_data))
            .tag_specifications(tagged(ResourceType::Instance))
            .tag_specifications(tagged(ResourceType::Volume))
            .tag_specifications(tagged(ResourceType::NetworkInterface))
            .build()
    }
}

pub(super) fn ec2_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// RFC 4648 section 4, which EC2 wants user data in.
fn base64(text: &str) -> String {
    aws_smithy_types::base64::encode(Blob::new(text))
}
