//! Which snapshots of an image there are.

use super::super::clients::Clients;
use super::super::error::{Call, Error, Kind};
use super::super::names::{COPIED_FROM, IMAGE, Identity, MANIFEST, PARENT};
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

    /// Whether AWS copies it from another region: then AWS finishes it by itself, and it
    /// takes no blocks from anybody.
    pub(in super::super) fn is_copy(&self) -> bool {
        self.tags.contains_key(COPIED_FROM)
    }
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
}
