//! One snapshot of a disk in one region: found or sent, sealed, and compared with
//! the disk.
//!
//! What there is to do is seen from AWS alone: a snapshot is known by its tags, so
//! an upload that was killed is gone on with from any machine. The notes here only
//! spare it the blocks that AWS has already.

mod choose;
mod find;
mod parent;
mod put;
mod seal;
mod settle;
mod start;
mod upload;
mod verify;

pub use find::{Found, State};
pub use upload::{Uploaded, upload};
pub use verify::verify;

pub(super) use choose::{Choice, choose_copy, under_amis};
pub(super) use find::{by_id, of_image};
pub(super) use parent::encrypts_by_default;
pub(super) use settle::{delete, settled};

use super::blocks::Blocks;
use super::clients::Clients;
use super::disk::Disk;
use super::error::{Error, Kind};
use super::names::Identity;
use super::notes::Notes;
use super::progress::{Progress, Watch};
use tokio::sync::OnceCell;

/// Blocks on their way at once, where nothing else is said: 32 MiB.
pub const WINDOW: usize = 64;

/// What is to be there.
#[derive(Clone, Copy)]
pub struct Wanted<'w> {
    /// Which image.
    pub identity: &'w Identity,
    /// Its disk.
    pub disk: &'w Disk,
    /// A snapshot in the same region whose blocks need not be sent again.
    pub parent: Option<&'w str>,
    /// Under which key.
    pub encryption: Encryption<'w>,
    /// The most blocks on their way at once; memory is as many times the block's
    /// size.
    pub window: usize,
    /// Where its progress is kept.
    pub notes: &'w Notes,
    /// Who hears of it.
    pub watch: &'w Watch<'w>,
}

/// How a snapshot is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption<'k> {
    /// As the account has it: not at all, unless it encrypts by default.
    Account,
    /// Under the account's default key.
    DefaultKey,
    /// Under the key with this ARN.
    Key(&'k str),
}

/// The finished snapshot of the image, which is the disk block by block. It is for
/// images of which there is no AMI yet: what is of no use beside it is deleted.
///
/// # Errors
/// It cannot be made, or is not the disk; then it is deleted, unless it is in use.
pub async fn bring(clients: &Clients, wanted: &Wanted<'_>) -> Result<Found, Error> {
    let there = find::of_image(clients, wanted.identity).await?;
    let choice = choose::choose_as(&there, wanted.encryption);
    let known = match choice.map_err(|error| error.in_region(&clients.region))? {
        Choice::Use(found) => {
            let (region, snapshot) = (clients.region.clone(), found.id.clone());
            (wanted.watch)(Progress::Found { region, snapshot });
            Some(found.clone())
        }
        Choice::Continue(found) if found.is_copy() => {
            Some(settled(clients, &found.id, wanted.watch).await?)
        }
        Choice::Continue(_) | Choice::Start => None,
    };
    let (found, blocks) = match known {
        Some(found) => {
            let blocks = verify::of_disk(wanted.disk, wanted.window).await?;
            (found, blocks)
        }
        None => {
            let uploaded = upload(clients, wanted).await?;
            (settled(clients, &uploaded.snapshot, wanted.watch).await?, uploaded.blocks)
        }
    };
    let again = "publish again, without a parent if it had one";
    is_the_disk(clients, wanted, &found, &blocks, again).await?;
    wanted.notes.forget(wanted.identity, &clients.region);
    let kept = wanted.notes.keep_blocks(wanted.identity, &clients.region, &blocks).await;
    if let Err(error) = kept {
        let region = clients.region.clone();
        (wanted.watch)(Progress::Without { region, reason: error.message });
    }
    for litter in choose::litter(&there, &found.id) {
        delete(clients, &litter.id).await?;
    }
    Ok(found)
}

/// The finished copy `found`, once it has been read back: AWS has made it, and nobody has
/// looked into it yet. The disk's blocks are taken once for all regions, into `blocks`.
///
/// # Errors
/// It is not the disk, and has been deleted unless it is in use; or one of them cannot be
/// read.
pub(super) async fn compared(
    clients: &Clients,
    wanted: &Wanted<'_>,
    found: Found,
    blocks: &OnceCell<Blocks>,
) -> Result<Found, Error> {
    let of_disk = || verify::of_disk(wanted.disk, wanted.window);
    let blocks = blocks.get_or_try_init(of_disk).await?;
    is_the_disk(clients, wanted, &found, blocks, "publish again: it is copied anew").await?;
    Ok(found)
}

/// Compares the finished snapshot `found` with the disk.
///
/// # Errors
/// It is not the disk: it is deleted, and `again` says how to make it anew. One on which
/// somebody has an AMI already stays, and that is said. Or it cannot be read.
async fn is_the_disk(
    clients: &Clients,
    wanted: &Wanted<'_>,
    found: &Found,
    blocks: &Blocks,
    again: &str,
) -> Result<(), Error> {
    let end = verify::compare(clients, wanted, &found.id, blocks).await;
    match end {
        Err(error) if error.kind == Kind::Corrupt => {
            let help = if delete(clients, &found.id).await? {
                format!("it has been deleted; {again}")
            } else {
                format!(
                    "it is in use and stays: deregister the AMIs on it, which are not of this \
                     disk, and {again}"
                )
            };
            Err(error.help(help))
        }
        end => end,
    }
}
