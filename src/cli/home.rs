//! `.floodway/`: what is kept between commands. Losing it loses no truth.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder, made if it is not there, and never part of a repository.
pub(super) fn folder(root: &Path) -> io::Result<PathBuf> {
    let folder = root.join(".floodway");
    if folder.exists() && !folder.is_dir() {
        let message = format!("{} is no folder and stands in the way: move it", folder.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    fs::create_dir_all(&folder)?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        fs::write(ignore, "*\n")?;
    }
    Ok(folder)
}
