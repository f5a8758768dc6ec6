//! What an image is made by, stage after stage.

pub(super) mod apt;
pub(super) mod archives;
pub(super) mod crates;
pub(super) mod disk;
pub(super) mod driver;
pub(super) mod erofs;
pub(super) mod fetch;
pub(super) mod firmware;
pub(super) mod gpu;
pub(super) mod initrd;
pub(super) mod kernel;
pub(super) mod libraries;
pub(super) mod manifest;
pub(super) mod module_order;
pub(super) mod modules;
pub(super) mod overlay;
pub(super) mod programs;
pub(super) mod resolve;
pub(super) mod rootfs;
pub(super) mod sbom;
pub(super) mod tree;
pub(super) mod uki;
pub(super) mod verity;
pub(super) mod withheld;

use super::host::Host;
use super::store::Store;

/// What every stage works with.
#[derive(Debug)]
pub(super) struct Workshop<'w> {
    /// The building machine.
    pub(super) host: &'w Host,
    /// Where results are kept.
    pub(super) store: &'w Store,
    /// The time that everything bears, in seconds since 1970.
    pub(super) epoch: i64,
    /// Whether what has no order of its own is taken from its end: a second build
    /// that proves that order does not matter.
    pub(super) reversed: bool,
}
