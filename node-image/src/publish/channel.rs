//! Writing a channel in every region, and what came of it.

use super::clients::Clients;
use super::error::Error;
use super::ssm;
use crate::card::BootMode;
use crate::channel::ChannelValue;
use futures::future::join_all;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Who does it, why and when: what the channel's history tells.
#[derive(Debug, Clone)]
pub struct Author<'a> {
    /// Who: an ARN, as STS says it.
    pub by: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

impl Author<'_> {
    /// The value that they write.
    pub(super) fn value(
        &self,
        manifest: &str,
        images: &BTreeMap<BootMode, String>,
        from: Option<&str>,
    ) -> ChannelValue {
        ChannelValue {
            manifest: Some(manifest.to_owned()),
            images: images.clone(),
            by: self.by.to_owned(),
            reason: self.reason.map(str::to_owned),
            from: from.map(str::to_owned),
            at: self.at.to_string(),
        }
    }
}

/// What a region's channel has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It meant this build already: nothing was written.
    Already,
    /// It was written.
    Written {
        /// The version of its parameter.
        version: i64,
        /// The build that it meant before; none: it had none.
        before: Option<String>,
        /// Somebody else wrote it since it was read: the history tells what.
        raced: bool,
    },
}

/// What came of it in one region.
#[derive(Debug, Clone)]
pub struct InRegion {
    /// The region.
    pub region: String,
    /// Why it was not done there.
    pub moved: Result<Moved, Error>,
}

/// What came of it everywhere.
#[derive(Debug, Clone)]
pub struct Report {
    /// The build, by its manifest's digest.
    pub manifest: String,
    /// Region by region, in the order in which they were given.
    pub regions: Vec<InRegion>,
}

impl Report {
    /// The regions in which it was not done.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &Error)> {
        self.regions.iter().filter_map(|one| Some((one.region.as_str(), one.moved.as_ref().err()?)))
    }
}

/// Puts a build that has just been published into a channel of each region, with that
/// region's images.
pub async fn set(
    regions: &[(&Clients, BTreeMap<BootMode, String>)],
    (image, channel): (&str, &str),
    manifest: &str,
    author: &Author<'_>,
) -> Report {
    let one = async |(clients, images): &(&Clients, BTreeMap<BootMode, String>)| {
        let value = author.value(manifest, images, None);
        let moved = match ssm::channel(clients, image, channel).await {
            Ok(held) => write(clients, (image, channel), held.as_ref(), &value).await,
            // What cannot be read is written anew.
            Err(error) if error.kind == super::Kind::Invalid => {
                write(clients, (image, channel), None, &value).await
            }
            Err(error) => Err(error),
        };
        InRegion { region: clients.region.clone(), moved }
    };
    let regions = join_all(regions.iter().map(one)).await;
    Report { manifest: manifest.to_owned(), regions }
}

/// Makes a channel mean what `value` does, where it does not already.
pub(super) async fn write(
    clients: &Clients,
    (image, channel): (&str, &str),
    held: Option<&ssm::Held>,
    value: &ChannelValue,
) -> Result<Moved, Error> {
    if held.is_some_and(|held| held.value.same(value)) {
        return Ok(Moved::Already);
    }
    let version = ssm::put_channel(clients, image, channel, value).await?;
    Ok(Moved::Written {
        version,
        before: held.and_then(|held| held.value.manifest.clone()),
        raced: held.is_some_and(|held| version != held.version + 1),
    })
}
