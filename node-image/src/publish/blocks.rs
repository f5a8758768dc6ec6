//! The digests of a disk's blocks: what makes the next upload a small one.

use super::hash::{self, Digest};
use std::fmt::Write;

/// The first words of the file that keeps them.
const HEAD: &str = "floodway blocks 1";

/// What each block of a disk is; all beyond the last are zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blocks {
    /// Bytes of a block.
    pub(super) size: u32,
    digests: Vec<Option<Digest>>,
}

impl Blocks {
    /// A disk of zeros.
    pub(super) const fn new(size: u32) -> Self {
        Self { size, digests: Vec::new() }
    }

    /// The digest of the block number `index`; none: it is zeros.
    pub(super) fn get(&self, index: u32) -> Option<&Digest> {
        self.digests.get(usize::try_from(index).ok()?)?.as_ref()
    }

    pub(super) fn set(&mut self, index: u32, digest: Option<Digest>) {
        let Ok(at) = usize::try_from(index) else { return };
        if at >= self.digests.len() {
            if digest.is_none() {
                return;
            }
            self.digests.resize(at + 1, None);
        }
        self.digests[at] = digest;
    }

    /// One more than the last block that is not zeros, at least.
    pub(super) fn end(&self) -> u32 {
        u32::try_from(self.digests.len()).unwrap_or(u32::MAX)
    }

    /// The blocks that are not zeros, in their order.
    pub(super) fn filled(&self) -> impl Iterator<Item = (u32, &Digest)> {
        (0..).zip(&self.digests).filter_map(|(index, digest)| Some((index, digest.as_ref()?)))
    }

    /// As a file: a head, and one line for each block that is not zeros.
    pub(super) fn write(&self, manifest: &str) -> String {
        let mut text = format!("{HEAD} {manifest} {}\n", self.size);
        for (index, digest) in self.filled() {
            // Into a string nothing fails.
            let _ = writeln!(text, "{} {index}", hash::hex(digest));
        }
        text
    }

    /// What `write` wrote of that manifest's disk; none: it is another's, or damaged.
    pub(super) fn read(text: &str, manifest: &str) -> Option<Self> {
        let text = text.strip_suffix('\n')?;
        let mut lines = text.lines();
        let size = lines.next()?.strip_prefix(&format!("{HEAD} {manifest} "))?;
        let mut blocks = Self::new(size.parse().ok()?);
        for line in lines {
            let (digest, index) = line.split_once(' ')?;
            let index: u32 = index.parse().ok()?;
            // They stand in their order: a hole is zeros, a line twice is damage.
            if index < blocks.end() || index > i32::MAX.unsigned_abs() {
                return None;
            }
            blocks.set(index, Some(hash::unhex(digest)?));
        }
        Some(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks() -> Blocks {
        let mut blocks = Blocks::new(4096);
        blocks.set(4, Some(hash::sha256(b"four")));
        blocks.set(1, Some(hash::sha256(b"one")));
        blocks.set(9, None);
        blocks
    }

    #[test]
    fn they_come_back_from_their_file() {
        let text = blocks().write("aa");
        assert_eq!(Blocks::read(&text, "aa"), Some(blocks()));
        assert_eq!(blocks().end(), 5);
        assert_eq!(blocks().filled().map(|(index, _)| index).collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn what_is_damaged_or_of_another_disk_is_not_believed() {
        let text = blocks().write("aa");
        assert_eq!(Blocks::read(&text, "bb"), None);
        for wrong in [
            text.trim_end().to_owned(),
            text.replace(" 4\n", " 1\n"),
            text.replace(" 4\n", " x\n"),
            text.replace(" 4\n", " 4294967295\n"),
            text.replace("floodway", "other"),
        ] {
            assert_eq!(Blocks::read(&wrong, "aa"), None, "{wrong}");
        }
    }
}
