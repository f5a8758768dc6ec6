//! Whether a build is the same wherever, whenever and in whatever order it runs.

use super::command::Run;
use super::diff::{files, listed};
use super::error::Error;
use super::hash;
use super::host::Host;
use super::lock::Lock;
use super::make::{Built, Options, Progress, build};
use super::recipe::Read;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Something that two builds of one recipe have made differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlike {
    /// The partition, or `partition table`.
    pub partition: String,
    /// The file in it; none: the partition's own structures.
    pub file: Option<String>,
    /// How the first build made it.
    pub first: String,
    /// How the second did.
    pub second: String,
}

/// Builds twice, in two empty folders of `within`, the second time later and with
/// everything that has no order taken from its end, and compares the disks bit by bit.
///
/// # Errors
/// As [`build`]'s.
pub fn verify(
    read: &Read,
    lock: &Lock,
    host: &Host,
    options: &Options,
    within: &Path,
    tell: &dyn Fn(usize, Progress),
) -> Result<(Built, Vec<Unlike>), Error> {
    let build_in = |name: &str, reversed| {
        let folder = within.join(name);
        // Packages are inputs, held to their digests: they may be shared.
        let shared = options.cache.join("packages");
        let own = folder.join("cache/packages");
        std::fs::create_dir_all(&own).map_err(|error| Error::file("create", &own, error))?;
        if let Ok(packages) = std::fs::read_dir(&shared) {
            for package in packages.flatten() {
                let _ = std::fs::hard_link(package.path(), own.join(package.file_name()));
            }
        }
        let options = Options {
            cache: folder.join("cache"),
            out: folder.join("out"),
            reversed,
            ..options.clone()
        };
        build(read, lock, host, &options, &|progress| tell(usize::from(reversed) + 1, progress))
    };
    let first = build_in("first", false)?;
    let second = build_in("a-second-one-with-a-longer-name", true)?;
    let unlike = compare(&first, &second)?;
    Ok((first, unlike))
}

fn compare(first: &Built, second: &Built) -> Result<Vec<Unlike>, Error> {
    if first.manifest.disk == second.manifest.disk {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for (partition, differing) in [
        ("floodway-root", differing(&files(&first.manifest), &files(&second.manifest))),
        ("floodway-esp", differing_firmware(&first.esp, &second.esp)?),
    ] {
        found.extend(differing.into_iter().map(|(file, first, second)| Unlike {
            partition: partition.to_owned(),
            file,
            first,
            second,
        }));
    }
    if found.is_empty() {
        let bytes = differing_bytes(&first.disk, &second.disk)?;
        found.extend(bytes.into_iter().map(|(_, first, second)| Unlike {
            partition: "partition table, root or hash tree".to_owned(),
            file: None,
            first,
            second,
        }));
    }
    Ok(found)
}

type Differing = Vec<(Option<String>, String, String)>;

/// Files that firmware reads that are not the same; where all are, the first byte of
/// their partition that differs.
fn differing_firmware(first: &Path, second: &Path) -> Result<Differing, Error> {
    let (one, other) = (firmware(first)?, firmware(second)?);
    let found = differing(&one, &other);
    if found.is_empty() { differing_bytes(first, second) } else { Ok(found) }
}

/// Digests of the files in a FAT partition, by their paths.
fn firmware(esp: &Path) -> Result<BTreeMap<String, String>, Error> {
    let out = tempfile::tempdir().map_err(|error| Error::file("unpack", esp, error))?;
    let copy = Run::new("mcopy").args(["-s", "-n", "-i"]).arg(esp).arg("::").arg(out.path());
    copy.env("MTOOLS_SKIP_CHECK", "1").run()?;
    let mut files = BTreeMap::new();
    let mut folders = vec![out.path().to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder);
        for entry in entries.map_err(|error| Error::file("read", &folder, error))?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(out.path()).unwrap_or(&path);
                files.insert(format!("/{}", name.display()), hash::of_file(&path)?);
            }
        }
    }
    Ok(files)
}

fn differing(first: &BTreeMap<String, String>, second: &BTreeMap<String, String>) -> Differing {
    let said = |text: Option<String>| text.unwrap_or_else(|| "absent".to_owned());
    let found = listed(first, second).into_iter();
    found.map(|one| (Some(one.name), said(one.before), said(one.after))).collect()
}

/// The first place where two files differ.
fn differing_bytes(first: &Path, second: &Path) -> Result<Differing, Error> {
    let open = |path: &Path| File::open(path).map_err(|error| Error::file("open", path, error));
    let (mut one, mut other) = (open(first)?, open(second)?);
    let (mut here, mut there) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut at = 0u64;
    loop {
        let read = one.read(&mut here).map_err(|error| Error::file("read", first, error))?;
        other.seek(SeekFrom::Start(at)).map_err(|error| Error::file("read", second, error))?;
        let same = other.read_exact(&mut there[..read]).is_ok();
        if !same || here[..read] != there[..read] {
            let place = here[..read].iter().zip(&there[..read]).position(|(a, b)| a != b);
            let place = at + place.unwrap_or_default() as u64;
            let byte = |bytes: &[u8]| {
                let byte = usize::try_from(place - at).ok().and_then(|at| bytes.get(at));
                format!("byte {place} is {}", byte.map_or("absent".into(), |b| format!("{b:#04x}")))
            };
            return Ok(vec![(None, byte(&here), byte(&there))]);
        }
        if read == 0 {
            return Ok(Differing::new());
        }
        at += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        std::fs::write(&one, vec![7; 70_000]).unwrap();
        let mut bytes = vec![7; 70_000];
        std::fs::write(&other, &bytes).unwrap();
        assert!(differing_bytes(&one, &other).unwrap().is_empty());
        bytes[66_000] = 8;
        std::fs::write(&other, &bytes).unwrap();
        let found = differing_bytes(&one, &other).unwrap();
        assert_eq!(found[0].1, "byte 66000 is 0x07");
        assert_eq!(found[0].2, "byte 66000 is 0x08");
    }
}
