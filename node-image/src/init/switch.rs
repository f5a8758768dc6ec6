//! Leaves the initrd: the root that is mounted becomes the root of everything.

use super::error::{InitError, Trying};
use rustix::fs::fstatfs;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What a filesystem says that it is, where the kernel unpacks an initrd.
const RAMFS: i64 = 0x8584_58f6;
const TMPFS: i64 = 0x0102_1994;
/// What follows into the new root.
const CARRIED: [&str; 3] = ["dev", "proc", "sys"];

/// Makes `root` the root, and gives the initrd's memory back.
///
/// # Errors
/// The root of now is no initrd, or the kernel refuses.
pub(super) fn to(root: &Path) -> Result<(), InitError> {
    for name in CARRIED {
        let (from, to) = (Path::new("/").join(name), root.join(name));
        let moved = rustix::mount::mount_move(&from, &to);
        moved.trying(|| format!("move {} to {}", from.display(), to.display()))?;
    }
    empty(Path::new("/")).trying(|| "remove the initrd's files".to_owned())?;
    std::env::set_current_dir(root).trying(|| format!("enter {}", root.display()))?;
    rustix::mount::mount_move(".", "/").trying(|| "move the root to /".to_owned())?;
    rustix::process::chroot(".").trying(|| "make it the root".to_owned())?;
    std::env::set_current_dir("/").trying(|| "enter /".to_owned())
}

/// Removes all in `folder` that is of its own filesystem, which must be in memory.
fn empty(folder: &Path) -> io::Result<()> {
    let kind = fstatfs(File::open(folder)?)?.f_type;
    if kind != RAMFS && kind != TMPFS {
        return Err(io::Error::other("it is not in memory"));
    }
    let device = fs::symlink_metadata(folder)?.dev();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let found = fs::symlink_metadata(&path)?;
        if found.dev() != device {
            continue;
        }
        if found.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_on_a_disk_is_not_emptied() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("kept"), "").unwrap();
        let kind = fstatfs(File::open(folder.path()).unwrap()).unwrap().f_type;
        let in_memory = kind == RAMFS || kind == TMPFS;
        assert_eq!(empty(folder.path()).is_ok(), in_memory);
        assert_eq!(folder.path().join("kept").exists(), !in_memory);
    }
}
