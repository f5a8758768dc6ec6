//! What an upload leaves in a folder here: how far it has come, and its blocks'
//! digests. All of it may be lost: an upload then sends more, and nothing else.

use super::blocks::Blocks;
use super::disk::{BLOCK, aside};
use super::error::{Error, Kind};
use super::hash;
use super::names::Identity;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The form of the resume file that is written here.
const VERSION: u32 = 1;

/// A folder, beside the disk as a rule.
#[derive(Debug, Clone)]
pub struct Notes {
    folder: PathBuf,
}

/// How far an upload has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resume {
    version: u32,
    manifest: String,
    pub(super) region: String,
    pub(super) snapshot: String,
    /// On whose blocks it is built.
    pub(super) parent: Option<String>,
    pub(super) block_size: u32,
    /// It was asked to be completed.
    pub(super) sealed: bool,
    /// A bit for each block, the lowest first: AWS has acknowledged it.
    #[serde(with = "bits")]
    put: Vec<u8>,
}

impl Resume {
    /// Nothing is known of its blocks.
    pub(super) fn new(
        identity: &Identity,
        region: &str,
        snapshot: &str,
        parent: Option<String>,
        size: u32,
    ) -> Self {
        Self {
            version: VERSION,
            manifest: identity.manifest.clone(),
            region: region.to_owned(),
            snapshot: snapshot.to_owned(),
            parent,
            block_size: size,
            sealed: false,
            put: Vec::new(),
        }
    }

    /// Whether AWS has acknowledged the block.
    pub(super) fn has(&self, index: u32) -> bool {
        let byte = usize::try_from(index / 8).ok().and_then(|at| self.put.get(at));
        byte.is_some_and(|byte| byte & (1 << (index % 8)) != 0)
    }

    /// AWS has.
    pub(super) fn mark(&mut self, index: u32) {
        let Ok(at) = usize::try_from(index / 8) else { return };
        if at >= self.put.len() {
            self.put.resize(at + 1, 0);
        }
        self.put[at] |= 1 << (index % 8);
    }
}

impl Notes {
    /// Kept in `folder`, which is made when something is kept.
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn resume_file(&self, identity: &Identity, region: &str) -> PathBuf {
        self.folder.join(format!("{}-{}.{region}.upload", identity.name, identity.short()))
    }

    fn blocks_file(&self, name: &str, manifest: &str) -> PathBuf {
        self.folder.join(format!("{name}-{}.blocks", manifest.get(..12).unwrap_or(manifest)))
    }

    /// How far the image's upload to `region` had come; none: nothing is known.
    pub(super) fn resume(&self, identity: &Identity, region: &str) -> Option<Resume> {
        let text = fs::read_to_string(self.resume_file(identity, region)).ok()?;
        let found: Resume = serde_json::from_str(&text).ok()?;
        let is_it = found.version == VERSION
            && found.manifest == identity.manifest
            && found.region == region
            && is_block_size(found.block_size);
        is_it.then_some(found)
    }

    /// Keeps how far it has come, so that a kill at any moment leaves this or what
    /// was kept before.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) async fn keep(&self, identity: &Identity, resume: &Resume) -> Result<(), Error> {
        let path = self.resume_file(identity, &resume.region);
        let text = serde_json::to_string(resume)
            .map_err(|error| Error::new(Kind::Local, error.to_string()))?;
        aside(move || write(&path, &path.with_extension("new"), &text)).await?
    }

    /// The upload is done.
    pub(super) fn forget(&self, identity: &Identity, region: &str) {
        // A file that stays names a snapshot that is pending no more.
        let _ = fs::remove_file(self.resume_file(identity, region));
    }

    /// The digests of the blocks of the disk with that manifest; none: not known.
    pub(super) fn blocks(&self, name: &str, manifest: &str) -> Option<Blocks> {
        let text = fs::read_to_string(self.blocks_file(name, manifest)).ok()?;
        Blocks::read(&text, manifest).filter(|blocks| is_block_size(blocks.size))
    }

    /// Keeps them for the image that is built on this one; those that `region` has been
    /// compared with, as others may be at once.
    ///
    /// # Errors
    /// They cannot be written.
    pub(super) async fn keep_blocks(
        &self,
        identity: &Identity,
        region: &str,
        blocks: &Blocks,
    ) -> Result<(), Error> {
        let path = self.blocks_file(&identity.name, &identity.manifest);
        let beside = path.with_extension(format!("{region}.blocks.new"));
        let text = blocks.write(&identity.manifest);
        aside(move || write(&path, &beside, &text)).await?
    }
}

/// Whether blocks can have that many bytes: EBS has said 524,288 so far.
pub(super) const fn is_block_size(bytes: u32) -> bool {
    bytes.is_power_of_two() && bytes >= BLOCK / 8 && bytes <= BLOCK * 32
}

/// By way of the file `beside`, which nobody else writes meanwhile.
fn write(path: &Path, beside: &Path, text: &str) -> Result<(), Error> {
    let written = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::create(beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(beside, path)
    };
    written().map_err(|error| {
        Error::new(Kind::Local, format!("cannot write {}: {error}", path.display()))
    })
}

/// A bit field in Base64.
mod bits {
    use super::hash;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(bits: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hash::base64(bits))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        hash::unbase64(&text).ok_or_else(|| D::Error::custom("this is no Base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::identity;
    use super::*;

    fn resume() -> Resume {
        let mut resume = Resume::new(&identity(), "eu-west-1", "snap-1", None, BLOCK);
        [0, 9, 400].into_iter().for_each(|index| resume.mark(index));
        resume
    }

    #[tokio::test]
    async fn an_upload_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes::in_folder(&folder.path().join("made"));
        assert_eq!(notes.resume(&identity(), "eu-west-1"), None);
        notes.keep(&identity(), &resume()).await.unwrap();
        let found = notes.resume(&identity(), "eu-west-1").unwrap();
        assert_eq!(found, resume());
        let has: Vec<u32> = (0..500).filter(|index| found.has(*index)).collect();
        assert_eq!(has, [0, 9, 400]);
        notes.forget(&identity(), "eu-west-1");
        assert_eq!(notes.resume(&identity(), "eu-west-1"), None);
    }

    #[tokio::test]
    async fn what_belongs_to_another_upload_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes::in_folder(folder.path());
        notes.keep(&identity(), &resume()).await.unwrap();
        assert_eq!(notes.resume(&identity(), "us-east-1"), None);
        // The first 12 digits are the same, and so is the file's name.
        let other = Identity { manifest: format!("{}00", "ab".repeat(31)), ..identity() };
        assert_eq!(notes.resume(&other, "eu-west-1"), None);
        let path = notes.resume_file(&identity(), "eu-west-1");
        for damaged in ["", "{", "{\"version\": 1}"] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(notes.resume(&identity(), "eu-west-1"), None, "{damaged}");
        }
    }

    #[tokio::test]
    async fn digests_are_kept_for_the_next_image() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes::in_folder(folder.path());
        let mut blocks = Blocks::new(BLOCK);
        blocks.set(3, Some(hash::sha256(b"three")));
        notes.keep_blocks(&identity(), "eu-west-1", &blocks).await.unwrap();
        assert_eq!(notes.blocks("small", &identity().manifest), Some(blocks));
        assert_eq!(notes.blocks("small", &"cd".repeat(32)), None);
    }

    #[tokio::test]
    async fn regions_keep_them_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes::in_folder(folder.path());
        let mut blocks = Blocks::new(BLOCK);
        blocks.set(3, Some(hash::sha256(b"three")));
        let (notes, identity, blocks) = (&notes, &identity(), &blocks);
        let regions: Vec<String> = (0..16).map(|number| format!("region-{number}")).collect();
        let all = regions.iter().map(|region| notes.keep_blocks(identity, region, blocks));
        for kept in futures::future::join_all(all).await {
            kept.unwrap();
        }
        assert_eq!(notes.blocks("small", &identity.manifest).as_ref(), Some(blocks));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing lies beside it");
    }

    #[test]
    fn nonsense_is_no_block_size() {
        assert!(is_block_size(BLOCK));
        for wrong in [0, 1, 512, 524_287, u32::MAX] {
            assert!(!is_block_size(wrong), "{wrong}");
        }
    }
}
