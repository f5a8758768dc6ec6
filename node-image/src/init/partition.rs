//! Partitions as the kernel has them.

use super::disk::{Disk, Volume, device};
use super::error::{InitError, Trying};
use super::gpt_table::{Entry, Table};
use super::ioctl;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The kernel reads the table when it finds the disk; this program may be faster.
const PATIENCE: Duration = Duration::from_secs(5);
/// The kernel may not have read the table, where the front copy was damaged.
const BEFORE_REREAD: Duration = Duration::from_millis(200);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partition {
    /// Where it is opened: `/dev/nvme0n1p2`.
    pub(super) path: PathBuf,
    /// As device-mapper names it: `259:2`.
    pub(super) number: String,
    /// Its length in bytes.
    pub(super) bytes: u64,
}

/// Waits until the kernel has the partition that `which` chooses, as the table has it.
///
/// # Errors
/// The table has no such partition (`what` names it), or the kernel does not take it.
pub(super) fn of(
    disk: &Disk,
    table: &Table,
    what: &str,
    which: impl Fn(&Entry) -> bool,
) -> Result<Partition, InitError> {
    let found = table.partitions().find(|(_, entry)| which(entry));
    let missing = || InitError::Wrong(format!("{} has no partition of {what}", disk.name));
    let (number, entry) = found.ok_or_else(missing)?;
    let start = Instant::now();
    let mut is_reread = false;
    loop {
        if let Some(partition) = known(&disk.folder(), number, entry) {
            return Ok(partition);
        }
        let waited = start.elapsed();
        if waited >= PATIENCE {
            let name = &disk.name;
            return Err(InitError::Wrong(format!(
                "the kernel does not take partition {number} of {name}, {what}, as the table has it"
            )));
        }
        if waited >= BEFORE_REREAD && !is_reread {
            reread(disk)?;
            is_reread = true;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Makes the kernel read the table of a disk again, of which nothing is in use.
///
/// # Errors
/// It does not.
pub(super) fn reread(disk: &Disk) -> Result<(), InitError> {
    let path = device(&disk.name);
    let file = File::open(&path).and_then(Volume::of);
    let reread = file.and_then(|volume| ioctl::reread_partitions(&volume.file));
    reread.trying(|| format!("make the kernel read the partitions of {} again", path.display()))
}

/// The partition `number` in the folder that the kernel keeps of its disk; none: it
/// has none there, or one that lies elsewhere.
fn known(folder: &Path, number: u32, entry: &Entry) -> Option<Partition> {
    let number = number.to_string();
    fs::read_dir(folder).ok()?.flatten().find_map(|child| {
        let says = |file: &str| {
            let text = fs::read_to_string(child.path().join(file)).ok()?;
            Some(text.trim().to_owned())
        };
        let sectors = entry.last - entry.first + 1;
        let is_it = says("partition")? == number
            && says("start")? == entry.first.to_string()
            && says("size")? == sectors.to_string();
        let name = child.file_name().into_string().ok()?;
        let (path, number) = (device(&name), says("dev")?);
        // The kernel's own thread makes the file.
        (is_it && path.exists()).then_some(Partition { path, number, bytes: sectors * 512 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::guid::Guid;

    fn entry(first: u64, last: u64) -> Entry {
        let name = String::new();
        Entry { kind: Guid::new(1), id: Guid::new(2), first, last, flags: 0, name }
    }

    #[test]
    fn a_partition_is_the_one_of_its_number_where_the_table_has_it() {
        let folder = tempfile::tempdir().unwrap();
        // A file that every machine has stands for the device.
        for (name, number) in [("null", "2"), ("zero", "3"), ("queue", "")] {
            let child = folder.path().join(name);
            fs::create_dir(&child).unwrap();
            if !number.is_empty() {
                let facts =
                    [("partition", number), ("start", "2048"), ("size", "8"), ("dev", "259:7")];
                for (file, text) in facts {
                    fs::write(child.join(file), format!("{text}\n")).unwrap();
                }
            }
        }
        let known = |number, first, last| known(folder.path(), number, &entry(first, last));
        let found = known(2, 2048, 2055).unwrap();
        assert_eq!((found.path, found.number), (PathBuf::from("/dev/null"), "259:7".to_owned()));
        assert_eq!(found.bytes, 4096);
        assert_eq!(known(1, 2048, 2055), None);
        assert_eq!(known(2, 4096, 4103), None);
        assert_eq!(known(2, 2048, 2056), None);
    }
}
