//! Which AMIs of an image there are, and what there is to do for each.

use super::super::clients::Clients;
use super::super::error::{Call, Error, Kind};
use super::super::names::{BOOT_MODE, IMAGE, Identity, MANIFEST};
use crate::card::BootMode;
use aws_sdk_ec2::types::{Filter, ImageState, Tag};
use std::collections::BTreeMap;

/// An AMI that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Image {
    pub(in super::super) id: String,
    pub(super) name: String,
    pub(super) state: ImageState,
    /// Why it is in that state, where AWS says so.
    pub(super) why: String,
    /// The snapshot of its root volume.
    pub(in super::super) snapshot: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
}

/// What to do for one boot mode.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'i> {
    /// There is none.
    Register,
    /// It is there and can be used.
    Have(&'i Image),
    /// It is on its way.
    Wait(&'i Image),
    /// It was taken out of use, and is wanted again.
    Enable(&'i Image),
    /// It failed: it makes room for another.
    Replace(&'i Image),
}

impl Image {
    fn of(image: &aws_sdk_ec2::types::Image) -> Option<Self> {
        let root = image.root_device_name();
        let mappings = image.block_device_mappings().iter();
        let of_root = |one: &&aws_sdk_ec2::types::BlockDeviceMapping| one.device_name() == root;
        let snapshot = mappings.filter(of_root).find_map(|one| one.ebs()?.snapshot_id());
        let tag = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
        Some(Self {
            id: image.image_id()?.to_owned(),
            name: image.name().unwrap_or_default().to_owned(),
            state: image.state().cloned().unwrap_or(ImageState::Pending),
            why: image.state_reason().and_then(|why| why.message()).unwrap_or_default().to_owned(),
            snapshot: snapshot.map(str::to_owned),
            tags: image.tags().iter().filter_map(tag).collect(),
        })
    }

    /// The tags that it should have and has not.
    pub(super) fn lacks(&self, identity: &Identity, mode: BootMode) -> Vec<(&'static str, String)> {
        let mut lacks = tags(identity, mode);
        lacks.retain(|(key, value)| self.tags.get(*key) != Some(value));
        lacks
    }
}

/// The tags of the AMI for `mode`.
pub(super) fn tags(identity: &Identity, mode: BootMode) -> Vec<(&'static str, String)> {
    let mut tags = identity.tags(None);
    tags.push((BOOT_MODE, mode.as_str().to_owned()));
    tags
}

/// The AMI for `mode` among `there`.
pub(super) fn by_name<'i>(
    there: &'i [Image],
    identity: &Identity,
    mode: BootMode,
) -> Option<&'i Image> {
    let name = identity.ami(mode);
    there.iter().find(|image| image.name == name && image.state != ImageState::Deregistered)
}

/// What to do for `mode`.
///
/// # Errors
/// The name is taken by another image.
pub(super) fn step<'i>(
    there: &'i [Image],
    identity: &Identity,
    mode: BootMode,
) -> Result<Step<'i>, Error> {
    let Some(image) = by_name(there, identity, mode) else { return Ok(Step::Register) };
    let of_another = |key: &str, ours: &str| image.tags.get(key).is_some_and(|is| is != ours);
    if of_another(IMAGE, &identity.name) || of_another(MANIFEST, &identity.manifest) {
        let text = format!("{} is called {} and is another image", image.id, image.name);
        return Err(Error::new(Kind::Conflict, text).help("deregister it, or rename the recipe"));
    }
    Ok(match image.state {
        ImageState::Available => Step::Have(image),
        ImageState::Disabled => Step::Enable(image),
        ImageState::Error | ImageState::Failed | ImageState::Invalid => Step::Replace(image),
        _ => Step::Wait(image),
    })
}

/// The snapshot of one that is there and has not failed. It is taken as it is, and not
/// compared with the disk again: what is published here gets no AMI before it has been.
pub(in super::super) fn snapshot<'i>(
    there: &'i [Image],
    identity: &Identity,
    modes: &[BootMode],
) -> Option<&'i str> {
    modes.iter().find_map(|mode| match step(there, identity, *mode) {
        Ok(Step::Have(image) | Step::Wait(image) | Step::Enable(image)) => {
            image.snapshot.as_deref()
        }
        _ => None,
    })
}

/// The account's AMIs with the names of the image's, also those out of use.
pub(in super::super) async fn of_image(
    clients: &Clients,
    identity: &Identity,
) -> Result<Vec<Image>, Error> {
    let names = [BootMode::Uefi, BootMode::LegacyBios].map(|mode| identity.ami(mode));
    let by = Filter::builder().name("name").set_values(Some(names.to_vec())).build();
    let asked = clients.ec2.describe_images().owners("self").filters(by).include_disabled(true);
    let pages = asked.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let call =
        Call { action: "ec2:DescribeImages", region: &clients.region, thing: &identity.name };
    let pages = pages.map_err(|error| call.failed(&error))?;
    Ok(pages.iter().filter_map(Image::of).collect())
}

#[cfg(test)]
mod tests {
    use super::super::super::names::tests::identity;
    use super::*;

    fn image(state: ImageState) -> Image {
        Image {
            id: "ami-1".to_owned(),
            name: identity().ami(BootMode::Uefi),
            state,
            why: String::new(),
            snapshot: Some("snap-1".to_owned()),
            tags: tags(&identity(), BootMode::Uefi)
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        }
    }

    #[test]
    fn each_state_has_its_step() {
        use ImageState::{Available, Disabled, Failed, Invalid, Pending, Transient};
        for state in [Available, Pending, Transient, Disabled, Failed, Invalid] {
            let expected = state.clone();
            let there = [image(state)];
            let step = step(&there, &identity(), BootMode::Uefi).unwrap();
            let right = match expected {
                Available => matches!(step, Step::Have(_)),
                Pending | Transient => matches!(step, Step::Wait(_)),
                Disabled => matches!(step, Step::Enable(_)),
                _ => matches!(step, Step::Replace(_)),
            };
            assert!(right, "{step:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_registered() {
        let there = [image(ImageState::Available)];
        let of = |there: &[Image], mode| {
            step(there, &identity(), mode).is_ok_and(|step| step == Step::Register)
        };
        assert!(of(&[], BootMode::Uefi));
        assert!(of(&there, BootMode::LegacyBios));
        assert!(of(&[image(ImageState::Deregistered)], BootMode::Uefi));
    }

    #[test]
    fn a_snapshot_with_an_ami_is_used_again() {
        let modes = [BootMode::LegacyBios, BootMode::Uefi];
        assert_eq!(snapshot(&[image(ImageState::Available)], &identity(), &modes), Some("snap-1"));
        assert_eq!(snapshot(&[image(ImageState::Failed)], &identity(), &modes), None);
        assert_eq!(snapshot(&[image(ImageState::Available)], &identity(), &modes[..1]), None);
    }

    #[test]
    fn a_name_that_is_taken_is_said() {
        let mut other = image(ImageState::Available);
        other.tags.insert(MANIFEST.to_owned(), "cd".repeat(32));
        let error = step(&[other], &identity(), BootMode::Uefi).unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.message.contains("ami-1"), "{error}");
    }

    #[test]
    fn tags_that_someone_has_taken_off_are_put_back() {
        let mut image = image(ImageState::Available);
        assert!(image.lacks(&identity(), BootMode::Uefi).is_empty());
        image.tags.remove(MANIFEST);
        let lacks = image.lacks(&identity(), BootMode::Uefi);
        assert_eq!(lacks, [(MANIFEST, identity().manifest)]);
    }
}
