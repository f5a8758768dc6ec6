//! Reading and writing small files, with errors that name them.

use super::error::Error;
use std::fs;
use std::path::Path;

/// Writes a file.
pub(super) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Error::file("create", folder, error))?;
    }
    fs::write(path, bytes).map_err(|error| Error::file("write", path, error))
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::file("read", path, error))
}

/// Copies a file; where the file system can, without writing it twice.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let _ = fs::remove_file(to);
    fs::copy(from, to).map(drop).map_err(|error| Error::file("write", to, error))
}

/// How large a file is.
pub(super) fn length(path: &Path) -> Result<u64, Error> {
    let found = fs::metadata(path).map_err(|error| Error::file("read", path, error))?;
    Ok(found.len())
}
