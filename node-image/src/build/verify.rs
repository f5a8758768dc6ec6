//! Whether a build is the same wherever, whenever and in whatever order it runs.

use super::command::Run;
use super::diff::listed;
use super::error::Error;
use super::hash;
use super::host::Host;
use super::lock::Lock;
use super::make::{Built, Options, Progress, build};
use super::recipe::Read;
use super::stages::manifest;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

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

/// Builds twice, in two empty folders of the cache, the second time later and with
/// everything that has no order taken from its end, and compares the disks bit by bit.
/// Both are thrown away.
///
/// # Errors
/// As [`build`]'s.
pub fn verify(
    read: &Read,
    lock: &Lock,
    host: &Host,
    options: &Options,
    tell: &dyn Fn(usize, Progress),
) -> Result<(Built, Vec<Unlike>), Error> {
    let room = Room::open(&options.cache)?;
    let build_in = |name: &str, reversed| {
        let folder = room.folder.join(name);
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

/// Where both builds are made: one verification at a time. What one that was killed has
/// left goes when the next begins.
struct Room {
    folder: PathBuf,
    /// Held as long as the room.
    _lock: File,
}

impl Room {
    fn open(cache: &Path) -> Result<Self, Error> {
        let folder = cache.join("verify");
        std::fs::create_dir_all(cache).map_err(|error| Error::file("create", cache, error))?;
        let path = cache.join("verify.lock");
        let lock = File::create(&path).map_err(|error| Error::file("create", &path, error))?;
        lock.lock().map_err(|error| Error::file("lock", &path, error))?;
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::file("remove", &folder, error))
            }
            _ => Ok(Self { folder, _lock: lock }),
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn compare(first: &Built, second: &Built) -> Result<Vec<Unlike>, Error> {
    if first.manifest.disk == second.manifest.disk {
        return Ok(Vec::new());
    }
    let (partition, found) = if first.manifest.root_hash == second.manifest.root_hash {
        let found = differing_firmware(&first.esp, &second.esp)?;
        if found.is_empty() {
            ("partition table", differing_bytes(&first.disk, &second.disk)?)
        } else {
            ("floodway-esp", found)
        }
    } else {
        // What firmware reads bears the root's hash, so it differs with the root.
        let found = differing(&manifest::entries(&first.tree)?, &manifest::entries(&second.tree)?);
        if found.is_empty() {
            ("floodway-root", differing_bytes(&first.root, &second.root)?)
        } else {
            ("floodway-root", found)
        }
    };
    let unlike =
        |(file, first, second)| Unlike { partition: partition.to_owned(), file, first, second };
    Ok(found.into_iter().map(unlike).collect())
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
    fn what_a_killed_verification_has_left_goes_when_the_next_begins() {
        let cache = tempfile::tempdir().unwrap();
        let left = cache.path().join("verify/first/out");
        std::fs::create_dir_all(&left).unwrap();
        let room = Room::open(cache.path()).unwrap();
        assert!(!left.exists());
        std::fs::create_dir_all(&left).unwrap();
        drop(room);
        assert!(!cache.path().join("verify").exists());
    }

    /// A build whose root holds one file.
    fn built(folder: &Path, root_hash: &str, (owner, text): (u64, &str), root: &[u8]) -> Built {
        std::fs::create_dir_all(folder).unwrap();
        let tree = folder.join("tree.tar");
        manifest::tests::archive(&tree, owner, text);
        let [disk, esp, root_file] = ["disk.raw", "esp.img", "root.erofs"].map(|n| folder.join(n));
        std::fs::write(&root_file, root).unwrap();
        std::fs::write(&disk, [root, b"and more"].concat()).unwrap();
        let manifest = serde_json::json!({
            "schema": 1, "name": "small", "recipe": "", "lock": "", "root_hash": root_hash,
            "disk": { "sha256": hash::of_file(&disk).unwrap(), "bytes": 1 }, "kernel": "6.1",
            "driver": null, "boot_modes": [], "signed": false, "programs": {}, "packages": [],
            "files": [], "source_date_epoch": 7, "root_bytes": 1,
        });
        let manifest = serde_json::from_value(manifest).unwrap();
        Built { manifest, digest: String::new(), disk, esp, tree, root: root_file }
    }

    #[test]
    fn a_difference_of_the_root_is_named_by_its_file_or_by_its_first_byte() {
        let folder = tempfile::tempdir().unwrap();
        let build = |name: &str, hash: &str, file: (u64, &str), root: &[u8]| {
            built(&folder.path().join(name), hash, file, root)
        };
        let one = build("one", "aa", (0, "hello"), b"root 1");
        assert_eq!(compare(&one, &build("same", "aa", (0, "hello"), b"root 1")).unwrap(), []);
        for (name, file) in [("text", (0, "hullo")), ("owner", (1000, "hello"))] {
            let found = compare(&one, &build(name, "bb", file, b"root 2")).unwrap();
            let [unlike] = &found[..] else { panic!("{found:?}") };
            assert_eq!(unlike.partition, "floodway-root");
            assert_eq!(unlike.file.as_deref(), Some("/etc/motd"), "{name}");
            assert_ne!(unlike.first, unlike.second);
        }
        let found = compare(&one, &build("packed", "bb", (0, "hello"), b"root 2")).unwrap();
        let [unlike] = &found[..] else { panic!("{found:?}") };
        assert_eq!((unlike.partition.as_str(), &unlike.file), ("floodway-root", &None));
        assert_eq!(unlike.first, "byte 5 is 0x31");
    }

    /// A partition that firmware reads, which holds one file; all in it is of that time.
    fn partition(esp: &Path, text: &str, time: &str) {
        let mtools = |program: &str| Run::new(program).env("SOURCE_DATE_EPOCH", time).arg("-i");
        let kernel = esp.with_extension("efi");
        std::fs::write(&kernel, text).unwrap();
        mtools("mformat").arg(esp).args(["-C", "-f", "1440", "-N", "1", "::"]).run().unwrap();
        mtools("mmd").arg(esp).arg("::/EFI").run().unwrap();
        mtools("mcopy").arg(esp).arg(&kernel).arg("::/EFI/BOOTX64.EFI").run().unwrap();
    }

    #[test]
    fn a_difference_of_what_firmware_reads_is_named_by_its_file_or_by_its_first_byte() {
        let folder = tempfile::tempdir().unwrap();
        let build = |name: &str, disk: &[u8], (text, time): (&str, &str)| {
            let built = built(&folder.path().join(name), "aa", (0, "hello"), disk);
            partition(&built.esp, text, time);
            built
        };
        let (then, later) = ("1000000000", "1000100000");
        let one = build("one", b"disk 1", ("linux", then));
        let unlike = |other: &Built| {
            let found = compare(&one, other).unwrap();
            let [unlike] = &found[..] else { panic!("{found:?}") };
            unlike.clone()
        };
        let kernel = unlike(&build("kernel", b"disk 2", ("linus", then)));
        assert_eq!(kernel.partition, "floodway-esp");
        assert_eq!(kernel.file.as_deref(), Some("/EFI/BOOTX64.EFI"));
        assert_ne!(kernel.first, kernel.second);
        // FAT knows no owners, and a time is no part of what a file holds.
        let time = unlike(&build("time", b"disk 2", ("linux", later)));
        assert_eq!((time.partition.as_str(), &time.file), ("floodway-esp", &None));
        assert!(time.first.starts_with("byte ") && time.first != time.second, "{time:?}");
        let table = unlike(&build("table", b"disk 2", ("linux", then)));
        assert_eq!((table.partition.as_str(), &table.file), ("partition table", &None));
        assert_eq!(table.first, "byte 5 is 0x31");
    }

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
