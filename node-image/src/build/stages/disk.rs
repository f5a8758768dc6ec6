//! The disk: a partition table, what firmware starts, the root and its hash tree.

use super::Workshop;
use super::erofs::first_16;
use super::verity::Opening;
use crate::build::command::Run;
use crate::build::error::Error;
use crate::build::files;
use crate::build::hash::Key;
use crate::build::store::Made;
use gpt::disk::LogicalBlockSize;
use gpt::partition_types::{EFI, LINUX_FS, Type};
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use uuid::Uuid;

/// Bytes of a sector.
const SECTOR: u64 = 512;
/// Where partitions begin: at multiples of this.
const ALIGNED: u64 = 1 << 20;
/// Bytes of the partition that firmware reads: the least that FAT32 may have, and
/// some room.
const ESP: u64 = 40 << 20;
/// A BIOS starts the partition that bears it: the specification's bit 2,
/// "Legacy BIOS Bootable".
const BIOS_STARTS: u64 = 1 << 2;

/// What goes onto the disk.
pub(in crate::build) struct Parts<'p> {
    /// The kernel, for a BIOS.
    pub(in crate::build) kernel: &'p Made,
    /// The initrd, for a BIOS.
    pub(in crate::build) initrd: &'p Made,
    /// For UEFI.
    pub(in crate::build) uki: &'p Made,
    /// The root.
    pub(in crate::build) erofs: &'p Made,
    /// Its hash tree.
    pub(in crate::build) verity: &'p Made,
    /// What opens it.
    pub(in crate::build) opening: &'p Opening,
}

/// `disk.raw`, and `esp.img` in it.
pub(in crate::build) fn disk(parts: &Parts<'_>, workshop: &Workshop<'_>) -> Result<Made, Error> {
    let key = Key::of("disk", 1)
        .with("kernel", &parts.kernel.key)
        .with("initrd", &parts.initrd.key)
        .with("uki", &parts.uki.key)
        .with("erofs", &parts.erofs.key)
        .with("verity", &parts.verity.key)
        .with("epoch", workshop.epoch.to_string());
    let key = workshop.host.versions(key, &["mkfs.vfat", "mcopy", "syslinux"])?.finish();
    workshop.store.stage("disk", key.clone(), |folder| {
        let esp = folder.join("esp.img");
        firmware_partition(parts, &key, &esp, workshop)?;
        whole(parts, &key, &esp, &folder.join("disk.raw"))
    })
}

/// FAT32 with the kernel image for UEFI, and syslinux with kernel and initrd for a
/// BIOS.
fn firmware_partition(
    parts: &Parts<'_>,
    key: &str,
    esp: &Path,
    workshop: &Workshop<'_>,
) -> Result<(), Error> {
    let scratch = workshop.store.scratch()?;
    let file = File::create(esp).and_then(|file| file.set_len(ESP));
    file.map_err(|error| Error::file("create", esp, error))?;
    let epoch = workshop.epoch.to_string();
    let mtools = |program: &str| {
        Run::new(program).env("SOURCE_DATE_EPOCH", &epoch).env("MTOOLS_SKIP_CHECK", "1")
    };
    Run::new("mkfs.vfat")
        .env("SOURCE_DATE_EPOCH", &epoch)
        .args(["--invariant", "-F", "32", "-s", "1", "-n", "FLOODWAY"])
        .args(["-i", &key[..8]])
        .arg(esp)
        .run()?;
    mtools("syslinux").arg("--install").arg(esp).run()?;
    let settings = format!(
        "DEFAULT floodway\nPROMPT 0\nTIMEOUT 0\nLABEL floodway\n  LINUX /vmlinuz\n  \
         INITRD /initrd\n  APPEND {}\n",
        parts.uki.text("cmdline")?
    );
    files::write(&scratch.path().join("syslinux.cfg"), settings)?;
    mtools("mmd").arg("-i").arg(esp).args(["::/EFI", "::/EFI/BOOT"]).run()?;
    let copied = [
        (scratch.path().join("syslinux.cfg"), "::/syslinux.cfg"),
        (parts.kernel.file("vmlinuz"), "::/vmlinuz"),
        (parts.initrd.file("initrd"), "::/initrd"),
        (parts.uki.file("uki.efi"), "::/EFI/BOOT/BOOTX64.EFI"),
    ];
    for (from, to) in copied {
        // Its time goes into the folder's entry.
        let here = scratch.path().join("copied");
        files::copy(&from, &here)?;
        Run::new("touch").arg("--date").arg(format!("@{epoch}")).arg(&here).run()?;
        mtools("mcopy").args(["-m", "-o", "-i"]).arg(esp).arg(&here).arg(to).run()?;
    }
    Ok(())
}

/// A partition of the disk.
struct Partition<'p> {
    name: &'static str,
    kind: Type,
    identity: Uuid,
    flags: u64,
    content: &'p Path,
}

fn whole(parts: &Parts<'_>, key: &str, esp: &Path, disk: &Path) -> Result<(), Error> {
    let root_hash = &parts.opening.root_hash;
    let identity = |digits: &str| uuid::Builder::from_bytes(first_16(digits)).into_uuid();
    let (root, hashes) = (parts.erofs.file("root.erofs"), parts.verity.file("root.verity"));
    let partitions = [
        Partition {
            name: "floodway-esp",
            kind: EFI,
            identity: identity(&key[32..]),
            flags: BIOS_STARTS,
            content: esp,
        },
        // By these two the init finds what it can open.
        Partition {
            name: "floodway-root",
            kind: LINUX_FS,
            identity: identity(&root_hash[..32]),
            flags: 0,
            content: &root,
        },
        Partition {
            name: "floodway-verity",
            kind: LINUX_FS,
            identity: identity(&root_hash[32..]),
            flags: 0,
            content: &hashes,
        },
    ];
    write(disk, identity(key), &partitions)?;
    let mut code = files::read(&parts.uki.file("gptmbr.bin"))?;
    code.resize(440, 0);
    let file = File::options().write(true).open(disk);
    let written = file.and_then(|mut file| file.write_all(&code));
    written.map_err(|error| Error::file("write", disk, error))
}

fn write(disk: &Path, identity: Uuid, partitions: &[Partition<'_>]) -> Result<(), Error> {
    let cannot = |error| Error::file("write", disk, error);
    let wrong = |error: &dyn std::fmt::Display| Error::Wrong(format!("partition table: {error}"));
    let mut at = ALIGNED;
    let mut places = Vec::new();
    for partition in partitions {
        let length = files::length(partition.content)?.next_multiple_of(ALIGNED);
        places.push((at, length));
        at += length;
    }
    // The table's copy stands behind the last.
    let size = at + ALIGNED;
    let file = File::options().create(true).truncate(true).read(true).write(true).open(disk);
    let mut file = file.map_err(cannot)?;
    file.set_len(size).map_err(cannot)?;
    let sectors = u32::try_from(size / SECTOR - 1).unwrap_or(u32::MAX);
    let mbr = gpt::mbr::ProtectiveMBR::with_lb_size(sectors);
    mbr.overwrite_lba0(&mut file).map_err(|error| wrong(&error))?;
    let config = gpt::GptConfig::new().writable(true).logical_block_size(LogicalBlockSize::Lb512);
    let mut table =
        config.create_from_device(&mut file, Some(identity)).map_err(|error| wrong(&error))?;
    let mut wanted = std::collections::BTreeMap::new();
    for (number, (partition, (at, length))) in (1u32..).zip(partitions.iter().zip(&places)) {
        wanted.insert(
            number,
            gpt::partition::Partition {
                part_type_guid: partition.kind.clone(),
                part_guid: partition.identity,
                first_lba: at / SECTOR,
                last_lba: (at + length) / SECTOR - 1,
                flags: partition.flags,
                name: partition.name.to_owned(),
            },
        );
    }
    table.update_partitions(wanted).map_err(|error| wrong(&error))?;
    table.write().map_err(|error| wrong(&error))?;
    for (partition, (at, _)) in partitions.iter().zip(&places) {
        pour(partition.content, &mut file, *at)?;
    }
    file.sync_all().map_err(cannot)
}

/// Copies a partition's content, and leaves holes where it is zero.
fn pour(content: &Path, disk: &mut File, at: u64) -> Result<(), Error> {
    let cannot = |error| Error::file("copy", content, error);
    let mut from = File::open(content).map_err(cannot)?;
    let mut buffer = vec![0; 1 << 16];
    let mut at = at;
    loop {
        let read = from.read(&mut buffer).map_err(cannot)?;
        if read == 0 {
            return Ok(());
        }
        if buffer[..read].iter().any(|byte| *byte != 0) {
            disk.seek(SeekFrom::Start(at)).map_err(cannot)?;
            disk.write_all(&buffer[..read]).map_err(cannot)?;
        }
        at += read as u64;
    }
}
