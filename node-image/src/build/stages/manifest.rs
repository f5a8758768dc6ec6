//! What the finished image is made of.

use super::{Workshop, withheld};
use crate::build::error::Error;
use crate::build::hash;
use crate::build::lock::{Group, Lock};
use crate::build::store::Made;
use crate::card::{File as Listed, Package};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Where dpkg notes what it has installed.
const STATUS: &str = "var/lib/dpkg/status";

/// The files of the root, and the text of dpkg's status.
///
/// # Errors
/// The archive `tree` cannot be read, or has a file that no image may hold.
pub(in crate::build) fn files(tree: &Path) -> Result<(Vec<Listed>, String), Error> {
    let cannot = |error| Error::file("read", tree, error);
    let mut archive = tar::Archive::new(File::open(tree).map_err(cannot)?);
    let (mut listed, mut status) = (Vec::new(), String::new());
    for entry in archive.entries().map_err(cannot)? {
        let mut entry = entry.map_err(cannot)?;
        let path = entry.path().map_err(cannot)?.display().to_string();
        let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
        if path.is_empty() || path == "." {
            continue;
        }
        let header = entry.header().clone();
        let kind = header.entry_type();
        let mode = mode(kind, header.mode().map_err(cannot)?);
        let bytes = if kind.is_file() { header.size().map_err(cannot)? } else { 0 };
        let mut content = Vec::new();
        if kind.is_file() {
            entry.read_to_end(&mut content).map_err(cannot)?;
        }
        withheld::check(&path, &content)?;
        let content = if kind.is_file() {
            if path == STATUS {
                status = String::from_utf8_lossy(&content).into_owned();
            }
            hash::hex(&Sha256::digest(&content))
        } else {
            let link = entry.link_name().map_err(cannot)?;
            link.map(|to| format!("-> {}", to.display())).unwrap_or_default()
        };
        listed.push(Listed { path: format!("/{path}"), mode, bytes, content });
    }
    listed.sort();
    Ok((listed, status))
}

/// Everything that is put into the root, as the archive `tree` has it: also owners and
/// times, which a manifest leaves out.
pub(in crate::build) fn entries(tree: &Path) -> Result<BTreeMap<String, String>, Error> {
    let cannot = |error| Error::file("read", tree, error);
    let (files, _) = files(tree)?;
    let mut said: BTreeMap<_, _> = files
        .into_iter()
        .map(|file| (file.path, format!("{} {} {}", file.mode, file.bytes, file.content)))
        .collect();
    let mut archive = tar::Archive::new(File::open(tree).map_err(cannot)?);
    for entry in archive.entries().map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let path = entry.path().map_err(cannot)?.display().to_string();
        let path = format!("/{}", path.trim_start_matches("./").trim_matches('/'));
        let header = entry.header();
        let [owner, group] = [header.uid(), header.gid()].map(|id| id.map_err(cannot));
        let time = header.mtime().map_err(cannot)?;
        if let Some(text) = said.get_mut(&path) {
            *text += &format!(", owner {}:{}, time {time}", owner?, group?);
        }
    }
    Ok(said)
}

/// `-rwxr-xr-x`, as `ls -l` writes it.
fn mode(kind: tar::EntryType, mode: u32) -> String {
    let first = match kind {
        tar::EntryType::Directory => 'd',
        tar::EntryType::Symlink => 'l',
        tar::EntryType::Char => 'c',
        tar::EntryType::Block => 'b',
        tar::EntryType::Fifo => 'p',
        _ => '-',
    };
    let special = [(0o4000, 's', 'S'), (0o2000, 's', 'S'), (0o1000, 't', 'T')];
    let mut text = String::from(first);
    for (part, (bit, with, without)) in special.into_iter().enumerate() {
        let bits = mode >> (6 - 3 * part);
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & bit != 0, bits & 1 != 0) {
            (true, true) => with,
            (true, false) => without,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// The packages that are in the image: those that dpkg has installed, and those that
/// were unpacked.
pub(in crate::build) fn packages(status: &str, lock: &Lock) -> Result<Vec<Package>, Error> {
    let mut found = Vec::new();
    for (name, version) in installed(status) {
        let locked = lock.of(Group::Root).find(|p| p.name == name && p.version == version);
        let locked = locked.ok_or_else(|| {
            Error::Wrong(format!("{name} {version} is in the image and not in the lock"))
        })?;
        found.push(locked);
    }
    // Of these the kernel, what starts it and the driver are there, as files.
    found.extend([Group::Kernel, Group::Boot, Group::Driver].iter().flat_map(|of| lock.of(*of)));
    let mut packages: Vec<_> = found
        .into_iter()
        .map(|locked| Package {
            name: locked.name.clone(),
            version: locked.version.clone(),
            architecture: locked.architecture.clone(),
            sha256: locked.sha256.clone(),
        })
        .collect();
    packages.sort();
    packages.dedup();
    Ok(packages)
}

/// Names and versions of what is installed, out of dpkg's status.
fn installed(status: &str) -> impl Iterator<Item = (&str, &str)> {
    status.split("\n\n").filter_map(|stanza| {
        let field = |name: &str| {
            stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let is_there = field("Status")?.ends_with(" installed");
        is_there.then_some(())?;
        Some((field("Package")?, field("Version")?))
    })
}

/// The disk's digest, taken once for each disk.
pub(in crate::build) fn disk_digest(disk: &Made, workshop: &Workshop<'_>) -> Result<String, Error> {
    let key = hash::Key::of("digest", 1).with("disk", &disk.key).finish();
    let made = workshop.store.stage("digest", key, |folder| {
        let digest = hash::of_file(&disk.file("disk.raw"))?;
        crate::build::files::write(&folder.join("sha256"), digest)
    })?;
    made.text("sha256")
}

#[cfg(test)]
pub(in crate::build) mod tests {
    use super::*;
    use crate::build::lock::Locked;

    /// An archive of one file, `/etc/motd`.
    pub(in crate::build) fn archive(tree: &Path, owner: u64, text: &str) {
        archive_of(tree, owner, &[("./etc/motd", text)]);
    }

    fn archive_of(tree: &Path, owner: u64, files: &[(&str, &str)]) {
        let mut archive = tar::Builder::new(File::create(tree).unwrap());
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            header.set_mode(0o644);
            header.set_uid(owner);
            header.set_gid(0);
            header.set_mtime(7);
            header.set_size(text.len() as u64);
            archive.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
    }

    #[test]
    fn a_root_is_refused_for_a_key_in_it_and_for_a_server_that_is_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree.tar");
        let (key, motd) = ("etc/ssl/private/some.key", ("./etc/motd", "hello"));
        let text = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n";
        archive_of(&tree, 0, &[motd, (key, text)]);
        let said = files(&tree).unwrap_err().to_string();
        assert!(said.starts_with("/etc/ssl/private/some.key is in the root"), "{said}");
        archive_of(&tree, 0, &[motd, (key, "made at the first start")]);
        let (listed, _) = files(&tree).unwrap();
        assert_eq!(listed.len(), 2, "{listed:?}");
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        let mut archive = tar::Builder::new(File::create(&tree).unwrap());
        archive.append_link(&mut header, "./usr/sbin/sshd", "/opt/sshd").unwrap();
        archive.finish().unwrap();
        assert!(files(&tree).unwrap_err().to_string().starts_with("/usr/sbin/sshd is in the root"));
    }

    #[test]
    fn modes_read_as_ls_writes_them() {
        let file = tar::EntryType::Regular;
        assert_eq!(mode(file, 0o755), "-rwxr-xr-x");
        assert_eq!(mode(file, 0o4755), "-rwsr-xr-x");
        assert_eq!(mode(file, 0o640), "-rw-r-----");
        assert_eq!(mode(tar::EntryType::Directory, 0o1777), "drwxrwxrwt");
        assert_eq!(mode(tar::EntryType::Directory, 0o2750), "drwxr-s---");
    }

    #[test]
    fn what_is_installed_and_not_locked_is_refused() {
        let locked = |group, name: &str| Locked {
            group,
            name: name.into(),
            version: "1".into(),
            architecture: "amd64".into(),
            url: "http://deb.example/x.deb".into(),
            sha256: name.repeat(3),
        };
        let lock = Lock {
            asked: String::new(),
            packages: vec![locked(Group::Root, "a"), locked(Group::Kernel, "k")],
        };
        let status = "Package: a\nStatus: install ok installed\nVersion: 1\n\n\
                      Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n";
        let names = |found: Vec<Package>| found.into_iter().map(|p| p.name).collect::<Vec<_>>();
        assert_eq!(names(packages(status, &lock).unwrap()), ["a", "k"]);
        let more = format!("{status}\nPackage: b\nStatus: install ok installed\nVersion: 1\n");
        assert!(packages(&more, &lock).unwrap_err().to_string().contains("b 1 is in the image"));
    }
}
