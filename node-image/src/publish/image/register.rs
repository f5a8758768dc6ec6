//! An AMI of a snapshot.

use super::super::clients::Clients;
use super::super::disabled;
use super::super::error::{Call, Error, Kind};
use super::super::names::Identity;
use super::super::progress::{Progress, Watch};
use super::super::retry::{Patience, persist};
use super::super::snapshot::Found;
use super::super::wait::Wait;
use super::find::{Image, Step, by_name, of_image, step, tags};
use super::uefi_data;
use crate::card::BootMode;
use aws_sdk_ec2::operation::register_image::builders::RegisterImageFluentBuilder;
use aws_sdk_ec2::types::{
    ArchitectureValues, BlockDeviceMapping, BootModeValues, EbsBlockDevice, ImdsSupportValues,
    ResourceType, Tag, TagSpecification, TpmSupportValues, VolumeType,
};

/// The root's name, as EC2 has it on all Nitro types.
const ROOT: &str = "/dev/xvda";

/// What every AMI of an image is like, beside its snapshot.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Shape<'s> {
    /// The keys for secure boot: UEFI's store of variables in Base64.
    pub(in super::super) uefi_data: Option<&'s str>,
    /// GiB of the root volume, if more than the snapshot's: room for `/var`.
    pub(in super::super) gib: u64,
}

/// The available AMI for `mode`, of `snapshot` where it has to be made.
///
/// # Errors
/// Its name is another image's, it has other keys for secure boot than are asked for, or
/// AWS does not make it.
pub(in super::super) async fn ensure(
    clients: &Clients,
    identity: &Identity,
    mode: BootMode,
    snapshot: &Found,
    shape: &Shape<'_>,
    watch: &Watch<'_>,
) -> Result<Image, Error> {
    let there = of_image(clients, identity).await?;
    let mut new = false;
    match step(&there, identity, mode).map_err(|error| error.in_region(&clients.region))? {
        Step::Have(_) | Step::Wait(_) => {}
        Step::Enable(image) => enable(clients, &image.id).await?,
        Step::Replace(image) => {
            deregister(clients, &image.id).await?;
            new = register(clients, identity, mode, snapshot, shape).await?;
        }
        Step::Register => new = register(clients, identity, mode, snapshot, shape).await?,
    }
    let image = available(clients, identity, mode, watch).await?;
    if let (BootMode::Uefi, Some(wanted), false) = (mode, shape.uefi_data, new) {
        uefi_data::check(clients, &image.id, wanted).await?;
    }
    let lacks = image.lacks(identity, mode);
    if !lacks.is_empty() {
        tag(clients, &image.id, &lacks).await?;
    }
    let (region, id) = (clients.region.clone(), image.id.clone());
    watch(Progress::Image { region, mode, image: id, new });
    Ok(image)
}

/// Whether the AMI for UEFI among `there`, if it can be used, has the keys for secure boot
/// `wanted`: to be seen before anything is written.
///
/// # Errors
/// It has other keys or none, or it cannot be seen which.
pub(in super::super) async fn keys_fit(
    clients: &Clients,
    identity: &Identity,
    there: &[Image],
    wanted: &str,
) -> Result<(), Error> {
    match step(there, identity, BootMode::Uefi) {
        Ok(Step::Have(image)) => uefi_data::check(clients, &image.id, wanted).await,
        _ => Ok(()),
    }
}

/// Registers it; false: somebody did meanwhile.
async fn register(
    clients: &Clients,
    identity: &Identity,
    mode: BootMode,
    snapshot: &Found,
    shape: &Shape<'_>,
) -> Result<bool, Error> {
    let name = identity.ami(mode);
    let call = Call { action: "ec2:RegisterImage", region: &clients.region, thing: &name };
    let end = persist(Patience::EC2, || async {
        let ask = request(clients, identity, mode, snapshot, shape);
        ask.send().await.map_err(|error| call.failed(&error))
    });
    match end.await {
        Ok(_) => Ok(true),
        // The first of two tries, or another publisher.
        Err(error) if error.kind == Kind::Conflict => Ok(false),
        Err(error) => Err(error),
    }
}

fn request(
    clients: &Clients,
    identity: &Identity,
    mode: BootMode,
    snapshot: &Found,
    shape: &Shape<'_>,
) -> RegisterImageFluentBuilder {
    let gib = i32::try_from(shape.gib.max(snapshot.gib)).unwrap_or(i32::MAX);
    let volume = EbsBlockDevice::builder()
        .snapshot_id(&snapshot.id)
        .volume_size(gib)
        .volume_type(VolumeType::Gp3)
        .delete_on_termination(true);
    let root = BlockDeviceMapping::builder().device_name(ROOT).ebs(volume.build());
    let own = TagSpecification::builder()
        .resource_type(ResourceType::Image)
        .set_tags(Some(to_tags(&tags(identity, mode))));
    let ask = clients
        .ec2
        .register_image()
        .name(identity.ami(mode))
        .description(identity.description())
        .architecture(ArchitectureValues::X8664)
        .virtualization_type("hvm")
        .root_device_name(ROOT)
        .block_device_mappings(root.build())
        .ena_support(true)
        .imds_support(ImdsSupportValues::V20)
        .tag_specifications(own.build());
    match mode {
        BootMode::Uefi => ask
            .boot_mode(BootModeValues::Uefi)
            .tpm_support(TpmSupportValues::V20)
            .set_uefi_data(shape.uefi_data.map(str::to_owned)),
        // A TPM asks for UEFI.
        BootMode::LegacyBios => ask.boot_mode(BootModeValues::LegacyBios),
    }
}

/// The AMI, when it can be used.
async fn available(
    clients: &Clients,
    identity: &Identity,
    mode: BootMode,
    watch: &Watch<'_>,
) -> Result<Image, Error> {
    let name = identity.ami(mode);
    let mut wait = Wait::new();
    loop {
        let image = persist(Patience::EC2, || async {
            let there = of_image(clients, identity).await?;
            by_name(&there, identity, mode).cloned().ok_or_else(|| {
                let text = format!("there is no AMI {name}");
                Error::new(Kind::Absent, text).in_region(&clients.region)
            })
        })
        .await?;
        let there = [image.clone()];
        match step(&there, identity, mode).map_err(|error| error.in_region(&clients.region))? {
            Step::Have(_) => return Ok(image),
            Step::Replace(_) => {
                let text = format!("{} ({name}) failed in AWS: {}", image.id, image.why);
                return Err(Error::new(Kind::Refused, text)
                    .in_region(&clients.region)
                    .help("publish again: it is registered anew"));
            }
            // One that has just been enabled may be seen as it was.
            Step::Wait(_) | Step::Enable(_) | Step::Register => {
                let (region, thing) = (clients.region.clone(), image.id.clone());
                let progress = image.state.as_str().to_owned();
                watch(Progress::Waiting { region, thing, progress: progress.clone() });
                let turn = wait.turn(&image.id, &progress).await;
                turn.map_err(|late| late.in_region(&clients.region))?;
            }
        }
    }
}

async fn enable(clients: &Clients, id: &str) -> Result<(), Error> {
    let call = Call { action: "ec2:EnableImage", region: &clients.region, thing: id };
    let end = clients.ec2.enable_image().image_id(id).send().await;
    end.map_err(|error| call.failed(&error))?;
    disabled::forget(clients, id).await
}

async fn deregister(clients: &Clients, id: &str) -> Result<(), Error> {
    let call = Call { action: "ec2:DeregisterImage", region: &clients.region, thing: id };
    match clients.ec2.deregister_image().image_id(id).send().await {
        Ok(_) => Ok(()),
        Err(error) => match call.failed(&error) {
            error if error.kind == Kind::Absent => Ok(()),
            error => Err(error),
        },
    }
}

async fn tag(clients: &Clients, id: &str, tags: &[(&'static str, String)]) -> Result<(), Error> {
    let call = Call { action: "ec2:CreateTags", region: &clients.region, thing: id };
    let ask = clients.ec2.create_tags().resources(id).set_tags(Some(to_tags(tags)));
    ask.send().await.map(drop).map_err(|error| call.failed(&error))
}

fn to_tags(tags: &[(&'static str, String)]) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(*key).value(value).build()).collect()
}
