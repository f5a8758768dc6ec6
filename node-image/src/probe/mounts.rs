//! What is mounted, and whether it can be written to.

use crate::facts::{Mount, Seen, Write};
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Where the built root is looked at.
const BUILT: &str = "/run/floodway-probe";

/// Everything that is mounted.
pub(super) fn all() -> Seen<BTreeMap<String, Mount>> {
    let path = "/proc/self/mountinfo";
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(text.lines().filter_map(|line| mount(line, partition)).collect())
}

/// `36 35 98:0 / /var rw,noatime master:1 - ext4 /dev/nvme0n1p4 rw`, see `proc(5)`.
fn mount(line: &str, partition: impl Fn(&str) -> Option<String>) -> Option<(String, Mount)> {
    let (place, what) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(2);
    let (number, _, at, options) = (place.next()?, place.next()?, place.next()?, place.next()?);
    let mut what = what.split(' ');
    let (kind, source) = (what.next()?.to_owned(), what.next()?.to_owned());
    let of_filesystem = what.next().unwrap_or_default();
    let read_only = [options, of_filesystem].iter().any(|all| all.split(',').any(|o| o == "ro"));
    let mount = Mount { kind, source, writable: !read_only, partition: partition(number) };
    Some((at.to_owned(), mount))
}

/// The name of the partition with this number, `259:4`.
fn partition(number: &str) -> Option<String> {
    let event = fs::read_to_string(format!("/sys/dev/block/{number}/uevent")).ok()?;
    event.lines().find_map(|line| line.strip_prefix("PARTNAME=")).map(str::to_owned)
}

/// What becomes of a new file in `folder`; it is removed again.
pub(super) fn write(folder: &Path) -> Write {
    let file = folder.join(".floodway-probe");
    let made = OpenOptions::new().write(true).create_new(true).open(&file);
    match made.and_then(|_| fs::remove_file(&file)) {
        Ok(()) => Write::Done,
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => Write::ReadOnly,
        Err(error) => Write::Failed(error.to_string()),
    }
}

/// The root as it was built, without what is mounted over it, until it is dropped.
pub(super) struct Built {
    pub(super) root: Seen<PathBuf>,
}

/// Makes it visible.
pub(super) fn built_root() -> Built {
    let made = fs::create_dir_all(BUILT).and_then(|()| Ok(mount_bind("/", BUILT)?));
    let made = made.map_err(|error| format!("the built root at {BUILT}: {error}"));
    Built { root: made.map(|()| PathBuf::from(BUILT)) }
}

impl Drop for Built {
    fn drop(&mut self) {
        if self.root.is_ok() {
            let _ = unmount(BUILT, UnmountFlags::DETACH);
            let _ = fs::remove_dir(BUILT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_what_it_is_and_where() {
        let line = "36 35 259:4 / /var rw,noatime shared:1 master:2 - ext4 /dev/nvme0n1p4 rw,x=y";
        let named = |number: &str| (number == "259:4").then(|| "floodway-var".to_owned());
        let (at, found) = mount(line, named).unwrap();
        assert_eq!(at, "/var");
        assert_eq!((found.kind.as_str(), found.writable), ("ext4", true));
        assert_eq!(found.partition.as_deref(), Some("floodway-var"));
        let line = "22 1 253:0 / / rw,relatime - erofs /dev/mapper/root ro,user_xattr";
        assert!(!mount(line, named).unwrap().1.writable, "the filesystem itself is read-only");
        for odd in ["", "36 35 - ext4", "36 35 1:2 / /x rw - ext4"] {
            assert_eq!(mount(odd, named), None, "{odd}");
        }
    }

    #[test]
    fn a_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write(folder.path()), Write::Done);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(write(Path::new("/nowhere")), Write::Failed(_)));
    }
}
