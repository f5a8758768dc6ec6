//! Reading what there is of images, and who uses them.

use super::clients::Clients;
use super::error::{Call, Error};
use super::facts::{
    DISABLED_AT, Facts, ImageFacts, ImageState, Pointed, RegionFacts, SnapshotFacts,
};
use super::names::{IMAGE, MANIFEST};
use super::ssm::{self, Entry};
use super::usage::{Usage, Watched};
use crate::card::BootMode;
use aws_sdk_ec2::types::{
    BootModeValues, Filter, Image, ImageAttributeName, ImageState as Ec2State, LaunchPermission,
    Snapshot, SnapshotAttributeName, Tag,
};
use futures::future::{join_all, try_join3};
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Calls for single things that may be under way in a region.
const CALLS: usize = 8;

/// What was seen of one image, and what could not be.
#[derive(Debug)]
pub struct Survey {
    /// What was seen.
    pub facts: Facts,
    /// Why a region is not in it.
    pub unread: Vec<Error>,
    /// Why it is not known what its channels mean.
    pub channels_unread: Vec<Error>,
}

/// What was seen of images in some regions.
#[derive(Debug)]
pub struct Looked {
    /// Image by image.
    pub surveys: Vec<Survey>,
    /// Why a region could not be read; it is in none of the surveys.
    pub unread: Vec<Error>,
}

/// What was seen in one region.
struct Seen {
    /// With the name of the image that each is of.
    images: Vec<(String, ImageFacts)>,
    snapshots: Vec<(String, SnapshotFacts)>,
    usage: Usage,
}

/// Looks at one image, or at all that Floodway has published, in these regions.
/// A region that cannot be read leaves the others going.
pub async fn look(regions: &[Watched], image: Option<&str>, now: Timestamp) -> Looked {
    let seen = join_all(regions.iter().map(async |region| see(region, image).await)).await;
    let names: BTreeSet<String> = match image {
        Some(image) => BTreeSet::from([image.to_owned()]),
        None => seen.iter().flatten().flat_map(Seen::names).collect(),
    };
    let surveys = names.into_iter().map(|name| survey(regions, &seen, name, now));
    let surveys = join_all(surveys).await;
    Looked { surveys, unread: seen.into_iter().filter_map(Result::err).collect() }
}

async fn survey(
    regions: &[Watched],
    seen: &[Result<Seen, Error>],
    image: String,
    now: Timestamp,
) -> Survey {
    let channels = regions.iter().map(|region| channels(&region.clients, &image));
    let (mut pointed, mut channels_unread) = (Vec::new(), Vec::new());
    for found in join_all(channels).await {
        match found {
            Ok(found) => pointed.extend(found),
            Err(error) => channels_unread.push(error),
        }
    }
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for (region, seen) in regions.iter().zip(seen) {
        match seen {
            Ok(seen) => found.push(seen.of(region.region(), &image)),
            Err(error) => unread.push(error.clone()),
        }
    }
    let facts = Facts { image, at: now, regions: found, channels: pointed };
    Survey { facts, unread, channels_unread }
}

impl Seen {
    fn names(&self) -> impl Iterator<Item = String> {
        let images = self.images.iter().map(|(name, _)| name);
        images.chain(self.snapshots.iter().map(|(name, _)| name)).cloned()
    }

    fn of(&self, region: &str, image: &str) -> RegionFacts {
        let images = self.images.iter().filter(|(name, _)| name == image);
        let snapshots = self.snapshots.iter().filter(|(name, _)| name == image);
        RegionFacts {
            region: region.to_owned(),
            images: images.map(|(_, image)| image.clone()).collect(),
            snapshots: snapshots.map(|(_, snapshot)| snapshot.clone()).collect(),
            in_use: self.usage.clone(),
        }
    }
}

/// What the channels of an image mean in one region, and meant before.
async fn channels(clients: &Clients, image: &str) -> Result<Vec<Pointed>, Error> {
    let mut all = Vec::new();
    for (channel, held) in ssm::channels(clients, image).await? {
        let history = ssm::history(clients, image, &channel).await?;
        let way_back = before(&history, held.value.manifest.as_deref());
        let pointed = |value: &crate::channel::ChannelValue, before| Pointed {
            region: clients.region.clone(),
            channel: channel.clone(),
            manifest: value.manifest.clone(),
            images: value.images.values().cloned().collect(),
            before,
        };
        all.push(pointed(&held.value, false));
        all.extend(way_back.map(|value| pointed(value, true)));
    }
    Ok(all)
}

/// What a rollback would bring back.
fn before<'h>(
    history: &'h [Entry],
    today: Option<&str>,
) -> Option<&'h crate::channel::ChannelValue> {
    let values = history.iter().rev().filter_map(|entry| entry.value.as_ref());
    values.filter(|value| value.manifest.is_some()).find(|v| v.manifest.as_deref() != today)
}

async fn see(region: &Watched, image: Option<&str>) -> Result<Seen, Error> {
    let of = match image {
        Some(image) => Filter::builder().name(format!("tag:{IMAGE}")).values(literal(image)),
        None => Filter::builder().name("tag-key").values(IMAGE),
    };
    let of = of.build();
    let clients = &region.clients;
    let (images, snapshots, usage) =
        try_join3(images(clients, of.clone()), snapshots(clients, of), region.usage()).await?;
    Ok(Seen { images, snapshots, usage })
}

async fn images(clients: &Clients, of: Filter) -> Result<Vec<(String, ImageFacts)>, Error> {
    let call = Call { action: "ec2:DescribeImages", region: &clients.region, thing: "own images" };
    let asked = clients.ec2.describe_images().owners("self").filters(of);
    let asked = asked.include_deprecated(true).include_disabled(true);
    let pages = asked.into_paginator().items().send();
    let all = pages.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(&error))?;
    let one = async |image: Image| {
        let mut facts = image_facts(&image);
        // A disabled one is shared with nobody any more, and does not answer.
        if matches!(facts.state, ImageState::Available | ImageState::Pending) {
            facts.shared = launchers(clients, &facts.id).await?;
        }
        Ok::<_, Error>((tag(image.tags(), IMAGE).unwrap_or_default().to_owned(), facts))
    };
    stream::iter(all).map(one).buffered(CALLS).try_collect().await
}

async fn snapshots(clients: &Clients, of: Filter) -> Result<Vec<(String, SnapshotFacts)>, Error> {
    let call =
        Call { action: "ec2:DescribeSnapshots", region: &clients.region, thing: "own snapshots" };
    let asked = clients.ec2.describe_snapshots().owner_ids("self").filters(of).max_results(1000);
    let pages = asked.into_paginator().items().send();
    let all = pages.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(&error))?;
    let one = async |snapshot: Snapshot| {
        let id = snapshot.snapshot_id().unwrap_or_default().to_owned();
        let started = snapshot.start_time();
        let facts = SnapshotFacts {
            shared: volume_makers(clients, &id).await?,
            manifest: tag(snapshot.tags(), MANIFEST).map(str::to_owned),
            created: started.and_then(|at| Timestamp::from_second(at.secs()).ok()),
            id,
        };
        Ok::<_, Error>((tag(snapshot.tags(), IMAGE).unwrap_or_default().to_owned(), facts))
    };
    stream::iter(all).map(one).buffered(CALLS).try_collect().await
}

/// With whom an AMI is shared.
async fn launchers(clients: &Clients, id: &str) -> Result<Vec<String>, Error> {
    let call = Call { action: "ec2:DescribeImageAttribute", region: &clients.region, thing: id };
    let asked = clients.ec2.describe_image_attribute().image_id(id);
    let asked = asked.attribute(ImageAttributeName::LaunchPermission).send().await;
    let answer = asked.map_err(|error| call.failed(&error))?;
    let with = |one: &LaunchPermission| {
        let group = one.group().map(|group| group.as_str());
        let named = one.user_id().or(one.organization_arn()).or(one.organizational_unit_arn());
        named.or(group).map(str::to_owned)
    };
    Ok(answer.launch_permissions().iter().filter_map(with).collect())
}

/// With whom a snapshot is shared.
async fn volume_makers(clients: &Clients, id: &str) -> Result<Vec<String>, Error> {
    let call = Call { action: "ec2:DescribeSnapshotAttribute", region: &clients.region, thing: id };
    let asked = clients.ec2.describe_snapshot_attribute().snapshot_id(id);
    let asked = asked.attribute(SnapshotAttributeName::CreateVolumePermission).send().await;
    let answer = asked.map_err(|error| call.failed(&error))?;
    let permissions = answer.create_volume_permissions().iter();
    let with = permissions.filter_map(|one| {
        one.user_id().or(one.group().map(|group| group.as_str())).map(str::to_owned)
    });
    Ok(with.collect())
}

fn image_facts(image: &Image) -> ImageFacts {
    let time = |text: Option<&str>| text.and_then(|text| text.parse::<Timestamp>().ok());
    let devices = image.block_device_mappings().iter();
    let snapshots = devices.filter_map(|one| one.ebs()?.snapshot_id()).map(str::to_owned);
    ImageFacts {
        id: image.image_id().unwrap_or_default().to_owned(),
        manifest: tag(image.tags(), MANIFEST).map(str::to_owned),
        mode: match image.boot_mode() {
            Some(BootModeValues::Uefi) => Some(BootMode::Uefi),
            Some(BootModeValues::LegacyBios) => Some(BootMode::LegacyBios),
            _ => None,
        },
        created: time(image.creation_date()),
        state: match image.state() {
            Some(Ec2State::Available) => ImageState::Available,
            Some(Ec2State::Disabled) => ImageState::Disabled,
            Some(Ec2State::Failed | Ec2State::Error | Ec2State::Invalid) => ImageState::Failed,
            _ => ImageState::Pending,
        },
        disabled_at: time(tag(image.tags(), DISABLED_AT)),
        shared: Vec::new(),
        snapshots: snapshots.collect(),
    }
}

fn tag<'t>(tags: &'t [Tag], key: &str) -> Option<&'t str> {
    tags.iter().find(|tag| tag.key() == Some(key))?.value()
}

/// Exactly `value`, in which EC2 would take `*` and `?` for patterns.
fn literal(value: &str) -> String {
    value.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?")
}
