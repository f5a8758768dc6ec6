//! The way back: what a channel meant before, it means again.

use super::availability::{self, State, gone};
use super::channel::{Author, InRegion, Report, write};
use super::clients::Clients;
use super::error::{Error, Kind};
use super::promote::all;
use super::ssm::{self, Entry, Held};
use crate::channel::{ChannelValue, parameter, short};
use futures::future::join_all;

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
    /// Who, why and when.
    pub author: Author<'a>,
}

/// What a rollback has done.
#[derive(Debug, Clone)]
pub struct RolledBack {
    /// The version, in the first region, that had the build.
    pub version: i64,
    /// What came of it everywhere.
    pub report: Report,
}

/// Brings an earlier build back, the same in all `regions`, as a new version of each
/// region's parameter.
///
/// # Errors
/// Nothing has been written: there is nothing to go back to, a region has never had
/// that build in the channel, or instances cannot start from its images any more.
pub async fn rollback(regions: &[Clients], wanted: &Rollback<'_>) -> Result<RolledBack, Error> {
    let histories =
        regions.iter().map(|clients| ssm::history(clients, wanted.image, wanted.channel));
    let histories = all(join_all(histories).await)?;
    let names: Vec<&str> = regions.iter().map(|clients| clients.region.as_str()).collect();
    let (version, manifest) = build(&names, &histories, wanted)?;
    let targets = names
        .iter()
        .zip(&histories)
        .map(|(region, history)| target(region, history, &manifest, wanted));
    let targets = all(targets.collect())?;
    let usable = regions.iter().zip(&targets).map(async |(clients, target)| {
        let states = availability::states(clients, target.images.values()).await?;
        let unfit = states.into_iter().find_map(|(id, state)| match state {
            State::Available => None,
            State::Pending => Some(gone(id, "not available yet")),
            State::Never(why) => Some(gone(id, &why)),
            State::Absent => Some(gone(id, "not there any more: it was pruned")),
        });
        unfit.map_or(Ok(()), |error| Err(error.in_region(&clients.region)))
    });
    all(join_all(usable).await)?;
    let written = regions.iter().zip(targets.iter().zip(&histories));
    let written = written.map(async |(clients, (target, history))| {
        let value = wanted.author.value(&manifest, &target.images, Some(wanted.channel));
        let held = current(history)
            .and_then(|entry| Some(Held { version: entry.version, value: entry.value.clone()? }));
        let at = (wanted.image, wanted.channel);
        let moved = write(clients, at, held.as_ref(), &value).await;
        InRegion { region: clients.region.clone(), moved }
    });
    let regions = join_all(written).await;
    Ok(RolledBack { version, report: Report { manifest, regions } })
}

fn current(history: &[Entry]) -> Option<&Entry> {
    history.last()
}

fn manifest_of(entry: &Entry) -> Option<&str> {
    entry.value.as_ref()?.manifest.as_deref()
}

/// The build to go back to: the first region's version of it, and its manifest.
fn build(
    regions: &[&str],
    histories: &[Vec<Entry>],
    wanted: &Rollback<'_>,
) -> Result<(i64, String), Error> {
    let (image, channel) = (wanted.image, wanted.channel);
    let (Some(home), Some(history)) = (regions.first(), histories.first()) else {
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
    let other = regions
        .iter()
        .zip(histories)
        .find(|(_, history)| current(history).and_then(manifest_of) != today);
    if let Some((other, _)) = other {
        let message = format!("channel {channel} of {image} means another build in {other}");
        return refused(message, format!("say which one is meant, with --to VERSION: {known}"));
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
        Error::new(Kind::Refused, message)
            .help("publish that build there first, or leave the region out")
            .in_region(region)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::BootMode;

    fn entry(version: i64, of: Option<char>) -> Entry {
        let value = of.map(|of| ChannelValue {
            manifest: Some(of.to_string().repeat(64)),
            images: [(BootMode::Uefi, format!("ami-0{version}"))].into(),
            by: "somebody".to_owned(),
            reason: None,
            from: None,
            at: String::new(),
        });
        Entry { version, value }
    }

    fn history(of: &[Option<char>]) -> Vec<Entry> {
        (1..).zip(of).map(|(version, of)| entry(version, *of)).collect()
    }

    fn back(histories: &[Vec<Entry>], to: Option<i64>) -> Result<char, String> {
        let author = Author { by: "me", reason: None, at: jiff::Timestamp::UNIX_EPOCH };
        let wanted = Rollback { image: "gpu", channel: "stable", to, author };
        let regions = ["us-east-1", "us-west-2"];
        let found = build(&regions[..histories.len()], histories, &wanted);
        let found =
            found.map_err(|error| format!("{error} / {}", error.help.as_deref().unwrap_or("")))?;
        Ok(found.1.chars().next().unwrap_or_default())
    }

    #[test]
    fn the_build_before_is_the_last_other_one() {
        assert_eq!(back(&[history(&[Some('a'), Some('b')])], None), Ok('a'));
        assert_eq!(back(&[history(&[Some('a'), Some('b'), Some('b')])], None), Ok('a'));
        // Back once, and back again.
        assert_eq!(back(&[history(&[Some('a'), Some('b'), Some('a')])], None), Ok('b'));
        // What nobody can read is passed over.
        assert_eq!(back(&[history(&[Some('a'), None, Some('b')])], None), Ok('a'));
    }

    #[test]
    fn where_there_is_nothing_before_it_is_said() {
        let none = back(&[history(&[])], None).unwrap_err();
        assert!(none.contains("nothing is in that channel"), "{none}");
        let one = back(&[history(&[Some('a'), Some('a')])], None).unwrap_err();
        assert!(one.contains("no other build before"), "{one}");
    }

    #[test]
    fn a_version_is_of_the_first_region_and_means_its_build() {
        let two = [history(&[Some('a'), Some('b'), Some('c')]), history(&[Some('b'), Some('c')])];
        assert_eq!(back(&two, Some(1)), Ok('a'));
        let wrong = back(&two, Some(9)).unwrap_err();
        assert!(wrong.contains("3 (cccccccccccc), 2 (bbbbbbbbbbbb)"), "{wrong}");
    }

    #[test]
    fn regions_that_differ_today_are_not_guessed_about() {
        let two = [history(&[Some('a'), Some('b')]), history(&[Some('a')])];
        let differ = back(&two, None).unwrap_err();
        assert!(differ.contains("us-west-2") && differ.contains("--to VERSION"), "{differ}");
        assert_eq!(back(&two, Some(1)), Ok('a'));
    }

    #[test]
    fn a_region_takes_its_own_images_of_the_build() {
        let author = Author { by: "me", reason: None, at: jiff::Timestamp::UNIX_EPOCH };
        let wanted = Rollback { image: "gpu", channel: "stable", to: None, author };
        let past = history(&[Some('a'), Some('b'), Some('a'), Some('c')]);
        let of = |of: char| target("us-west-2", &past, &of.to_string().repeat(64), &wanted);
        let ids: Vec<String> = of('a').unwrap().images.values().cloned().collect();
        assert_eq!(ids, ["ami-03"], "the newest");
        assert!(of('d').unwrap_err().to_string().starts_with("us-west-2: build dddddddddddd"));
    }
}
