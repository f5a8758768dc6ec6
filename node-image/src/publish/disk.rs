//! The disk that is published, block by block.

use super::error::{Error, Kind};
use super::hash::{self, Digest};
use crate::card::Blob;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a block, by EBS.
pub const BLOCK: u32 = 524_288;
/// Bytes of a GiB.
const GIB: u64 = 1 << 30;
/// The largest volume that EBS knows, in GiB.
const LARGEST: u64 = 65_536;

/// A raw disk in a file, which nobody changes meanwhile.
#[derive(Debug, Clone)]
pub struct Disk {
    file: Arc<File>,
    path: PathBuf,
    bytes: u64,
}

/// A block's content, filled up with zeros to its size.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// None: nothing but zeros.
    pub(super) digest: Option<Digest>,
}

impl Disk {
    /// The disk in the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, is empty, or larger than any volume.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let no = |error: io::Error| unreadable(path, &error);
        let file = File::open(path).map_err(no)?;
        let bytes = file.metadata().map_err(no)?.len();
        if bytes == 0 || bytes > LARGEST * GIB {
            let text = format!("{} has {bytes} bytes: no volume can hold that", path.display());
            return Err(Error::new(Kind::Invalid, text));
        }
        Ok(Self { file: Arc::new(file), path: path.to_owned(), bytes })
    }

    /// Its size in bytes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The GiB that a volume of it has at least.
    pub const fn gib(&self) -> u64 {
        self.bytes.div_ceil(GIB)
    }

    /// Its blocks of `size` bytes each, the last one begun.
    pub(super) fn blocks(&self, size: u32) -> u32 {
        u32::try_from(self.bytes.div_ceil(u64::from(size))).unwrap_or(u32::MAX)
    }

    /// The block number `index` of `size` bytes; what lies behind the disk's end is
    /// zeros. It blocks.
    fn block(&self, index: u32, size: u32) -> io::Result<Content> {
        let offset = u64::from(index) * u64::from(size);
        let whole = usize::try_from(size).unwrap_or(usize::MAX);
        let there = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(whole).min(whole);
        let mut bytes = vec![0; whole];
        self.file.read_exact_at(&mut bytes[..there], offset)?;
        let digest = (!is_zero(&bytes)).then(|| hash::sha256(&bytes));
        Ok(Content { bytes, digest })
    }

    /// As [`Self::block`], away from the tasks that wait for the network.
    pub(super) async fn read(&self, index: u32, size: u32) -> Result<Content, Error> {
        let disk = self.clone();
        aside(move || disk.block(index, size).map_err(|error| unreadable(&disk.path, &error)))
            .await?
    }

    /// Whether it is the disk that the manifest speaks of.
    ///
    /// # Errors
    /// It is not, or cannot be read.
    pub(super) async fn check(&self, of: &Blob) -> Result<(), Error> {
        let (disk, of) = (self.clone(), of.clone());
        aside(move || disk.is_of(&of)).await?
    }

    fn is_of(&self, of: &Blob) -> Result<(), Error> {
        let other = |is: String| {
            let text = format!("{} is not the manifest's disk: {is}", self.path.display());
            Error::new(Kind::Invalid, text)
                .help("give the disk and the manifest of one build, or build again")
        };
        if self.bytes != of.bytes {
            return Err(other(format!("it has {} bytes, not {}", self.bytes, of.bytes)));
        }
        let (mut all, mut part, mut offset) = (Sha256::new(), vec![0; 1 << 20], 0);
        while offset < self.bytes {
            let read = self.file.read_at(&mut part, offset);
            let read = read.map_err(|error| unreadable(&self.path, &error))?;
            if read == 0 {
                return Err(other("it has become shorter".to_owned()));
            }
            all.update(&part[..read]);
            offset += u64::try_from(read).unwrap_or(u64::MAX);
        }
        let is = hash::hex(&all.finalize());
        if is == of.sha256 { Ok(()) } else { Err(other(format!("its SHA-256 is {is}"))) }
    }
}

/// Does what blocks on a thread of its own.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::new(Kind::Local, format!("the work was cut off: {error}")))
}

/// Whether these are zeros alone.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes.chunks(ZEROS.len()).all(|part| part == &ZEROS[..part.len()])
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::new(Kind::Local, format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A disk with this content.
    pub(in crate::publish) fn disk(bytes: &[u8]) -> (tempfile::NamedTempFile, Disk) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let disk = Disk::open(file.path()).unwrap();
        (file, disk)
    }

    #[tokio::test]
    async fn blocks_are_read_whole_and_zeros_are_known() {
        let mut bytes = vec![0; 2 * 4096 + 100];
        (bytes[0], bytes[2 * 4096 + 99]) = (1, 2);
        let (_file, disk) = disk(&bytes);
        assert_eq!((disk.blocks(4096), disk.gib()), (3, 1));
        let first = disk.read(0, 4096).await.unwrap();
        assert_eq!(first.digest, Some(hash::sha256(&bytes[..4096])));
        assert_eq!(disk.read(1, 4096).await.unwrap().digest, None);
        let last = disk.read(2, 4096).await.unwrap();
        assert_eq!((last.bytes.len(), last.bytes[99], last.bytes[100]), (4096, 2, 0));
        assert_eq!(last.digest, Some(hash::sha256(&last.bytes)));
        let beyond = disk.read(9, 4096).await.unwrap();
        assert_eq!((beyond.bytes.len(), beyond.digest), (4096, None));
    }

    #[tokio::test]
    async fn another_disk_than_the_manifests_is_refused() {
        let (_file, disk) = disk(b"disk");
        let blob = Blob { sha256: hash::hex(&hash::sha256(b"disk")), bytes: 4 };
        disk.check(&blob).await.unwrap();
        let longer = disk.check(&Blob { bytes: 5, ..blob.clone() }).await.unwrap_err();
        assert!(longer.message.contains("it has 4 bytes, not 5"), "{longer}");
        let other = disk.check(&Blob { sha256: "00".repeat(32), ..blob }).await.unwrap_err();
        assert_eq!(other.kind, Kind::Invalid);
    }

    #[test]
    fn an_empty_file_is_no_disk() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(Disk::open(file.path()).unwrap_err().kind, Kind::Invalid);
    }
}
