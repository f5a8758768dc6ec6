//! Channels: which build of an image is meant where. One SSM parameter for each
//! image, channel and region says it, and its version history who, why and the way
//! back. Beside it stands what is known of a build, so that AWS alone tells what two
//! of them differ in. Pure data; the calls are in `publish`.

mod names;
mod summary;

pub use names::{
    NameError, check_name, check_reason, is_ami, is_digest, parameter, parameters, short,
    summary_parameter,
};
pub use summary::{MOST_PARTS, Summary};

use crate::card::BootMode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a parameter of the standard tier:
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>
const MOST: usize = 4096;

/// What a channel holds in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelValue {
    /// The digest of the build's manifest; none: an image that somebody named by its
    /// ID alone.
    pub manifest: Option<String>,
    /// The IDs of the region's images, by how they boot.
    pub images: BTreeMap<BootMode, String>,
    /// Who wrote it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// The channel that it came from, its own where it was rolled back; none: it was
    /// published there.
    pub from: Option<String>,
    /// When it was written (RFC 3339).
    pub at: String,
}

/// Why a text is no channel's value, or a value has no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(String);

/// As it stands in the parameter.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    manifest: String,
    images: BTreeMap<BootMode, String>,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    at: String,
}

impl ChannelValue {
    /// What a parameter's text says. An image's ID alone, as people write it there,
    /// is taken for both ways to boot.
    ///
    /// # Errors
    /// It is neither.
    pub fn read(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        if is_ami(text) {
            let both = [BootMode::Uefi, BootMode::LegacyBios].map(|mode| (mode, text.to_owned()));
            let (by, at) = (String::new(), String::new());
            let images = both.into();
            return Ok(Self { manifest: None, images, by, reason: None, from: None, at });
        }
        let wire: Wire = serde_json::from_str(text)
            .map_err(|error| ValueError(format!("it is no channel's value: {error}")))?;
        let Wire { manifest, images, by, reason, from, at } = wire;
        if !is_digest(&manifest) {
            return Err(ValueError(format!("`{manifest}` is no manifest's digest")));
        }
        if images.is_empty() {
            return Err(ValueError("it names no image".to_owned()));
        }
        if let Some(id) = images.values().find(|id| !is_ami(id)) {
            return Err(ValueError(format!("`{id}` is no machine image")));
        }
        Ok(Self { manifest: Some(manifest), images, by, reason, from, at })
    }

    /// As it is written into the parameter.
    ///
    /// # Errors
    /// It names no manifest, or has more bytes than a parameter takes.
    pub fn write(&self) -> Result<String, ValueError> {
        let Some(manifest) = self.manifest.clone() else {
            return Err(ValueError("an image without a manifest stands in no channel".to_owned()));
        };
        let wire = Wire {
            manifest,
            images: self.images.clone(),
            by: self.by.clone(),
            reason: self.reason.clone(),
            from: self.from.clone(),
            at: self.at.clone(),
        };
        let text = serde_json::to_string(&wire).map_err(|error| ValueError(error.to_string()))?;
        // Parameter Store would take the braces for a reference to another parameter.
        let text = text.replace("{{", "{\\u007b").replace("}}", "}\\u007d");
        match text.len() {
            ..=MOST => Ok(text),
            long => Err(ValueError(format!(
                "it has {long} bytes, and a parameter takes {MOST}: give a shorter reason"
            ))),
        }
    }

    /// Whether it means the same build by the same images, whoever wrote it.
    pub fn same(&self, other: &Self) -> bool {
        self.manifest == other.manifest && self.images == other.images
    }
}

#[cfg(test)]
mod tests;
