//! What there is of an image in AWS: builds, their AMIs and snapshots, the channels
//! that mean them, and who uses them.

use crate::card::BootMode;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Tag of an AMI: since when it is disabled (RFC 3339), which EC2 does not tell.
pub(super) const DISABLED_AT: &str = "floodway.dev/disabled-at";

/// All that was seen of one image.
#[derive(Debug, Clone, Serialize)]
pub struct Facts {
    /// The image's name.
    pub image: String,
    /// When it was looked.
    pub at: Timestamp,
    /// Region by region.
    pub regions: Vec<RegionFacts>,
    /// What its channels mean, and meant before.
    pub channels: Vec<Pointed>,
}

/// What there is in one region.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RegionFacts {
    /// The region.
    pub region: String,
    /// Its AMIs.
    pub images: Vec<ImageFacts>,
    /// Its snapshots.
    pub snapshots: Vec<SnapshotFacts>,
    /// Who uses AMIs there, in words, by the AMIs' IDs; of whichever image.
    pub in_use: BTreeMap<String, BTreeSet<String>>,
}

/// One AMI.
#[derive(Debug, Clone, Serialize)]
pub struct ImageFacts {
    /// Its ID.
    pub id: String,
    /// The digest of its build's manifest; none: it does not say.
    pub manifest: Option<String>,
    /// How it boots.
    pub mode: Option<BootMode>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// What it is good for.
    pub state: ImageState,
    /// Since when it is disabled, as was noted on it.
    pub disabled_at: Option<Timestamp>,
    /// With whom it is shared: accounts, organisations, `all`.
    pub shared: Vec<String>,
    /// The snapshots that it starts from.
    pub snapshots: Vec<String>,
}

/// What an AMI is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageState {
    /// Instances start from it.
    Available,
    /// It is on its way.
    Pending,
    /// Nothing starts from it; it can be enabled again.
    Disabled,
    /// Nothing ever started from it.
    Failed,
}

/// One snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotFacts {
    /// Its ID.
    pub id: String,
    /// The digest of its build's manifest.
    pub manifest: Option<String>,
    /// When it was begun.
    pub created: Option<Timestamp>,
    /// With whom it is shared.
    pub shared: Vec<String>,
}

/// What a channel means, or meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pointed {
    /// The region.
    pub region: String,
    /// The channel.
    pub channel: String,
    /// Its build; none: an AMI that somebody named by its ID alone.
    pub manifest: Option<String>,
    /// Its AMIs.
    pub images: BTreeSet<String>,
    /// Not what it means, but what it meant before: the way back.
    pub before: bool,
}

impl Facts {
    /// The builds, the newest first: by when each was first seen anywhere.
    pub fn builds(&self) -> Vec<(&str, Timestamp)> {
        let mut first: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for image in self.regions.iter().flat_map(|region| &region.images) {
            let Some(manifest) = image.manifest.as_deref() else { continue };
            // What does not say when it was made is taken for new, and kept.
            let created = image.created.unwrap_or(self.at);
            let known = first.entry(manifest).or_insert(created);
            *known = created.min(*known);
        }
        let mut builds: Vec<_> = first.into_iter().collect();
        builds.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
        builds
    }
}
