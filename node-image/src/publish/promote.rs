//! Promotion: what one channel means, another one means too, in every region.

use super::availability;
use super::channel::{Author, InRegion, Report, write};
use super::clients::Clients;
use super::error::{Error, Kind};
use super::progress::Watch;
use super::ssm::{self, Held};
use crate::channel::{parameter, short};
use futures::future::join_all;
use std::fmt::Write as _;
use std::time::Duration;

/// What is to be promoted.
#[derive(Debug, Clone)]
pub struct Promotion<'a> {
    /// The image's name.
    pub image: &'a str,
    /// The channel that says which build.
    pub from: &'a str,
    /// The channel that shall mean it too.
    pub to: &'a str,
    /// Who, why and when.
    pub author: Author<'a>,
    /// How long it is waited for images that are on their way.
    pub patience: Duration,
}

/// Promotes in all `regions`, or in none: every region must have the build, and all of
/// its images must be such that instances start from them. What is written is told
/// region by region; the same promotion again does what is left.
///
/// # Errors
/// Nothing has been written: a channel cannot be read, a region does not have the
/// build, or its images are not available in time.
pub async fn promote(
    regions: &[Clients],
    wanted: &Promotion<'_>,
    watch: &Watch<'_>,
) -> Result<Report, Error> {
    let (from, to) = (wanted.from, wanted.to);
    let sources = all(join_all(regions.iter().map(async |clients| {
        let held = ssm::channel(clients, wanted.image, from).await?;
        held.ok_or_else(|| never_written(clients, wanted.image, from))
    }))
    .await)?;
    let manifest = one_build(regions, wanted, &sources)?;
    let targets = || join_all(regions.iter().map(|clients| target(clients, wanted)));
    // Before the wait: what is refused is told at once.
    all(targets().await)?;
    let ready = join_all(regions.iter().zip(&sources).map(async |(clients, source)| {
        let ids: Vec<String> = source.value.images.values().cloned().collect();
        availability::wait(clients, &ids, wanted.patience, watch).await
    }));
    all(ready.await)?;
    // And after it: somebody may have written meanwhile.
    let targets = all(targets().await)?;
    let written = regions.iter().zip(sources.iter().zip(&targets));
    let written = written.map(async |(clients, (source, held))| {
        let value = wanted.author.value(&manifest, &source.value.images, Some(from));
        let moved = write(clients, (wanted.image, to), held.as_ref(), &value).await;
        InRegion { region: clients.region.clone(), moved }
    });
    let regions = join_all(written).await;
    Ok(Report { manifest, regions })
}

/// What the channel that is to mean the build holds there; none: nothing, or nothing that
/// can be read, which is written anew.
async fn target(clients: &Clients, wanted: &Promotion<'_>) -> Result<Option<Held>, Error> {
    match ssm::channel(clients, wanted.image, wanted.to).await {
        Err(error) if error.kind == Kind::Invalid => Ok(None),
        other => other,
    }
}

/// The build that all of `sources` mean.
fn one_build(
    regions: &[Clients],
    wanted: &Promotion<'_>,
    sources: &[Held],
) -> Result<String, Error> {
    let (image, from) = (wanted.image, wanted.from);
    let everywhere = regions.iter().map(|clients| format!(" --region {}", clients.region));
    let publish = format!("floodway image publish DIR{}", everywhere.collect::<String>());
    let Some(first) = sources.first() else {
        return Err(Error::new(Kind::Invalid, "no region is named"));
    };
    let Some(manifest) = &first.value.manifest else {
        let message = format!("{} holds an image's ID and no build", parameter(image, from));
        return Err(Error::new(Kind::Refused, message).help(format!("publish one: {publish}")));
    };
    if sources.iter().any(|source| source.value.manifest != first.value.manifest) {
        let mut each = String::new();
        for (clients, source) in regions.iter().zip(sources) {
            let manifest = source.value.manifest.as_deref().map_or("no build", short);
            let comma = if each.is_empty() { "" } else { ", " };
            let _ = write!(each, "{comma}{manifest} in {}", clients.region);
        }
        let message = format!("channel {from} of {image} means different builds: {each}");
        let help = format!("publish the one that is meant in all of them: {publish}");
        return Err(Error::new(Kind::Refused, message).help(help));
    }
    for mode in sources.iter().flat_map(|source| source.value.images.keys()) {
        let lacks =
            regions.iter().zip(sources).find(|(_, source)| !source.value.images.contains_key(mode));
        if let Some((clients, _)) = lacks {
            let mode = mode.as_str();
            let message = format!("the build has no image there that boots by {mode}");
            let help = format!("publish it again: {publish}");
            return Err(Error::new(Kind::Refused, message).help(help).in_region(&clients.region));
        }
    }
    Ok(manifest.clone())
}

fn never_written(clients: &Clients, image: &str, channel: &str) -> Error {
    let message = format!("{} is not there: nothing is in that channel", parameter(image, channel));
    Error::new(Kind::Absent, message)
        .help(format!(
            "publish a build there: floodway image publish DIR --region {} --channel {channel}",
            clients.region
        ))
        .in_region(&clients.region)
}

/// All of them, or one error that says what is wrong with each.
pub(super) fn all<T>(results: Vec<Result<T, Error>>) -> Result<Vec<T>, Error> {
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => good.push(one),
            Err(error) => wrong.push(error),
        }
    }
    match wrong.as_slice() {
        [] => Ok(good),
        [_] => wrong.pop().map_or(Ok(good), Err),
        [first, ..] => {
            let each: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            let mut error = Error::new(first.kind, each.join("; "));
            error.help.clone_from(&first.help);
            Err(error)
        }
    }
}
