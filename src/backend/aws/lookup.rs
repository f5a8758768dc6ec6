//! IDs of what the environment names by other words.

use super::account::{Account, Region};
use super::error::{code, failed};
use crate::clock::Timestamp;
use crate::observe::{Gap, Inventory, Lookup, Requirements, Reserved, Side, Sought};
use crate::plan::{FailureKind, PortError};
use crate::spec::BootMode;
use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types::{
    AcceleratorCountRequest, AcceleratorManufacturer, AcceleratorName, AcceleratorType,
    ArchitectureType, CapacityReservation, CapacityReservationType, Filter,
    InstanceRequirementsRequest, MemoryMiBRequest, VCpuCountRangeRequest, VirtualizationType,
};
use node_image::card;
use node_image::channel::ChannelValue;
use std::collections::BTreeMap;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Sorted. Empty: there is none.
    ids: Vec<String>,
    /// Of subnets, by their IDs.
    zones: BTreeMap<String, String>,
    /// Of a reservation.
    reserved: Option<Reserved>,
}

impl Found {
    /// Writes it down as the answer to `lookup`.
    pub(super) fn note(self, lookup: Lookup, inventory: &mut Inventory) {
        inventory.zones.extend(self.zones);
        if let Some(reserved) = self.reserved {
            inventory.reserved.insert(lookup.clone(), reserved);
        }
        inventory.found.insert(lookup, self.ids);
    }

    fn ids(ids: Vec<String>) -> Self {
        Self { ids, ..Self::default() }
    }
}

impl Account {
    pub(super) async fn look_up(&self, lookup: &Lookup) -> Result<Found, PortError> {
        let Some(region) = self.regions.get(&lookup.region) else { return Ok(Found::default()) };
        let mut found = match &lookup.sought {
            Sought::Image { name, channel, boot_mode } => {
                Found::ids(region.image(name, channel, *boot_mode).await?)
            }
            Sought::Parameter(name) => Found::ids(region.parameter(name).await?),
            Sought::Subnets(tags) => region.subnets(Some(by_tags(tags)), None).await?,
            Sought::SubnetIds(ids) => region.subnets(None, Some(ids.clone())).await?,
            Sought::SecurityGroups(tags) => Found::ids(region.security_groups(tags).await?),
            Sought::InstanceTypes(required) => Found::ids(region.instance_types(required).await?),
            Sought::Reservation(id) => region.reservation(id).await?,
        };
        found.ids.sort();
        Ok(found)
    }
}

/// What cannot be looked up is not there for all that is known.
pub(super) fn gap(lookup: &Lookup, error: &PortError) -> Gap {
    let help = error.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    Gap {
        side: Side::Aws,
        what: lookup.to_string(),
        why: format!("{}{help}", error.message),
        hides_members: false,
    }
}

impl Region {
    /// The image that a channel means and that boots so, as the channel's parameter says.
    async fn image(
        &self,
        name: &str,
        channel: &str,
        boots: BootMode,
    ) -> Result<Vec<String>, PortError> {
        let parameter = Lookup::channel_parameter(name, channel);
        let Some(text) = self.text(&parameter).await? else { return Ok(Vec::new()) };
        let value = ChannelValue::read(&text).map_err(|why| PortError {
            kind: FailureKind::Rejected,
            message: format!("SSM parameter {parameter} in {}: {why}", self.name),
            help: Some(format!(
                "put a build there: floodway image promote {name} --from CHANNEL --to {channel} \
                 --region {}",
                self.name
            )),
        })?;
        let mode = match boots {
            BootMode::Uefi => card::BootMode::Uefi,
            BootMode::LegacyBios => card::BootMode::LegacyBios,
        };
        Ok(value.images.get(&mode).cloned().into_iter().collect())
    }

    async fn parameter(&self, name: &str) -> Result<Vec<String>, PortError> {
        match self.text(name).await? {
            Some(id) if id.starts_with("ami-") => Ok(vec![id]),
            Some(other) => Err(PortError {
                kind: FailureKind::Rejected,
                message: format!(
                    "SSM parameter {name} in {} holds {other:?}, which is no machine image",
                    self.name
                ),
                help: Some("put an ID like ami-0a1b2c3d there".to_owned()),
            }),
            None => Ok(Vec::new()),
        }
    }

    /// The value of an SSM parameter; none: it is not there.
    pub(super) async fn text(&self, name: &str) -> Result<Option<String>, PortError> {
        match self.ssm.get_parameter().name(name).send().await {
            Ok(answer) => {
                let value = answer.parameter().and_then(|parameter| parameter.value());
                Ok(Some(value.unwrap_or_default().to_owned()))
            }
            Err(error) if code(&error) == "ParameterNotFound" => Ok(None),
            Err(error) => Err(failed(error, "ssm:GetParameter", name)),
        }
    }

    /// Those of these filters, or of these IDs.
    async fn subnets(
        &self,
        filters: Option<Vec<Filter>>,
        ids: Option<Vec<String>>,
    ) -> Result<Found, PortError> {
        let asked = self.ec2.describe_subnets().set_filters(filters).set_subnet_ids(ids);
        let subnets = all_pages!(asked)
            .await
            .map_err(|error| failed(error, "ec2:DescribeSubnets", &self.about("subnets")))?;
        let zone = |subnet: &aws_sdk_ec2::types::Subnet| {
            Some((subnet.subnet_id()?.to_owned(), subnet.availability_zone()?.to_owned()))
        };
        let zones: BTreeMap<String, String> = subnets.iter().filter_map(zone).collect();
        let ids = subnets.iter().filter_map(|subnet| subnet.subnet_id()).map(str::to_owned);
        Ok(Found { zones, ..Found::ids(ids.collect()) })
    }

    async fn reservation(&self, id: &str) -> Result<Found, PortError> {
        let asked = self.ec2.describe_capacity_reservations().capacity_reservation_ids(id);
        let there = match asked.send().await {
            Ok(answer) => answer.capacity_reservations.unwrap_or_default().into_iter().next(),
            Err(error) if code(&error) == "InvalidCapacityReservationId.NotFound" => None,
            Err(error) => return Err(failed(error, "ec2:DescribeCapacityReservations", id)),
        };
        Ok(there
            .map(|there| Found {
                reserved: Some(reserved(&there)),
                ..Found::ids(vec![id.to_owned()])
            })
            .unwrap_or_default())
    }

    async fn security_groups(
        &self,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, PortError> {
        let groups =
            all_pages!(self.ec2.describe_security_groups().set_filters(Some(by_tags(tags))))
                .await
                .map_err(|error| {
                    failed(error, "ec2:DescribeSecurityGroups", &self.about("security groups"))
                })?;
        Ok(groups.iter().filter_map(|group| group.group_id()).map(str::to_owned).collect())
    }

    /// What has this, of x86 as the images are. Auto Scaling looks again whenever
    /// it starts an instance:
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetInstanceTypesFromInstanceRequirements.html>
    async fn instance_types(&self, required: &Requirements) -> Result<Vec<String>, PortError> {
        let whole = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let (vcpus, memory) = (required.vcpus, required.memory_mib);
        let gpus = whole(required.gpus);
        let names = required.gpu_names.iter().map(|name| AcceleratorName::from(name.as_str()));
        let vcpus = VCpuCountRangeRequest::builder()
            .min(whole(vcpus.min))
            .set_max(vcpus.max.map(whole))
            .build();
        let memory = MemoryMiBRequest::builder()
            .min(whole(memory.min))
            .set_max(memory.max.map(whole))
            .build();
        let mut asked = InstanceRequirementsRequest::builder()
            .v_cpu_count(vcpus)
            .memory_mib(memory)
            .accelerator_count(AcceleratorCountRequest::builder().min(gpus).max(gpus).build());
        for name in names {
            asked = asked.accelerator_names(name);
        }
        for name in &required.allowed {
            asked = asked.allowed_instance_types(name);
        }
        for name in &required.excluded {
            asked = asked.excluded_instance_types(name);
        }
        if gpus > 0 {
            asked = asked
                .accelerator_types(AcceleratorType::Gpu)
                .accelerator_manufacturers(AcceleratorManufacturer::Nvidia);
        }
        let call = "ec2:GetInstanceTypesFromInstanceRequirements";
        let types = self
            .ec2
            .get_instance_types_from_instance_requirements()
            .architecture_types(ArchitectureType::X8664)
            .virtualization_types(VirtualizationType::Hvm)
            .instance_requirements(asked.build())
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(|error| failed(error, call, &self.about("instance types")))?;
        Ok(types.iter().filter_map(|found| found.instance_type()).map(str::to_owned).collect())
    }

    /// `groups in us-east-1`
    pub(super) fn about(&self, what: &str) -> String {
        format!("{what} in {}", self.name)
    }
}

fn reserved(there: &CapacityReservation) -> Reserved {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let time = |time: Option<&DateTime>| Timestamp::from_second(time?.secs()).ok();
    Reserved {
        instance_type: text(there.instance_type()),
        zone: text(there.availability_zone()),
        instances: there.total_instance_count().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        state: text(there.state().map(|state| state.as_str())),
        block: there.reservation_type() == Some(&CapacityReservationType::CapacityBlock),
        begins: time(there.start_date()),
        ends: time(there.end_date()),
    }
}

/// Exactly `value`, in which EC2 would take `*` and `?` for patterns.
pub(super) fn filter(name: &str, value: &str) -> Filter {
    let literal = value.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?");
    Filter::builder().name(name).values(literal).build()
}

fn by_tags(tags: &BTreeMap<String, String>) -> Vec<Filter> {
    tags.iter().map(|(key, value)| filter(&format!("tag:{key}"), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_looked_for_where_publishing_writes_it() {
        let looked_for = Lookup::channel_parameter("gpu-inference", "stable");
        assert_eq!(looked_for, node_image::channel::parameter("gpu-inference", "stable"));
        for mode in [
            (BootMode::Uefi, card::BootMode::Uefi),
            (BootMode::LegacyBios, card::BootMode::LegacyBios),
        ] {
            assert_eq!(mode.0.as_str(), mode.1.as_str());
        }
    }
}
