//! The initrd: one static program, and the modules that open the root.

use super::module_order::Modules;
use super::{Workshop, programs::Programs};
use crate::build::error::Error;
use crate::build::files;
use crate::build::hash::{self, Key};
use crate::build::store::Made;
use cpio::newc::{Builder, trailer};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write};
use std::path::Path;

/// What reads the disk, checks it, and lays what is written over it; and the network
/// cards, so that they are there when systemd looks for them.
const MODULES: [&str; 13] = [
    "virtio_pci",
    "virtio_blk",
    "nvme",
    "dm_mod",
    "dm_verity",
    "sha256_ssse3",
    "crc32c_intel",
    "crc32c_generic",
    "erofs",
    "ext4",
    "overlay",
    "ena",
    "virtio_net",
];

/// `initrd`: an uncompressed cpio archive. It is small, and to unpack it would take
/// longer than to read it.
pub(in crate::build) fn initrd(
    tree: &Made,
    kernel: &Made,
    programs: &Programs,
    workshop: &Workshop<'_>,
) -> Result<Made, Error> {
    let key = Key::of("initrd", 1)
        .with("tree", &tree.key)
        .with("modules", MODULES.join(" "))
        .with("init", hash::of_file(&programs.init)?);
    workshop.store.stage("initrd", key.finish(), |folder| {
        let release = kernel.text("release")?;
        let archive = tree.file("tree.tar");
        let lists = read_from(&archive, &release, &["modules.dep", "modules.builtin"])?;
        let text = |name: &str| {
            let bytes = lists.get(name).map(Vec::as_slice).unwrap_or_default();
            String::from_utf8_lossy(bytes).into_owned()
        };
        let modules = Modules::read(&text("modules.dep"), &text("modules.builtin"));
        let order = modules.order(&MODULES).map_err(|module| {
            Error::Wrong(format!("the kernel {release} has no `{module}`, which the boot needs"))
        })?;
        let wanted: Vec<&str> = order.iter().map(String::as_str).collect();
        let found = read_from(&archive, &release, &wanted)?;
        let out = folder.join("initrd");
        let cannot = |error| Error::file("write", &out, error);
        let mut cpio = Archive { out: File::create(&out).map_err(cannot)?, entries: 0 };
        for name in ["dev", "proc", "sys", "sysroot", "modules"] {
            cpio.folder(name).map_err(cannot)?;
        }
        cpio.file("init", 0o755, &files::read(&programs.init)?).map_err(cannot)?;
        let mut names = String::new();
        for path in &order {
            let name = path.rsplit('/').next().unwrap_or(path);
            let bytes = found.get(path.as_str());
            let bytes = bytes.ok_or_else(|| Error::Wrong(format!("{path} is not in the root")))?;
            cpio.file(&format!("modules/{name}"), 0o644, bytes).map_err(cannot)?;
            names += &format!("{name}\n");
        }
        cpio.file("modules/order", 0o644, names.as_bytes()).map_err(cannot)?;
        trailer(cpio.out).map(drop).map_err(cannot)
    })
}

/// The files of `usr/lib/modules/RELEASE` that are `wanted`, by their paths in it.
fn read_from(
    archive: &Path,
    release: &str,
    wanted: &[&str],
) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let cannot = |error| Error::file("read", archive, error);
    let prefix = format!("usr/lib/modules/{release}/");
    let mut found = BTreeMap::new();
    let mut tar = tar::Archive::new(File::open(archive).map_err(cannot)?);
    for entry in tar.entries().map_err(cannot)? {
        let mut entry = entry.map_err(cannot)?;
        let path = entry.path().map_err(cannot)?.display().to_string();
        let Some(name) = path.trim_start_matches("./").strip_prefix(&prefix) else { continue };
        if wanted.contains(&name) {
            let name = name.to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(cannot)?;
            found.insert(name, bytes);
        }
    }
    Ok(found)
}

struct Archive {
    out: File,
    entries: u32,
}

impl Archive {
    fn folder(&mut self, name: &str) -> std::io::Result<()> {
        const FOLDER: u32 = 0o040_000;
        self.entry(name, FOLDER | 0o755, &[])
    }

    fn file(&mut self, name: &str, mode: u32, bytes: &[u8]) -> std::io::Result<()> {
        const FILE: u32 = 0o100_000;
        self.entry(name, FILE | mode, bytes)
    }

    fn entry(&mut self, name: &str, mode: u32, bytes: &[u8]) -> std::io::Result<()> {
        self.entries += 1;
        let size = u32::try_from(bytes.len()).map_err(std::io::Error::other)?;
        let builder = Builder::new(name).mode(mode).ino(self.entries).nlink(1);
        let mut writer = builder.write(&self.out, size);
        writer.write_all(bytes)?;
        writer.finish().map(drop)
    }
}
