//! The snapshot that blocks are put into: one that was begun, or a new one.

use super::super::clients::Clients;
use super::super::disk::BLOCK;
use super::super::error::{Call, Error, Kind};
use super::super::notes::{Resume, is_block_size};
use super::super::progress::Progress;
use super::super::retry::{Patience, persist};
use super::choose::{Choice, choose_upload};
use super::find::{self, Found, State};
use super::parent::{self, Parent};
use super::settle::delete;
use super::{Encryption, Wanted};
use aws_sdk_ebs::operation::start_snapshot::StartSnapshotOutput;
use aws_sdk_ebs::types::{Status, Tag};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Minutes after which AWS gives up a snapshot into which nothing more is put: a
/// day, so that it may be gone on with tomorrow.
const IDLE_MINUTES: i32 = 1440;
/// A start that was answered long ago is asked about.
const OLD: Duration = Duration::from_secs(300);
/// Answers with snapshots that are of no use.
const STALE: usize = 8;

/// A snapshot that takes blocks.
pub(super) struct Begun {
    pub(super) resume: Resume,
    pub(super) parent: Option<Parent>,
}

/// The snapshot to put blocks into; none of `stale`, which have been found to be gone.
pub(super) async fn start(
    clients: &Clients,
    wanted: &Wanted<'_>,
    stale: &[String],
) -> Result<Begun, Error> {
    let kept = wanted.notes.resume(wanted.identity, &clients.region);
    let mut there = find::of_image(clients, wanted.identity).await?;
    there.retain(|found| !stale.contains(&found.id));
    if let Some(found) = begun(&there, kept.as_ref())
        && let Some(begun) = go_on(clients, wanted, found, kept.clone()).await?
    {
        return Ok(begun);
    }
    let failed = there.iter().filter(|found| found.state == State::Failed);
    let mut stale: Vec<String> =
        failed.map(|found| found.id.clone()).chain(stale.to_vec()).collect();
    stale.sort();
    anew(clients, wanted, stale, kept).await
}

/// The one that was begun; of several, that of which more is known.
fn begun<'f>(there: &'f [Found], kept: Option<&Resume>) -> Option<&'f Found> {
    let takes_blocks = |found: &&Found| found.state == State::Pending && !found.is_copy();
    let noted = kept.and_then(|kept| there.iter().find(|found| found.id == kept.snapshot));
    noted.filter(takes_blocks).or(match choose_upload(there) {
        Choice::Continue(found) => Some(found),
        Choice::Use(_) | Choice::Start => None,
    })
}

/// Goes on with what was begun; none: nobody can, and it is gone.
async fn go_on(
    clients: &Clients,
    wanted: &Wanted<'_>,
    found: &Found,
    kept: Option<Resume>,
) -> Result<Option<Begun>, Error> {
    let parent = match found.parent() {
        None => None,
        Some(id) => match find::by_id(clients, id).await {
            Ok(there) if there.state == State::Completed => {
                let blocks = parent::blocks(clients, wanted, &there).await?;
                Some(Parent { id: id.to_owned(), blocks })
            }
            // What its blocks were cannot be known any more.
            Ok(_) => return delete(clients, &found.id).await.map(|_| None),
            Err(error) if error.kind == Kind::Absent => {
                return delete(clients, &found.id).await.map(|_| None);
            }
            Err(error) => return Err(error),
        },
    };
    let resume = noted(wanted, clients, &found.id, kept, BLOCK, parent.as_ref());
    tell(clients, wanted, &resume, true);
    Ok(Some(Begun { resume, parent }))
}

/// Starts one.
async fn anew(
    clients: &Clients,
    wanted: &Wanted<'_>,
    mut stale: Vec<String>,
    kept: Option<Resume>,
) -> Result<Begun, Error> {
    let parent = match wanted.parent {
        Some(id) => parent::usable(clients, wanted, id).await?,
        None => None,
    };
    let parent_id = parent.as_ref().map(|parent| parent.id.as_str());
    while stale.len() < STALE {
        let answer = ask(clients, wanted, parent_id, &stale).await?;
        let id = answer.snapshot_id().unwrap_or_default().to_owned();
        if !takes_blocks(clients, &answer, &id).await? {
            stale.push(id);
            continue;
        }
        let size = answer.block_size().and_then(|size| u32::try_from(size).ok()).unwrap_or(0);
        let fits = parent.as_ref().is_none_or(|parent| parent.blocks.size == size);
        if !is_block_size(size) || !fits {
            let text = format!("AWS answers that the blocks of {id} have {size} bytes");
            return Err(Error::new(Kind::Refused, text).in_region(&clients.region));
        }
        let resume = noted(wanted, clients, &id, kept, size, parent.as_ref());
        tell(clients, wanted, &resume, false);
        return Ok(Begun { resume, parent });
    }
    let text = format!("AWS answers each start with a snapshot that is gone: {}", stale.join(", "));
    Err(Error::new(Kind::Refused, text).in_region(&clients.region))
}

async fn ask(
    clients: &Clients,
    wanted: &Wanted<'_>,
    parent: Option<&str>,
    stale: &[String],
) -> Result<StartSnapshotOutput, Error> {
    let gib = i64::try_from(wanted.disk.gib()).unwrap_or(i64::MAX);
    // With a parent, its encryption is taken over.
    let encryption = wanted.encryption;
    let (encrypted, key) = match encryption {
        Encryption::Key(key) if parent.is_none() => (Some(true), Some(key)),
        Encryption::DefaultKey if parent.is_none() => (Some(true), None),
        _ => (None, None),
    };
    let request = [&*gib.to_string(), parent.unwrap_or("none"), &*format!("{encryption:?}")];
    let token = wanted.identity.token(&request, stale);
    let tags = wanted.identity.tags(parent);
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(value).build());
    let tags: Vec<Tag> = tags.collect();
    let call =
        Call { action: "ebs:StartSnapshot", region: &clients.region, thing: &wanted.identity.name };
    persist(Patience { absent: Duration::ZERO, ..Patience::EBS }, || async {
        let start = clients.ebs.start_snapshot().volume_size(gib).client_token(&token);
        let start = start.description(wanted.identity.description()).timeout(IDLE_MINUTES);
        let start = start.set_tags(Some(tags.clone()));
        let start = start.set_parent_snapshot_id(parent.map(str::to_owned));
        let start = start.set_encrypted(encrypted).set_kms_key_arn(key.map(str::to_owned));
        start.send().await.map_err(|error| call.failed(&error))
    })
    .await
}

/// Whether the answer to a start is no echo of one that has ended since.
async fn takes_blocks(
    clients: &Clients,
    answer: &StartSnapshotOutput,
    id: &str,
) -> Result<bool, Error> {
    if answer.status().is_some_and(|status| *status != Status::Pending) {
        return Ok(false);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let old = i64::try_from(now.saturating_sub(OLD).as_secs()).unwrap_or(i64::MAX);
    if answer.start_time().is_none_or(|started| started.secs() >= old) {
        return Ok(true);
    }
    match find::by_id(clients, id).await {
        Ok(found) => Ok(found.state == State::Pending),
        Err(error) if error.kind == Kind::Absent => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is known of its blocks.
fn noted(
    wanted: &Wanted<'_>,
    clients: &Clients,
    id: &str,
    kept: Option<Resume>,
    size: u32,
    parent: Option<&Parent>,
) -> Resume {
    let parent = parent.map(|parent| parent.id.clone());
    match kept {
        Some(kept) if kept.snapshot == id && kept.parent == parent => kept,
        _ => Resume::new(wanted.identity, &clients.region, id, parent, size),
    }
}

fn tell(clients: &Clients, wanted: &Wanted<'_>, resume: &Resume, continued: bool) {
    (wanted.watch)(Progress::Started {
        region: clients.region.clone(),
        snapshot: resume.snapshot.clone(),
        continued,
        parent: resume.parent.clone(),
    });
}

#[cfg(test)]
mod tests {
    use super::super::super::names::COPIED_FROM;
    use super::super::super::names::tests::identity;
    use super::super::find::tests::found;
    use super::*;

    #[test]
    fn of_two_begun_ones_that_with_notes_is_gone_on_with() {
        let there = [found("a", State::Pending, 1), found("b", State::Pending, 2)];
        let kept = |id: &str| Resume::new(&identity(), "eu-west-1", id, None, BLOCK);
        assert_eq!(begun(&there, None), Some(&there[0]));
        assert_eq!(begun(&there, Some(&kept("b"))), Some(&there[1]));
        assert_eq!(begun(&there, Some(&kept("gone"))), Some(&there[0]));
        let failed = [found("a", State::Failed, 1)];
        assert_eq!(begun(&failed, Some(&kept("a"))), None);
    }

    #[test]
    fn no_blocks_are_put_into_a_copy() {
        let tags = [(COPIED_FROM.to_owned(), "us-east-1".to_owned())].into();
        let copy = Found { tags, ..found("copy", State::Pending, 1) };
        let kept = Resume::new(&identity(), "eu-west-1", "copy", None, BLOCK);
        assert_eq!(begun(std::slice::from_ref(&copy), None), None);
        assert_eq!(begun(std::slice::from_ref(&copy), Some(&kept)), None);
        let there = [copy, found("a", State::Pending, 2)];
        assert_eq!(begun(&there, Some(&kept)), Some(&there[1]));
    }
}
