//! What is told while an image is being published.

use crate::card::BootMode;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The disk is compared with its manifest.
    Checking,
    /// A finished snapshot of the image was there.
    Found {
        /// In which region.
        region: String,
        /// Its id.
        snapshot: String,
    },
    /// Blocks are being sent.
    Started {
        /// To which region.
        region: String,
        /// The snapshot that they make.
        snapshot: String,
        /// It had been started before.
        continued: bool,
        /// The snapshot on whose blocks it is built.
        parent: Option<String>,
    },
    /// How far that is.
    Sent(Sent),
    /// AWS seals, copies or registers something.
    Waiting {
        /// In which region.
        region: String,
        /// For what: `snap-…`, `ami-…`.
        thing: String,
        /// As AWS says it: `42%`; empty where it says nothing.
        progress: String,
    },
    /// The snapshot's blocks are read back.
    Compared {
        /// From which region.
        region: String,
        /// Blocks that are the disk's.
        done: u32,
        /// Blocks in all.
        total: u32,
    },
    /// A snapshot is copied.
    Copying {
        /// To which region.
        region: String,
        /// What.
        snapshot: String,
    },
    /// An AMI has been made, or was there.
    Image {
        /// In which region.
        region: String,
        /// How it boots.
        mode: BootMode,
        /// Its id.
        image: String,
        /// Made just now.
        new: bool,
    },
    /// An account may use it now.
    Shared {
        /// In which region.
        region: String,
        /// What.
        thing: String,
        /// With whom.
        account: String,
    },
    /// Something could not be used, and it goes on without.
    Without {
        /// In which region.
        region: String,
        /// What, and why not.
        reason: String,
    },
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// To which region.
    pub region: String,
    /// Blocks that are settled: sent, or none of them needed.
    pub done: u32,
    /// Blocks in all.
    pub total: u32,
    /// Blocks that were sent in this run.
    pub blocks: u32,
    /// Their bytes.
    pub bytes: u64,
}

/// Hears it all; it must come back soon.
pub type Watch<'w> = dyn Fn(Progress) + Send + Sync + 'w;
