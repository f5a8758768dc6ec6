use super::*;
use crate::init::disk::Volume;
use gpt::disk::LogicalBlockSize;
use gpt::partition_types::LINUX_FS;
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::LazyLock;

/// An image of 8 MiB with a root of 1 MiB and its hashes.
const IMAGE: u64 = 8 * MIB;
const ROOT: u64 = 2 * MIB;
const NEW: Guid = Guid::new(0xabcd);

/// The image's bytes, as the crate that builds it writes the table.
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut blank = std::io::Cursor::new(vec![0_u8; usize::try_from(IMAGE * SECTOR).unwrap()]);
    gpt::mbr::ProtectiveMBR::with_lb_size(u32::try_from(IMAGE - 1).unwrap())
        .overwrite_lba0(&mut blank)
        .unwrap();
    let config = gpt::GptConfig::new().writable(true).logical_block_size(LogicalBlockSize::Lb512);
    let mut table = config.create_from_device(blank, None).unwrap();
    table.add_partition_at("floodway-root", 1, ROOT, MIB, LINUX_FS, 0).unwrap();
    table.add_partition_at("floodway-verity", 2, ROOT + MIB, 64, LINUX_FS, 0).unwrap();
    let mut bytes = table.write().unwrap().into_inner();
    bytes[..3].copy_from_slice(&[0xeb, 0x3c, 0x90]);
    bytes
});

/// A file of `mib` MiB that begins with the image.
fn volume(folder: &Path, mib: u64) -> Volume {
    fs::write(folder.join("disk"), &*BYTES).unwrap();
    resize(folder, mib)
}

fn resize(folder: &Path, mib: u64) -> Volume {
    let path = folder.join("disk");
    let file = File::options().read(true).write(true).open(path).unwrap();
    file.set_len(mib * 1024 * 1024).unwrap();
    Volume::of(file).unwrap()
}

fn grown(store: &impl Store, id: Guid) -> (Table, bool) {
    grow(store, Ends::read(store).unwrap(), id).unwrap()
}

/// What an independent reader finds, having checked both copies.
fn read_by_gpt(folder: &Path) -> Vec<(String, u64, u64)> {
    let config = gpt::GptConfig::new().only_valid_headers(true);
    let table = config.open(folder.join("disk")).unwrap();
    assert_eq!(
        table.primary_header().unwrap().backup_lba,
        table.backup_header().unwrap().current_lba
    );
    let found = table.partitions().values();
    found.map(|it| (it.name.clone(), it.first_lba, it.last_lba)).collect()
}

fn var_of(table: &Table) -> Option<(u64, u64)> {
    let mut found = table.partitions().filter(|(_, entry)| entry.name == VAR_PARTITION);
    let var = found.next().map(|(_, entry)| (entry.first, entry.last));
    assert!(found.next().is_none());
    var
}

#[test]
fn a_disk_that_did_not_grow_is_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let disk = volume(folder.path(), 8);
    let (table, changed) = grown(&disk, NEW);
    assert_eq!((var_of(&table), changed), (None, false));
    assert!(fs::read(folder.path().join("disk")).unwrap() == *BYTES);
}

#[test]
fn a_disk_that_grew_gets_var_in_its_room() {
    let folder = tempfile::tempdir().unwrap();
    let disk = volume(folder.path(), 200);
    let (table, changed) = grown(&disk, NEW);
    // The last MiB holds the back copy.
    assert_eq!((var_of(&table), changed), (Some((4 * MIB, 199 * MIB - 1)), true));
    let entry = table.partitions().last().unwrap().1;
    assert_eq!((entry.id, entry.kind), (NEW, LINUX));
    let found = read_by_gpt(folder.path());
    assert_eq!(found[0], ("floodway-root".to_owned(), ROOT, ROOT + MIB - 1));
    assert_eq!(found[2], (VAR_PARTITION.to_owned(), 4 * MIB, 199 * MIB - 1));
    let after = fs::read(folder.path().join("disk")).unwrap();
    assert_eq!(after[..446], BYTES[..446], "the boot code stays");
    assert_eq!(after[458..462], u32::try_from(200 * MIB - 1).unwrap().to_le_bytes());
}

#[test]
fn a_disk_that_has_var_is_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let disk = volume(folder.path(), 200);
    let (first, _) = grown(&disk, NEW);
    let before = fs::read(folder.path().join("disk")).unwrap();
    let (second, changed) = grown(&disk, Guid::new(1));
    assert_eq!((second, changed), (first, false));
    assert!(fs::read(folder.path().join("disk")).unwrap() == before);
}

#[test]
fn a_disk_that_grew_again_has_a_larger_var_with_what_it_held() {
    let folder = tempfile::tempdir().unwrap();
    let disk = volume(folder.path(), 200);
    grown(&disk, NEW);
    let held = b"a filesystem";
    disk.write(4 * MIB * SECTOR, held).unwrap();
    let disk = resize(folder.path(), 300);
    let (table, changed) = grown(&disk, Guid::new(1));
    assert_eq!((var_of(&table), changed), (Some((4 * MIB, 299 * MIB - 1)), true));
    assert_eq!(table.partitions().last().unwrap().1.id, NEW);
    assert_eq!(read_by_gpt(folder.path()).len(), 3);
    let mut bytes = [0; 12];
    disk.read(4 * MIB * SECTOR, &mut bytes).unwrap();
    assert_eq!(&bytes, held);
}

#[test]
fn less_room_than_var_needs_moves_the_back_copy_alone() {
    let folder = tempfile::tempdir().unwrap();
    // 4 MiB are taken, and the back copy takes the last.
    let disk = volume(folder.path(), 68);
    let (table, changed) = grown(&disk, NEW);
    assert_eq!((var_of(&table), changed), (None, false));
    assert_eq!((read_by_gpt(folder.path()).len(), table.end), (2, 68 * MIB - 1));
    let disk = resize(folder.path(), 69);
    assert_eq!(var_of(&grown(&disk, NEW).0), Some((4 * MIB, 68 * MIB - 1)));
}

#[test]
fn a_new_var_begins_empty() {
    let folder = tempfile::tempdir().unwrap();
    let disk = volume(folder.path(), 200);
    disk.write(4 * MIB * SECTOR, &[7; 2 * ERASED]).unwrap();
    grown(&disk, NEW);
    let mut bytes = [1; ERASED];
    disk.read(4 * MIB * SECTOR, &mut bytes).unwrap();
    assert_eq!(bytes, [0; ERASED]);
}

#[test]
fn a_damaged_copy_is_mended_by_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let disk = volume(folder.path(), 200);
    let (table, _) = grown(&disk, NEW);
    let whole = fs::read(folder.path().join("disk")).unwrap();
    for (at, changed) in
        [(1030, true), (520, true), (whole.len() - 100, false), (whole.len() - 10_000, false)]
    {
        disk.write(u64::try_from(at).unwrap(), &[0x55; 8]).unwrap();
        // The table is the same; the kernel has it only if the front copy was whole.
        assert_eq!(grown(&disk, Guid::new(1)), (table.clone(), changed), "{at}");
        assert!(fs::read(folder.path().join("disk")).unwrap() == whole, "{at}");
    }
}

#[test]
fn a_damaged_front_copy_is_mended_before_the_disk_grows_no_further() {
    let folder = tempfile::tempdir().unwrap();
    let disk = volume(folder.path(), 200);
    grown(&disk, NEW);
    let disk = resize(folder.path(), 300);
    disk.write(1030, &[0x55; 8]).unwrap();
    let ends = Ends::read(&disk).unwrap();
    assert_eq!(ends.table(), Err(TableError::Damaged), "the back copy is not at the end");
    assert!(grow(&disk, ends, NEW).is_err());
}

#[test]
fn a_disk_that_is_shorter_than_its_table_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let disk = volume(folder.path(), 200);
    let (table, _) = grown(&disk, NEW);
    let disk = resize(folder.path(), 150);
    let before = fs::read(folder.path().join("disk")).unwrap();
    assert_eq!(grown(&disk, NEW), (table, false));
    assert!(fs::read(folder.path().join("disk")).unwrap() == before);
}

#[test]
fn a_table_without_a_free_slot_stays() {
    let folder = tempfile::tempdir().unwrap();
    let disk = volume(folder.path(), 200);
    let mut table = Ends::read(&disk).unwrap().table().unwrap();
    let one = table.slots[0].clone();
    table.slots.iter_mut().for_each(|slot| *slot = slot.take().or_else(|| one.clone()));
    disk.write(SECTOR, &table.front()).unwrap();
    assert_eq!(var_of(&grown(&disk, NEW).0), None);
}

#[test]
fn a_short_or_blank_disk_has_no_table() {
    for sectors in [0, 1, 66, 67, 68, 5000] {
        let mut file = tempfile::tempfile().unwrap();
        file.set_len(sectors * SECTOR).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.flush().unwrap();
        let ends = Ends::read(&Volume::of(file).unwrap()).unwrap();
        assert_eq!(ends.table(), Err(TableError::None), "{sectors}");
        assert_eq!(ends.is_empty(), sectors <= 67);
    }
}

type Sectors = BTreeMap<u64, [u8; 512]>;

/// A disk of which it is known what was written between one sync and the next.
/// Sectors that it does not hold are zeros.
#[derive(Debug, Clone)]
struct Fragile {
    sectors: u64,
    /// As it was.
    before: Sectors,
    /// As a reader sees it.
    now: RefCell<Sectors>,
    epochs: RefCell<Vec<Epoch>>,
}

type Epoch = Vec<(u64, [u8; 512])>;

impl Fragile {
    fn of(before: Sectors, sectors: u64) -> Self {
        let now = RefCell::new(before.clone());
        Self { sectors, before, now, epochs: RefCell::new(vec![Vec::new()]) }
    }

    /// The disk after the power failed in `epoch`, of whose sectors `kept` says which
    /// reached it.
    fn after_a_cut(&self, epoch: usize, kept: impl Fn(usize) -> bool) -> Self {
        let epochs = self.epochs.borrow();
        let mut held = self.before.clone();
        held.extend(epochs[..epoch].iter().flatten().copied());
        let last = epochs[epoch].iter().enumerate().filter(|(at, _)| kept(*at));
        held.extend(last.map(|(_, written)| *written));
        Self::of(held, self.sectors)
    }

    fn writes(&self) -> usize {
        self.epochs.borrow().iter().map(Vec::len).sum()
    }
}

impl Store for Fragile {
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let now = self.now.borrow();
        for (sector, part) in (at / SECTOR..).zip(into.chunks_exact_mut(512)) {
            part.copy_from_slice(now.get(&sector).unwrap_or(&[0; 512]));
        }
        Ok(())
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut epochs = self.epochs.borrow_mut();
        for (sector, part) in (at / SECTOR..).zip(bytes.chunks_exact(512)) {
            let part = part.try_into().unwrap();
            self.now.borrow_mut().insert(sector, part);
            epochs.last_mut().unwrap().push((sector, part));
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.epochs.borrow_mut().push(Vec::new());
        Ok(())
    }

    fn sectors(&self) -> u64 {
        self.sectors
    }
}

/// The image's sectors, and those of its disk after the first start.
static HELD: LazyLock<[Sectors; 2]> = LazyLock::new(|| {
    let sectors = (0..).zip(BYTES.chunks_exact(512)).map(|(at, it)| (at, it.try_into().unwrap()));
    let image: Sectors = sectors.filter(|(_, it)| *it != [0; 512]).collect();
    let fresh = Fragile::of(image.clone(), 200 * MIB);
    grown(&fresh, NEW);
    [image, fresh.now.into_inner()]
});

const DISKS: [&str; 4] = ["fresh", "larger", "damaged in front", "damaged at the back"];

/// A disk as the program may meet it.
fn disk(which: &str) -> Fragile {
    let [image, settled] = &*HELD;
    let damaged = |sector: u64| {
        let mut held = settled.clone();
        held.insert(sector, [9; 512]);
        Fragile::of(held, 200 * MIB)
    };
    match which {
        "fresh" => Fragile::of(image.clone(), 200 * MIB),
        "larger" => Fragile::of(settled.clone(), 300 * MIB),
        "damaged in front" => damaged(1),
        _ => damaged(200 * MIB - 1),
    }
}

/// Whatever reached the disk, the next start finds the table and ends the work.
/// `end` is the table after a start that nothing disturbed.
fn holds_after_a_cut(what: &str, end: &Table, cut: &Fragile) {
    let found = Ends::read(cut).unwrap().table();
    let found = found.unwrap_or_else(|why| panic!("{what}: no start after the cut: {why}"));
    assert_eq!(found.slots[..2], end.slots[..2], "{what}");
    let (table, _) = grown(cut, Guid::new(1));
    assert_eq!((var_of(&table), table.end), (var_of(end), end.end), "{what}");
    let ends = Ends::read(cut).unwrap();
    assert_eq!(Table::read_front(&ends.front), Ok(table.clone()), "{what}");
    assert_eq!(Table::read_back(&ends.back, cut.sectors - 1), Ok(table), "{what}");
    let writes = cut.writes();
    grown(cut, Guid::new(2));
    assert_eq!(cut.writes(), writes, "{what}: it is only read");
}

#[test]
fn the_power_may_fail_after_any_sector() {
    for what in DISKS {
        let disk = disk(what);
        let (end, _) = grown(&disk, NEW);
        assert!(disk.writes() > 0, "{what}");
        let lengths: Vec<usize> = disk.epochs.borrow().iter().map(Vec::len).collect();
        for (epoch, length) in lengths.into_iter().enumerate() {
            // The long one erases, and its sectors are all alike.
            let step = if length > 64 { 32 } else { 1 };
            for count in (0..=length).step_by(step) {
                holds_after_a_cut(what, &end, &disk.after_a_cut(epoch, |at| at < count));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_power_may_fail_with_any_of_the_last_sectors_written(
        which in 0..4_usize,
        epoch in any::<prop::sample::Index>(),
        kept in proptest::collection::vec(any::<bool>(), 130),
    ) {
        let disk = disk(DISKS[which]);
        let (end, _) = grown(&disk, NEW);
        let epoch = epoch.index(disk.epochs.borrow().len());
        let cut = disk.after_a_cut(epoch, |at| kept.get(at).copied().unwrap_or_default());
        holds_after_a_cut(DISKS[which], &end, &cut);
    }
}
