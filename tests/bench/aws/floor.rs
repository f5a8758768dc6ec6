//! The writes of an apply, made again as the stand-in has recorded them: the same
//! calls with the same contents, and nothing else.

use super::Clients;
use aws_sdk_autoscaling::types as asg;
use aws_sdk_ec2::types as ec2;
use futures::stream::{self, StreamExt};
use serde_json::Value;

/// The calls of an apply, of each kind in their order.
pub struct Writes {
    templates: Vec<Value>,
    groups: Vec<Value>,
}

impl Writes {
    /// Of everything that was recorded.
    pub fn of(calls: &[Value]) -> Self {
        let made = |action: &str| {
            let those = calls.iter().filter(|call| call["action"] == action);
            let those = those.filter(|call| call["error"].is_null());
            those.map(|call| call["parameters"].clone()).collect::<Vec<_>>()
        };
        let templates = made("CreateLaunchTemplate");
        Self { templates, groups: made("CreateAutoScalingGroup") }
    }

    /// How many templates and groups.
    pub fn count(&self) -> (usize, usize) {
        (self.templates.len(), self.groups.len())
    }

    /// Makes them.
    pub async fn make(&self, clients: &Clients, at_once: usize) {
        let template = async |asked: &Value| create_template(clients, asked).await;
        stream::iter(&self.templates).map(template).buffer_unordered(at_once).collect::<()>().await;
        let group = async |asked: &Value| create_group(clients, asked).await;
        stream::iter(&self.groups).map(group).buffer_unordered(at_once).collect::<()>().await;
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn number(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|number| number.try_into().ok())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn tag(tag: &Value) -> ec2::Tag {
    ec2::Tag::builder().set_key(text(&tag["Key"])).set_value(text(&tag["Value"])).build()
}

async fn create_template(clients: &Clients, asked: &Value) {
    let data = &asked["LaunchTemplateData"];
    let disk = |disk: &Value| {
        let ebs = ec2::LaunchTemplateEbsBlockDeviceRequest::builder()
            .set_encrypted(disk["Ebs"]["Encrypted"].as_bool())
            .set_delete_on_termination(disk["Ebs"]["DeleteOnTermination"].as_bool())
            .set_volume_size(number(&disk["Ebs"]["VolumeSize"]))
            .volume_type(ec2::VolumeType::Gp3);
        ec2::LaunchTemplateBlockDeviceMappingRequest::builder()
            .set_device_name(text(&disk["DeviceName"]))
            .ebs(ebs.build())
            .build()
    };
    let interface = |one: &Value| {
        ec2::LaunchTemplateInstanceNetworkInterfaceSpecificationRequest::builder()
            .set_delete_on_termination(one["DeleteOnTermination"].as_bool())
            .set_device_index(number(&one["DeviceIndex"]))
            .set_interface_type(text(&one["InterfaceType"]))
            .set_network_card_index(number(&one["NetworkCardIndex"]))
            .build()
    };
    let tagged = |one: &Value| {
        ec2::LaunchTemplateTagSpecificationRequest::builder()
            .set_resource_type(one["ResourceType"].as_str().map(ec2::ResourceType::from))
            .set_tags(Some(list(&one["Tags"]).map(tag).collect()))
            .build()
    };
    let wanted = ec2::RequestLaunchTemplateData::builder()
        .set_block_device_mappings(Some(list(&data["BlockDeviceMappings"]).map(disk).collect()))
        .set_network_interfaces(Some(list(&data["NetworkInterfaces"]).map(interface).collect()))
        .set_image_id(text(&data["ImageId"]))
        .set_user_data(text(&data["UserData"]))
        .set_tag_specifications(Some(list(&data["TagSpecifications"]).map(tagged).collect()));
    let own = list(&asked["TagSpecifications"]).map(|one| {
        ec2::TagSpecification::builder()
            .set_resource_type(one["ResourceType"].as_str().map(ec2::ResourceType::from))
            .set_tags(Some(list(&one["Tags"]).map(tag).collect()))
            .build()
    });
    let create = clients.ec2.create_launch_template();
    let create = create
        .set_launch_template_name(text(&asked["LaunchTemplateName"]))
        .set_version_description(text(&asked["VersionDescription"]))
        .set_tag_specifications(Some(own.collect()))
        .launch_template_data(wanted.build());
    create.send().await.unwrap();
}

async fn create_group(clients: &Clients, asked: &Value) {
    let policy = &asked["MixedInstancesPolicy"];
    let from = &policy["LaunchTemplate"]["LaunchTemplateSpecification"];
    let from = asg::LaunchTemplateSpecification::builder()
        .set_launch_template_name(text(&from["LaunchTemplateName"]))
        .set_version(text(&from["Version"]));
    let types = list(&policy["LaunchTemplate"]["Overrides"]).map(|one| {
        let one = text(&one["InstanceType"]);
        asg::LaunchTemplateOverrides::builder().set_instance_type(one).build()
    });
    let template = asg::LaunchTemplate::builder()
        .launch_template_specification(from.build())
        .set_overrides(Some(types.collect()));
    let spread = &policy["InstancesDistribution"];
    let spread = asg::InstancesDistribution::builder()
        .set_on_demand_base_capacity(number(&spread["OnDemandBaseCapacity"]))
        .set_on_demand_percentage_above_base_capacity(number(
            &spread["OnDemandPercentageAboveBaseCapacity"],
        ))
        .set_spot_allocation_strategy(text(&spread["SpotAllocationStrategy"]))
        .set_on_demand_allocation_strategy(text(&spread["OnDemandAllocationStrategy"]));
    let policy = asg::MixedInstancesPolicy::builder()
        .launch_template(template.build())
        .instances_distribution(spread.build());
    let hooks = list(&asked["LifecycleHookSpecificationList"]).map(|hook| {
        asg::LifecycleHookSpecification::builder()
            .set_lifecycle_hook_name(text(&hook["LifecycleHookName"]))
            .set_lifecycle_transition(text(&hook["LifecycleTransition"]))
            .set_heartbeat_timeout(number(&hook["HeartbeatTimeout"]))
            .set_default_result(text(&hook["DefaultResult"]))
            .build()
    });
    let tags = list(&asked["Tags"]).map(|tag| {
        asg::Tag::builder()
            .set_resource_id(text(&tag["ResourceId"]))
            .set_resource_type(text(&tag["ResourceType"]))
            .set_key(text(&tag["Key"]))
            .set_value(text(&tag["Value"]))
            .set_propagate_at_launch(tag["PropagateAtLaunch"].as_bool())
            .build()
    });
    let create = clients.autoscaling.create_auto_scaling_group();
    let create = create
        .set_auto_scaling_group_name(text(&asked["AutoScalingGroupName"]))
        .mixed_instances_policy(policy.build())
        .set_min_size(number(&asked["MinSize"]))
        .set_max_size(number(&asked["MaxSize"]))
        .set_desired_capacity(number(&asked["DesiredCapacity"]))
        .set_health_check_type(text(&asked["HealthCheckType"]))
        .set_health_check_grace_period(number(&asked["HealthCheckGracePeriod"]))
        .set_vpc_zone_identifier(text(&asked["VPCZoneIdentifier"]))
        .set_new_instances_protected_from_scale_in(
            asked["NewInstancesProtectedFromScaleIn"].as_bool(),
        )
        .set_capacity_rebalance(asked["CapacityRebalance"].as_bool())
        .set_lifecycle_hook_specification_list(Some(hooks.collect()))
        .set_tags(Some(tags.collect()));
    create.send().await.unwrap();
    let count = clients.autoscaling.enable_metrics_collection();
    let count = count.set_auto_scaling_group_name(text(&asked["AutoScalingGroupName"]));
    count.granularity("1Minute").send().await.unwrap();
}
