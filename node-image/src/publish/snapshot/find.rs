//! Which snapshots of an image there are, and which of them is the one.

use super::super::clients::Clients;
use super::super::error::{Call, Error, Kind};
use super::super::names::{IMAGE, Identity, MANIFEST, PARENT};
use super::Encryption;
use aws_sdk_ec2::types::{Filter, Snapshot, SnapshotState};
use std::collections::BTreeMap;

/// How a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not finished: it is written, sealed or copied.
    Pending,
    /// Finished.
    Completed,
    /// It will never be finished.
    Failed,
}

/// A snapshot that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// How it is.
    pub state: State,
    /// How far it is, or why it failed, as AWS says it.
    pub words: String,
    /// When it was started, in seconds since 1970.
    pub started: i64,
    /// The volume's size in GiB.
    pub gib: u64,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Under which key, by its ARN.
    pub key: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Found {
    fn of(snapshot: &Snapshot) -> Option<Self> {
        let state = match snapshot.state() {
            Some(SnapshotState::Completed) => State::Completed,
            Some(SnapshotState::Error) => State::Failed,
            _ => State::Pending,
        };
        let words = match state {
            State::Failed => snapshot.state_message(),
            _ => snapshot.progress(),
        };
        let tag = |tag: &aws_sdk_ec2::types::Tag| {
            Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))
        };
        Some(Self {
            id: snapshot.snapshot_id()?.to_owned(),
            state,
            words: words.unwrap_or_default().to_owned(),
            started: snapshot.start_time().map_or(0, aws_smithy_types::DateTime::secs),
            gib: snapshot.volume_size().and_then(|size| size.try_into().ok()).unwrap_or(0),
            encrypted: snapshot.encrypted() == Some(true),
            key: snapshot.kms_key_id().map(str::to_owned),
            tags: snapshot.tags().iter().filter_map(tag).collect(),
        })
    }

    /// The snapshot on which it is built.
    pub(super) fn parent(&self) -> Option<&str> {
        self.tags.get(PARENT).map(String::as_str)
    }
}

/// What to do about an image's snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Choice<'f> {
    /// It is finished.
    Use(&'f Found),
    /// It has been begun.
    Continue(&'f Found),
    /// There is none.
    Start,
}

/// The one of those that are there: a finished one before one that was begun, the
/// oldest of either, so that everybody who looks chooses the same.
pub(in super::super) fn choose(there: &[Found]) -> Choice<'_> {
    let oldest = |state: State| {
        let such = there.iter().filter(|found| found.state == state);
        such.min_by_key(|found| (found.started, &found.id))
    };
    match (oldest(State::Completed), oldest(State::Pending)) {
        (Some(found), _) => Choice::Use(found),
        (None, Some(found)) => Choice::Continue(found),
        (None, None) => Choice::Start,
    }
}

/// Whether it is encrypted as it is asked for.
fn suits(found: &Found, encryption: Encryption<'_>) -> bool {
    match encryption {
        Encryption::Account => true,
        Encryption::DefaultKey => found.encrypted,
        // Of an alias it is not known here whose it is.
        Encryption::Key(key) if key.contains(":alias/") => found.encrypted,
        Encryption::Key(key) => found.key.as_deref() == Some(key),
    }
}

/// As [`choose`], where the one is encrypted as it is asked for.
///
/// # Errors
/// It is encrypted otherwise.
pub(super) fn choose_as<'f>(
    there: &'f [Found],
    encryption: Encryption<'_>,
) -> Result<Choice<'f>, Error> {
    let choice = choose(there);
    match choice {
        Choice::Use(found) | Choice::Continue(found) if !suits(found, encryption) => {
            let text = format!("{} of the same image is encrypted otherwise", found.id);
            let help = format!("delete {}, or publish as it was begun", found.id);
            Err(Error::new(Kind::Conflict, text).help(help))
        }
        choice => Ok(choice),
    }
}

/// What is of no use beside the snapshot `kept`: failed ones, and finished ones that
/// a lost answer made twice. One that is being written may be somebody's.
pub(super) fn litter<'f>(there: &'f [Found], kept: &str) -> impl Iterator<Item = &'f Found> {
    let others = there.iter().filter(move |found| found.id != kept);
    others.filter(|found| found.state != State::Pending)
}

/// The account's snapshots of the image.
pub(in super::super) async fn of_image(
    clients: &Clients,
    identity: &Identity,
) -> Result<Vec<Found>, Error> {
    let by =
        |key: &str, value: &str| Filter::builder().name(format!("tag:{key}")).values(value).build();
    let asked = clients.ec2.describe_snapshots().owner_ids("self");
    let asked = asked.filters(by(IMAGE, &identity.name));
    let asked = asked.filters(by(MANIFEST, &identity.manifest));
    let pages = asked.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let call = call(clients, &identity.name);
    let pages = pages.map_err(|error| call.failed(&error))?;
    Ok(pages.iter().filter_map(Found::of).collect())
}

/// The snapshot with that id.
///
/// # Errors
/// It is not there (`Absent`), or EC2 cannot be asked.
pub(in super::super) async fn by_id(clients: &Clients, id: &str) -> Result<Found, Error> {
    let call = call(clients, id);
    let answer = clients.ec2.describe_snapshots().snapshot_ids(id).send().await;
    let answer = answer.map_err(|error| call.failed(&error))?;
    answer.snapshots().iter().find_map(Found::of).ok_or_else(|| {
        Error::new(Kind::Absent, format!("there is no snapshot {id}")).in_region(&clients.region)
    })
}

fn call<'c>(clients: &'c Clients, thing: &'c str) -> Call<'c> {
    Call { action: "ec2:DescribeSnapshots", region: &clients.region, thing }
}

#[cfg(test)]
pub(in super::super) mod tests {
    use super::*;

    /// A snapshot for tests.
    pub(in super::super::super) fn found(id: &str, state: State, started: i64) -> Found {
        Found {
            id: id.to_owned(),
            state,
            words: String::new(),
            started,
            gib: 1,
            encrypted: false,
            key: None,
            tags: BTreeMap::new(),
        }
    }

    #[test]
    fn a_finished_snapshot_is_used_and_a_begun_one_gone_on_with() {
        use State::*;
        assert_eq!(choose(&[]), Choice::Start);
        assert_eq!(choose(&[found("a", Failed, 1)]), Choice::Start);
        let all = [found("a", Failed, 1), found("b", Pending, 2), found("c", Completed, 3)];
        assert_eq!(choose(&all), Choice::Use(&all[2]));
        assert_eq!(choose(&all[..2]), Choice::Continue(&all[1]));
    }

    #[test]
    fn of_two_everybody_chooses_the_same() {
        let mut two = [found("b", State::Completed, 5), found("a", State::Completed, 5)];
        assert_eq!(choose(&two), Choice::Use(&two[1]));
        two.reverse();
        assert_eq!(choose(&two), Choice::Use(&two[0]));
        let later = [found("a", State::Pending, 6), found("b", State::Pending, 5)];
        assert_eq!(choose(&later), Choice::Continue(&later[1]));
    }

    #[test]
    fn one_that_is_encrypted_otherwise_is_not_gone_on_with() {
        let key = "arn:aws:kms:eu-west-1:1:key/1";
        let plain = [found("a", State::Pending, 1)];
        let locked = [Found { encrypted: true, key: Some(key.to_owned()), ..plain[0].clone() }];
        let alias = "arn:aws:kms:eu-west-1:1:alias/one";
        for (there, encryption, good) in [
            (&plain, Encryption::Account, true),
            (&plain, Encryption::DefaultKey, false),
            (&plain, Encryption::Key(key), false),
            (&locked, Encryption::Account, true),
            (&locked, Encryption::DefaultKey, true),
            (&locked, Encryption::Key(key), true),
            (&locked, Encryption::Key(alias), true),
            (&locked, Encryption::Key("arn:aws:kms:eu-west-1:1:key/2"), false),
        ] {
            assert_eq!(choose_as(there, encryption).is_ok(), good, "{there:?} {encryption:?}");
        }
    }

    #[test]
    fn only_what_nobody_writes_is_litter() {
        use State::*;
        let all = [
            found("a", Failed, 1),
            found("b", Pending, 2),
            found("c", Completed, 3),
            found("d", Completed, 4),
        ];
        let litter: Vec<&str> = litter(&all, "c").map(|found| found.id.as_str()).collect();
        assert_eq!(litter, ["a", "d"]);
    }
}
