use super::*;
use gpt::disk::LogicalBlockSize;
use gpt::partition_types::{EFI, LINUX_FS};
use proptest::prelude::*;
use std::io::Cursor;

const SECTORS: usize = 4096;

/// A disk whose table another program wrote.
fn disk() -> Vec<u8> {
    let blank = Cursor::new(vec![0_u8; SECTORS * 512]);
    let config = gpt::GptConfig::new().writable(true).logical_block_size(LogicalBlockSize::Lb512);
    let mut table = config.create_from_device(blank, None).unwrap();
    table.add_partition("floodway-esp", 512 * 100, EFI, 4, None).unwrap();
    table.add_partition_at("größer", 3, 2048, 100, LINUX_FS, 0).unwrap();
    table.write().unwrap().into_inner()
}

fn front(disk: &[u8]) -> Vec<u8> {
    disk[..34 * 512].to_vec()
}

fn back(disk: &[u8]) -> Vec<u8> {
    disk[disk.len() - 33 * 512..].to_vec()
}

#[test]
fn both_copies_that_another_program_wrote_are_read() {
    let disk = disk();
    let table = Table::read_front(&front(&disk)).unwrap();
    assert_eq!(Table::read_back(&back(&disk), 4095), Ok(table.clone()));
    let found: Vec<_> =
        table.partitions().map(|(at, it)| (at, it.first, it.last, &*it.name)).collect();
    // The crate that wrote it leaves no slot free.
    assert_eq!(found, [(1, 34, 133, "floodway-esp"), (2, 2048, 2147, "größer")]);
    assert_eq!((table.first_usable, table.last_usable, table.end), (34, 4062, 4095));
    assert_eq!(table.partitions().next().unwrap().1.flags, 4);
}

#[test]
fn both_copies_are_written_as_they_were_read() {
    let disk = disk();
    let table = Table::read_front(&front(&disk)).unwrap();
    assert_eq!(table.front(), disk[512..34 * 512]);
    assert_eq!(table.back(), back(&disk));
}

#[test]
fn the_slot_of_a_partition_is_its_number() {
    let mut table = Table::read_front(&front(&disk())).unwrap();
    table.slots.swap(1, 6);
    let written = [vec![0; 512], table.front()].concat();
    let numbers: Vec<u32> =
        Table::read_front(&written).unwrap().partitions().map(|(number, _)| number).collect();
    assert_eq!(numbers, [1, 7]);
}

#[test]
fn a_copy_that_is_damaged_anywhere_is_none() {
    let disk = disk();
    let (front, back) = (front(&disk), back(&disk));
    // Header, its length, a used entry, a free one.
    for at in [512, 512 + 12, 512 + 40, 1024 + 130, 30 * 512] {
        let mut damaged = front.clone();
        damaged[at] ^= 1;
        assert!(Table::read_front(&damaged).is_err(), "{at}");
    }
    let mut damaged = back.clone();
    damaged[32 * 512 + 70] ^= 1;
    assert_eq!(Table::read_back(&damaged, 4095), Err(TableError::Damaged));
    assert_eq!(Table::read_front(&[]), Err(TableError::None));
    assert_eq!(Table::read_front(&front[..40 * 128]), Err(TableError::None));
    assert_eq!(Table::read_front(&vec![0; 34 * 512]), Err(TableError::None));
}

#[test]
fn a_back_copy_counts_at_the_end_of_its_disk_alone() {
    let disk = disk();
    assert_eq!(Table::read_back(&back(&disk), 8191), Err(TableError::Unusual));
}

#[test]
fn partitions_beyond_the_usable_sectors_make_a_table_unusual() {
    let table = Table::read_front(&front(&disk())).unwrap();
    let with = |change: fn(&mut Table)| {
        let mut table = table.clone();
        change(&mut table);
        Table::read_front(&[vec![0; 512], table.front()].concat())
    };
    assert_eq!(with(|table| table.last_usable = 2000), Err(TableError::Unusual));
    assert_eq!(with(|table| table.first_usable = 2), Err(TableError::Unusual));
    assert_eq!(with(|table| table.end = 0), Err(TableError::Unusual));
    assert!(with(|_| ()).is_ok());
}

#[test]
fn only_a_protective_mbr_is_told_a_new_length() {
    let mut mbr = disk()[..512].to_vec();
    mbr[446..462].copy_from_slice(&[0x80, 0, 2, 0, 0xee, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0]);
    let before = mbr.clone();
    protect(&mut mbr, 0x0102_0304);
    assert_eq!(mbr[458..462], [3, 3, 2, 1]);
    assert_eq!((&mbr[..458], &mbr[462..]), (&before[..458], &before[462..]));
    protect(&mut mbr, 1 << 40);
    assert_eq!(mbr[458..462], [0xff; 4]);
    let mut other = before;
    other[450] = 0x83;
    let kept = other.clone();
    protect(&mut other, 77);
    assert_eq!(other, kept);
    protect(&mut [], 77);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_bytes_end_the_program(
        mut bytes in proptest::collection::vec(any::<u8>(), 34 * 512),
        signed in any::<bool>(),
    ) {
        if signed {
            bytes[512..520].copy_from_slice(SIGNATURE);
            bytes[524..528].copy_from_slice(&92_u32.to_le_bytes());
            bytes[528..532].fill(0);
            let crc = crc32(&bytes[512..604]);
            bytes[528..532].copy_from_slice(&crc.to_le_bytes());
        }
        let _ = Table::read_front(&bytes);
        let _ = Table::read_back(&bytes, 4095);
    }
}
