//! An upload from its start to its seal.

use super::super::blocks::Blocks;
use super::super::clients::Clients;
use super::super::error::{Error, Kind};
use super::find::{self, State};
use super::start::{self, Begun};
use super::{Wanted, put, seal, verify};

/// How often a snapshot may be gone that AWS has named.
const GONE: usize = 2;

/// What has been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// The snapshot, which AWS now finishes.
    pub snapshot: String,
    /// Blocks that were sent in this run.
    pub sent: u32,
    /// Their bytes.
    pub bytes: u64,
    pub(super) blocks: Blocks,
}

/// Sends the disk's blocks into a snapshot and seals it; whether AWS finishes it, is
/// not waited for. What a killed upload has begun is gone on with.
///
/// # Errors
/// The disk cannot be read, or AWS refuses something for good.
pub async fn upload(clients: &Clients, wanted: &Wanted<'_>) -> Result<Uploaded, Error> {
    let mut stale = Vec::new();
    loop {
        let begun = start::start(clients, wanted, &stale).await?;
        let id = begun.resume.snapshot.clone();
        match send(clients, wanted, begun).await {
            // AWS knows a token for longer than the snapshot that it stands for.
            Err(error) if error.kind == Kind::Absent && stale.len() < GONE => {
                wanted.notes.forget(wanted.identity, &clients.region);
                stale.push(id);
            }
            end => return end,
        }
    }
}

async fn send(clients: &Clients, wanted: &Wanted<'_>, mut begun: Begun) -> Result<Uploaded, Error> {
    let was_sealed = begun.resume.sealed;
    let sent = put_and_seal(clients, wanted, &mut begun).await;
    let snapshot = begun.resume.snapshot;
    match sent {
        Ok((blocks, sent)) => {
            let bytes = u64::from(sent) * u64::from(blocks.size);
            Ok(Uploaded { snapshot, sent, bytes, blocks })
        }
        // Somebody else may have finished the same, or a seal whose answer was lost.
        Err(error) if is_told_by_state(&error) => {
            match find::by_id(clients, &snapshot).await {
                Ok(found) if found.state == State::Completed => {}
                Ok(found) if found.state == State::Pending && was_sealed => {}
                _ => return Err(error),
            }
            let blocks = verify::of_disk(wanted.disk, wanted.window).await?;
            Ok(Uploaded { snapshot, sent: 0, bytes: 0, blocks })
        }
        Err(error) => Err(error),
    }
}

/// Failures that a snapshot gives which takes no blocks any more.
const fn is_told_by_state(error: &Error) -> bool {
    matches!(error.kind, Kind::Refused | Kind::Absent | Kind::Conflict)
}

async fn put_and_seal(
    clients: &Clients,
    wanted: &Wanted<'_>,
    begun: &mut Begun,
) -> Result<(Blocks, u32), Error> {
    let put = put::all(clients, wanted, begun).await?;
    let parent = begun.parent.as_ref().map(|parent| &parent.blocks);
    let sum = seal::sum(&put.blocks, parent);
    begun.resume.sealed = true;
    // Without the note, AWS's own word for its state has to do.
    let _ = wanted.notes.keep(wanted.identity, &begun.resume).await;
    seal::seal(clients, &begun.resume.snapshot, &sum).await?;
    Ok((put.blocks, put.sent))
}
