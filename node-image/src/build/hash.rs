//! Digests, and the keys of what stages make.

use super::error::Error;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// `bytes` in hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of `bytes`, in hex.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file, in hex.
pub(super) fn of_file(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(|error| Error::file("open", path, error))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(|error| Error::file("read", path, error))?;
        if read == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

/// The hash of all that goes into a stage, each input under its name.
#[derive(Debug, Clone)]
pub(super) struct Key(Sha256);

impl Key {
    /// Of a stage, and of how it is made: `version` grows when its code makes
    /// something else of the same inputs.
    pub(super) fn of(stage: &str, version: u32) -> Self {
        Self(Sha256::new()).with("stage", stage).with("version", version.to_string())
    }

    /// With one more input. Lengths go in as well: two inputs are never taken for
    /// one.
    pub(super) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// In hex.
    pub(super) fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_knows_where_one_input_ends() {
        let one = Key::of("x", 1).with("a", "bc").finish();
        let other = Key::of("x", 1).with("ab", "c").finish();
        assert_ne!(one, other);
        assert_ne!(one, Key::of("x", 2).with("a", "bc").finish());
        assert_eq!(one, Key::of("x", 1).with("a", "bc").finish());
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"abc").unwrap();
        assert_eq!(of_file(file.path()).unwrap(), of_bytes(b"abc"));
        assert!(of_bytes(b"abc").starts_with("ba7816bf"));
    }
}
