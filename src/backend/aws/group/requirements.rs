//! Types by what they have, as a group's override says it.

use crate::observe::{Requirements, Within};
use aws_sdk_autoscaling::types::{
    AcceleratorCountRequest, AcceleratorManufacturer, AcceleratorName, AcceleratorType,
    InstanceRequirements, LaunchTemplateOverrides, MemoryMiBRequest, VCpuCountRequest,
};

/// The override that names one type.
pub(super) fn named(name: &str) -> LaunchTemplateOverrides {
    LaunchTemplateOverrides::builder().instance_type(name).build()
}

/// The override that asks for what types have:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRequirements.html>
pub(super) fn by(required: &Requirements) -> LaunchTemplateOverrides {
    let (vcpus, memory) = (required.vcpus, required.memory_mib);
    let (min, max) = (|within: Within| whole(within.min), |within: Within| within.max.map(whole));
    let gpus = whole(required.gpus);
    let names = required.gpu_names.iter().map(|name| AcceleratorName::from(name.as_str()));
    let mut asked = InstanceRequirements::builder()
        .v_cpu_count(VCpuCountRequest::builder().min(min(vcpus)).set_max(max(vcpus)).build())
        .memory_mib(MemoryMiBRequest::builder().min(min(memory)).set_max(max(memory)).build())
        .accelerator_count(AcceleratorCountRequest::builder().min(gpus).max(gpus).build())
        .set_accelerator_names(some(names.collect()))
        .set_allowed_instance_types(some(required.allowed.clone()))
        .set_excluded_instance_types(some(required.excluded.clone()));
    if gpus > 0 {
        asked = asked
            .accelerator_types(AcceleratorType::Gpu)
            .accelerator_manufacturers(AcceleratorManufacturer::Nvidia);
    }
    LaunchTemplateOverrides::builder().instance_requirements(asked.build()).build()
}

/// What an override asks for, if it names no type; what Floodway never asks for
/// is not seen.
pub(super) fn of(asked: &LaunchTemplateOverrides) -> Option<Requirements> {
    let asked = asked.instance_requirements()?;
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let (gpus, vcpus) = (asked.accelerator_count(), asked.v_cpu_count());
    let memory = asked.memory_mib();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let names = asked.accelerator_names().iter().map(|name| name.as_str().to_owned());
    Some(Requirements {
        gpus: number(gpus.and_then(|gpus| gpus.max())).unwrap_or(0),
        gpu_names: sorted(names.collect()),
        vcpus: Within {
            min: number(vcpus.and_then(|vcpus| vcpus.min())).unwrap_or(0),
            max: number(vcpus.and_then(|vcpus| vcpus.max())),
        },
        memory_mib: Within {
            min: number(memory.and_then(|memory| memory.min())).unwrap_or(0),
            max: number(memory.and_then(|memory| memory.max())),
        },
        allowed: sorted(asked.allowed_instance_types().to_vec()),
        excluded: sorted(asked.excluded_instance_types().to_vec()),
    })
}

fn whole(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// AWS takes no empty list for none.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_as_it_was_written() {
        let gpus = Requirements {
            gpus: 4,
            gpu_names: vec!["a100".into(), "t4".into()],
            allowed: vec!["p4*".into()],
            vcpus: Within { min: 32, max: Some(96) },
            memory_mib: Within { min: 131_072, max: None },
            excluded: vec!["g6e.*".into()],
        };
        let none = Requirements { gpus: 0, gpu_names: Vec::new(), ..gpus.clone() };
        for required in [gpus, none] {
            assert_eq!(of(&by(&required)), Some(required));
        }
        assert_eq!(of(&named("g6e.12xlarge")), None);
    }
}
