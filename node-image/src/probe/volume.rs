//! The disk that a folder lies on, by the kernel's word and by its partition table's:
//! UEFI 2.10, chapter 5.

use super::files;
use crate::facts::{Seen, Volume};
use rustix::fs::{major, minor, statvfs};
use std::fs::{self, File};
use std::os::linux::fs::MetadataExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of a sector, in the table and in what the kernel tells.
const SECTOR: u64 = 512;
const SIGNATURE: &[u8] = b"EFI PART";
/// Where a table's header has its own sector, and that of the other copy's header.
const OWN: usize = 24;
const OTHER: usize = 32;

/// That of the partition on which `folder` lies.
pub(super) fn under(folder: &Path) -> Seen<Volume> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    let number = fs::metadata(folder).map_err(|error| failed(&error))?.st_dev();
    let known = format!("/sys/dev/block/{}:{}", major(number), minor(number));
    // The kernel has a partition's folder in that of its disk.
    let partition = fs::canonicalize(&known).map_err(|error| format!("{known}: {error}"))?;
    let disk = partition.parent().unwrap_or(&partition);
    let (start, length) = (sectors(&partition, "start")?, sectors(&partition, "size")?);
    let room = statvfs(folder).map_err(|error| failed(&error))?;
    Ok(Volume {
        bytes: sectors(disk, "size")?,
        table_end: table_end(&Path::new("/dev").join(disk.file_name().unwrap_or_default()))?,
        var_end: start + length,
        var_bytes: length,
        files_bytes: room.f_blocks * room.f_frsize,
    })
}

/// What a file of the kernel's says in sectors, in bytes.
fn sectors(folder: &Path, file: &str) -> Seen<u64> {
    let path = folder.join(file);
    let count = files::text(&path)?.parse::<u64>();
    count.map(|count| count * SECTOR).map_err(|error| format!("{}: {error}", path.display()))
}

/// Where the back copy of the partition table ends to which the front copy leads.
fn table_end(disk: &Path) -> Seen<u64> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", disk.display());
    let file = File::open(disk).map_err(|error| failed(&error))?;
    let header = |sector: u64| {
        let mut header = [0; 512];
        let at = sector.checked_mul(SECTOR).ok_or_else(|| failed(&"a sector beyond all disks"))?;
        file.read_exact_at(&mut header, at).map_err(|error| failed(&error))?;
        let is = header.starts_with(SIGNATURE) && number(&header, OWN) == sector;
        is.then_some(header).ok_or_else(|| failed(&format!("no partition table in {sector}")))
    };
    let back = number(&header(1)?, OTHER);
    header(back)?;
    Ok((back + 1) * SECTOR)
}

fn number(header: &[u8; 512], at: usize) -> u64 {
    let found = header.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpt::disk::LogicalBlockSize;
    use std::io::Cursor;
    use std::path::PathBuf;

    const LENGTH: usize = 4096 * 512;

    /// A disk whose table another program wrote, and `more` bytes behind it.
    fn disk(folder: &Path, more: usize) -> PathBuf {
        let blank = Cursor::new(vec![0_u8; LENGTH]);
        let config =
            gpt::GptConfig::new().writable(true).logical_block_size(LogicalBlockSize::Lb512);
        let table = config.create_from_device(blank, None).unwrap();
        let mut bytes = table.write().unwrap().into_inner();
        bytes.resize(LENGTH + more, 0);
        let path = folder.join("disk");
        fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn a_table_ends_where_its_back_copy_stands() {
        let folder = tempfile::tempdir().unwrap();
        for more in [0, 1 << 20] {
            assert_eq!(table_end(&disk(folder.path(), more)), Ok(LENGTH as u64), "{more}");
        }
    }

    #[test]
    fn a_back_copy_that_is_not_where_the_front_copy_says_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = disk(folder.path(), 0);
        let mut bytes = fs::read(&path).unwrap();
        bytes[LENGTH - 512] = 0;
        fs::write(&path, &bytes).unwrap();
        let why = table_end(&path).unwrap_err();
        assert!(why.ends_with("no partition table in 4095"), "{why}");
        bytes[512 + OTHER..512 + OTHER + 8].fill(0xff);
        fs::write(&path, &bytes).unwrap();
        assert!(table_end(&path).is_err());
        fs::write(&path, [0; 2048]).unwrap();
        assert!(table_end(&path).unwrap_err().ends_with("no partition table in 1"));
    }

    #[test]
    fn what_lies_on_no_partition_says_so() {
        let why = under(Path::new("/proc")).unwrap_err();
        assert!(why.starts_with("/sys/dev/block/0:"), "{why}");
        assert!(under(Path::new("/nowhere")).unwrap_err().starts_with("/nowhere: "));
    }

    #[test]
    fn the_kernel_counts_in_sectors() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("size"), "16\n").unwrap();
        assert_eq!(sectors(folder.path(), "size"), Ok(8192));
        assert!(sectors(folder.path(), "start").is_err());
    }
}
