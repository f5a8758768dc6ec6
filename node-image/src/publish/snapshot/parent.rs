//! The snapshot on whose blocks another is built.

use super::super::blocks::Blocks;
use super::super::clients::Clients;
use super::super::disk::BLOCK;
use super::super::error::{Call, Error, Kind};
use super::super::names::{IMAGE, MANIFEST};
use super::super::progress::Progress;
use super::find::{self, Found, State};
use super::{Encryption, Wanted, verify};

/// A snapshot, and what its blocks are.
#[derive(Debug)]
pub(super) struct Parent {
    pub(super) id: String,
    pub(super) blocks: Blocks,
}

/// The parent `id`, if what is wanted can be built on it. Its digests come from the
/// notes that its own upload left here; else its blocks are read back, which costs
/// less than to send them.
///
/// # Errors
/// AWS does not let it be read.
pub(super) async fn usable(
    clients: &Clients,
    wanted: &Wanted<'_>,
    id: &str,
) -> Result<Option<Parent>, Error> {
    let found = match find::by_id(clients, id).await {
        Ok(found) => found,
        Err(error) if error.kind == Kind::Absent => {
            return Ok(without(clients, wanted, id, "there is no such snapshot"));
        }
        Err(error) => return Err(error),
    };
    if let Some(why) = unfit(&found, wanted.disk.gib(), wanted.encryption) {
        return Ok(without(clients, wanted, id, why));
    }
    if !found.encrypted && encrypts_by_default(clients).await? {
        let why = "it is not encrypted, and this account encrypts by default";
        return Ok(without(clients, wanted, id, why));
    }
    let blocks = blocks(clients, wanted, &found).await?;
    if blocks.size != BLOCK {
        return Ok(without(clients, wanted, id, "its blocks have another size"));
    }
    Ok(Some(Parent { id: found.id, blocks }))
}

/// Of a snapshot on which another has been begun.
pub(super) async fn blocks(
    clients: &Clients,
    wanted: &Wanted<'_>,
    parent: &Found,
) -> Result<Blocks, Error> {
    let tag = |key: &str| parent.tags.get(key).map(String::as_str);
    if let (Some(name), Some(manifest)) = (tag(IMAGE), tag(MANIFEST))
        && let Some(blocks) = wanted.notes.blocks(name, manifest)
    {
        return Ok(blocks);
    }
    verify::of_snapshot(clients, &parent.id, wanted.window).await
}

/// Why a snapshot cannot be the parent of one of `gib` GiB; none: it can.
fn unfit(parent: &Found, gib: u64, encryption: Encryption<'_>) -> Option<&'static str> {
    if parent.state != State::Completed {
        return Some("it is not finished");
    }
    if parent.gib > gib {
        return Some("it is larger than this disk");
    }
    // What is built on it is encrypted as it is.
    match (encryption, parent.encrypted) {
        (Encryption::Account, false) => None,
        (Encryption::Key(key), true) if parent.key.as_deref() == Some(key) => None,
        _ => Some("it is encrypted otherwise"),
    }
}

fn without(clients: &Clients, wanted: &Wanted<'_>, id: &str, why: &str) -> Option<Parent> {
    let reason = format!("not built on {id}: {why}; all blocks are sent");
    (wanted.watch)(Progress::Without { region: clients.region.clone(), reason });
    None
}

/// Whether everything in this account and region is encrypted unasked.
pub(in super::super) async fn encrypts_by_default(clients: &Clients) -> Result<bool, Error> {
    let call = Call {
        action: "ec2:GetEbsEncryptionByDefault",
        region: &clients.region,
        thing: "the account",
    };
    let answer = clients.ec2.get_ebs_encryption_by_default().send().await;
    let answer = answer.map_err(|error| call.failed(&error))?;
    Ok(answer.ebs_encryption_by_default() == Some(true))
}

#[cfg(test)]
mod tests {
    use super::super::find::tests::found;
    use super::*;

    #[test]
    fn a_parent_is_finished_no_larger_and_encrypted_alike() {
        let key = "arn:aws:kms:eu-west-1:1:key/1";
        let plain = found("snap-1", State::Completed, 1);
        let locked = Found { encrypted: true, key: Some(key.to_owned()), ..plain.clone() };
        assert_eq!(unfit(&plain, 1, Encryption::Account), None);
        assert_eq!(unfit(&locked, 8, Encryption::Key(key)), None);
        for (parent, gib, encryption) in [
            (found("snap-1", State::Pending, 1), 1, Encryption::Account),
            (found("snap-1", State::Failed, 1), 1, Encryption::Account),
            (Found { gib: 2, ..plain.clone() }, 1, Encryption::Account),
            (plain.clone(), 1, Encryption::Key(key)),
            (plain, 1, Encryption::DefaultKey),
            (locked.clone(), 1, Encryption::Account),
            (locked.clone(), 1, Encryption::DefaultKey),
            (locked, 1, Encryption::Key("another")),
        ] {
            assert!(unfit(&parent, gib, encryption).is_some(), "{parent:?} {encryption:?}");
        }
    }
}
