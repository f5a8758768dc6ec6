//! Gives the machine the room of a volume that is larger than its image: the back
//! copy of the partition table goes to the end, and `floodway-var` gets the room.
//!
//! The power may fail at any write. So at every moment one whole copy of the table
//! stands where the firmware and this program look for it: the front copy is written
//! only after the back copy is on the disk, and a front copy that is damaged is
//! mended before the back copy is touched. Where the two differ the front holds. A
//! disk that is as it should be is only read.

use super::VAR_PARTITION;
use super::gpt_table::{self, BACK, Entry, FRONT, SECTOR, Table, TableError};
use super::guid::Guid;
use std::io;

/// Partitions begin and end at whole MiB.
const MIB: u64 = 1024 * 1024 / SECTOR;
/// Less room is not worth a filesystem.
const LEAST_VAR: u64 = 64 * MIB;
/// Bytes at the start of a new partition that are written over: the disk may hold
/// an old filesystem there, and this one has to be made.
const ERASED: usize = 64 * 1024;
/// "Linux filesystem data".
const LINUX: Guid = Guid::new(0x0fc6_3daf_8483_4772_8e79_3d69_d847_7de4);

/// A disk, or a file that stands for one.
pub(super) trait Store {
    /// Fills `into` from the byte `at` on.
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
    /// Writes `bytes` from the byte `at` on.
    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// All that was written is on the disk when this returns.
    fn sync(&self) -> io::Result<()>;
    /// Its length.
    fn sectors(&self) -> u64;
}

/// Both ends of a disk, where a partition table stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ends {
    front: Vec<u8>,
    back: Vec<u8>,
    sectors: u64,
}

impl Ends {
    /// # Errors
    /// They cannot be read. A disk that is too short for a table has none.
    pub(super) fn read(store: &impl Store) -> io::Result<Self> {
        let sectors = store.sectors();
        if sectors <= FRONT + BACK {
            return Ok(Self { front: Vec::new(), back: Vec::new(), sectors });
        }
        let read = |first: u64, count: u64| {
            let mut bytes = vec![0; usize::try_from(count * SECTOR).map_err(io::Error::other)?];
            store.read(first * SECTOR, &mut bytes).map(|()| bytes)
        };
        Ok(Self { front: read(0, FRONT)?, back: read(sectors - BACK, BACK)?, sectors })
    }

    /// Whether the disk is too short for a table: a drive without a medium, say.
    pub(super) fn is_empty(&self) -> bool {
        self.front.is_empty()
    }

    /// The table that holds: the front copy, or the back copy where that is none.
    ///
    /// # Errors
    /// Neither is a table; why the front copy is none.
    pub(super) fn table(&self) -> Result<Table, TableError> {
        let front = Table::read_front(&self.front);
        front.or_else(|why| {
            Table::read_back(&self.back, self.sectors.saturating_sub(1)).map_err(|_| why)
        })
    }

    /// The front with `table` in it. What stands before the table stays: boot code.
    fn front_with(&self, table: &Table) -> Vec<u8> {
        let mut front = self.front.clone();
        front.truncate(512);
        gpt_table::protect(&mut front, self.sectors);
        front.extend(table.front());
        front
    }
}

/// Makes the table of a disk what it should be, with `id` for a new partition.
/// Gives the table, and whether a partition became another one.
///
/// # Errors
/// There is no table, or the disk cannot be written.
pub(super) fn grow(store: &impl Store, mut ends: Ends, id: Guid) -> io::Result<(Table, bool)> {
    let table = ends.table().map_err(io::Error::other)?;
    let write = |first: u64, bytes: &[u8]| {
        store.write(first * SECTOR, bytes)?;
        store.sync()
    };
    let mended = Table::read_front(&ends.front).is_err();
    if mended {
        ends.front = ends.front_with(&table);
        write(0, &ends.front)?;
    }
    let Some(Wanted { table: wanted, new }) = wanted(&table, ends.sectors, id) else {
        return Ok((table, mended));
    };
    if let Some(first) = new {
        write(first, &[0; ERASED])?;
    }
    let back = wanted.back();
    if back != ends.back {
        write(ends.sectors - BACK, &back)?;
    }
    let front = ends.front_with(&wanted);
    if front != ends.front {
        write(0, &front)?;
    }
    let changed = mended || wanted.slots != table.slots;
    Ok((wanted, changed))
}

/// A table as it should be.
struct Wanted {
    table: Table,
    /// The first sector of a partition that `table` has and the disk not yet.
    new: Option<u64>,
}

/// None: the disk is too short for its partitions, and better left alone.
fn wanted(table: &Table, sectors: u64, id: Guid) -> Option<Wanted> {
    let end = sectors.checked_sub(1)?;
    let last_usable = end.checked_sub(BACK)?;
    if table.partitions().any(|(_, entry)| entry.last > last_usable) {
        return None;
    }
    let mut wanted = Table { end, last_usable, ..table.clone() };
    let others = table.partitions().filter(|(_, entry)| entry.name != VAR_PARTITION);
    let behind = others.map(|(_, entry)| entry.last + 1).fold(table.first_usable, u64::max);
    // One behind the last sector of whole MiBs.
    let until = (last_usable + 1) / MIB * MIB;
    let mut used = wanted.slots.iter_mut().flatten();
    if let Some(var) = used.find(|entry| entry.name == VAR_PARTITION) {
        if var.first >= behind && var.last < until {
            var.last = until - 1;
        }
        return Some(Wanted { table: wanted, new: None });
    }
    let first = behind.next_multiple_of(MIB);
    let free = wanted.slots.iter_mut().find(|slot| slot.is_none());
    let room = free.filter(|_| until >= first + LEAST_VAR);
    let new = room.map(|slot| {
        let name = VAR_PARTITION.to_owned();
        *slot = Some(Entry { kind: LINUX, id, first, last: until - 1, flags: 0, name });
        first
    });
    Some(Wanted { table: wanted, new })
}

#[cfg(test)]
mod tests;
