//! The disk that holds the root, found by the identity of the root's partition.

use super::error::{InitError, Trying};
use super::gpt_table::SECTOR;
use super::grow::{Ends, Store};
use super::guid::Guid;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The kernel's own disks, partitions not among them.
const DISKS: &str = "/sys/block";
/// A volume is attached before its instance starts; its driver may take a moment.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// A disk.
#[derive(Debug)]
pub(super) struct Disk {
    /// As the kernel names it: `nvme0n1`.
    pub(super) name: String,
    /// Its two ends.
    pub(super) ends: Ends,
}

impl Disk {
    /// The folder in which the kernel tells of it.
    pub(super) fn folder(&self) -> PathBuf {
        Path::new(DISKS).join(&self.name)
    }

    /// Opened to be written; none: it is read-only, which a disk that is opened does
    /// not say before it is written.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open_to_write(&self) -> Result<Option<Volume>, InitError> {
        let read_only = self.folder().join("ro");
        let says = fs::read_to_string(&read_only);
        if says.trying(|| format!("read {}", read_only.display()))?.trim() == "1" {
            return Ok(None);
        }
        let path = device(&self.name);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let volume = file.and_then(Volume::of);
        volume.map(Some).trying(|| format!("open {}", path.display()))
    }
}

/// Where a disk or a partition is opened. The kernel writes `!` for `/`.
pub(super) fn device(name: &str) -> PathBuf {
    Path::new("/dev").join(name.replace('!', "/"))
}

/// An open disk.
#[derive(Debug)]
pub(super) struct Volume {
    /// The disk.
    pub(super) file: File,
    sectors: u64,
}

impl Volume {
    /// # Errors
    /// Its length cannot be told.
    pub(super) fn of(mut file: File) -> io::Result<Self> {
        let sectors = file.seek(SeekFrom::End(0))? / SECTOR;
        Ok(Self { file, sectors })
    }
}

impl Store for Volume {
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sectors(&self) -> u64 {
        self.sectors
    }
}

/// Looks until a disk has the partition `id`.
///
/// # Errors
/// None has it in time; the text says what each disk has instead.
pub(super) fn wait_for(id: Guid) -> Result<Disk, InitError> {
    let until = Instant::now() + PATIENCE;
    let mut others: BTreeMap<String, Other> = BTreeMap::new();
    loop {
        for name in names().trying(|| format!("list {DISKS}"))? {
            if others.get(&name).is_some_and(|other| other.is_read) {
                continue;
            }
            match look(&name, id) {
                Ok(disk) => return Ok(disk),
                Err(other) => others.insert(name, other),
            };
        }
        if Instant::now() >= until {
            return Err(InitError::Wrong(missing(id, &others)));
        }
        std::thread::sleep(PAUSE);
    }
}

/// A disk without the partition.
struct Other {
    /// What it has instead.
    has: String,
    /// Another look would find the same.
    is_read: bool,
}

/// In their order, so that the same disk is found at each boot.
fn names() -> io::Result<Vec<String>> {
    let folder = fs::read_dir(DISKS)?;
    let mut names: Vec<String> =
        folder.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn look(name: &str, id: Guid) -> Result<Disk, Other> {
    let read = File::open(device(name)).and_then(Volume::of).and_then(|it| Ends::read(&it));
    let ends = read.map_err(|why| Other { has: why.to_string(), is_read: false })?;
    let other = |has: String| Other { has, is_read: !ends.is_empty() };
    let table = ends.table().map_err(|why| other(why.to_string()))?;
    if table.partitions().any(|(_, entry)| entry.id == id) {
        Ok(Disk { name: name.to_owned(), ends })
    } else {
        Err(other("other partitions".to_owned()))
    }
}

fn missing(id: Guid, others: &BTreeMap<String, Other>) -> String {
    let seen: Vec<String> =
        others.iter().map(|(name, other)| format!("{name} has {}", other.has)).collect();
    let seen = if seen.is_empty() { "there is no disk".to_owned() } else { seen.join(", ") };
    let waited = PATIENCE.as_secs();
    format!(
        "no partition {id}, the root, after {waited} s: {seen}; \
         does this kernel belong to this disk, and has the initrd the disk's driver?"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_instead_of_the_root_is_said() {
        let other = |has: &str| Other { has: has.to_owned(), is_read: true };
        let id = Guid::new(1);
        let none = missing(id, &BTreeMap::new());
        assert!(none.contains("there is no disk"), "{none}");
        let seen = [("vda", "other partitions"), ("nvme1n1", "no partition table")];
        let seen = seen.map(|(name, has)| (name.to_owned(), other(has)));
        let said = missing(id, &BTreeMap::from(seen));
        assert!(said.starts_with("no partition 00000000-0000-0000-0000-000000000001"), "{said}");
        assert!(
            said.contains("nvme1n1 has no partition table, vda has other partitions"),
            "{said}"
        );
    }

    #[test]
    fn a_name_with_a_folder_in_it_is_opened_there() {
        assert_eq!(device("cciss!c0d0"), Path::new("/dev/cciss/c0d0"));
    }
}
