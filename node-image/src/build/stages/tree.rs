//! The root filesystem as it will be: packages, kernel modules and overlay together,
//! and nothing in it that would differ from build to build or from node to node.

use super::Workshop;
use super::overlay::{self, Put};
use super::programs::Programs;
use crate::build::error::Error;
use crate::build::hash::Key;
use crate::build::recipe::Read;
use crate::build::store::Made;
use std::fs::File;
use std::path::Path;

/// Paths, or patterns of a shell, that go: caches, logs, what must be each node's own,
/// and what would be started too soon.
const REMOVED: [&str; 23] = [
    "boot/*",
    "etc/hostname",
    "etc/machine-id",
    "etc/ssh",
    "etc/apt/sources.list",
    "etc/apt/sources.list.d/*",
    "etc/.pwd.lock",
    "etc/*-",
    "root/.[!.]*",
    "run/*",
    "tmp/*",
    // Its socket starts it when somebody asks.
    "usr/lib/systemd/system/multi-user.target.wants/dbus.service",
    "var/cache/*",
    "var/lib/apt/*",
    "var/lib/dbus/machine-id",
    "var/lib/dpkg/*-old",
    // All of `/var` is copied at the first start: what nobody reads costs time there.
    "var/lib/dpkg/info/*",
    "var/lib/dpkg/triggers/*",
    "var/lib/systemd/catalog",
    "var/lib/dpkg/available",
    "var/lib/systemd/random-seed",
    "var/log/*",
    "var/tmp/*",
];

/// `tree.tar`: names sorted, owners by number, times those of the image.
pub(in crate::build) fn tree(
    read: &Read,
    beside: &Path,
    programs: &Programs,
    rootfs: &Made,
    kernel: &Made,
    gpu: Option<&Made>,
    workshop: &Workshop<'_>,
) -> Result<Made, Error> {
    let recipe = &read.recipe;
    let mut put = overlay::overlay(read, programs, beside)?;
    let name = &recipe.image.name;
    let mut key = Key::of("tree", 1)
        .with("rootfs", &rootfs.key)
        .with("kernel", &kernel.key)
        .with("overlay", overlay::digest(&put))
        .with("name", name.as_str())
        .with("removed", REMOVED.join(" "))
        .with("script", SCRIPT)
        .with("epoch", workshop.epoch.to_string());
    if let Some(gpu) = gpu {
        key = key.with("gpu", &gpu.key);
    }
    let key = workshop.host.versions(key, &["tar"])?;
    workshop.store.stage("tree", key.finish(), |folder| {
        let scratch = workshop.store.scratch()?;
        let release = kernel.text("release")?;
        if let Some(gpu) = gpu {
            for module in &recipe.gpu.as_ref().map(|gpu| gpu.modules.clone()).unwrap_or_default() {
                let bytes = crate::build::files::read(&gpu.file(&format!("{module}.ko")))?;
                let path = format!("/usr/lib/modules/{release}/updates/{module}.ko");
                put.push((path, Put::File(bytes, 0o644)));
            }
        }
        put.sort_by(|one, other| one.0.cmp(&other.0));
        let added = scratch.path().join("overlay.tar");
        archive(&put, &added, workshop.epoch)?;
        let script = workshop.host.as_root("sh").args(["-euc", SCRIPT, "sh"]);
        script
            .arg(rootfs.file("root.tar"))
            .arg(kernel.file("modules.tar"))
            .arg(&added)
            .arg(&release)
            .arg(workshop.epoch.to_string())
            .arg(folder.join("tree.tar"))
            .arg(scratch.path().join("root"))
            .arg(name.as_str())
            .arg(REMOVED.join(" "))
            .called("putting the root together")
            .run()
            .map(drop)
    })
}

/// Run where files may belong to anybody. A folder that is left to a user would be
/// beyond his right to remove it, so it is removed here, whatever happens.
const SCRIPT: &str = r#"
root_tar=$1 modules_tar=$2 overlay_tar=$3 release=$4 epoch=$5 out=$6 root=$7 name=$8 removed=$9
trap 'rm -rf "$root"' EXIT
mkdir "$root"
umask 022
tar --extract --file "$root_tar" --directory "$root" --numeric-owner --same-permissions \
  --exclude './dev/*'
tar --extract --file "$modules_tar" --directory "$root" --numeric-owner --keep-directory-symlink
(
  cd "$root"
  set +f
  for pattern in $removed; do rm -rf -- $pattern; done
)
tar --extract --file "$overlay_tar" --directory "$root" --numeric-owner --keep-directory-symlink \
  --unlink-first
printf 'IMAGE_ID=%s\n' "$name" >>"$root/usr/lib/os-release"
chroot "$root" depmod "$release"
mkdir -p "$root/boot" "$root/sysroot"
chmod 1777 "$root/tmp" "$root/var/tmp"
mkdir -p "$root/var/log/journal" "$root/var/cache" "$root/var/lib"
tar --create --file "$out" --directory "$root" --sort=name --numeric-owner --format=pax \
  --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime \
  --mtime "@$epoch" .
chmod 0644 "$out"
"#;

/// Writes what is put as a tar archive, owned by root.
fn archive(put: &[(String, Put)], path: &Path, epoch: i64) -> Result<(), Error> {
    let cannot = |error| Error::file("write", path, error);
    let mut archive = tar::Builder::new(File::create(path).map_err(cannot)?);
    for (place, put) in put {
        let place = place.trim_start_matches('/');
        let mut header = tar::Header::new_gnu();
        header.set_mtime(u64::try_from(epoch).unwrap_or_default());
        header.set_uid(0);
        header.set_gid(0);
        match put {
            Put::File(bytes, mode) => {
                header.set_mode(*mode);
                header.set_size(bytes.len() as u64);
                archive.append_data(&mut header, place, &bytes[..]).map_err(cannot)?;
            }
            Put::Link(to) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                archive.append_link(&mut header, place, to).map_err(cannot)?;
            }
        }
    }
    archive.finish().map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_in_the_archive_with_its_mode_and_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let put = [
            ("/etc/x".to_owned(), Put::File(b"text".to_vec(), 0o600)),
            ("/etc/y".to_owned(), Put::Link("/dev/null")),
        ];
        archive(&put, file.path(), 1_700_000_000).unwrap();
        let mut read = tar::Archive::new(File::open(file.path()).unwrap());
        let entries = read.entries().unwrap().map(|entry| {
            let header = entry.unwrap().header().clone();
            (header.path().unwrap().display().to_string(), header.mode().unwrap())
        });
        assert_eq!(entries.collect::<Vec<_>>(), [("etc/x".into(), 0o600), ("etc/y".into(), 0o777)]);
    }
}
