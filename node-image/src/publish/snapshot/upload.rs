//! An upload from its start to its seal.

use super::super::blocks::Blocks;
use super::super::clients::Clients;
use super::super::error::{Error, Kind};
use super::super::progress::Progress;
use super::super::wait::Wait;
use super::find::{self, State};
use super::start::{self, Begun};
use super::{Wanted, put, seal, verify};
use std::time::{Duration, Instant};

/// How often a snapshot may be gone that AWS has named.
const GONE: usize = 2;
/// How long AWS may take to finish a snapshot that takes no blocks, as one that is sealed.
const SEALING: Duration = Duration::from_secs(600);

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
    let mut taken = false;
    let sent = put_and_seal(clients, wanted, &mut begun, &mut taken).await;
    let snapshot = begun.resume.snapshot;
    match sent {
        Ok((blocks, sent)) => {
            let bytes = u64::from(sent) * u64::from(blocks.size);
            Ok(Uploaded { snapshot, sent, bytes, blocks })
        }
        // Somebody else may have finished the same, or a seal whose answer was lost.
        Err(error) if is_told_by_state(&error) => {
            // What takes blocks was not sealed before; what is gone will not be finished; where
            // there is something to do, that is the reason.
            let unclear = error.kind != Kind::Absent && error.help.is_none();
            let waits = unclear && !was_sealed && !taken;
            let patience = if waits { SEALING } else { Duration::ZERO };
            match becomes(clients, wanted, &snapshot, patience).await {
                Some(State::Completed) => {}
                Some(State::Pending) if was_sealed => {}
                Some(State::Pending) if waits => {
                    return Err(error.help(format!(
                        "{snapshot} takes no blocks and is not finished: delete it, and publish \
                         again"
                    )));
                }
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

/// What becomes of a snapshot that takes no blocks, within `patience`; none: it cannot be
/// known. It may have been sealed by somebody who left no notes here.
async fn becomes(
    clients: &Clients,
    wanted: &Wanted<'_>,
    id: &str,
    patience: Duration,
) -> Option<State> {
    let (began, mut wait) = (Instant::now(), Wait::new());
    loop {
        let found = find::by_id(clients, id).await.ok()?;
        if found.state != State::Pending || began.elapsed() >= patience {
            return Some(found.state);
        }
        let (region, thing) = (clients.region.clone(), id.to_owned());
        (wanted.watch)(Progress::Waiting { region, thing, progress: found.words.clone() });
        wait.turn(id, &found.words).await.ok()?;
    }
}

/// `taken` tells whether the snapshot has taken blocks now.
async fn put_and_seal(
    clients: &Clients,
    wanted: &Wanted<'_>,
    begun: &mut Begun,
    taken: &mut bool,
) -> Result<(Blocks, u32), Error> {
    let put = put::all(clients, wanted, begun).await?;
    *taken = put.sent > 0;
    let parent = begun.parent.as_ref().map(|parent| &parent.blocks);
    let sum = seal::sum(&put.blocks, parent);
    begun.resume.sealed = true;
    // Without the note, AWS's own word for its state has to do.
    let _ = wanted.notes.keep(wanted.identity, &begun.resume).await;
    seal::seal(clients, &begun.resume.snapshot, &sum).await?;
    Ok((put.blocks, put.sent))
}
