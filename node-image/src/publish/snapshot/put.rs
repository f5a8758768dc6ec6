//! The blocks of a disk, put into a snapshot.

use super::super::blocks::Blocks;
use super::super::clients::Clients;
use super::super::disk::Content;
use super::super::error::{Call, Error};
use super::super::hash::{self, Digest};
use super::super::notes::Resume;
use super::super::pace::Pace;
use super::super::progress::{Progress, Sent};
use super::super::retry::{Patience, persist};
use super::Wanted;
use super::start::Begun;
use aws_sdk_ebs::primitives::{ByteStream, SdkBody};
use aws_sdk_ebs::types::ChecksumAlgorithm;
use futures::stream::{self, StreamExt};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often it is noted what AWS has.
const NOTE: Duration = Duration::from_secs(1);

/// What has been put.
pub(super) struct Put {
    /// The disk's blocks.
    pub(super) blocks: Blocks,
    /// Blocks that were sent in this run.
    pub(super) sent: u32,
}

/// A block, and what became of it.
struct Settled {
    index: u32,
    digest: Option<Digest>,
    sent: bool,
}

/// Puts every block that is not in the snapshot already: by its parent, or by what
/// `begun` knows. As many are on their way at once as the window allows, and no more
/// are in memory.
///
/// # Errors
/// The disk cannot be read, or AWS refuses a block for good; what has got there is
/// noted.
pub(super) async fn all(
    clients: &Clients,
    wanted: &Wanted<'_>,
    begun: &mut Begun,
) -> Result<Put, Error> {
    let Begun { resume, parent } = begun;
    let size = resume.block_size;
    let parent = parent.as_ref().map(|parent| &parent.blocks);
    // Where the parent goes on, zeros are put over it.
    let total = wanted.disk.blocks(size).max(parent.map_or(0, Blocks::end));
    let mut notes = Noted { wanted, fresh: true, able: true };
    notes.keep(resume).await;

    let before = resume.clone();
    let pace = Pace::new(wanted.window);
    let sender = Sender { clients, snapshot: &before.snapshot, pace: &pace };
    let settle = |index: u32| {
        let (sender, before) = (&sender, &before);
        async move {
            let content = wanted.disk.read(index, size).await?;
            let digest = content.digest;
            let is_there = !must_put(digest.as_ref(), parent, index) || before.has(index);
            if !is_there {
                sender.put(index, content, index_percent(index, total)).await?;
            }
            Ok::<_, Error>(Settled { index, digest, sent: !is_there })
        }
    };
    let mut work = stream::iter(0..total).map(settle).buffer_unordered(wanted.window.max(1));
    let mut ticks = tokio::time::interval(NOTE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut put = Put { blocks: Blocks::new(size), sent: 0 };
    let mut done = 0;
    loop {
        tokio::select! {
            next = work.next() => match next {
                None => break,
                Some(Ok(block)) => {
                    done += 1;
                    put.blocks.set(block.index, block.digest);
                    if block.sent {
                        put.sent += 1;
                        resume.mark(block.index);
                        notes.fresh = true;
                    }
                    let (blocks, bytes) = (put.sent, u64::from(put.sent) * u64::from(size));
                    let region = clients.region.clone();
                    (wanted.watch)(Progress::Sent(Sent { region, done, total, blocks, bytes }));
                }
                Some(Err(error)) => {
                    notes.keep(resume).await;
                    return Err(error);
                }
            },
            _ = ticks.tick() => notes.keep(resume).await,
        }
    }
    Ok(put)
}

/// Whether the block is not what the parent has: one that became zeros is put all
/// the same.
pub(super) fn must_put(digest: Option<&Digest>, parent: Option<&Blocks>, index: u32) -> bool {
    digest != parent.and_then(|parent| parent.get(index))
}

/// For people who look at the snapshot meanwhile.
fn index_percent(index: u32, total: u32) -> i32 {
    let percent = u64::from(index) * 100 / u64::from(total.max(1));
    i32::try_from(percent).unwrap_or(100).min(100)
}

/// The way into one snapshot.
struct Sender<'s> {
    clients: &'s Clients,
    snapshot: &'s str,
    pace: &'s Pace,
}

impl Sender<'_> {
    async fn put(&self, index: u32, content: Content, percent: i32) -> Result<(), Error> {
        let thing = format!("block {index} of {}", self.snapshot);
        let region = &self.clients.region;
        let call = Call { action: "ebs:PutSnapshotBlock", region, thing: &thing };
        let length = i32::try_from(content.bytes.len()).unwrap_or(i32::MAX);
        let at = i32::try_from(index).unwrap_or(i32::MAX);
        let digest = content.digest.unwrap_or_else(|| hash::sha256(&content.bytes));
        let checksum = hash::base64(&digest);
        // It is shared by all tries, and copied by none.
        let body = SdkBody::from(content.bytes);
        persist(Patience::EBS, || {
            let put = self.clients.ebs.put_snapshot_block().snapshot_id(self.snapshot);
            let put = put.block_index(at).data_length(length).progress(percent);
            let put = put
                .checksum(&checksum)
                .checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256);
            let put =
                put.block_data(ByteStream::new(body.try_clone().unwrap_or_else(SdkBody::taken)));
            let sent = async { put.send().await.map_err(|error| call.failed(&error)) };
            self.pace.run(sent)
        })
        .await?;
        Ok(())
    }
}

/// What is kept of it here, as long as that works.
struct Noted<'n> {
    wanted: &'n Wanted<'n>,
    /// There is something to keep.
    fresh: bool,
    able: bool,
}

impl Noted<'_> {
    async fn keep(&mut self, resume: &Resume) {
        if !self.fresh || !self.able {
            return;
        }
        self.fresh = false;
        if let Err(error) = self.wanted.notes.keep(self.wanted.identity, resume).await {
            self.able = false;
            let reason = format!("{}; a kill would cost the blocks sent so far", error.message);
            let region = resume.region.clone();
            (self.wanted.watch)(Progress::Without { region, reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_from_the_parent_is_put() {
        let (one, two) = (hash::sha256(b"one"), hash::sha256(b"two"));
        let mut parent = Blocks::new(4096);
        parent.set(0, Some(one));
        assert!(!must_put(Some(&one), Some(&parent), 0), "the same");
        assert!(must_put(Some(&two), Some(&parent), 0), "changed");
        assert!(must_put(None, Some(&parent), 0), "it became zeros");
        assert!(!must_put(None, Some(&parent), 1), "zeros as before");
        assert!(must_put(Some(&one), Some(&parent), 7), "beyond the parent");
    }

    #[test]
    fn without_a_parent_all_that_is_not_zeros_is_put() {
        assert!(must_put(Some(&hash::sha256(b"one")), None, 0));
        assert!(!must_put(None, None, 0));
    }
}
