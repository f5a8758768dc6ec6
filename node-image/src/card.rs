//! What is known of a finished image: its manifest and its boot tests, as data.

mod tested;

pub use tested::{Boot, TESTED, Tested};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The form of the manifest that is written here.
pub const SCHEMA: u32 = 1;

/// All that an image is made of. Its digest, the SHA-256 of `manifest.json`, names
/// the image everywhere: the disk's digest is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The recipe's name.
    pub name: String,
    /// SHA-256 of what the recipe means, in hex.
    pub recipe: String,
    /// SHA-256 of the lock, in hex.
    pub lock: String,
    /// The raw disk.
    pub disk: Blob,
    /// The root hash of dm-verity, in hex.
    pub root_hash: String,
    /// The release of the kernel, as `uname -r` says it.
    pub kernel: String,
    /// The GPU driver; none: the image has none.
    pub driver: Option<Driver>,
    /// How the disk boots.
    pub boot_modes: Vec<BootMode>,
    /// Whether the kernel image is signed for secure boot.
    pub signed: bool,
    /// SHA-256 in hex of Floodway's own programs, by their names.
    pub programs: BTreeMap<String, String>,
    /// The packages, by name.
    pub packages: Vec<Package>,
    /// Every file of the root, by path.
    pub files: Vec<File>,
    /// The time that the image bears everywhere, in seconds since 1970.
    pub source_date_epoch: u64,
    /// Bytes of the root filesystem, compressed.
    pub root_bytes: u64,
    /// The AWS regions that the recipe names: where it is published, unless others are
    /// named then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
}

/// Bytes, and what they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// SHA-256, in hex.
    pub sha256: String,
    /// How many.
    pub bytes: u64,
}

/// A GPU driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// `open` or `closed`: which kernel modules.
    pub flavour: String,
    /// Its version, as the module says it.
    pub version: String,
}

/// How a machine starts the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootMode {
    /// By UEFI firmware.
    Uefi,
    /// By a BIOS: p4d and p4de know nothing else.
    LegacyBios,
}

impl BootMode {
    /// As EC2 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uefi => "uefi",
            Self::LegacyBios => "legacy-bios",
        }
    }
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `amd64`, `all`.
    pub architecture: String,
    /// SHA-256 of the package file, in hex.
    pub sha256: String,
}

/// A file of the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// From `/`.
    pub path: String,
    /// Type and permissions, as `ls -l` writes them: `-rwxr-xr-x`.
    pub mode: String,
    /// Bytes of a regular file.
    pub bytes: u64,
    /// SHA-256 in hex of a regular file's content; the target of a link, after
    /// `-> `; else empty.
    pub content: String,
}

/// A manifest for tests, of a disk with this digest.
#[cfg(test)]
pub(crate) fn small(disk: &str) -> Manifest {
    Manifest {
        schema: SCHEMA,
        name: "small".to_owned(),
        recipe: "00".repeat(32),
        lock: "00".repeat(32),
        disk: Blob { sha256: disk.to_owned(), bytes: 0 },
        root_hash: "00".repeat(32),
        kernel: "6.1.0-1-cloud-amd64".to_owned(),
        driver: None,
        boot_modes: vec![BootMode::Uefi, BootMode::LegacyBios],
        signed: false,
        programs: BTreeMap::new(),
        packages: Vec::new(),
        files: Vec::new(),
        source_date_epoch: 0,
        root_bytes: 0,
        regions: Vec::new(),
    }
}
