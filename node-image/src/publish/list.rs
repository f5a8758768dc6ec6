//! What there is of an image, ordered for people.

use super::facts::{Facts, ImageFacts, ImageState};
use crate::card::BootMode;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;

/// All builds of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The image's name.
    pub image: String,
    /// The newest first.
    pub builds: Vec<Build>,
}

/// One build, everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Build {
    /// The digest of its manifest.
    pub manifest: String,
    /// When it was first seen anywhere.
    pub created: Timestamp,
    /// The channels that mean it, with their regions.
    pub channels: Vec<ChannelIn>,
    /// Its AMIs.
    pub images: Vec<ImageIn>,
}

/// A channel of one region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ChannelIn {
    /// The channel.
    pub channel: String,
    /// The region.
    pub region: String,
}

/// An AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageIn {
    /// The region.
    pub region: String,
    /// Its ID.
    pub id: String,
    /// How it boots.
    pub mode: Option<BootMode>,
    /// What it is good for.
    pub state: ImageState,
    /// Since when it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    /// With whom it is shared.
    pub shared: Vec<String>,
    /// Who uses it there.
    pub used_by: BTreeSet<String>,
}

/// Orders what was seen.
pub fn list(facts: &Facts) -> Listed {
    let build = |(manifest, created): (&str, Timestamp)| {
        let meant = facts.channels.iter().filter(|pointed| !pointed.before);
        let meant = meant.filter(|pointed| pointed.manifest.as_deref() == Some(manifest));
        let mut channels: Vec<ChannelIn> = meant
            .map(|pointed| ChannelIn {
                channel: pointed.channel.clone(),
                region: pointed.region.clone(),
            })
            .collect();
        channels.sort();
        let is_of = |image: &&ImageFacts| image.manifest.as_deref() == Some(manifest);
        let images = facts.regions.iter().flat_map(|region| {
            region.images.iter().filter(is_of).map(|image| ImageIn {
                region: region.region.clone(),
                id: image.id.clone(),
                mode: image.mode,
                state: image.state,
                // The note stays on one that somebody has enabled again.
                disabled_at: image.disabled_at.filter(|_| image.state == ImageState::Disabled),
                shared: image.shared.clone(),
                used_by: region.in_use.get(&image.id).cloned().unwrap_or_default(),
            })
        });
        Build { manifest: manifest.to_owned(), created, channels, images: images.collect() }
    };
    Listed { image: facts.image.clone(), builds: facts.builds().into_iter().map(build).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::facts::{Pointed, RegionFacts};
    use std::collections::BTreeMap;

    #[test]
    fn builds_come_newest_first_with_their_channels_and_users() {
        let image = |id: &str, of: char, at: i64| ImageFacts {
            id: id.to_owned(),
            manifest: Some(of.to_string().repeat(64)),
            mode: Some(BootMode::Uefi),
            created: Timestamp::from_second(at).ok(),
            state: ImageState::Available,
            disabled_at: None,
            shared: Vec::new(),
            snapshots: Vec::new(),
        };
        let used = BTreeSet::from(["instance i-1 (running)".to_owned()]);
        let region = |region: &str, images: Vec<ImageFacts>| RegionFacts {
            region: region.to_owned(),
            images,
            snapshots: Vec::new(),
            in_use: BTreeMap::from([("ami-1".to_owned(), used.clone())]),
        };
        let pointed = |channel: &str, of: char, before| Pointed {
            region: "us-east-1".to_owned(),
            channel: channel.to_owned(),
            manifest: Some(of.to_string().repeat(64)),
            images: BTreeSet::new(),
            before,
        };
        let mut enabled = image("ami-2", 'b', 2);
        enabled.disabled_at = Timestamp::from_second(3).ok();
        let facts = Facts {
            image: "gpu".to_owned(),
            at: Timestamp::from_second(9).unwrap(),
            regions: vec![
                region("us-east-1", vec![image("ami-1", 'a', 1), enabled]),
                region("us-west-2", vec![image("ami-3", 'a', 5)]),
            ],
            channels: vec![pointed("stable", 'a', false), pointed("stable", 'b', true)],
        };
        let listed = list(&facts);
        let manifests: String = listed.builds.iter().map(|b| &b.manifest[..1]).collect();
        assert_eq!(manifests, "ba");
        let old = &listed.builds[1];
        assert_eq!((old.created.as_second(), old.images.len()), (1, 2));
        assert_eq!(old.channels.len(), 1);
        assert!(listed.builds[0].channels.is_empty(), "what it meant before, it does not mean");
        assert_eq!(old.images[0].used_by, used);
        assert_eq!(listed.builds[0].images[0].disabled_at, None, "it is enabled again");
    }
}
