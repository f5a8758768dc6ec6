//! The hash tree that makes each byte of the root's one that was built.

use super::Workshop;
use crate::build::command::Run;
use crate::build::error::Error;
use crate::build::files;
use crate::build::hash::{Key, of_bytes};
use crate::build::store::Made;

/// Bytes of a block, of data and of hashes.
pub(super) const BLOCK: u64 = 4096;

/// What opens the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::build) struct Opening {
    /// The hash at the tree's root, in hex.
    pub(in crate::build) root_hash: String,
    /// In hex.
    pub(in crate::build) salt: String,
    /// Blocks of data.
    pub(in crate::build) blocks: u64,
}

impl Opening {
    /// As it stands on the kernel's command line.
    pub(in crate::build) fn argument(&self) -> String {
        format!("floodway.verity={},{},{}", self.root_hash, self.salt, self.blocks)
    }
}

/// `root.verity`, and what opens the root.
pub(in crate::build) fn verity(
    erofs: &Made,
    workshop: &Workshop<'_>,
) -> Result<(Opening, Made), Error> {
    let key = Key::of("verity", 1).with("erofs", &erofs.key);
    let key = workshop.host.versions(key, &["veritysetup"])?.finish();
    // A salt need not be secret, only other for another image.
    let salt = of_bytes(erofs.key.as_bytes());
    let image = erofs.file("root.erofs");
    let made = workshop.store.stage("verity", key, |folder| {
        let said = Run::new("veritysetup")
            .args(["format", "--no-superblock", "--hash=sha256"])
            .args([format!("--salt={salt}"), format!("--data-block-size={BLOCK}")])
            .arg(format!("--hash-block-size={BLOCK}"))
            .arg(&image)
            .arg(folder.join("root.verity"))
            .run()?;
        let hash = said.lines().find_map(|line| line.strip_prefix("Root hash:")).map(str::trim);
        let hash = hash.filter(|hash| hash.len() == 64);
        let hash = hash.ok_or_else(|| Error::Wrong("veritysetup told no root hash".into()))?;
        files::write(&folder.join("root-hash"), hash)
    })?;
    let blocks = files::length(&image)? / BLOCK;
    let opening = Opening { root_hash: made.text("root-hash")?, salt, blocks };
    Ok((opening, made))
}
