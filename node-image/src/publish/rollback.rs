//! The way back: what a channel meant before, it means again.

use super::availability::{self, State, gone};
use super::channel::{Author, InRegion, Moved, Report, write};
use super::clients::Clients;
use super::error::{Error, Kind};
use super::promote::all;
use super::ssm::{self, Entry, Held};
use crate::channel::{ChannelValue, parameter, short};
use futures::future::join_all;
use std::collections::BTreeMap;

/// What is to be taken back.
#[derive(Debug, Clone)]
pub struct Rollback<'a> {
    /// The image's name.
    pub image: &'a str,
    /// The channel.
    pub channel: &'a str,
    /// A version of its parameter in the first region, whose build it shall mean again;
    /// none: the build before today's.
    pub to: Option<i64>,
    /// Whether each region stands for itself: one in which the build cannot come back is
    /// left as it is, and told. Else it comes back everywhere or nowhere. What each has
    /// meant must be known either way.
    pub each: bool,
    /// Who, why and when.
    pub author: Author<'a>,
}

/// What a rollback has done.
#[derive(Debug, Clone)]
pub struct RolledBack {
    /// The version, in the first region, that had the build.
    pub version: i64,
    /// The build that the channel meant before, in the first region in which it was
    /// another one; none: in none of them.
    pub before: Option<String>,
    /// What came of it everywhere.
    pub report: Report,
}

impl Rollback<'_> {
    /// What each region is good for, or one error: of each that is not, unless regions
    /// stand for themselves and one of them is.
    fn judged<T>(&self, found: Vec<Result<T, Error>>) -> Result<Vec<Result<T, Error>>, Error> {
        if self.each && found.iter().any(Result::is_ok) {
            return Ok(found);
        }
        Ok(all(found)?.into_iter().map(Ok).collect())
    }

    /// Why it is not known what a region's channel has meant: it may mean another build on
    /// purpose, so nothing is done anywhere.
    fn unread(&self, error: Error) -> Error {
        if !self.each {
            return error;
        }
        let without = "name the regions that can be read with --region";
        let help = match &error.help {
            Some(help) => format!("{help}; or {without}"),
            None => without.to_owned(),
        };
        error.help(help)
    }
}

/// Brings an earlier build back, the same in all `regions`, as a new version of each
/// region's parameter.
///
/// # Errors
/// Nothing has been written: what a region's channel has meant cannot be read, there is
/// nothing to go back to, a region has never had that build in the channel
/// ([`Kind::Absent`]), or instances cannot start from its images any more (where they are
/// not there, [`Kind::Gone`]). Where each region stands for itself, the last two are told of
/// the region, unless it is so in all.
pub async fn rollback(regions: &[Clients], wanted: &Rollback<'_>) -> Result<RolledBack, Error> {
    let histories =
        regions.iter().map(|clients| ssm::history(clients, wanted.image, wanted.channel));
    let histories = all(join_all(histories).await).map_err(|error| wanted.unread(error))?;
    let names = regions.iter().map(|clients| clients.region.as_str());
    let known: Vec<(&str, &[Entry])> = names.zip(histories.iter().map(Vec::as_slice)).collect();
    let (version, manifest) = build(&known, wanted)?;
    let before = before(&known, &manifest).map(str::to_owned);
    let targets = regions.iter().zip(&histories);
    let targets = targets.map(|(clients, history)| usable(clients, history, &manifest, wanted));
    let targets = wanted.judged(join_all(targets).await)?;
    let written = regions.iter().zip(histories.iter().zip(targets));
    let written = written.map(async |(clients, (history, target))| {
        let moved = match target {
            Ok(target) => bring(clients, history, target, wanted).await,
            Err(error) => Err(error),
        };
        InRegion { region: clients.region.clone(), moved }
    });
    let regions = join_all(written).await;
    Ok(RolledBack { version, before, report: Report { manifest, regions } })
}

/// What the channel is to hold there, if instances start from its images.
async fn usable<'h>(
    clients: &Clients,
    history: &'h [Entry],
    manifest: &str,
    wanted: &Rollback<'_>,
) -> Result<&'h ChannelValue, Error> {
    let target = target(&clients.region, history, manifest, wanted)?;
    let states = availability::states(clients, target.images.values()).await?;
    let unfit = unfit(&clients.region, &states, wanted);
    unfit.map_or(Ok(target), |error| Err(error.in_region(&clients.region)))
}

/// Why instances cannot start from images of these states; first what does not come back.
fn unfit(region: &str, states: &BTreeMap<&String, State>, wanted: &Rollback<'_>) -> Option<Error> {
    let absent = states.iter().find(|(_, state)| **state == State::Absent);
    if let Some((id, _)) = absent {
        let Rollback { image, channel, .. } = wanted;
        let message = format!("{id} is not there any more: it was pruned");
        let help = format!(
            "publish it there again, then promote it: floodway image promote {image} --from \
             CHANNEL --to {channel} --region {region}"
        );
        return Some(Error::new(Kind::Gone, message).help(help));
    }
    states.iter().find_map(|(id, state)| match state {
        State::Available | State::Absent => None,
        State::Pending => Some(gone(id, "not available yet")),
        State::Never(why) => Some(gone(id, why)),
    })
}

/// Makes the channel mean there what it did at `target`.
async fn bring(
    clients: &Clients,
    history: &[Entry],
    target: &ChannelValue,
    wanted: &Rollback<'_>,
) -> Result<Moved, Error> {
    let manifest = target.manifest.as_deref().unwrap_or_default();
    let value = wanted.author.value(manifest, &target.images, Some(wanted.channel));
    let held = current(history).and_then(|entry| {
        let value = entry.value.clone()?;
        Some(Held { version: entry.version, value })
    });
    write(clients, (wanted.image, wanted.channel), held.as_ref(), &value).await
}

fn current(history: &[Entry]) -> Option<&Entry> {
    history.last()
}

fn manifest_of(entry: &Entry) -> Option<&str> {
    entry.value.as_ref()?.manifest.as_deref()
}

/// The build that the channel means and shall not mean any more.
fn before<'h>(regions: &[(&str, &'h [Entry])], manifest: &str) -> Option<&'h str> {
    let mut today = regions.iter().filter_map(|(_, history)| manifest_of(current(history)?));
    today.find(|of| *of != manifest)
}

/// The build to go back to: the first region's version of it, and its manifest.
fn build(regions: &[(&str, &[Entry])], wanted: &Rollback<'_>) -> Result<(i64, String), Error> {
    let (image, channel) = (wanted.image, wanted.channel);
    let Some((home, history)) = regions.first() else {
        return Err(Error::new(Kind::Invalid, "no region is named"));
    };
    let refused = |message: String, help: String| {
        Err(Error::new(Kind::Refused, message).help(help).in_region(home))
    };
    let name = parameter(image, channel);
    let Some(now) = current(history) else {
        let help = format!("promote something: floodway image promote {image} --to {channel}");
        return refused(format!("{name} is not there: nothing is in that channel"), help);
    };
    let builds = history.iter().filter_map(|entry| Some((entry.version, manifest_of(entry)?)));
    let known: Vec<String> =
        builds.clone().rev().map(|(version, of)| format!("{version} ({})", short(of))).collect();
    let known = format!("its versions there are {}", known.join(", "));
    if let Some(version) = wanted.to {
        let found = builds.clone().find(|(number, _)| *number == version);
        return match found {
            Some((_, manifest)) => Ok((version, manifest.to_owned())),
            None => refused(format!("version {version} of {name} names no build"), known),
        };
    }
    let today = manifest_of(now);
    let means_another = |(_, history): &&(&str, &[Entry])| {
        let now = current(history);
        // A region that stands for itself and has nothing in the channel is told apart.
        (now.is_some() || !wanted.each) && now.and_then(manifest_of) != today
    };
    if let Some((other, _)) = regions.iter().find(means_another) {
        let message = format!("channel {channel} of {image} means another build in {other}");
        let which = if wanted.each { " and each region with --region" } else { "" };
        let help = format!("say which one is meant, with --to VERSION{which}: {known}");
        return refused(message, help);
    }
    match builds.rev().find(|(_, manifest)| Some(*manifest) != today) {
        Some((version, manifest)) => Ok((version, manifest.to_owned())),
        None => refused(
            format!("{name} has meant no other build before"),
            "promote another one".to_owned(),
        ),
    }
}

/// What a region's channel held when it last meant this build.
fn target<'h>(
    region: &str,
    history: &'h [Entry],
    manifest: &str,
    wanted: &Rollback<'_>,
) -> Result<&'h ChannelValue, Error> {
    let found = history.iter().rev().find(|entry| manifest_of(entry) == Some(manifest));
    found.and_then(|entry| entry.value.as_ref()).ok_or_else(|| {
        let Rollback { image, channel, .. } = wanted;
        let message =
            format!("build {} was never in channel {channel} of {image}", short(manifest));
        let help = format!(
            "promote it there instead: floodway image promote {image} --from CHANNEL --to \
             {channel} --region {region}, or leave the region out"
        );
        Error::new(Kind::Absent, message).help(help).in_region(region)
    })
}

#[cfg(test)]
mod tests;
