//! A snapshot, read back and compared with the disk.

use super::super::blocks::Blocks;
use super::super::clients::{ATTEMPT, Clients};
use super::super::disk::{BLOCK, Disk, aside, is_zero};
use super::super::error::{Call, Error, Kind};
use super::super::hash::{self, Digest};
use super::super::notes::is_block_size;
use super::super::pace::Pace;
use super::super::progress::Progress;
use super::super::retry::{Patience, persist};
use super::Wanted;
use aws_sdk_ebs::operation::list_snapshot_blocks::ListSnapshotBlocksOutput;
use futures::stream::{self, StreamExt, TryStreamExt};

/// Blocks that are named when a snapshot is not the disk.
const NAMED: usize = 8;

/// Whether the finished snapshot `id` is the disk, block by block, and zeros where
/// the disk has zeros.
///
/// # Errors
/// It is not (`Corrupt`), or one of them cannot be read.
pub async fn verify(clients: &Clients, wanted: &Wanted<'_>, id: &str) -> Result<(), Error> {
    let blocks = of_disk(wanted.disk, wanted.window).await?;
    compare(clients, wanted, id, &blocks).await
}

/// The digests of a disk's blocks.
pub(super) async fn of_disk(disk: &Disk, window: usize) -> Result<Blocks, Error> {
    let read =
        |index: u32| async move { Ok::<_, Error>((index, disk.read(index, BLOCK).await?.digest)) };
    let mut work = stream::iter(0..disk.blocks(BLOCK)).map(read).buffer_unordered(window.max(1));
    let mut blocks = Blocks::new(BLOCK);
    while let Some((index, digest)) = work.try_next().await? {
        blocks.set(index, digest);
    }
    Ok(blocks)
}

/// The digests of a snapshot's blocks.
pub(super) async fn of_snapshot(
    clients: &Clients,
    id: &str,
    window: usize,
) -> Result<Blocks, Error> {
    let mut blocks = Blocks::new(BLOCK);
    let size = each(clients, id, window, |index, digest| blocks.set(index, digest)).await?;
    blocks.size = size;
    Ok(blocks)
}

/// Compares the snapshot with what the disk's blocks are.
pub(super) async fn compare(
    clients: &Clients,
    wanted: &Wanted<'_>,
    id: &str,
    disk: &Blocks,
) -> Result<(), Error> {
    let mut seen = Blocks::new(disk.size);
    let (mut wrong, mut done) = (Vec::new(), 0);
    let total = u32::try_from(disk.filled().count()).unwrap_or(u32::MAX);
    let size = each(clients, id, wanted.window, |index, digest| {
        if digest.as_ref() != disk.get(index) {
            wrong.push(index);
        } else if digest.is_some() {
            seen.set(index, digest);
            done += 1;
            let region = clients.region.clone();
            (wanted.watch)(Progress::Compared { region, done, total });
        }
    })
    .await?;
    if size != disk.size {
        let text = format!("the blocks of {id} have {size} bytes, not {}", disk.size);
        return Err(Error::new(Kind::Refused, text).in_region(&clients.region));
    }
    let missing = disk.filled().map(|(index, _)| index);
    wrong.extend(missing.filter(|index| seen.get(*index).is_none()));
    wrong.sort_unstable();
    wrong.dedup();
    if wrong.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = wrong.iter().take(NAMED).map(u32::to_string).collect();
    let more = if wrong.len() > NAMED { ", …" } else { "" };
    let text = format!(
        "{id} is not the disk: {} of its blocks differ ({}{more})",
        wrong.len(),
        named.join(", ")
    );
    Err(Error::new(Kind::Corrupt, text).in_region(&clients.region))
}

/// Reads every block that the snapshot lists; the size of its blocks. The order is
/// that of arrival.
async fn each(
    clients: &Clients,
    id: &str,
    window: usize,
    mut on: impl FnMut(u32, Option<Digest>),
) -> Result<u32, Error> {
    let pace = Pace::new(window);
    let mut next = None;
    loop {
        let page = list(clients, id, next).await?;
        let size = page.block_size().and_then(|size| u32::try_from(size).ok()).unwrap_or(0);
        if !is_block_size(size) {
            let text = format!("AWS answers that the blocks of {id} have {size} bytes");
            return Err(Error::new(Kind::Refused, text).in_region(&clients.region));
        }
        let listed = page.blocks().iter().filter_map(|block| {
            Some((u32::try_from(block.block_index()?).ok()?, block.block_token()?))
        });
        let pace = &pace;
        let get = |(index, token)| async move {
            let digest = persist(Patience::EBS, || pace.run(get(clients, id, index, token))).await;
            digest.map(|digest| (index, digest))
        };
        let mut work = stream::iter(listed).map(get).buffer_unordered(window.max(1));
        while let Some((index, digest)) = work.try_next().await? {
            on(index, digest);
        }
        drop(work);
        next = page.next_token().map(str::to_owned);
        if next.is_none() {
            return Ok(size);
        }
    }
}

async fn list(
    clients: &Clients,
    id: &str,
    next: Option<String>,
) -> Result<ListSnapshotBlocksOutput, Error> {
    let call = Call { action: "ebs:ListSnapshotBlocks", region: &clients.region, thing: id };
    persist(Patience::EBS, || async {
        let list = clients.ebs.list_snapshot_blocks().snapshot_id(id);
        let list = list.set_next_token(next.clone());
        list.send().await.map_err(|error| call.failed(&error))
    })
    .await
}

/// The digest of one block; none: it is zeros.
async fn get(
    clients: &Clients,
    id: &str,
    index: u32,
    token: &str,
) -> Result<Option<Digest>, Error> {
    let thing = format!("block {index} of {id}");
    let call = Call { action: "ebs:GetSnapshotBlock", region: &clients.region, thing: &thing };
    let lost = |why: String| {
        let text = format!("{} of {thing}: {why}", call.action);
        Error::new(Kind::Silent, text).in_region(&clients.region)
    };
    let at = i32::try_from(index).unwrap_or(i32::MAX);
    let read = async {
        let get = clients.ebs.get_snapshot_block().snapshot_id(id).block_index(at);
        let answer = get.block_token(token).send().await.map_err(|error| call.failed(&error))?;
        let said = answer.checksum.clone();
        let bytes = answer.block_data.collect().await;
        Ok((bytes.map_err(|error| lost(error.to_string()))?.into_bytes(), said))
    };
    // The SDK's own time-out ends where the body begins.
    let read = tokio::time::timeout(ATTEMPT, read).await;
    let (bytes, said) = read.unwrap_or_else(|_| Err(lost("no whole block came".to_owned())))?;
    let (digest, zero) = aside(move || (hash::sha256(&bytes), is_zero(&bytes))).await?;
    if said.is_some_and(|said| said != hash::base64(&digest)) {
        return Err(lost("it was damaged on its way".to_owned()));
    }
    Ok((!zero).then_some(digest))
}
