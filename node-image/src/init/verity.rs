//! Opens the root under dm-verity: from here on every block that is read is
//! compared with the root hash of the command line.

use super::cmdline::Verity;
use super::error::{InitError, Trying};
use super::gpt_table::SECTOR;
use super::ioctl::{self, DM_HEADER, DM_SIZE_AT};
use super::partition::Partition;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

const CONTROL: &str = "/dev/mapper/control";
/// The name of the device.
const NAME: &str = "root";
/// What `/dev/mapper` calls it.
const LINK: &str = "/dev/mapper/root";
/// Bytes in a block of data or hashes.
const BLOCK: u64 = 4096;

/// Commands of `linux/dm-ioctl.h`.
const DEV_CREATE: u8 = 3;
const DEV_SUSPEND: u8 = 6;
const TABLE_LOAD: u8 = 9;
/// The interface that is spoken here.
const VERSION: u32 = 4;
const READ_ONLY: u32 = 1;

/// Opens it and gives the path of the device.
///
/// # Errors
/// The partitions are too short, or device-mapper refuses: a module is missing.
pub(super) fn open(
    root: &Verity,
    data: &Partition,
    hashes: &Partition,
) -> Result<PathBuf, InitError> {
    let (has, needs) = (data.bytes / BLOCK, root.data_blocks());
    if has < needs {
        let why = format!("the root's partition has {has} blocks, and the root hash is of {needs}");
        return Err(InitError::Wrong(why));
    }
    let control = OpenOptions::new().read(true).write(true).open(CONTROL);
    let control = control.trying(|| format!("open {CONTROL}, is dm_mod in the initrd"))?;
    let send = |command: u8, mut message: Message, tried: &str| {
        ioctl::device_mapper(&control, command, &mut message.0).trying(|| tried.to_owned())?;
        Ok::<_, InitError>(message)
    };
    let created = send(DEV_CREATE, Message::new(READ_ONLY), "create the device")?;
    let target = Message::with_target(
        needs * (BLOCK / SECTOR),
        "verity",
        &parameters(root, &data.number, &hashes.number),
    );
    send(TABLE_LOAD, target, "set up dm-verity, the kernel's log says why")?;
    // To suspend a device without the flag for it is to start it.
    send(DEV_SUSPEND, Message::new(0), "start dm-verity")?;
    let device = PathBuf::from(format!("/dev/dm-{}", created.minor()));
    File::open(&device).trying(|| format!("open {}", device.display()))?;
    // Whoever lists the mounts reads the name.
    symlink(&device, LINK).trying(|| format!("name {} {LINK}", device.display()))?;
    Ok(PathBuf::from(LINK))
}

/// The table's line: the hashes begin at block 0 of their partition, and a block
/// that is not as it was built is the end of the machine, not of one read.
fn parameters(root: &Verity, data: &str, hashes: &str) -> String {
    let (blocks, hash, salt) = (root.data_blocks(), root.root_hash(), root.salt());
    format!("1 {data} {hashes} 4096 4096 {blocks} 0 sha256 {hash} {salt} 1 panic_on_corruption")
}

/// A message to device-mapper: `struct dm_ioctl`, and what follows it.
#[derive(Debug)]
struct Message(Vec<u8>);

impl Message {
    /// One that says no more than the device's name.
    fn new(flags: u32) -> Self {
        let mut message = Self(vec![0; DM_HEADER]);
        message.put(0, VERSION);
        // Where what follows begins.
        message.put(16, u32::try_from(DM_HEADER).unwrap_or_default());
        message.put(28, flags);
        message.0[48..48 + NAME.len()].copy_from_slice(NAME.as_bytes());
        message.close()
    }

    /// One with a read-only table of one target, `sectors` long.
    fn with_target(sectors: u64, kind: &str, parameters: &str) -> Self {
        let mut message = Self::new(READ_ONLY);
        message.put(20, 1);
        // `struct dm_target_spec`: start, length, status, next, type.
        let mut target = vec![0; 40];
        target[8..16].copy_from_slice(&sectors.to_ne_bytes());
        target[24..24 + kind.len()].copy_from_slice(kind.as_bytes());
        target.extend(parameters.as_bytes());
        target.push(0);
        target.resize(target.len().next_multiple_of(8), 0);
        let next = u32::try_from(target.len()).unwrap_or_default();
        target[20..24].copy_from_slice(&next.to_ne_bytes());
        message.0.extend(target);
        message.close()
    }

    /// The minor number of the device that the kernel answered.
    fn minor(&self) -> u64 {
        let device = self.0.get(40..48).and_then(|bytes| bytes.first_chunk());
        let device = device.map_or(0, |bytes| u64::from_ne_bytes(*bytes));
        device & 0xff | device >> 12 & 0xf_ff00
    }

    fn put(&mut self, at: usize, number: u32) {
        self.0[at..at + 4].copy_from_slice(&number.to_ne_bytes());
    }

    /// Says how long it is.
    fn close(mut self) -> Self {
        let length = u32::try_from(self.0.len()).unwrap_or_default();
        self.put(DM_SIZE_AT, length);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(message: &Message, at: usize) -> u32 {
        u32::from_ne_bytes(*message.0[at..].first_chunk().unwrap())
    }

    fn text(message: &Message, at: usize) -> &str {
        let rest = &message.0[at..];
        let end = rest.iter().position(|byte| *byte == 0).unwrap();
        std::str::from_utf8(&rest[..end]).unwrap()
    }

    #[test]
    fn a_message_is_the_kernels_structure() {
        let message = Message::new(READ_ONLY);
        // version[3], data_size, data_start, target_count, open_count, flags
        let head: Vec<u32> = (0..8).map(|at| number(&message, at * 4)).collect();
        assert_eq!(head, [4, 0, 0, 312, 312, 0, 0, 1]);
        assert_eq!((message.0.len(), text(&message, 48)), (312, "root"));
    }

    #[test]
    fn a_target_follows_the_structure_and_says_where_it_ends() {
        let message = Message::with_target(80, "verity", "1 2:3");
        assert_eq!((number(&message, 12), number(&message, 20)), (360, 1));
        assert_eq!(message.0.len(), 360);
        let target = 312;
        assert_eq!(message.0[target..target + 8], [0; 8]);
        assert_eq!(message.0[target + 8..target + 16], 80_u64.to_ne_bytes());
        assert_eq!((number(&message, target + 16), number(&message, target + 20)), (0, 48));
        assert_eq!((text(&message, target + 24), text(&message, target + 40)), ("verity", "1 2:3"));
    }

    #[test]
    fn the_tables_line_is_the_one_of_dm_verity() {
        let hash = "ab".repeat(32);
        let root = Verity::read(&format!("floodway.verity={hash},cd,100")).unwrap();
        let line = parameters(&root, "254:2", "254:3");
        let rest = format!("100 0 sha256 {hash} cd 1 panic_on_corruption");
        assert_eq!(line, format!("1 254:2 254:3 4096 4096 {rest}"));
    }

    #[test]
    fn the_minor_number_is_read_from_both_its_parts() {
        let mut message = Message::new(0);
        // Major 253, minor 0x12345, as the kernel packs them.
        let packed: u64 = 0x45 | 253 << 8 | 0x12300 << 12;
        message.0[40..48].copy_from_slice(&packed.to_ne_bytes());
        assert_eq!(message.minor(), 0x12345);
    }
}
