//! A GUID partition table as bytes: both of its copies. UEFI 2.10, chapter 5.
//!
//! Reading never trusts a length; writing gives whole copies, so that [`super::grow`]
//! decides which of them is on the disk at every moment.

use super::guid::Guid;
use thiserror::Error;

/// Bytes of a sector; the disks of EC2 and of QEMU have no others.
pub(super) const SECTOR: u64 = 512;
/// Sectors of the front copy: the protective MBR, the header, the entries.
pub(super) const FRONT: u64 = 34;
/// Sectors of the back copy: the entries, the header.
pub(super) const BACK: u64 = 33;
/// Entries of a table, in use or not.
const SLOTS: usize = 128;
const ENTRY: usize = 128;
const ENTRIES: usize = SLOTS * ENTRY;
const HEADER: usize = 92;
const SIGNATURE: &[u8; 8] = b"EFI PART";
const REVISION: u32 = 0x0001_0000;
/// The type of a protective MBR's only partition.
const PROTECTIVE: u8 = 0xee;

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What it is for, as the disk has it.
    pub(super) kind: Guid,
    /// Which it is.
    pub(super) id: Guid,
    /// Its first sector.
    pub(super) first: u64,
    /// Its last sector.
    pub(super) last: u64,
    /// Its attributes.
    pub(super) flags: u64,
    /// Its name.
    pub(super) name: String,
}

/// A partition table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// The disk's identity.
    pub(super) disk: Guid,
    /// The first sector for partitions.
    pub(super) first_usable: u64,
    /// The last sector for partitions.
    pub(super) last_usable: u64,
    /// Where the header of the back copy stands: the disk's last sector.
    pub(super) end: u64,
    /// The partitions by their numbers less one.
    pub(super) slots: Vec<Option<Entry>>,
}

/// Why bytes are no partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum TableError {
    #[error("no partition table")]
    None,
    #[error("a damaged partition table")]
    Damaged,
    #[error("a partition table of another shape")]
    Unusual,
}

impl Table {
    /// The copy in the first [`FRONT`] sectors of a disk.
    ///
    /// # Errors
    /// There is none, or it is damaged or not laid out as all tools do.
    pub(super) fn read_front(sectors: &[u8]) -> Result<Self, TableError> {
        let header = sectors.get(512..1024).ok_or(TableError::None)?;
        let entries = sectors.get(1024..1024 + ENTRIES).ok_or(TableError::None)?;
        let header = Header::read(header)?;
        if header.own != 1 || header.entries != 2 {
            return Err(TableError::Unusual);
        }
        Self::read(&header, header.other, entries)
    }

    /// The copy in the last [`BACK`] sectors of a disk, of which `end` is the last.
    ///
    /// # Errors
    /// There is none, or it is damaged or not laid out as all tools do.
    pub(super) fn read_back(sectors: &[u8], end: u64) -> Result<Self, TableError> {
        let entries = sectors.get(..ENTRIES).ok_or(TableError::None)?;
        let header = sectors.get(ENTRIES..ENTRIES + 512).ok_or(TableError::None)?;
        let header = Header::read(header)?;
        if header.own != end || header.other != 1 || header.entries != end.saturating_sub(32) {
            return Err(TableError::Unusual);
        }
        Self::read(&header, end, entries)
    }

    fn read(header: &Header, end: u64, entries: &[u8]) -> Result<Self, TableError> {
        if crc32(entries) != header.entries_crc {
            return Err(TableError::Damaged);
        }
        let slots: Vec<Option<Entry>> = entries.chunks_exact(ENTRY).map(Entry::read).collect();
        let (first_usable, last_usable) = (header.first_usable, header.last_usable);
        let inside = |entry: &Entry| {
            first_usable <= entry.first && entry.first <= entry.last && entry.last <= last_usable
        };
        if first_usable < FRONT || end <= last_usable || !slots.iter().flatten().all(inside) {
            return Err(TableError::Unusual);
        }
        Ok(Self { disk: header.disk, first_usable, last_usable, end, slots })
    }

    /// The partitions and their numbers.
    pub(super) fn partitions(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (1..).zip(&self.slots).filter_map(|(number, slot)| Some((number, slot.as_ref()?)))
    }

    /// The front copy, header and entries: sectors 1 to 33.
    pub(super) fn front(&self) -> Vec<u8> {
        let entries = self.entries();
        let mut sectors = self.header(1, self.end, 2, &entries);
        sectors.extend(entries);
        sectors
    }

    /// The back copy, entries and header: the last [`BACK`] sectors.
    pub(super) fn back(&self) -> Vec<u8> {
        let entries = self.entries();
        let header = self.header(self.end, 1, self.end.saturating_sub(32), &entries);
        [entries, header].concat()
    }

    fn entries(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ENTRIES);
        for slot in &self.slots {
            bytes.extend(slot.as_ref().map_or([0; ENTRY], Entry::bytes));
        }
        bytes.resize(ENTRIES, 0);
        bytes
    }

    fn header(&self, own: u64, other: u64, at: u64, entries: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend(SIGNATURE);
        for number in [REVISION, 92, 0, 0] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [own, other, self.first_usable, self.last_usable] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.disk.to_disk());
        bytes.extend(at.to_le_bytes());
        for number in [128, 128, crc32(entries)] {
            bytes.extend(number.to_le_bytes());
        }
        let crc = crc32(&bytes).to_le_bytes();
        bytes[16..20].copy_from_slice(&crc);
        bytes.resize(512, 0);
        bytes
    }
}

/// What a header says.
struct Header {
    own: u64,
    other: u64,
    first_usable: u64,
    last_usable: u64,
    disk: Guid,
    entries: u64,
    entries_crc: u32,
}

impl Header {
    fn read(sector: &[u8]) -> Result<Self, TableError> {
        if sector.get(..8) != Some(SIGNATURE) {
            return Err(TableError::None);
        }
        let length = usize::try_from(number32(sector, 12)).unwrap_or(usize::MAX);
        let counted = (HEADER..=512).contains(&length).then(|| sector.get(..length)).flatten();
        let mut counted = counted.ok_or(TableError::Damaged)?.to_vec();
        counted[16..20].fill(0);
        if crc32(&counted) != number32(sector, 16) {
            return Err(TableError::Damaged);
        }
        if number32(sector, 80) != 128 || number32(sector, 84) != 128 {
            return Err(TableError::Unusual);
        }
        Ok(Self {
            own: number64(sector, 24),
            other: number64(sector, 32),
            first_usable: number64(sector, 40),
            last_usable: number64(sector, 48),
            disk: Guid::from_disk(bytes16(sector, 56)),
            entries: number64(sector, 72),
            entries_crc: number32(sector, 88),
        })
    }
}

impl Entry {
    /// None: the slot is free.
    fn read(bytes: &[u8]) -> Option<Self> {
        let kind = Guid::from_disk(bytes16(bytes, 0));
        if kind == Guid::default() {
            return None;
        }
        let units = bytes.get(56..).unwrap_or_default().chunks_exact(2);
        let units: Vec<u16> = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        let length = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
        Some(Self {
            kind,
            id: Guid::from_disk(bytes16(bytes, 16)),
            first: number64(bytes, 32),
            last: number64(bytes, 40),
            flags: number64(bytes, 48),
            name: String::from_utf16_lossy(&units[..length]),
        })
    }

    fn bytes(&self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[..16].copy_from_slice(&self.kind.to_disk());
        bytes[16..32].copy_from_slice(&self.id.to_disk());
        for (at, number) in [(32, self.first), (40, self.last), (48, self.flags)] {
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        for (unit, place) in self.name.encode_utf16().zip(bytes[56..].chunks_exact_mut(2)) {
            place.copy_from_slice(&unit.to_le_bytes());
        }
        bytes
    }
}

/// Tells a protective MBR the length of its disk; another sector stays as it is.
pub(super) fn protect(mbr: &mut [u8], sectors: u64) {
    let length = u32::try_from(sectors.saturating_sub(1)).unwrap_or(u32::MAX);
    let record = mbr.get_mut(446..462);
    let Some(record) = record.filter(|r| r[4] == PROTECTIVE && r[8..12] == [1, 0, 0, 0]) else {
        return;
    };
    record[12..].copy_from_slice(&length.to_le_bytes());
}

/// 16 bytes at `at`; zeros where there are none.
fn bytes16(bytes: &[u8], at: usize) -> [u8; 16] {
    array(bytes, at)
}

fn number32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn number64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
    found.copied().unwrap_or([0; N])
}

/// The CRC of ISO 3309, as UEFI asks for.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            #[expect(clippy::cast_possible_truncation, reason = "it is below 256")]
            let mut crc = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    let step = |crc: u32, byte: &u8| crc >> 8 ^ TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)];
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests;
