//! Channels and builds' summaries in the Parameter Store of one region.

use super::clients::Clients;
use super::error::{Call, Error, Kind};
use crate::channel::{ChannelValue, Summary, ValueError, parameter, parameters, summary_parameter};
use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use std::collections::BTreeMap;

/// Versions in one page of a history:
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html>
const PAGE: i32 = 50;

/// What a channel holds, and since which version of its parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The parameter's version, in this region.
    pub version: i64,
    /// What it says.
    pub value: ChannelValue,
}

/// One entry of a channel's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The parameter's version.
    pub(super) version: i64,
    /// What it said; none: nothing that can be read.
    pub(super) value: Option<ChannelValue>,
}

/// What a channel holds; none: it has never been written.
///
/// # Errors
/// The call fails, or what is there is no channel's value.
pub(super) async fn channel(
    clients: &Clients,
    image: &str,
    channel: &str,
) -> Result<Option<Held>, Error> {
    let name = parameter(image, channel);
    let call = Call { action: "ssm:GetParameter", region: &clients.region, thing: &name };
    match clients.ssm.get_parameter().name(&name).send().await {
        Ok(answer) => {
            let found = answer.parameter().map(|found| (found.version(), found.value()));
            let (version, text) = found.unwrap_or_default();
            held(clients, &name, version, text.unwrap_or_default()).map(Some)
        }
        Err(error) if error.code() == Some("ParameterNotFound") => Ok(None),
        Err(error) => Err(call.failed(&error)),
    }
}

/// What all channels of an image hold, by their names.
///
/// # Errors
/// As [`channel`].
pub(super) async fn channels(
    clients: &Clients,
    image: &str,
) -> Result<BTreeMap<String, Held>, Error> {
    let folder = parameters(image);
    let call = Call { action: "ssm:GetParametersByPath", region: &clients.region, thing: &folder };
    let mut pages = clients.ssm.get_parameters_by_path().path(&folder).into_paginator().send();
    let mut all = BTreeMap::new();
    while let Some(page) = pages.next().await {
        for found in page.map_err(|error| call.failed(&error))?.parameters() {
            let name = found.name().unwrap_or_default();
            let Some((_, channel)) = name.rsplit_once('/') else { continue };
            let held = held(clients, name, found.version(), found.value().unwrap_or_default())?;
            all.insert(channel.to_owned(), held);
        }
    }
    Ok(all)
}

/// All that a channel has held, the oldest first; AWS keeps a hundred versions.
///
/// # Errors
/// The call fails.
pub(super) async fn history(
    clients: &Clients,
    image: &str,
    channel: &str,
) -> Result<Vec<Entry>, Error> {
    let name = parameter(image, channel);
    let call = Call { action: "ssm:GetParameterHistory", region: &clients.region, thing: &name };
    let asked = clients.ssm.get_parameter_history().name(&name).max_results(PAGE);
    let mut pages = asked.into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => all.extend(page.parameters().iter().map(|found| Entry {
                version: found.version(),
                value: found.value().and_then(|text| ChannelValue::read(text).ok()),
            })),
            Err(error) if error.code() == Some("ParameterNotFound") => break,
            Err(error) => return Err(call.failed(&error)),
        }
    }
    all.sort_by_key(|entry| entry.version);
    Ok(all)
}

/// Writes a channel; the version that it has now.
///
/// # Errors
/// The call fails, or the value has no room in a parameter.
pub(super) async fn put_channel(
    clients: &Clients,
    image: &str,
    channel: &str,
    value: &ChannelValue,
) -> Result<i64, Error> {
    let name = parameter(image, channel);
    let text = value.write().map_err(|why| unfit(clients, &name, &why))?;
    let call = Call { action: "ssm:PutParameter", region: &clients.region, thing: &name };
    let asked = clients.ssm.put_parameter().name(&name).value(text).overwrite(true);
    let asked = asked.r#type(ParameterType::String);
    let asked = asked.description(format!("Floodway: which image {image} is in channel {channel}"));
    let answer = asked.send().await.map_err(|error| call.failed(&error))?;
    Ok(answer.version())
}

/// What is known of a build, as its first parameter has it; none: nothing is.
///
/// # Errors
/// The call fails.
pub(super) async fn summary(
    clients: &Clients,
    image: &str,
    manifest: &str,
) -> Result<Option<String>, Error> {
    let name = summary_parameter(image, manifest, 0);
    let call = Call { action: "ssm:GetParameter", region: &clients.region, thing: &name };
    match clients.ssm.get_parameter().name(&name).send().await {
        Ok(answer) => Ok(answer.parameter().and_then(|found| found.value()).map(str::to_owned)),
        Err(error) if error.code() == Some("ParameterNotFound") => Ok(None),
        Err(error) => Err(call.failed(&error)),
    }
}

/// What is known of all builds of an image: the texts of their parameters.
///
/// # Errors
/// The call fails.
pub(super) async fn summaries(clients: &Clients, image: &str) -> Result<Vec<String>, Error> {
    let folder = summary_parameter(image, "", 0);
    let folder = folder.trim_end_matches('/');
    let call = Call { action: "ssm:GetParametersByPath", region: &clients.region, thing: folder };
    let mut pages = clients.ssm.get_parameters_by_path().path(folder).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| call.failed(&error))?;
        all.extend(page.parameters().iter().filter_map(|found| found.value()).map(str::to_owned));
    }
    Ok(all)
}

/// Writes what is known of a build, so that `plan` can tell it from others. Written
/// again, it is the same.
///
/// # Errors
/// A call fails, or the build has more packages than parameters take.
pub async fn put_summary(clients: &Clients, image: &str, summary: &Summary) -> Result<(), Error> {
    let first = summary_parameter(image, &summary.manifest, 0);
    let texts = summary.write().map_err(|why| unfit(clients, &first, &why))?;
    // The first last: where it is, all of it is.
    for (part, text) in texts.iter().enumerate().rev() {
        let name = summary_parameter(image, &summary.manifest, part);
        let call = Call { action: "ssm:PutParameter", region: &clients.region, thing: &name };
        let asked = clients.ssm.put_parameter().name(&name).value(text).overwrite(true);
        // What is longer than 4 KiB costs a few cents a month, what is not nothing.
        let asked = asked.r#type(ParameterType::String).tier(ParameterTier::IntelligentTiering);
        let asked =
            asked.description(format!("Floodway: what a build of image {image} is made of"));
        asked.send().await.map_err(|error| call.failed(&error))?;
    }
    Ok(())
}

/// Deletes what was known of a build that is no more; that it is not there is no
/// error.
///
/// # Errors
/// The call fails.
pub(super) async fn delete_summary(
    clients: &Clients,
    image: &str,
    manifest: &str,
) -> Result<(), Error> {
    let first = summary_parameter(image, manifest, 0);
    let call = Call { action: "ssm:DeleteParameters", region: &clients.region, thing: &first };
    let names =
        (0..=crate::channel::MOST_PARTS).map(|part| summary_parameter(image, manifest, part));
    let asked = clients.ssm.delete_parameters().set_names(Some(names.collect()));
    asked.send().await.map_err(|error| call.failed(&error))?;
    Ok(())
}

fn held(clients: &Clients, name: &str, version: i64, text: &str) -> Result<Held, Error> {
    let value = ChannelValue::read(text).map_err(|why| {
        Error::new(Kind::Invalid, format!("version {version} of {name}: {why}"))
            .help("look who wrote it: aws ssm get-parameter-history --name …; or publish anew")
            .in_region(&clients.region)
    })?;
    Ok(Held { version, value })
}

fn unfit(clients: &Clients, name: &str, why: &ValueError) -> Error {
    Error::new(Kind::Invalid, format!("{name} cannot be written: {why}")).in_region(&clients.region)
}
